// FieldHit: a value that was found in a document, and why a document could not be looked into.

/// What kind of JSON value a hit is.
package enum JSONKind: Equatable, Sendable { case object, array, string, number, bool, null }

/// A selected value. Offsets are bytes from the start of the document that was scanned.
package struct FieldHit: Equatable, Sendable {
    /// The exact text of the value in the document, quotes included.
    package var value: Range<Int>
    package var kind: JSONKind
    /// Place in `FieldPathSet.paths` of the first path that selects it; -1 when it was reported
    /// only because it is a sealed text.
    package var path: Int
    /// The value is a string that begins with the mark of sealed text, `wax1:`, with or without
    /// escapes. Only without any can it be a sealed text; with escapes a reader refuses it.
    package var isSealedText: Bool
    /// The value is an object or array, and a string at any depth in it begins with `wax1:`. Not
    /// said of the names of members: they are never sealed.
    package var containsSealedText: Bool
    /// The value's normalized path (RFC 9535 section 2.7) in `FieldScanner.names`.
    package var name: Range<Int>
    /// From the start of the member's name (or of the element) to the end of its value.
    package var member: Range<Int>
    /// Where the object or array that holds it begins; -1 for the document itself.
    package var container: Int
    /// Its place among the members or elements of that container, from 0.
    package var index: Int

    package init(
        value: Range<Int>, kind: JSONKind, path: Int, isSealedText: Bool = false,
        containsSealedText: Bool = false, name: Range<Int>, member: Range<Int>, container: Int,
        index: Int
    ) {
        self.value = value
        self.kind = kind
        self.path = path
        self.isSealedText = isSealedText
        self.containsSealedText = containsSealedText
        self.name = name
        self.member = member
        self.container = container
        self.index = index
    }
}

/// Why a text is not a document that can be looked into, and where.
package struct FieldScanError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Byte offset in the document.
    package let offset: Int
    /// One phrase for people; nothing of the document.
    package let reason: String
    /// It went beyond a limit of `FieldLimits`: it may well be a document, with values in it that
    /// are to be sealed, and must not be taken for something else.
    package let isLimit: Bool

    package init(offset: Int, _ reason: String, isLimit: Bool = false) {
        self.offset = offset
        self.reason = reason
        self.isLimit = isLimit
    }

    package var description: String { "\(reason) at byte \(offset)" }
}
