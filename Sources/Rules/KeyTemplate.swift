// KeyTemplate: how the name of a topic, or a record's header, makes the name of a key.

/// A key template that did not parse.
package enum KeyTemplateError: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    case tooLong(byteCount: Int)
    /// A byte that the names of keys cannot have.
    case character(UnicodeScalar)
    /// `$(...)` with something else than what there is, or a `$` that begins nothing.
    case placeholder(String)
    /// `$(header:...)` with a name that is missing, too long, or has a control character.
    case header
    /// The header that marks sealed records: no producer may send it.
    case reservedHeader
    /// More than one `$(header:...)`.
    case headers
    /// `.` or `..`, which mean something else in paths.
    case dots

    package var description: String {
        switch self {
        case .empty: "the name of a key is missing"
        case .tooLong(let count):
            "the name of a key has at most \(KeyTemplate.nameBytesMax) bytes, not \(count)"
        case .character(let character):
            "the name of a key cannot have \(character.escaped(asASCII: true).debugDescription);"
                + " it has letters, digits, `.`, `_` and `-`"
        case .placeholder(let text):
            "a key may use `$(topic)` and `$(header:name)` only, not \(text.debugDescription)"
        case .header:
            "`$(header:name)` needs the name of a header, 1 to \(KeyTemplate.headerBytesMax) bytes"
                + " without control characters"
        case .reservedHeader:
            "`$(header:\(KeyTemplate.sealHeader))` is the header that marks sealed records;"
                + " producers cannot send it"
        case .headers: "a key may use one `$(header:name)` only"
        case .dots: "a key cannot be named `.` or `..`"
        }
    }
}

/// A topic whose name makes no key name.
package struct KeyNameError: Error, Equatable, Sendable, CustomStringConvertible {
    package let topic: String
    /// What the template made of it, in bytes; without a header's value.
    package let byteCount: Int

    package var description: String {
        "topic \(topic.debugDescription) does not make a key name: it has to have 1 to"
            + " \(KeyTemplate.nameBytesMax) bytes, letters, digits, `.`, `_` and `-`"
    }
}

/// The name of a key with `$(topic)` where the name of the topic goes, and `$(header:name)` where
/// the value of a record's header goes.
package struct KeyTemplate: Hashable, Sendable, CustomStringConvertible {
    /// Longest name of a key in bytes.
    package static let nameBytesMax = 255
    /// Longest name of a header in bytes.
    package static let headerBytesMax = 255
    /// The header that sealed records carry.
    fileprivate static let sealHeader = "wax"

    private enum Part: Hashable, Sendable {
        case literal(String)
        case topic
        case header(String)
    }

    /// The template as it was written.
    package let text: String
    private let parts: [Part]

    package init(_ text: String) throws(KeyTemplateError) {
        guard !text.isEmpty else { throw .empty }
        guard text != ".", text != ".." else { throw .dots }
        var parts: [Part] = []
        var literal = ""
        var literalBytes = 0
        var rest = text.unicodeScalars[...]
        while let first = rest.first {
            if first == "$" {
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(try KeyTemplate.placeholder(&rest))
            } else {
                guard first.isASCII, TopicName.allows(UInt8(first.value)) else {
                    throw .character(first)
                }
                literal.unicodeScalars.append(first)
                literalBytes += 1
                rest.removeFirst()
            }
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        guard literalBytes <= KeyTemplate.nameBytesMax else {
            throw .tooLong(byteCount: literalBytes)
        }
        let headers = parts.count {
            if case .header = $0 { true } else { false }
        }
        guard headers <= 1 else { throw .headers }
        self.text = text
        self.parts = parts
    }

    package var description: String { text }

    /// Whether the name depends on the topic.
    package var usesTopic: Bool { parts.contains(.topic) }

    /// The header whose value is part of the name, if there is one.
    package var header: String? {
        for case .header(let name) in parts { return name }
        return nil
    }

    /// Whether there is one key for all topics and records: the text is its name.
    package var isFixed: Bool { !usesTopic && header == nil }

    /// The name of the key for a topic, or how each of its records makes it.
    /// - Throws: when the topic makes no key name, whatever a header says.
    package func naming(topic: String) throws(KeyNameError) -> KeyNaming {
        var sides = [""]
        var header: String?
        for part in parts {
            switch part {
            case .literal(let text): sides[sides.count - 1] += text
            case .topic: sides[sides.count - 1] += topic
            case .header(let name):
                header = name
                sides.append("")
            }
        }
        let count = sides.reduce(0) { $0 + $1.utf8.count }
        // A header's value has one byte at least.
        let least = header == nil ? 1 : 0
        let most = KeyTemplate.nameBytesMax - (header == nil ? 0 : 1)
        guard (least...most).contains(count),
            !usesTopic || topic.utf8.allSatisfy(TopicName.allows) && !topic.isEmpty,
            header != nil || sides[0] != "." && sides[0] != ".."
        else { throw KeyNameError(topic: topic, byteCount: count) }
        guard let header else { return .fixed(sides[0]) }
        return .byHeader(HeaderKeyName(header: header, prefix: sides[0], suffix: sides[1]))
    }

    /// Takes `$(...)` off the front.
    private static func placeholder(
        _ rest: inout Substring.UnicodeScalarView
    ) throws(KeyTemplateError) -> Part {
        let shown = placeholderText(rest)
        guard let end = rest.firstIndex(of: ")") else { throw .placeholder(shown) }
        let text = String(Substring(rest[..<end]))
        let part: Part
        if text == "$(topic" {
            part = .topic
        } else if text.hasPrefix("$(header:") {
            let name = String(text.dropFirst("$(header:".count))
            guard (1...headerBytesMax).contains(name.utf8.count),
                name.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
            else { throw .header }
            guard name != sealHeader else { throw .reservedHeader }
            part = .header(name)
        } else {
            throw .placeholder(shown)
        }
        rest = rest[rest.index(after: end)...]
        return part
    }

    /// From `$` to the closing bracket, or what there is of it.
    private static func placeholderText(_ rest: Substring.UnicodeScalarView) -> String {
        let end = rest.firstIndex(of: ")").map { rest.index(after: $0) } ?? rest.endIndex
        return String(Substring(rest[..<end].prefix(32)))
    }
}

/// How the name of a topic's key is come by.
package enum KeyNaming: Hashable, Sendable {
    /// All records of the topic have this key.
    case fixed(String)
    /// Each record says it by a header.
    case byHeader(HeaderKeyName)
}

/// The name of a key with a record header's value in it.
package struct HeaderKeyName: Hashable, Sendable {
    /// The record header's key.
    package let header: String
    /// What stands before and behind its value.
    package let prefix: String
    package let suffix: String

    package init(header: String, prefix: String, suffix: String) {
        self.header = header
        self.prefix = prefix
        self.suffix = suffix
    }

    /// The name for a header's value; nil when it makes no key name: that record is refused.
    /// A value chosen by a producer must not lead out of the place where keys are, so `..` is
    /// none.
    package func name(for value: String) -> String? {
        let name = prefix + value + suffix
        guard !value.isEmpty, name.utf8.count <= KeyTemplate.nameBytesMax,
            value.utf8.allSatisfy(TopicName.allows), name != ".", name != ".."
        else { return nil }
        return name
    }
}
