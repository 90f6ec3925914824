// FieldScanner: finds the selected values of a JSON document in one pass over its bytes.

package import Bytes

/// What kind of JSON value a hit is.
package enum JSONKind: Equatable, Sendable { case object, array, string, number, bool, null }

/// A selected value.
package struct FieldHit: Equatable, Sendable {
    /// The exact text of the value in the document, quotes included.
    package var value: Range<Int>
    package var kind: JSONKind
    /// Place in `FieldPathSet.paths` of the first path that selects it; -1 when it was reported
    /// only because it is a sealed text.
    package var path: Int
    /// The value is a string that begins with the mark of sealed text, `wax1:`.
    package var isSealedText: Bool
    /// The value's normalized path (RFC 9535 section 2.7) in `FieldScanner.names`.
    package var name: Range<Int>
    /// From the start of the member's name (or of the element) to the end of its value.
    package var member: Range<Int>
    /// Where the object or array that holds it begins; -1 for the document itself.
    package var container: Int
    /// Its place among the members or elements of that container, from 0.
    package var index: Int
}

/// Why a text is not a document that can be looked into, and where.
package struct FieldScanError: Error, Equatable, Sendable, CustomStringConvertible {
    package let offset: Int
    package let reason: String

    package init(offset: Int, _ reason: String) {
        self.offset = offset
        self.reason = reason
    }

    package var description: String { "\(reason) at byte \(offset)" }
}

/// One per event loop; its storage is used for every document and nothing is allocated per value.
package final class FieldScanner {
    /// Selected values of the last document in the order of its bytes; none lies in another.
    package private(set) var hits: [FieldHit] = []
    /// Normalized paths of the hits.
    package private(set) var names = ByteBuffer(capacity: 256)

    package init() {}

    /// Reads `document` as one JSON text (RFC 8259, UTF-8 checked) and notes what `set` selects.
    /// Where a selected value lies in a selected value, the outer one is noted.
    ///
    /// - Parameter notesSealedText: also note strings that begin with `wax1:` and are not selected.
    package func scan(
        _ document: RawSpan, _ set: FieldPathSet, notesSealedText: Bool
    ) throws(FieldScanError) {
        hits.removeAll(keepingCapacity: true)
        names.removeAll()
    }
}
