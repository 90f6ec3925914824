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

    package var description: String { "\(reason) (at byte \(offset + 1))" }
}

/// A path in the part of JSONPath (RFC 9535) that selects by name and place: `$`, `.name`,
/// `['name']`, `["name"]`, `[*]`, `.*`, `[3]`, `..name`, `..['name']`, `..[*]`, `..*`, `..[3]`.
///
/// Two paths are equal when they say the same, however they are spelled: `$.a` and `$["\u0061"]`.
package struct FieldPath: Hashable, Sendable, CustomStringConvertible {
    /// What one segment selects of the members or elements of a value.
    internal enum Selector: Hashable, Sendable {
        /// The members with this name, in UTF-8. Names are the same when their bytes are: nothing
        /// is normalized or folded.
        case name([UInt8])
        /// The element at this place, from 0.
        case index(Int)
        /// Every member and every element.
        case any
    }

    internal struct Segment: Hashable, Sendable {
        /// Whether it selects at any depth below the value and not only directly below it: `..`.
        let isDescendant: Bool
        let selector: Selector
    }

    /// The path as it was written.
    package let text: String
    internal let segments: [Segment]

    /// - Throws: when it is not such a path or is longer than `FieldLimits` allows. Parts of
    ///   RFC 9535 that are left out (filters, slices, several selectors in one bracket, places
    ///   from the end) are refused by name.
    package init(_ text: String) throws(FieldPathError) {
        var parser = FieldPathParser(text)
        segments = try parser.parse()
        self.text = text
    }

    package var description: String { text }

    /// Whether it selects the whole document: `$`.
    package var isRoot: Bool { segments.isEmpty }

    package static func == (left: FieldPath, right: FieldPath) -> Bool {
        left.segments == right.segments
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(segments) }
}
