// ReadRuleReader: one rule of `read`.

internal import Fields
internal import Masks
internal import Rules

internal struct ReadRuleReader {
    let reading: Reading
    let hasTokenKey: Bool

    /// What `show` and `others` may say.
    static let words: [(String, Showing)] = [
        ("clear", .clear), ("sealed", .sealed), ("drop", .drop), ("redact", .mask(.redact)),
    ]

    func rule(_ node: Node) -> LocatedRead? {
        guard
            let section = Section(
                node, "a read rule", keys: ["principals", "topics", "show", "mask", "others"],
                in: reading)
        else { return nil }
        let principals = section.required("principals").map(reading.principals) ?? []
        let topics = section.required("topics").map { reading.globs($0, "topics") } ?? []
        let kind = section.one(of: ["show", "mask"])
        var fields: [Located<ReadRule.Field>] = []
        var isComplete = kind != nil
        if let kind, kind.key == "mask" {
            fields = self.fields(kind.value)
            isComplete = !fields.isEmpty
        } else if kind != nil, let others = section["others"] {
            reading.report(others.position, "`others` is for rules with `mask`")
        }
        let restKey = kind?.key == "show" ? "show" : "others"
        let restNode = section[restKey]
        let show = restNode.flatMap { node in
            reading.choice(node, restKey, ReadRuleReader.words).map {
                Located(value: $0, position: node.position)
            }
        }
        if restNode != nil, show == nil { isComplete = false }
        guard isComplete, !principals.isEmpty, !topics.isEmpty else { return nil }
        let rule = ReadRule(
            principals: principals.map(\.value), topics: topics.map(\.value), show: show?.value,
            fields: fields.map(\.value))
        return LocatedRead(
            rule: rule, position: section.position, principals: principals, topics: topics,
            fields: fields, show: show)
    }

    // MARK: mask

    private func fields(_ node: Node) -> [Located<ReadRule.Field>] {
        guard case .map(let entries) = node.content else {
            reading.refuse(
                node, "`mask` must be a mapping from paths to masks, such as `{$.email: email}`")
            return []
        }
        if entries.isEmpty {
            reading.report(node.position, "`mask` is empty; leave it out or fill it in")
        }
        guard entries.count <= Bounds.fieldsMax else {
            reading.report(node.position, "`mask` has at most \(Bounds.fieldsMax) paths")
            return []
        }
        let masks = MaskReader(reading: reading)
        var fields: [Located<ReadRule.Field>] = []
        for entry in entries {
            let path = reading.fieldPath(
                entry.key, "mask", at: entry.keyPosition, isPlain: entry.isKeyPlain,
                isVerbatim: true)
            let showing = masks.showing(entry.value)
            guard let path, let showing else { continue }
            if case .mask(let mask) = showing, mask.needsKey, !hasTokenKey {
                reading.report(
                    entry.value.position,
                    "mask `\(mask.kind)` needs the file's `tokenKey`; `waxwing keys token` makes"
                        + " one")
            }
            reportCovered(path, entry, by: fields)
            fields.append(
                Located(value: .init(path, showing), position: entry.keyPosition))
        }
        reportTooMany(fields.map(\.value.path), node)
        return fields
    }

    /// `$` is a value that was sealed whole, and selects no fields.
    private func reportCovered(
        _ path: FieldPath, _ entry: Node.Entry, by fields: [Located<ReadRule.Field>]
    ) {
        guard
            let other = fields.first(where: {
                $0.value.path.isRoot == path.isRoot && $0.value.path.covers(path)
            })
        else { return }
        let text = quoted(other.value.path.text)
        reading.report(
            entry.keyPosition,
            other.value.path == path
                ? "`mask` lists \(quoted(entry.key)) twice (line \(other.position.line) as \(text))"
                : "`mask`: \(quoted(entry.key)) never counts, because \(text) (line"
                    + " \(other.position.line)) comes first and selects it too")
    }

    private func reportTooMany(_ paths: [FieldPath], _ node: Node) {
        do {
            _ = try FieldPathSet(paths)
        } catch {
            reading.report(node.position, "`mask`: \(error.reason)")
        }
    }
}
