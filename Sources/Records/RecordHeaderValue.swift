// RecordHeaderValue: finds the one value that a record header has in a record.

internal import Bytes
internal import KafkaWire

/// Where the value of a named record header stands.
internal enum RecordHeaderValue {
    /// The place of the value in `records`. The current record of `walk` has been checked, so its
    /// headers are whole.
    ///
    /// - Parameter name: the header's key.
    /// - Throws: `invalidRecord` when the record does not have the header exactly once with a
    ///   value that is not null.
    internal static func find(
        _ name: ByteBuffer, _ records: RawSpan, _ walk: borrowing RecordWalk
    ) throws(RecordError) -> Range<Int> {
        var found: Range<Int>?
        var at = walk.layout.headersStart
        for _ in 0..<walk.layout.headerCount {
            let key = try part(records, &at, walk.index)
            let value = try part(records, &at, walk.index)
            guard let key, key.count == name.count,
                records.extracting(key).sameBytes(as: name.bytes)
            else { continue }
            guard let value else { throw refusal("is null", name, walk.index) }
            guard found == nil else { throw refusal("is there more than once", name, walk.index) }
            found = value
        }
        guard let found else { throw refusal("is missing", name, walk.index) }
        return found
    }

    internal static func refusal(
        _ reason: String, _ name: ByteBuffer, _ recordIndex: Int
    ) -> RecordError {
        let header = name.bytes.text.debugDescription
        return RecordError(
            .invalidRecord, "the record header \(header), which names the key, \(reason)",
            recordIndex: recordIndex)
    }

    /// A length and that many bytes; nil for null.
    private static func part(
        _ records: RawSpan, _ at: inout Int, _ recordIndex: Int
    ) throws(RecordError) -> Range<Int>? {
        do throws(WireError) {
            let short = Varint.short(records, at: &at)
            let count = if let short { short } else { try Varint.read32(records, at: &at) }
            guard count >= 0 else { return nil }
            guard count <= records.byteCount - at else { throw .badLength(at: at, count) }
            let start = at
            at += count
            return start..<at
        } catch {
            throw RecordError(.corruptBatch, "record header: \(error)", recordIndex: recordIndex)
        }
    }
}
