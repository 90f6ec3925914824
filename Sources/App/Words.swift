// Words: the words of a command line, told apart into options, flags and the rest.

internal import Config

/// An option with a value.
internal struct CommandOption {
    let name: String
    /// What the value is called in messages.
    let argument: String
    /// Whether it may be given several times.
    let isRepeatable: Bool

    init(_ name: String, _ argument: String = "FILE", isRepeatable: Bool = false) {
        self.name = name
        self.argument = argument
        self.isRepeatable = isRepeatable
    }

    static let config = CommandOption("--config")
    static let topic = CommandOption("--topic", "TOPIC")
    static let format = CommandOption("--format", "FORMAT")
}

/// The words after a command that has options with a value, and flags without one.
internal struct Words {
    private var values: [String: [String]] = [:]
    private(set) var flags: Set<String> = []
    private(set) var positional: [String] = []
    private(set) var wantsHelp = false
    private let help: HelpText

    /// Takes `--option VALUE` and `--option=VALUE`; after `--` nothing is an option.
    init(
        _ arguments: [String], options: [CommandOption], flags known: [String] = [],
        help: HelpText
    ) throws(UsageError) {
        self.help = help
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
            let name = String(parts[0])
            guard let option = options.first(where: { $0.name == name }) else {
                throw Words.unknown(name, among: options.map(\.name) + known, help: help)
            }
            guard values[name] == nil || option.isRepeatable else {
                throw UsageError(reason: "\(name) is given twice", help: help)
            }
            let given = parts.count == 2 ? String(parts[1]) : rest.popFirst()
            guard let given, !given.isEmpty, parts.count == 2 || !given.hasPrefix("--") else {
                throw UsageError(reason: "\(name) needs a \(option.argument)", help: help)
            }
            values[name, default: []].append(given)
        }
    }

    /// What was given for an option that may be given once.
    func value(_ option: CommandOption) -> String? { values[option.name]?.first }

    /// What was given for an option that may be given several times.
    func all(_ option: CommandOption) -> [String] { values[option.name] ?? [] }

    func needed(_ option: CommandOption) throws(UsageError) -> String {
        guard let value = value(option) else {
            throw refusal("\(option.name) \(option.argument) is missing")
        }
        return value
    }

    /// Refuses more words than `count` that are no options.
    func atMost(_ count: Int, hint: String = "") throws(UsageError) {
        guard positional.count <= count else {
            throw refusal("`\(positional[count])` is one argument too many\(hint)")
        }
    }

    /// Refuses options and flags that what is to be done does not have.
    func allow(_ allowed: [String]) throws(UsageError) {
        let given = Array(values.keys) + Array(flags)
        if let wrong = given.filter({ !allowed.contains($0) }).min() {
            throw Words.unknown(wrong, among: allowed, help: help)
        }
    }

    func refusal(_ reason: String) -> UsageError { UsageError(reason: reason, help: help) }

    private static func unknown(
        _ option: String, among options: [String], help: HelpText
    ) -> UsageError {
        UsageError(
            reason: "there is no option `\(option)`"
                + Spelling.suggestion(for: option, among: options + ["--help"]),
            help: help)
    }
}
