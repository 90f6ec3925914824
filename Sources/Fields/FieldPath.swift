// FieldPath: a path that selects values of a JSON document, as rules write it.

/// A path that did not parse, and where in its text.
package struct FieldPathError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Byte offset in the path's text.
    package let offset: Int
    /// One phrase for people.
    package let reason: String

    package init(offset: Int, _ reason: String) {
        self.offset = offset
        self.reason = reason
    }

    package var description: String { "\(reason) (at character \(offset + 1))" }
}

/// A path in the part of JSONPath (RFC 9535) that selects by name and place: `$`, `.name`,
/// `['name']`, `[*]`, `.*`, `[3]`, `..name`.
package struct FieldPath: Hashable, Sendable, CustomStringConvertible {
    /// The path as it was written.
    package let text: String

    package init(_ text: String) throws(FieldPathError) {
        self.text = text
    }

    package var description: String { text }

    /// Whether it selects the whole document: `$`.
    package var isRoot: Bool { text == "$" }
}
