// Arguments: the command line as a command, or what is wrong with it.

internal import Config

/// What the command line asks for.
internal enum Command: Equatable {
    enum KeysAction: String, CaseIterable {
        case create, list, rotate
    }

    case help(HelpText)
    case version
    case run(config: String)
    case check(config: String)
    /// - Parameter name: the key; nil only for `list`, which then lists all.
    case keys(KeysAction, keyring: String, name: String?)
    /// What a running proxy holds.
    case keysStatus(config: String, json: Bool)
}

/// A command line that is refused.
internal struct UsageError: Error, Equatable {
    let reason: String
    /// The help that would have told.
    let help: HelpText
}

extension Command {
    private static let commands = ["run", "check", "keys"]

    /// - Parameter arguments: without the name of the program.
    init(_ arguments: [String]) throws(UsageError) {
        guard let first = arguments.first else {
            throw UsageError(reason: "a command is missing", help: .waxwing)
        }
        let rest = Array(arguments.dropFirst())
        switch first {
        case "--help", "-h": self = .help(.waxwing)
        case "--version": self = .version
        case "run":
            self = try Command.withConfig(rest, help: .run) { .run(config: $0) }
        case "check":
            self = try Command.withConfig(rest, help: .check) { .check(config: $0) }
        case "keys": self = try Command.keys(rest)
        default:
            let isOption = first.hasPrefix("-")
            let known = isOption ? ["--help", "--version"] : Command.commands
            throw UsageError(
                reason: "there is no \(isOption ? "option" : "command") `\(first)`"
                    + Spelling.suggestion(for: first, among: known), help: .waxwing)
        }
    }

    private static func withConfig(
        _ arguments: [String], help: HelpText, _ make: (String) -> Command
    ) throws(UsageError) -> Command {
        let words = try Words(arguments, options: ["--config"], help: help)
        if words.wantsHelp { return .help(help) }
        if let extra = words.positional.first {
            throw UsageError(
                reason: "`\(extra)` is one argument too many; a file is given as --config FILE",
                help: help)
        }
        guard let config = words.values["--config"] else {
            throw UsageError(reason: "--config FILE is missing", help: help)
        }
        return make(config)
    }

    private static func keys(_ arguments: [String]) throws(UsageError) -> Command {
        let words = try Words(
            arguments, options: ["--keyring", "--config"], flags: ["--json"], help: .keys)
        if words.wantsHelp { return .help(.keys) }
        let actions = KeysAction.allCases.map(\.rawValue) + ["status"]
        guard let word = words.positional.first else {
            throw UsageError(
                reason: "say what to do with the keys: \(actions.joined(separator: ", "))",
                help: .keys)
        }
        if word == "status" { return try keysStatus(words) }
        guard let action = KeysAction(rawValue: word) else {
            throw UsageError(
                reason: "there is no command `keys \(word)`"
                    + Spelling.suggestion(for: word, among: actions), help: .keys)
        }
        try words.allow(["--keyring"], help: .keys)
        guard words.positional.count <= 2 else {
            throw UsageError(
                reason: "`\(words.positional[2])` is one argument too many", help: .keys)
        }
        guard let keyring = words.values["--keyring"] else {
            throw UsageError(reason: "--keyring FILE is missing", help: .keys)
        }
        let name = words.positional.count == 2 ? words.positional[1] : nil
        guard name != nil || action == .list else {
            throw UsageError(
                reason: "keys \(action.rawValue) needs the NAME of a key", help: .keys)
        }
        return .keys(action, keyring: keyring, name: name)
    }

    private static func keysStatus(_ words: Words) throws(UsageError) -> Command {
        try words.allow(["--config", "--json"], help: .keys)
        guard words.positional.count == 1 else {
            throw UsageError(
                reason: "`\(words.positional[1])` is one argument too many", help: .keys)
        }
        guard let config = words.values["--config"] else {
            throw UsageError(reason: "--config FILE is missing", help: .keys)
        }
        return .keysStatus(config: config, json: words.flags.contains("--json"))
    }
}

/// The words after a command that has options with a value, and flags without one.
private struct Words {
    private(set) var values: [String: String] = [:]
    private(set) var flags: Set<String> = []
    private(set) var positional: [String] = []
    private(set) var wantsHelp = false

    /// Takes `--option VALUE` and `--option=VALUE`; after `--` nothing is an option.
    init(
        _ arguments: [String], options: [String], flags known: [String] = [], help: HelpText
    ) throws(UsageError) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--" {
                positional += rest
                return
            }
            guard word.hasPrefix("-"), word != "-" else {
                positional.append(word)
                continue
            }
            if word == "--help" || word == "-h" {
                wantsHelp = true
                continue
            }
            if known.contains(word) {
                flags.insert(word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let option = String(parts[0])
            guard options.contains(option) else {
                throw Words.unknown(option, among: options + known, help: help)
            }
            guard values[option] == nil else {
                throw UsageError(reason: "\(option) is given twice", help: help)
            }
            let given = parts.count == 2 ? String(parts[1]) : rest.popFirst()
            guard let given, !given.isEmpty, parts.count == 2 || !given.hasPrefix("--") else {
                throw UsageError(reason: "\(option) needs a FILE", help: help)
            }
            values[option] = given
        }
    }

    /// Refuses options and flags that what is to be done does not have.
    func allow(_ allowed: [String], help: HelpText) throws(UsageError) {
        let given = Array(values.keys) + Array(flags)
        if let wrong = given.filter({ !allowed.contains($0) }).min() {
            throw Words.unknown(wrong, among: allowed, help: help)
        }
    }

    private static func unknown(
        _ option: String, among options: [String], help: HelpText
    ) -> UsageError {
        UsageError(
            reason: "there is no option `\(option)`"
                + Spelling.suggestion(for: option, among: options + ["--help"]),
            help: help)
    }
}
