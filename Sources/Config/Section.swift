// Section: one mapping of the file, with the keys that it may have.

/// A mapping whose keys have all been looked at.
internal struct Section {
    let position: Position
    private let what: String
    private let reading: Reading
    private let entries: [Node.Entry]
    /// Whether it says something that is left out: then what else it lacks is not its fault.
    private let hasLaterKeys: Bool

    /// - Parameter what: what the mapping is, for messages: `a listener`.
    /// - Parameter keys: those that it may have.
    /// - Parameter later: those that the design has and this version does not.
    /// - Returns: nil, with the reason reported, when the node is no mapping.
    init?(
        _ node: Node, _ what: String, keys: [String], later: [String] = [], in reading: Reading
    ) {
        guard case .map(let all) = node.content else {
            reading.refuse(node, "\(what) must be a mapping (`key: value`)")
            return nil
        }
        position = node.position
        self.what = what
        self.reading = reading
        var entries: [Node.Entry] = []
        var hasLaterKeys = false
        for entry in all {
            if keys.contains(entry.key) {
                entries.append(entry)
            } else if later.contains(entry.key) {
                hasLaterKeys = true
                reading.report(
                    entry.keyPosition,
                    "`\(entry.key)` (line \(entry.keyPosition.line)) is not supported yet")
            } else {
                reading.report(
                    entry.keyPosition,
                    "\(what) has no key \(quoted(entry.key))"
                        + Spelling.suggestion(for: entry.key, among: keys))
            }
        }
        self.entries = entries
        self.hasLaterKeys = hasLaterKeys
    }

    /// The value of a key, or nil when it is not there.
    subscript(key: String) -> Node? { entries.first { $0.key == key }?.value }

    /// The one of several keys that is there; none or several are reported.
    func one(of keys: [String]) -> (key: String, value: Node)? {
        let found = entries.filter { keys.contains($0.key) }
        if let first = found.first, found.count == 1 { return (first.key, first.value) }
        if found.isEmpty {
            if !hasLaterKeys { reading.report(position, "\(what) needs \(Spelling.either(keys))") }
        } else {
            reading.report(
                found[1].keyPosition,
                "\(what) has \(Spelling.either(found.map(\.key), "and")); it is one of them")
        }
        return nil
    }

    /// The value of a key that has to be there.
    func required(_ key: String) -> Node? {
        if let value = self[key] { return value }
        if !hasLaterKeys { reading.report(position, "\(what) needs `\(key)`") }
        return nil
    }
}

extension Reading {
    /// Says that `node` is of the wrong kind, unless something was said about it before.
    func refuse(_ node: Node, _ reason: String) {
        if case .refused = node.content { return }
        report(node.position, node.isNull ? "\(reason); it has no value" : reason)
    }

    /// The items of a list that has at least one.
    func items(_ node: Node, _ key: String, max: Int, example: String) -> [Node] {
        guard case .list(let items) = node.content else {
            refuse(node, "`\(key)` must be a list, such as `\(example)`")
            return []
        }
        if items.isEmpty {
            report(node.position, "`\(key)` is an empty list; leave it out or fill it in")
        }
        guard items.count <= max else {
            report(node.position, "`\(key)` has \(items.count) items; at most \(max) are accepted")
            return []
        }
        return items
    }
}
