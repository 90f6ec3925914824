// RuleReader: the rules of a file, put together and held against one another.

internal import Fields
internal import Rules

/// What a file's rules came to.
internal struct FoundRules {
    let rules: RuleSet
    /// Where each rule stands.
    let protectPositions: [Position]
    let readPositions: [Position]
}

/// Something of a rule, and where it stands.
internal struct Located<Value> {
    let value: Value
    let position: Position
}

/// A protect rule and where its parts stand.
internal struct LocatedProtect {
    let rule: ProtectRule
    let position: Position
    let topics: [Located<Glob>]
    /// In the order of the file; empty when whole values are sealed.
    let fields: [Located<FieldPath>]
}

/// A read rule and where its parts stand.
internal struct LocatedRead {
    let rule: ReadRule
    let position: Position
    let principals: [Located<PrincipalPattern>]
    let topics: [Located<Glob>]
    /// In the order of the file.
    let fields: [Located<ReadRule.Field>]
    /// `show` or `others`, when there is one.
    let show: Located<Showing>?
}

internal struct RuleReader {
    let reading: Reading
    /// The key services that the file names.
    let services: [String]
    let hasTokenKey: Bool
    /// Nil when they could not be read.
    let listeners: [ListenerSettings]?

    func rules(protect: Node?, read: Node?) -> FoundRules {
        let protectReader = ProtectRuleReader(reading: reading, services: services)
        let protectRules =
            protect.map { node in
                reading.items(
                    node, "protect", max: Bounds.rulesMax, example: "- topics: [payments]"
                ).compactMap(protectReader.rule)
            } ?? []
        let readReader = ReadRuleReader(reading: reading, hasTokenKey: hasTokenKey)
        let readRules =
            read.map { node in
                reading.items(
                    node, "read", max: Bounds.rulesMax, example: "- topics: [payments]"
                ).compactMap(readReader.rule)
            } ?? []
        if let position = (protect ?? read)?.position,
            areFew(protectRules, readRules, position)
        {
            ProtectChecks(reading: reading).check(protectRules)
            ReadChecks(
                reading: reading, protect: protectRules, read: readRules, listeners: listeners
            ).check()
        }
        return FoundRules(
            rules: RuleSet(protect: protectRules.map(\.rule), read: readRules.map(\.rule)),
            protectPositions: protectRules.map(\.position),
            readPositions: readRules.map(\.position))
    }

    /// Whether there are few enough to be held against one another.
    private func areFew(
        _ protect: [LocatedProtect], _ read: [LocatedRead], _ position: Position
    ) -> Bool {
        let topics =
            protect.reduce(0) { $0 + $1.topics.count + $1.rule.exceptions.count }
            + read.reduce(0) { $0 + $1.topics.count }
        let principals = read.reduce(0) { $0 + $1.principals.count }
        let fields =
            protect.reduce(0) { $0 + $1.fields.count } + read.reduce(0) { $0 + $1.fields.count }
        var areFew = true
        for (count, most, what) in [
            (topics, Bounds.patternsMax, "patterns"),
            (principals, Bounds.patternsMax, "principals"), (fields, Bounds.fieldsMax, "paths"),
        ] where count > most {
            areFew = false
            reading.report(
                position, "the rules have \(count) \(what); at most \(most) are accepted")
        }
        return areFew
    }
}
