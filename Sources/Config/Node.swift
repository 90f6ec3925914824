// Node: the immutable tree that a configuration file is.

/// One value of the file and where it begins.
internal struct Node: Equatable, Sendable {
    indirect enum Content: Equatable, Sendable {
        /// - Parameter isPlain: without quotes, so that `null` and nothing at all mean no value.
        case scalar(String, isPlain: Bool)
        case list([Node])
        case map([Entry])
        /// It was reported already (an alias, a tag, too deep): nobody complains about it again.
        case refused
    }

    struct Entry: Equatable, Sendable {
        let key: String
        let keyPosition: Position
        let isKeyPlain: Bool
        let value: Node
    }

    let position: Position
    let content: Content

    /// Whether there is nothing: `key:`, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What it is, for messages.
    var kind: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a single value"
        case .list: "a list"
        case .map: "a mapping"
        case .refused: "refused"
        }
    }
}
