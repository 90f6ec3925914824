// RuleReader: the rules of a file: patterns, keys, grants, and rules that contradict.

internal import Rules

internal struct RuleReader {
    let reading: Reading
    /// The key services that the file names.
    let services: [String]

    /// A pattern and where it stands.
    private struct Pattern {
        let glob: Glob
        let position: Position
    }

    /// A protect rule and where its patterns stand.
    private struct LocatedRule {
        let rule: ProtectRule
        let topics: [Pattern]
    }

    func rules(protect: Node?, read: Node?) -> RuleSet {
        var protectRules: [LocatedRule] = []
        var patterns = 0
        if let protect {
            for item in reading.items(
                protect, "protect", max: Bounds.rulesMax, example: "- topics: [payments]")
            {
                guard let rule = protectRule(item, &patterns) else { continue }
                protectRules.append(rule)
            }
        }
        var readRules: [ReadRule] = []
        if let read {
            for item in reading.items(
                read, "read", max: Bounds.rulesMax, example: "- topics: [payments]")
            {
                guard let rule = readRule(item, &patterns) else { continue }
                readRules.append(rule)
            }
        }
        if patterns > Bounds.patternsMax {
            reading.report(
                (protect ?? read)?.position,
                "the rules have \(patterns) patterns; at most \(Bounds.patternsMax) are accepted")
        } else {
            reportOverlaps(protectRules)
        }
        return RuleSet(protect: protectRules.map(\.rule), read: readRules)
    }

    // MARK: protect

    private func protectRule(_ node: Node, _ patterns: inout Int) -> LocatedRule? {
        guard
            let section = Section(
                node, "a protect rule", keys: ["topics", "key", "except", "sealedAs"],
                later: ["fields", "compress", "wrappedKey"], in: reading)
        else { return nil }
        let topics = section.required("topics").map { globs($0, "topics") } ?? []
        let exceptions = section["except"].map { globs($0, "except") } ?? []
        let key = section.required("key").flatMap(key)
        let sealedAs = section["sealedAs"].flatMap { boundName($0, topics) }
        patterns += topics.count + exceptions.count
        for exception in exceptions
        where !topics.isEmpty && !topics.contains(where: { $0.glob.intersects(exception.glob) }) {
            reading.report(
                exception.position,
                "`except`: \(quoted(exception.glob.pattern)) fits none of the rule's `topics`")
        }
        guard !topics.isEmpty, let key else { return nil }
        let rule = ProtectRule(
            topics: topics.map(\.glob), exceptions: exceptions.map(\.glob), service: key.service,
            key: key.template, sealedAs: sealedAs)
        return LocatedRule(rule: rule, topics: topics)
    }

    private func key(_ node: Node) -> (service: String, template: KeyTemplate)? {
        guard let text = reading.text(node, "key") else { return nil }
        guard let slash = text.filled.firstIndex(of: "/") else {
            reading.report(
                text.position,
                "`key` must be a key service and the name of a key, like `local/payments`, not"
                    + " \(text.shown)")
            return nil
        }
        let service = String(text.filled[..<slash])
        var isKnown = true
        if !services.contains(service) {
            isKnown = false
            let hint =
                services.isEmpty
                ? "; the file has no `keys`" : Spelling.suggestion(for: service, among: services)
            reading.report(
                text.position, "`key`: there is no key service \(quoted(service))\(hint)")
        }
        do {
            let name = String(text.filled[text.filled.index(after: slash)...])
            let template = try KeyTemplate(name)
            return isKnown ? (service, template) : nil
        } catch {
            reading.report(text.position, "`key`: \(error)")
            return nil
        }
    }

    /// The bound name keeps values from being moved to another topic, so it is for one topic.
    private func boundName(_ node: Node, _ topics: [Pattern]) -> String? {
        guard let text = reading.text(node, "sealedAs") else { return nil }
        guard TopicName.isValid(text.filled) else {
            reading.report(
                text.position, "`sealedAs` must be the name of a topic, not \(text.shown)")
            return nil
        }
        guard topics.isEmpty || topics.count == 1 && !topics[0].glob.hasWildcards else {
            reading.report(
                text.position,
                "`sealedAs` needs a rule of its own for each topic: `topics` with one name and"
                    + " no wildcards")
            return nil
        }
        return text.filled
    }

    // MARK: read

    private func readRule(_ node: Node, _ patterns: inout Int) -> ReadRule? {
        guard
            let section = Section(
                node, "a read rule", keys: ["principals", "topics", "show"],
                later: ["mask", "drop"], in: reading)
        else { return nil }
        if let node = section.required("principals") { principals(node) }
        let topics = section.required("topics").map { globs($0, "topics") } ?? []
        patterns += topics.count
        guard
            let node = section.required("show"),
            let show = reading.choice(
                node, "show", [("clear", Showing.clear), ("sealed", .sealed)]),
            !topics.isEmpty
        else { return nil }
        return ReadRule(topics: topics.map(\.glob), show: show)
    }

    private func principals(_ node: Node) {
        for item in reading.items(
            node, "principals", max: Bounds.rulesMax, example: "[\"*\"]")
        {
            guard let text = reading.text(item, "principals"), text.filled != "*" else { continue }
            reading.report(
                text.position,
                "`principals`: \(text.shown) (line \(text.position.line)) is not supported yet;"
                    + " only `\"*\"` is")
        }
    }

    // MARK: patterns

    private func globs(_ node: Node, _ key: String) -> [Pattern] {
        var patterns: [Pattern] = []
        for item in reading.items(
            node, key, max: Bounds.patternsMax, example: "[payments, \"orders.*\"]")
        {
            guard let text = reading.text(item, key), let glob = glob(text, key) else { continue }
            if let same = patterns.first(where: { $0.glob == glob }) {
                reading.report(
                    item.position,
                    "`\(key)` lists \(text.shown) twice (line \(same.position.line))")
            }
            patterns.append(Pattern(glob: glob, position: item.position))
        }
        return patterns
    }

    /// Refuses what fits no topic: a typing error must not leave a topic unprotected.
    private func glob(_ text: Reading.Text, _ key: String) -> Glob? {
        let isPattern: (UnicodeScalar) -> Bool = { scalar in
            scalar.isASCII
                && (TopicName.allows(UInt8(scalar.value)) || "*?".unicodeScalars.contains(scalar))
        }
        if let odd = text.filled.unicodeScalars.first(where: { !isPattern($0) }) {
            reading.report(
                text.position,
                "`\(key)`: \(text.shown) fits no topic, because no name has \(quoted(String(odd)));"
                    + " `*` is any run of characters, `?` is one")
            return nil
        }
        do {
            let glob = try Glob(text.filled)
            guard text.filled.utf8.filter({ $0 != UInt8(ascii: "*") }).count <= TopicName.bytesMax
            else { throw GlobError.tooLong(byteCount: text.filled.utf8.count) }
            return glob
        } catch {
            // Empty texts were refused before.
            reading.report(
                text.position,
                "`\(key)`: names of topics have at most \(TopicName.bytesMax) characters")
            return nil
        }
    }

    // MARK: contradictions

    /// A topic has one key: rules that protect the same topic are refused, unless one of them
    /// leaves it out under `except`.
    private func reportOverlaps(_ rules: [LocatedRule]) {
        for (index, later) in rules.enumerated() {
            for earlier in rules[..<index] { reportOverlap(earlier, later) }
        }
    }

    private func reportOverlap(_ earlier: LocatedRule, _ later: LocatedRule) {
        let exceptions = earlier.rule.exceptions + later.rule.exceptions
        for own in later.topics {
            for other in earlier.topics where own.glob.intersects(other.glob) {
                let both =
                    "\(quoted(other.glob.pattern)) (line \(other.position.line)) and"
                    + " \(quoted(own.glob.pattern))"
                switch Overlap.between(other.glob, own.glob, exceptions: exceptions) {
                case .none: continue
                case .topic(let topic):
                    reading.report(
                        own.position,
                        "\(both) protect the same topics, such as \(quoted(topic)); leave them"
                            + " out of one rule with `except`")
                case .undecided:
                    reading.report(
                        own.position,
                        "\(both) may protect the same topics, but it takes too long to tell;"
                            + " use simpler patterns under `except`")
                }
                // One example per pair of rules is enough to mend both.
                return
            }
        }
    }
}
