// ArgumentsTests: command lines and what they mean.

import Rules
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

    @Test(arguments: [
        (
            ["check", "--config", "f", "--sample", "a=x", "--sample=b=y=z", "--offline"],
            Command.check(
                CheckRequest(
                    config: "f",
                    samples: [.init(topic: "a", path: "x"), .init(topic: "b", path: "y=z")],
                    isOffline: true))
        ),
        (
            ["check", "--keys", "--config", "f"],
            .check(CheckRequest(config: "f", probesKeys: true))
        ),
        (
            ["explain", "--config", "f", "--principal", "User:a", "--topic", "t"],
            .explain(ExplainRequest(config: "f", principal: Principal(name: "User:a"), topic: "t"))
        ),
        (
            [
                "explain", "--config", "f", "--principal=User:a", "--topic", "t", "--group", "x",
                "--group", "y", "--value", "-", "--key-header", "h=v", "--record-key", "k",
                "--json", "--offline",
            ],
            .explain(
                ExplainRequest(
                    config: "f", principal: Principal(name: "User:a", groups: ["x", "y"]),
                    topic: "t", value: "-", keyHeader: .init(name: "h", value: "v"),
                    recordKey: "k", isOffline: true, json: true))
        ),
        (
            ["explain", "--config", "f", "--principal", "unknown", "--topic", "t"],
            .explain(ExplainRequest(config: "f", principal: .unknown, topic: "t"))
        ),
        (["open", "--config", "f"], .open(OpenRequest(config: "f"))),
        (
            ["open", "--config", "f", "--topic", "t", "--format", "segment", "--raw", "in"],
            .open(
                OpenRequest(config: "f", topic: "t", format: .segment, input: "in", isRaw: true))
        ),
        (["inspect"], .inspect(InspectRequest())),
        (
            ["inspect", "--summary", "--json", "--format=kcat", "in"],
            .inspect(
                InspectRequest(format: .kcat, input: "in", isSummary: true, json: true))
        ),
        (
            ["keys", "token", "--config", "f", "local/a"],
            .keysToken(config: "f", key: "local/a")
        ),
        (["explain", "--help"], .help(.explain)), (["open", "-h"], .help(.open)),
        (["inspect", "--help"], .help(.inspect)),
    ])
    func `the commands about rules and records are understood`(
        _ arguments: [String], _ command: Command
    ) throws {
        #expect(try Command(arguments) == command)
    }

    @Test(arguments: [
        (["explan"], "there is no command `explan`; did you mean `explain`?", HelpText.waxwing),
        (["check", "--config", "f", "--sample", "x"], "--sample is TOPIC=FILE, not `x`", .check),
        (["check", "--config", "f", "--sample"], "--sample needs a TOPIC=FILE", .check),
        (
            ["check", "--config", "f", "--sample", "a b=x"], "no topic can be named \"a b\"",
            .check
        ),
        (
            ["check", "--config", "f", "--keys", "--offline"],
            "--keys asks for what --offline forbids", .check
        ),
        (["explain", "--config", "f", "--topic", "t"], "--principal NAME is missing", .explain),
        (
            ["explain", "--config", "f", "--principal", "User:a"], "--topic TOPIC is missing",
            .explain
        ),
        (
            ["explain", "--config", "f", "--principal", "a", "--topic", "t"],
            "a principal is written `User:NAME`, or `unknown`, not \"a\"", .explain
        ),
        (
            ["explain", "--config", "f", "--principal", "unknown", "--group", "g", "--topic", "t"],
            "a client that is unknown has no groups", .explain
        ),
        (
            ["explain", "--config", "f", "--pincipal", "User:a"],
            "there is no option `--pincipal`; did you mean `--principal`?", .explain
        ),
        (
            [
                "explain", "--config", "f", "--principal", "User:a", "--topic", "t", "--key-header",
                "x",
            ],
            "--key-header is NAME=VALUE, not `x`", .explain
        ),
        (["open", "x"], "--config FILE is missing", .open),
        (["open", "--config", "f", "a", "b"], "`b` is one argument too many", .open),
        (
            ["open", "--config", "f", "--format", "text"],
            "--format is `kcat` or `segment`, not `text`", .open
        ),
        (
            ["open", "--config", "f", "--format", "segment"],
            "--topic TOPIC is missing: a segment file does not say it", .open
        ),
        (["inspect", "--config", "f"], "there is no option `--config`", .inspect),
        (
            ["inspect", "--summry"], "there is no option `--summry`; did you mean `--summary`?",
            .inspect
        ),
        (
            ["keys", "token", "--config", "f"],
            "keys token needs the key that wraps it, as SERVICE/NAME", .keys
        ),
        (["keys", "token", "local/a"], "--config FILE is missing", .keys),
    ])
    func `the commands about rules and records refuse what is wrong`(
        _ arguments: [String], _ reason: String, _ help: HelpText
    ) {
        #expect(throws: UsageError(reason: reason, help: help)) { try Command(arguments) }
    }
}
