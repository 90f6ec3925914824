// KeyTemplate: how the name of a topic makes the name of a key.

/// A key template that did not parse.
package enum KeyTemplateError: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    case tooLong(byteCount: Int)
    /// A byte that the names of keys cannot have.
    case character(UnicodeScalar)
    /// `$(...)` with something else than `topic`, or a `$` that begins nothing.
    case placeholder(String)

    package var description: String {
        switch self {
        case .empty: "the name of a key is missing"
        case .tooLong(let count):
            "the name of a key has at most \(KeyTemplate.nameBytesMax) bytes, not \(count)"
        case .character(let character):
            "the name of a key cannot have \(character.escaped(asASCII: true).debugDescription);"
                + " it has letters, digits, `.`, `_` and `-`"
        case .placeholder(let text):
            "a key may use `$(topic)` only, not \(text.debugDescription)"
        }
    }
}

/// A topic whose name makes no key name.
package struct KeyNameError: Error, Equatable, Sendable, CustomStringConvertible {
    package let topic: String
    /// What the template made of it, in bytes.
    package let byteCount: Int

    package var description: String {
        "topic \(topic.debugDescription) does not make a key name: it has to have 1 to"
            + " \(KeyTemplate.nameBytesMax) bytes, letters, digits, `.`, `_` and `-`"
    }
}

/// The name of a key with `$(topic)` where the name of the topic goes.
package struct KeyTemplate: Hashable, Sendable, CustomStringConvertible {
    /// Longest name of a key in bytes.
    package static let nameBytesMax = 255
    private static let placeholder = "$(topic)"

    /// The template as it was written.
    package let text: String
    /// What stands between the placeholders; one part means that there is none.
    private let parts: [String]

    package init(_ text: String) throws(KeyTemplateError) {
        guard !text.isEmpty else { throw .empty }
        var parts = [""]
        var rest = text.unicodeScalars[...]
        while let first = rest.first {
            if first == "$" {
                guard rest.starts(with: KeyTemplate.placeholder.unicodeScalars) else {
                    throw .placeholder(KeyTemplate.placeholderText(rest))
                }
                rest.removeFirst(KeyTemplate.placeholder.unicodeScalars.count)
                parts.append("")
            } else {
                guard first.isASCII, TopicName.allows(UInt8(first.value)) else {
                    throw .character(first)
                }
                parts[parts.count - 1].unicodeScalars.append(first)
                rest.removeFirst()
            }
        }
        let literalBytes = parts.reduce(0) { $0 + $1.utf8.count }
        guard literalBytes <= KeyTemplate.nameBytesMax else {
            throw .tooLong(byteCount: literalBytes)
        }
        self.text = text
        self.parts = parts
    }

    package var description: String { text }

    /// Whether the name depends on the topic.
    package var usesTopic: Bool { parts.count > 1 }

    /// The name of the key for a topic.
    package func fill(topic: String) throws(KeyNameError) -> String {
        let bytes = topic.utf8
        let count =
            parts.reduce(0) { $0 + $1.utf8.count } + (parts.count - 1) * bytes.count
        guard (1...KeyTemplate.nameBytesMax).contains(count),
            !usesTopic || bytes.allSatisfy(TopicName.allows)
        else { throw KeyNameError(topic: topic, byteCount: count) }
        return parts.joined(separator: topic)
    }

    /// From `$` to the closing bracket, or what there is of it.
    private static func placeholderText(_ rest: Substring.UnicodeScalarView) -> String {
        let end = rest.firstIndex(of: ")").map { rest.index(after: $0) } ?? rest.endIndex
        return String(Substring(rest[..<end].prefix(32)))
    }
}
