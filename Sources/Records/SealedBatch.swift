// SealedBatch: where the batches that came out of one produced batch stand.

/// One batch ready to be sent.
package struct SealedPart: Equatable, Sendable {
    /// The whole batch, as offsets into the output buffer.
    package let range: Range<Int>
    /// Index, in the batch as it came, of this part's first record.
    package let firstRecordIndex: Int
    /// Records in this part.
    package let recordCount: Int
}

/// The result of sealing: one batch, or several consecutive ones where one would have passed the
/// limit. The parts lie behind each other in the output, in the order in which to send them.
package struct SealedBatch: Equatable, Sendable, RandomAccessCollection {
    private let first: SealedPart
    private let others: [SealedPart]
    /// Values that were sealed; 0 when the batch is as it came.
    package let sealedCount: Int

    internal init(first: SealedPart, others: [SealedPart] = [], sealedCount: Int) {
        self.first = first
        self.others = others
        self.sealedCount = sealedCount
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { 1 + others.count }
    package subscript(position: Int) -> SealedPart {
        position == 0 ? first : others[position - 1]
    }

    /// All parts together, as offsets into the output buffer.
    package var range: Range<Int> {
        first.range.lowerBound..<(others.last ?? first).range.upperBound
    }
}
