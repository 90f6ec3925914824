// Requests: what `check`, `explain`, `open` and `inspect` are asked for on the command line.

internal import Rules

/// `waxwing check`.
internal struct CheckRequest: Equatable {
    /// Sample values of a topic.
    struct Sample: Equatable {
        let topic: String
        let path: String
    }

    var config: String
    var samples: [Sample] = []
    /// No keyring is looked into.
    var isOffline = false
    /// Keys are tried as at the start.
    var probesKeys = false
}

/// `waxwing explain`.
internal struct ExplainRequest: Equatable {
    /// A record header that names the key.
    struct KeyHeader: Equatable {
        let name: String
        let value: String
    }

    var config: String
    var principal: Principal
    var topic: String
    /// The file of a sample value; `-` is standard input.
    var value: String?
    var keyHeader: KeyHeader?
    /// The sample's record key: whose values they are.
    var recordKey: String?
    /// No key service is asked for the secret of keyed masks.
    var isOffline = false
    var json = false
}

/// What a dump of records looks like.
internal enum DumpFormat: String, CaseIterable, Equatable {
    /// The JSON lines of `kcat -C -J`.
    case kcat
    /// A segment file of a broker.
    case segment
}

/// `waxwing open`.
internal struct OpenRequest: Equatable {
    var config: String
    /// The topic that the records are of; nil: each line of kcat says it.
    var topic: String?
    /// Nil: what the first byte says.
    var format: DumpFormat?
    /// `-` is standard input.
    var input = "-"
    /// Values alone, a line each.
    var isRaw = false
}

/// `waxwing inspect`.
internal struct InspectRequest: Equatable {
    /// Nil: what the first byte says.
    var format: DumpFormat?
    /// `-` is standard input.
    var input = "-"
    var isSummary = false
    var json = false
}

extension Command {
    private static let sample = CommandOption("--sample", "TOPIC=FILE", isRepeatable: true)
    private static let principal = CommandOption("--principal", "NAME")
    private static let group = CommandOption("--group", "NAME", isRepeatable: true)
    private static let value = CommandOption("--value")
    private static let keyHeader = CommandOption("--key-header", "NAME=VALUE")
    private static let recordKey = CommandOption("--record-key", "TEXT")

    static func check(_ arguments: [String]) throws(UsageError) -> Command {
        let words = try Words(
            arguments, options: [.config, sample], flags: ["--offline", "--keys"], help: .check)
        if words.wantsHelp { return .help(.check) }
        try words.atMost(0, hint: configHint)
        var request = CheckRequest(config: try words.needed(.config))
        for text in words.all(sample) {
            guard let (topic, path) = pair(text) else {
                throw words.refusal("--sample is TOPIC=FILE, not `\(text)`")
            }
            request.samples.append(.init(topic: try topicName(topic, words), path: path))
        }
        request.isOffline = words.flags.contains("--offline")
        request.probesKeys = words.flags.contains("--keys")
        guard !(request.isOffline && request.probesKeys) else {
            throw words.refusal("--keys asks for what --offline forbids")
        }
        return .check(request)
    }

    static func explain(_ arguments: [String]) throws(UsageError) -> Command {
        let words = try Words(
            arguments,
            options: [.config, principal, group, .topic, value, keyHeader, recordKey],
            flags: ["--json", "--offline"], help: .explain)
        if words.wantsHelp { return .help(.explain) }
        try words.atMost(0)
        var request = ExplainRequest(
            config: try words.needed(.config), principal: try who(words),
            topic: try topicName(try words.needed(.topic), words))
        request.value = words.value(value)
        request.recordKey = words.value(recordKey)
        if let text = words.value(keyHeader) {
            guard let (name, value) = pair(text) else {
                throw words.refusal("--key-header is NAME=VALUE, not `\(text)`")
            }
            request.keyHeader = .init(name: name, value: value)
        }
        request.isOffline = words.flags.contains("--offline")
        request.json = words.flags.contains("--json")
        return .explain(request)
    }

    static func open(_ arguments: [String]) throws(UsageError) -> Command {
        let words = try Words(
            arguments, options: [.config, .topic, .format], flags: ["--raw"], help: .open)
        if words.wantsHelp { return .help(.open) }
        try words.atMost(1)
        var request = OpenRequest(config: try words.needed(.config))
        request.topic = try words.value(.topic).map { text throws(UsageError) in
            try topicName(text, words)
        }
        request.format = try format(words)
        request.input = words.positional.first ?? "-"
        request.isRaw = words.flags.contains("--raw")
        guard request.topic != nil || request.format != .segment else {
            throw words.refusal("--topic TOPIC is missing: a segment file does not say it")
        }
        return .open(request)
    }

    static func inspect(_ arguments: [String]) throws(UsageError) -> Command {
        let words = try Words(
            arguments, options: [.format], flags: ["--summary", "--json"], help: .inspect)
        if words.wantsHelp { return .help(.inspect) }
        try words.atMost(1)
        return .inspect(
            InspectRequest(
                format: try format(words), input: words.positional.first ?? "-",
                isSummary: words.flags.contains("--summary"),
                json: words.flags.contains("--json")))
    }

    // MARK: parts

    /// The texts before and behind the first `=`, neither of them empty.
    private static func pair(_ text: String) -> (String, String)? {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    private static func topicName(
        _ text: String, _ words: Words
    ) throws(UsageError) -> String {
        guard TopicName.isValid(text) else {
            throw words.refusal("no topic can be named \(text.debugDescription)")
        }
        return text
    }

    private static func who(_ words: Words) throws(UsageError) -> Principal {
        let name = try words.needed(principal)
        let groups = words.all(group)
        guard name != "unknown" else {
            guard groups.isEmpty else {
                throw words.refusal("a client that is unknown has no groups")
            }
            return .unknown
        }
        let prefix = Principal.userPrefix
        guard name.hasPrefix(prefix), name.utf8.count > prefix.utf8.count else {
            throw words.refusal(
                "a principal is written `User:NAME`, or `unknown`, not \(name.debugDescription)")
        }
        return Principal(name: name, groups: groups)
    }

    private static func format(_ words: Words) throws(UsageError) -> DumpFormat? {
        guard let text = words.value(.format) else { return nil }
        guard let format = DumpFormat(rawValue: text) else {
            let known = DumpFormat.allCases.map { "`\($0.rawValue)`" }.joined(separator: " or ")
            throw words.refusal("--format is \(known), not `\(text)`")
        }
        return format
    }
}
