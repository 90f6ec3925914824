// NodeBuilder: makes the tree from events, and refuses what a configuration has no use for.

/// Builds the tree of one text, within bounds that no text can exceed.
internal struct NodeBuilder: ~Copyable {
    static let depthMax = 32
    static let nodesMax = 50_000

    private var parser: YAMLParser
    private let reading: Reading
    private var nodes = 0

    private init(_ parser: consuming YAMLParser, _ reading: Reading) {
        self.parser = parser
        self.reading = reading
    }

    /// The tree, or nil when the text is not YAML; duplicate keys, aliases and tags are reported
    /// and left out.
    static func build(_ bytes: [UInt8], _ reading: Reading) -> Node? {
        guard let parser = YAMLParser(bytes) else {
            reading.report(nil, "no memory to read the file")
            return nil
        }
        var builder = NodeBuilder(parser, reading)
        do {
            return try builder.document()
        } catch {
            reading.report(error.position, error.reason)
            return nil
        }
    }

    private mutating func document() throws(YAMLError) -> Node? {
        let start = try parser.next()
        guard case .documentStart = start.kind else {
            reading.report(Position(line: 1, column: 1), "the file is empty")
            return nil
        }
        let root = try node(try parser.next(), depth: 1)
        _ = try parser.next()  // the document's end
        let after = try parser.next()
        guard case .streamEnd = after.kind else {
            throw YAMLError(position: after.position, reason: "a file has one document only")
        }
        return root
    }

    private mutating func node(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> Node {
        nodes += 1
        guard nodes <= NodeBuilder.nodesMax else {
            throw YAMLError(
                position: event.position,
                reason: "the file has more than \(NodeBuilder.nodesMax) values")
        }
        guard depth <= NodeBuilder.depthMax else {
            throw YAMLError(
                position: event.position,
                reason: "values are nested more than \(NodeBuilder.depthMax) deep")
        }
        let content: Node.Content
        switch event.kind {
        case .scalar(let text, let isPlain): content = .scalar(text, isPlain: isPlain)
        case .listStart: content = .list(try list(depth: depth))
        case .mapStart: content = .map(try map(depth: depth))
        case .alias:
            reading.report(
                event.position, "aliases are not accepted; a pattern that begins with `*` is quoted"
            )
            return Node(position: event.position, content: .refused)
        case .documentStart, .documentEnd, .streamEnd, .listEnd, .mapEnd:
            // libyaml's grammar does not let these come where a value is expected.
            throw YAMLError(position: event.position, reason: "not YAML: a value is missing")
        }
        if event.hasAnchor { reading.report(event.position, "anchors (`&`) are not accepted") }
        if event.hasTag { reading.report(event.position, "tags (`!`) are not accepted") }
        let isRefused = event.hasAnchor || event.hasTag
        return Node(position: event.position, content: isRefused ? .refused : content)
    }

    private mutating func list(depth: Int) throws(YAMLError) -> [Node] {
        var items: [Node] = []
        while true {
            let event = try parser.next()
            if case .listEnd = event.kind { return items }
            items.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func map(depth: Int) throws(YAMLError) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try parser.next()
            if case .mapEnd = event.kind { return entries }
            let key = try node(event, depth: depth + 1)
            let value = try node(try parser.next(), depth: depth + 1)
            switch key.content {
            case .scalar(let text, let isPlain):
                if let line = lines[text] {
                    reading.report(
                        key.position, "\(quoted(text)) is already set in line \(line)")
                    continue
                }
                lines[text] = key.position.line
                entries.append(
                    Node.Entry(
                        key: text, keyPosition: key.position, isKeyPlain: isPlain, value: value))
            case .list, .map:
                reading.report(key.position, "a key must be a name, not \(key.kind)")
            case .refused: break
            }
        }
    }
}
