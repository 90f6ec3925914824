// RecordWalk: steps through the records of one batch.

internal import Bytes
internal import Envelope
internal import KafkaWire

/// Where a walk through a batch's records stands. It never copies records and holds no span; the
/// same bytes are given to every call.
internal struct RecordWalk: ~Copyable {
    /// Records in the batch, as its header says.
    internal let count: Int
    /// Position of the current record, from 0; `count` after the last.
    internal private(set) var index = 0
    /// The current record.
    internal private(set) var layout = RecordLayout()
    /// Offset after the current record.
    internal private(set) var at = 0
    /// Records before this offset are in the output.
    internal var copied = 0

    private let mark = RecordHeaderKey(EnvelopeFormat.headerKey)

    internal init(count: Int) { self.count = count }

    internal var hasRecord: Bool { index < count }

    /// Reads the record that begins where the last one ended, when one is left.
    ///
    /// - Throws: `corruptBatch`, with its index.
    @inline(__always)
    internal mutating func read(_ records: RawSpan) throws(RecordError) {
        guard hasRecord else { return }
        do {
            try layout.read(records, at: at, mark: mark)
        } catch {
            throw RecordError(.corruptBatch, "record structure: \(error)", recordIndex: index)
        }
        at = layout.end
    }

    /// Goes on to the next record.
    @inline(__always)
    internal mutating func advance(_ records: RawSpan) throws(RecordError) {
        index += 1
        try read(records)
    }

    /// Whether there is a current record and it carries exactly one `wax` header, with the value
    /// `mark`, and a value of its own.
    @inline(__always)
    internal func repeats(_ mark: RawSpan, in records: RawSpan) -> Bool {
        guard hasRecord, layout.markCount == 1, layout.valueBytes >= 0,
            layout.markValueBytes == mark.byteCount
        else { return false }
        let start = layout.markValueStart
        return records.extracting(start..<start + mark.byteCount).sameBytes(as: mark)
    }

    /// - Throws: `corruptBatch` when the records do not end with the bytes.
    internal func checkEnd(_ records: RawSpan) throws(RecordError) {
        guard at == records.byteCount else {
            throw RecordError(.corruptBatch, "bytes are left after the last record")
        }
    }
}
