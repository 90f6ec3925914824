// RecordBatchFrame: where one batch, of any magic, begins and ends in a partition's records.

package import Bytes

/// One entry of a partition's records: a batch (magic 2), or a message or wrapper of the older
/// formats (magic 0 and 1), which share the place of length and magic.
package struct RecordBatchFrame: Equatable, Sendable {
    /// Offset of the first byte.
    package let start: Int
    /// Offset after the last byte.
    package let end: Int
    /// 0, 1 or 2.
    package let magic: UInt8

    package var range: Range<Int> { start..<end }

    /// An entry of no bytes, to start from.
    package static let none = RecordBatchFrame(start: 0, end: 0, magic: 0)

    /// Bytes of a magic 0 message without key and value, after the length field.
    private static let legacyLengthMin = 14
    /// Bytes up to and including the magic.
    private static let sniffedBytes = 17

    /// The entry at `offset`; nil when no whole entry is left there: brokers cut the last batch of
    /// a fetched partition where the size limit falls (KIP-74), and brokers that down-convert may
    /// append a filler that claims more bytes than there are.
    ///
    /// - Throws: `WireError` when the length is impossible for the magic, or the magic unknown.
    package static func next(
        in records: RawSpan, at offset: Int
    ) throws(WireError) -> RecordBatchFrame? {
        guard records.byteCount - offset >= sniffedBytes else { return nil }
        var cursor = ByteCursor(records)
        try cursor.skip(offset + RecordBatchHeader.At.batchLength)
        let length = Int(try cursor.int32())
        guard length >= legacyLengthMin else {
            throw .badLength(at: offset + RecordBatchHeader.At.batchLength, length)
        }
        let total = RecordBatchHeader.lengthPrefixBytes + length
        guard records.byteCount - offset >= total else { return nil }
        try cursor.skip(4)
        let magic = try cursor.uint8()
        guard magic <= 2 else {
            throw .invalid(at: offset + RecordBatchHeader.At.magic, "magic")
        }
        if magic == 2, total < RecordBatchHeader.byteCount {
            throw .badLength(at: offset + RecordBatchHeader.At.batchLength, length)
        }
        return RecordBatchFrame(start: offset, end: offset + total, magic: magic)
    }
}
