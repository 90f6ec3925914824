// WalkEvent: what a walker reports about the bytes it has come to.

/// One thing that a walker came to. Offsets count from the origin that the walker was given.
package struct WalkEvent: Sendable, Equatable {
    package enum Kind: UInt8, Sendable {
        /// A value with a role: `range` is its whole encoding, `value` the content without the
        /// length prefix, `number` the value of an integer or a boolean.
        case field
        /// An array: `range` is the encoded count, `number` the count, -1 for null.
        case beginArray
        /// `range` is empty and stands where the element begins.
        case beginElement
        /// `range` is the whole element.
        case endElement
        /// `range` is the whole array with its count, `value` the elements.
        case endArray
        /// A tagged field that has roles inside: `range` is its encoded size, `value` its content,
        /// `number` its tag.
        case beginTag
        /// `range` and `value` are the tag's content.
        case endTag
        /// The records of a partition: `range` is their length prefix, `value` the records, which
        /// need not be in the span. The walker stands behind them already.
        case records
        /// The message is complete, perhaps before its last bytes have arrived, if nobody looks at
        /// them. Reported again by every further call.
        case end
        /// The span ends too early: `range` is what must be seen at least to go on. The walker
        /// has not moved.
        case needMore
    }

    package var kind: Kind
    package var role: FieldRole = .none
    /// The value is null; its `value` range is empty.
    package var isNull = false
    package var number: Int64 = 0
    package var range: Range<Int>
    package var value: Range<Int>

    /// The value's place in a span whose first byte has the offset `base`.
    @inlinable package func place(from base: Int) -> Range<Int> {
        value.lowerBound - base..<value.upperBound - base
    }
}
