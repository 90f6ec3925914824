// OpeningProgress: how far a partition's records have been opened, and how they are written.

internal import Bytes
internal import Envelope
internal import KafkaWire
internal import Limits

/// What one partition's records are opened with.
internal struct OpeningTask {
    /// The name that sealed values are bound to.
    internal let topic: String
    internal let view: RecordView
    /// Whether a record may be left out.
    internal let mayDrop: Bool
    internal let output: ByteBuffer
}

/// How far one partition's records have been opened.
internal struct OpeningProgress {
    /// Where this partition's output begins.
    internal let outputStart: Int
    /// The input before this offset is in the output, opened or copied.
    internal private(set) var copied = 0
    /// The input before this offset has been looked at.
    internal var end = 0
    internal private(set) var frame = RecordBatchFrame.none
    internal private(set) var hasOpened = false
    /// Where the batch begins for which the first key was not at hand. What is left is only looked
    /// through for further keys.
    internal private(set) var missingAt: Int?
    internal var isMissingKeys: Bool { missingAt != nil }

    /// Where the current batch begins in the output; nil while it is as it came.
    internal private(set) var batchStart: Int?
    /// Records of the current batch that are left out.
    private var dropped = 0
    private var isVerified = false
    /// Whether the client gets a record, or a batch that it knows to be none of its own.
    private var hasRecords = false
    /// Where the last batch that lost all its records begins in the output.
    private var emptied: Int?

    internal init(outputStart: Int) { self.outputStart = outputStart }

    /// Goes on to the next batch.
    internal mutating func begin(_ frame: RecordBatchFrame) {
        self.frame = frame
        batchStart = nil
        dropped = 0
        isVerified = false
    }

    internal mutating func missKey() {
        if missingAt == nil { missingAt = frame.range.lowerBound }
    }

    /// Checks the batch's checksum, before anything in it is trusted.
    internal mutating func verify(
        _ records: RawSpan, _ header: RecordBatchHeader
    ) throws(RecordError) {
        if isVerified { return }
        try ProducedBatch.verifyChecksum(records.extracting(frame.range), header)
        isVerified = true
    }

    /// Says that the current batch will be changed: copies what came before it, then its header.
    internal mutating func change(
        _ records: RawSpan, _ body: RawSpan, _ output: ByteBuffer
    ) throws(RecordError) {
        if batchStart != nil { return }
        let added = frame.start - copied + RecordBatchHeader.byteCount + body.byteCount
        try OpeningProgress.checkSize(output.count + added)
        // Opening makes most records smaller, so this is enough for nearly every batch.
        output.reserve(added)
        output.append(records.extracting(copied..<frame.start))
        batchStart = output.count
        let headerEnd = frame.start + RecordBatchHeader.byteCount
        output.append(records.extracting(frame.start..<headerEnd))
        copied = frame.end
        hasOpened = true
    }

    /// - Throws: `limitExceeded` when a response would grow to more than `bytes` may be.
    internal static func checkSize(_ bytes: Int) throws(RecordError) {
        guard bytes <= RecordLimits.outputBytesMax else {
            throw RecordError(.limitExceeded, "the response would grow to \(bytes) bytes")
        }
    }

    /// Leaves the current record out.
    internal mutating func drop(_ body: RawSpan, _ walk: inout RecordWalk, _ output: ByteBuffer) {
        output.append(body.extracting(walk.copied..<walk.layout.start))
        walk.copied = walk.layout.end
        dropped += 1
    }

    /// Notes a batch that is not looked into.
    internal mutating func pass(hasRecords: Bool) {
        if hasRecords { self.hasRecords = true }
    }

    /// Completes the current batch. One that lost all its records stays as its header, as the
    /// broker's log cleaner leaves it, so that the client's position moves on.
    internal mutating func finish(
        _ body: RawSpan, _ walk: borrowing RecordWalk, _ header: RecordBatchHeader,
        _ output: ByteBuffer
    ) {
        let left = Int(header.recordCount) - dropped
        if left > 0 { hasRecords = true }
        guard let batchStart else { return }
        output.append(body.extracting(walk.copied..<body.byteCount))
        var attributes = header.attributes
        attributes.codec = 0
        output.set(
            int16: Int16(bitPattern: attributes.rawValue),
            at: batchStart + RecordBatchHeader.At.attributes)
        output.set(int32: Int32(left), at: batchStart + RecordBatchHeader.At.recordCount)
        RecordBatchWriter.seal(output, from: batchStart)
        if left == 0 { emptied = batchStart }
    }

    /// Appends what is behind the last changed batch.
    ///
    /// Clients of the librdkafka family take a partition without any record for one whose first
    /// batch did not fit, and ask for more and more bytes until they report an error; unless there
    /// is a control batch. So an emptied batch becomes one when nothing else is left; without a
    /// producer, so that nobody looks for the marker of a transaction in it.
    internal func finish(_ records: RawSpan, _ output: ByteBuffer) {
        output.append(records.extracting(copied..<end))
        guard !hasRecords, let emptied else { return }
        let range = emptied..<emptied + RecordBatchHeader.byteCount
        output.set(
            int16: Int16(bitPattern: RecordBatchAttributes.control.rawValue),
            at: emptied + RecordBatchHeader.At.attributes)
        output.set(int64: -1, at: emptied + RecordBatchHeader.At.producerID)
        output.set(int16: -1, at: emptied + RecordBatchHeader.At.producerEpoch)
        output.set(int32: -1, at: emptied + RecordBatchHeader.At.baseSequence)
        let sum = RecordBatchHeader.checksum(of: output.bytes(in: range))
        output.set(uint32: sum, at: emptied + RecordBatchHeader.At.crc)
    }
}

extension RecordBatchAttributes {
    /// A control batch, and nothing else.
    fileprivate static let control = RecordBatchAttributes(rawValue: 0x20)
}

/// What becomes of the `wax` header of a record that is written anew.
internal enum MarkChange {
    /// There is none, or it stays.
    case keep
    case remove
    /// It is given the wrapped key that stands in the header value at this place.
    case complete(Range<Int>)
}

/// Reads and writes single records.
internal enum OpenedRecord {
    /// Where the current record's own key stands; empty for null.
    internal static func key(_ body: RawSpan, _ walk: borrowing RecordWalk) -> Range<Int> {
        var start = walk.layout.offsetDeltaEnd
        let end = walk.layout.valueLengthStart
        // The record was read before, so its numbers are well-formed.
        if Varint.short(body, at: &start) == nil { _ = try? Varint.read32(body, at: &start) }
        return min(start, end)..<end
    }

    /// Appends everything that is not in the output yet, up to the current record's end, with its
    /// value replaced.
    ///
    /// - Parameter isNull: the value becomes null, and `value` is not looked at.
    internal static func write(
        _ body: RawSpan, _ walk: inout RecordWalk, value: RawSpan, isNull: Bool, _ mark: MarkChange,
        _ output: ByteBuffer
    ) throws(RecordError) {
        let valueBytes = isNull ? 0 : value.byteCount
        let valueLength = isNull ? -1 : valueBytes
        var headerCount = walk.layout.headerCount
        var headerBytes = walk.layout.end - walk.layout.headersStart
        let oldMarkBytes = walk.layout.markEnd - walk.layout.markStart
        switch mark {
        case .keep: break
        case .remove:
            headerCount -= 1
            headerBytes -= oldMarkBytes
        case .complete(let place):
            headerBytes += markBytes(place.count) - oldMarkBytes
        }
        let length =
            walk.layout.valueLengthStart - walk.layout.bodyStart
            + Varint.byteCount(of: valueLength) + valueBytes
            + Varint.byteCount(of: headerCount) + headerBytes
        try OpeningProgress.checkSize(output.count + length)
        output.append(
            body.extracting(walk.copied..<walk.layout.start), varint: length,
            body.extracting(walk.layout.bodyStart..<walk.layout.valueLengthStart),
            varint: valueLength)
        if !isNull { output.append(value) }
        output.append(varint: Int64(headerCount))
        writeHeaders(body, walk, mark, output)
        walk.copied = walk.layout.end
    }

    private static func writeHeaders(
        _ body: RawSpan, _ walk: borrowing RecordWalk, _ mark: MarkChange, _ output: ByteBuffer
    ) {
        let (start, end) = (walk.layout.headersStart, walk.layout.end)
        if case .keep = mark { return output.append(body.extracting(start..<end)) }
        output.append(body.extracting(start..<walk.layout.markStart))
        if case .complete(let place) = mark {
            let nameBytes = EnvelopeFormat.headerKey.utf8CodeUnitCount
            let suite = walk.layout.markValueStart + 1
            output.append(varint: Int64(nameBytes))
            output.append(EnvelopeFormat.headerKey.description)
            output.append(varint: Int64(place.count))
            output.append(body.extracting(place.lowerBound..<place.lowerBound + 1))
            let flags = ByteCursor(body.extracting(suite..<suite + 1)).peek() ?? 0
            output.append(flags | EnvelopeFormat.flagWrappedKey)
            output.append(body.extracting(place.lowerBound + 2..<place.upperBound))
        }
        output.append(body.extracting(walk.layout.markEnd..<end))
    }

    /// Bytes of a whole `wax` header whose value has `valueBytes`.
    private static func markBytes(_ valueBytes: Int) -> Int {
        let nameBytes = EnvelopeFormat.headerKey.utf8CodeUnitCount
        return Varint.byteCount(of: nameBytes) + nameBytes + Varint.byteCount(of: valueBytes)
            + valueBytes
    }
}
