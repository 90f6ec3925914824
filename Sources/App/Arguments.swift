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
    case check(CheckRequest)
    case explain(ExplainRequest)
    case open(OpenRequest)
    case inspect(InspectRequest)
    /// - Parameter name: the key; nil only for `list`, which then lists all.
    case keys(KeysAction, keyring: String, name: String?)
    /// What a running proxy holds.
    case keysStatus(config: String, json: Bool)
    /// A new secret for keyed masks. `key` is the wrapping key, `service/name`.
    case keysToken(config: String, key: String)
}

/// A command line that is refused.
internal struct UsageError: Error, Equatable {
    let reason: String
    /// The help that would have told.
    let help: HelpText
}

extension Command {
    private static let commands = ["run", "check", "explain", "open", "inspect", "keys"]

    /// - Parameter arguments: without the name of the program.
    init(_ arguments: [String]) throws(UsageError) {
        guard let first = arguments.first else {
            throw UsageError(reason: "a command is missing", help: .waxwing)
        }
        let rest = Array(arguments.dropFirst())
        switch first {
        case "--help", "-h": self = .help(.waxwing)
        case "--version": self = .version
        case "run": self = try Command.run(rest)
        case "check": self = try Command.check(rest)
        case "explain": self = try Command.explain(rest)
        case "open": self = try Command.open(rest)
        case "inspect": self = try Command.inspect(rest)
        case "keys": self = try Command.keys(rest)
        default:
            let isOption = first.hasPrefix("-")
            let known = isOption ? ["--help", "--version"] : Command.commands
            throw UsageError(
                reason: "there is no \(isOption ? "option" : "command") `\(first)`"
                    + Spelling.suggestion(for: first, among: known), help: .waxwing)
        }
    }

    /// Said where a file stands without `--config`.
    static let configHint = "; a file is given as --config FILE"

    private static func run(_ arguments: [String]) throws(UsageError) -> Command {
        let words = try Words(arguments, options: [.config], help: .run)
        if words.wantsHelp { return .help(.run) }
        try words.atMost(0, hint: configHint)
        return .run(config: try words.needed(.config))
    }

    // MARK: keys

    private static let keyring = CommandOption("--keyring")

    private static func keys(_ arguments: [String]) throws(UsageError) -> Command {
        let words = try Words(
            arguments, options: [keyring, .config], flags: ["--json"], help: .keys)
        if words.wantsHelp { return .help(.keys) }
        let actions = KeysAction.allCases.map(\.rawValue) + ["status", "token"]
        guard let word = words.positional.first else {
            throw words.refusal(
                "say what to do with the keys: \(actions.joined(separator: ", "))")
        }
        if word == "status" { return try keysStatus(words) }
        if word == "token" { return try keysToken(words) }
        guard let action = KeysAction(rawValue: word) else {
            throw words.refusal(
                "there is no command `keys \(word)`"
                    + Spelling.suggestion(for: word, among: actions))
        }
        try words.allow([keyring.name])
        try words.atMost(2)
        let file = try words.needed(keyring)
        let name = words.positional.count == 2 ? words.positional[1] : nil
        guard name != nil || action == .list else {
            throw words.refusal("keys \(action.rawValue) needs the NAME of a key")
        }
        return .keys(action, keyring: file, name: name)
    }

    private static func keysStatus(_ words: Words) throws(UsageError) -> Command {
        try words.allow([CommandOption.config.name, "--json"])
        try words.atMost(1)
        return .keysStatus(
            config: try words.needed(.config), json: words.flags.contains("--json"))
    }

    private static func keysToken(_ words: Words) throws(UsageError) -> Command {
        try words.allow([CommandOption.config.name])
        try words.atMost(2)
        let config = try words.needed(.config)
        guard words.positional.count == 2 else {
            throw words.refusal("keys token needs the key that wraps it, as SERVICE/NAME")
        }
        return .keysToken(config: config, key: words.positional[1])
    }
}
