// ProtectRuleReader: one rule of `protect`.

internal import Fields
internal import Rules

internal struct ProtectRuleReader {
    let reading: Reading
    /// The key services that the file names.
    let services: [String]

    func rule(_ node: Node) -> LocatedProtect? {
        guard
            let section = Section(
                node, "a protect rule",
                keys: [
                    "topics", "key", "except", "sealedAs", "fields", "wrappedKey", "compress",
                    "notJSON", "plain", "unopenable", "dryRun",
                ], in: reading)
        else { return nil }
        let topics = section.required("topics").map { reading.globs($0, "topics") } ?? []
        let exceptions = section["except"].map { reading.globs($0, "except") } ?? []
        let key = section.required("key").flatMap {
            KeyServiceReader(reading: reading).key($0, services: services)
        }
        let sealedAs = section["sealedAs"].flatMap { boundName($0, topics) }
        for exception in exceptions
        where !topics.isEmpty && !topics.contains(where: { $0.value.intersects(exception.value) }) {
            reading.report(
                exception.position,
                "`except`: \(quoted(exception.value.pattern)) fits none of the rule's `topics`")
        }
        let fields = section["fields"].map(fields) ?? []
        let sealing = sealing(section, fields)
        guard !topics.isEmpty, let key else { return nil }
        let rule = ProtectRule(
            topics: topics.map(\.value), exceptions: exceptions.map(\.value), service: key.service,
            key: key.template, sealedAs: sealedAs, sealing: sealing)
        return LocatedProtect(
            rule: rule, position: section.position, topics: topics, fields: fields)
    }

    /// The bound name keeps values from being moved to another topic, so it is for one topic.
    private func boundName(_ node: Node, _ topics: [Located<Glob>]) -> String? {
        guard let text = reading.text(node, "sealedAs") else { return nil }
        guard TopicName.isValid(text.filled) else {
            reading.report(
                text.position, "`sealedAs` must be the name of a topic, not \(text.shown)")
            return nil
        }
        guard topics.isEmpty || topics.count == 1 && !topics[0].value.hasWildcards else {
            reading.report(
                text.position,
                "`sealedAs` needs a rule of its own for each topic: `topics` with one name and"
                    + " no wildcards")
            return nil
        }
        return text.filled
    }

    // MARK: how it seals

    private func sealing(_ section: Section, _ fields: [Located<FieldPath>]) -> Sealing {
        var sealing = Sealing()
        sealing.fields = section["fields"].flatMap { set(fields.map(\.value), $0) }
        func choose<Value>(_ key: String, _ words: [(String, Value)]) -> Value? {
            section[key].flatMap { reading.choice($0, key, words) }
        }
        sealing.wrappedKey =
            choose(
                "wrappedKey",
                [("auto", .auto), ("perRecord", .perRecord), ("perBatch", .perBatch)])
            ?? sealing.wrappedKey
        sealing.compression =
            choose("compress", [("zstd", .zstd), ("lz4", .lz4), ("none", .none)])
            ?? sealing.compression
        sealing.notJSON =
            choose("notJSON", [("refuse", .refuse), ("seal", .seal), ("pass", .pass)])
            ?? sealing.notJSON
        sealing.plainRecords =
            choose("plain", [("deliver", .deliver), ("mask", .mask), ("refuse", .refuse)])
            ?? sealing.plainRecords
        sealing.unopenable =
            choose("unopenable", [("refuse", .refuse), ("deliver", .deliver)])
            ?? sealing.unopenable
        sealing.isDryRun = section["dryRun"].flatMap { reading.bool($0, "dryRun") } ?? false
        if let node = section["compress"], section["fields"] != nil, sealing.compression != .none {
            reading.report(
                node.position,
                "`compress` is for rules without `fields`: a sealed field is too short to gain")
        }
        if let node = section["notJSON"], section["fields"] == nil {
            reading.report(
                node.position, "`notJSON` is for rules with `fields`: whole values need no JSON")
        }
        return sealing
    }

    private func fields(_ node: Node) -> [Located<FieldPath>] {
        var fields: [Located<FieldPath>] = []
        for item in reading.items(
            node, "fields", max: Bounds.fieldsMax, example: "[\"$.card.number\"]")
        {
            guard let text = reading.text(item, "fields"), let path = path(item, text) else {
                continue
            }
            if let other = fields.first(where: { $0.value.covers(path) }) {
                reading.report(
                    item.position,
                    other.value == path
                        ? "`fields` lists \(text.shown) twice (line \(other.position.line))"
                        : "`fields`: \(text.shown) is selected by"
                            + " \(quoted(other.value.text)) (line \(other.position.line)) already")
            } else if let other = fields.first(where: { $0.value.contains(path) }) {
                reading.report(
                    item.position,
                    "`fields`: \(text.shown) lies in \(quoted(other.value.text)) (line"
                        + " \(other.position.line)), which is sealed as a whole")
            } else if let other = fields.first(where: { path.contains($0.value) }) {
                reading.report(
                    item.position,
                    "`fields`: \(quoted(other.value.text)) (line \(other.position.line)) lies in"
                        + " \(text.shown), which is sealed as a whole")
            }
            fields.append(Located(value: path, position: item.position))
        }
        return fields
    }

    private func path(_ item: Node, _ text: Reading.Text) -> FieldPath? {
        guard case .scalar(_, let isPlain) = item.content,
            let path = reading.fieldPath(
                text.filled, "fields", at: item.position, isPlain: isPlain,
                isVerbatim: text.isVerbatim)
        else { return nil }
        guard !path.isRoot else {
            reading.report(
                text.position, "`fields`: `$` is the whole value; leave `fields` out to seal it")
            return nil
        }
        return path
    }

    private func set(_ paths: [FieldPath], _ node: Node) -> FieldPathSet? {
        do {
            return try FieldPathSet(paths)
        } catch {
            reading.report(node.position, "`fields`: \(error.reason)")
            return nil
        }
    }
}

// MARK: - Contradictions

/// Holds the protect rules of a file against one another.
internal struct ProtectChecks {
    let reading: Reading

    /// A topic has one key: rules that protect the same topic are refused, unless one of them
    /// leaves it out under `except`.
    func check(_ rules: [LocatedProtect]) {
        for (index, later) in rules.enumerated() {
            for earlier in rules[..<index] { reportOverlap(earlier, later) }
        }
    }

    private func reportOverlap(_ earlier: LocatedProtect, _ later: LocatedProtect) {
        let exceptions = earlier.rule.exceptions + later.rule.exceptions
        for own in later.topics {
            for other in earlier.topics where own.value.intersects(other.value) {
                let both =
                    "\(quoted(other.value.pattern)) (line \(other.position.line)) and"
                    + " \(quoted(own.value.pattern))"
                switch Overlap.between(other.value, own.value, exceptions: exceptions) {
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
