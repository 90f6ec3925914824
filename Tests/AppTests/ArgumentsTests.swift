// ArgumentsTests: command lines and what they mean.

import Testing

@testable import App

@Suite struct ArgumentsTests {
    @Test(arguments: [
        (["--help"], Command.help(.waxwing)), (["-h"], .help(.waxwing)),
        (["--version"], .version), (["run", "--config", "f"], .run(config: "f")),
        (["run", "--config=f=g"], .run(config: "f=g")),
        (["run", "--config", "-"], .run(config: "-")),
        (["run", "--config=--odd"], .run(config: "--odd")),
        (["run", "--help"], .help(.run)), (["run", "-h", "--config", "f"], .help(.run)),
        (["check", "--config", "f"], .check(CheckRequest(config: "f"))),
        (["check", "--help"], .help(.check)),
        (["keys", "--help"], .help(.keys)), (["keys", "create", "--help"], .help(.keys)),
        (
            ["keys", "create", "--keyring", "k", "a"],
            .keys(.create, keyring: "k", name: "a")
        ),
        (
            ["keys", "--keyring=k", "rotate", "a"],
            .keys(.rotate, keyring: "k", name: "a")
        ),
        (["keys", "list", "--keyring", "k"], .keys(.list, keyring: "k", name: nil)),
        (["keys", "list", "--keyring", "k", "a"], .keys(.list, keyring: "k", name: "a")),
        (
            ["keys", "create", "--keyring", "k", "--", "--a"],
            .keys(.create, keyring: "k", name: "--a")
        ),
    ])
    func `a command line is understood`(_ arguments: [String], _ command: Command) throws {
        #expect(try Command(arguments) == command)
    }

    @Test(arguments: [
        ([], "a command is missing", HelpText.waxwing),
        (["rum"], "there is no command `rum`; did you mean `run`?", .waxwing),
        (["serve"], "there is no command `serve`", .waxwing),
        (["--versoin"], "there is no option `--versoin`; did you mean `--version`?", .waxwing),
        (["run"], "--config FILE is missing", .run),
        (["run", "--config"], "--config needs a FILE", .run),
        (["run", "--config="], "--config needs a FILE", .run),
        (["run", "--config", "--help"], "--config needs a FILE", .run),
        (["run", "--config", "a", "--config", "b"], "--config is given twice", .run),
        (
            ["run", "--confg", "a"],
            "there is no option `--confg`; did you mean `--config`?", .run
        ),
        (["run", "-c", "a"], "there is no option `-c`", .run),
        (
            ["check", "a"],
            "`a` is one argument too many; a file is given as --config FILE", .check
        ),
        (
            ["keys"], "say what to do with the keys: create, list, rotate, status, token",
            .keys
        ),
        (
            ["keys", "creat", "--keyring", "k"],
            "there is no command `keys creat`; did you mean `create`?", .keys
        ),
        (["keys", "list"], "--keyring FILE is missing", .keys),
        (["keys", "create", "--keyring", "k"], "keys create needs the NAME of a key", .keys),
        (["keys", "rotate", "--keyring", "k"], "keys rotate needs the NAME of a key", .keys),
        (
            ["keys", "create", "--keyring", "k", "a", "b"], "`b` is one argument too many",
            .keys
        ),
        (
            ["keys", "list", "--config", "k"], "there is no option `--config`", .keys
        ),
    ])
    func `a wrong command line is refused with a hint`(
        _ arguments: [String], _ reason: String, _ help: HelpText
    ) {
        #expect(throws: UsageError(reason: reason, help: help)) { try Command(arguments) }
    }
}
