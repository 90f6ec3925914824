// SegmentDump: reads the record batches of a broker's segment file.

internal import Bytes
internal import Compression
internal import KafkaWire
internal import Limits

/// Reads a segment file (`00000000000000000000.log`): record batches behind each other, all codecs,
/// one batch in memory at a time.
///
/// The end of a file that is being written may be cut, or, where segments are preallocated, filled
/// with zeros. Control batches are stepped over. Records of aborted transactions are records.
internal struct SegmentDump: DumpReader {
    private let input: DumpInput
    private let codecs = Codecs()
    /// The records of the current batch, decompressed.
    private var body = ByteBuffer(capacity: 4_096)
    private var at = 0
    private var left = 0
    private var header: RecordBatchHeader?
    private var isOver = false

    /// Bytes up to and including the magic.
    private static let sniffedBytes = 17
    /// Length of the shortest entry of any format, behind its length field.
    private static let lengthMin = 14

    init(_ input: DumpInput) { self.input = input }

    mutating func next() throws(FileError) -> DumpItem? {
        while true {
            if left > 0, let header { return record(header) }
            if isOver { return nil }
            if let fault = try nextBatch() { return .fault(fault) }
        }
    }

    // MARK: batches

    /// Takes the next batch in; nil also at the end.
    private mutating func nextBatch() throws(FileError) -> DumpFault? {
        guard try input.has(SegmentDump.sniffedBytes) else {
            isOver = true
            return input.available == 0 ? nil : cut()
        }
        let held = input.bytes
        var cursor = ByteCursor(held.bytes(in: input.place(0..<SegmentDump.sniffedBytes)))
        let offset = (try? cursor.int64()) ?? -1
        let length = Int((try? cursor.int32()) ?? -1)
        try? cursor.skip(4)
        let magic = (try? cursor.uint8()) ?? .max
        if offset == 0, length == 0, magic == 0 {
            // The rest of a preallocated file.
            isOver = true
            return nil
        }
        let bytes = RecordBatchHeader.lengthPrefixBytes + length
        guard offset >= 0, length >= SegmentDump.lengthMin, magic <= 2,
            magic < 2 || bytes >= RecordBatchHeader.byteCount,
            bytes <= CommandLimits.batchBytesMax
        else {
            isOver = true
            return DumpFault(
                place: "byte \(input.position)",
                reason: "no record batch stands here; what follows is not read")
        }
        guard try input.has(bytes) else {
            isOver = true
            return cut()
        }
        defer { input.skip(bytes) }
        guard magic == 2 else {
            return DumpFault(
                place: "offset \(offset)", reason: "message format \(magic) is not read")
        }
        let whole = input.bytes
        return take(whole.bytes(in: input.place(0..<bytes)), at: offset)
    }

    private func cut() -> DumpFault {
        DumpFault(
            place: "byte \(input.position)",
            reason: "the file ends within a batch, as one that is being written may", records: 0)
    }

    /// Prepares the records of `batch`; says why when it cannot.
    private mutating func take(_ batch: RawSpan, at offset: Int64) -> DumpFault? {
        let place = "offset \(offset)"
        let header: RecordBatchHeader
        do {
            header = try RecordBatchHeader(batch)
        } catch {
            return DumpFault(place: place, reason: "batch header: \(error)")
        }
        let count = Int(header.recordCount)
        guard RecordBatchHeader.checksum(of: batch) == header.crc else {
            return DumpFault(
                place: place, reason: "the batch's checksum is wrong", records: max(count, 1))
        }
        guard !header.attributes.isControl, count > 0 else { return nil }
        let records = batch.extracting(RecordBatchHeader.byteCount..<batch.byteCount)
        if body.capacity > RecordLimits.scratchBytesKept { body = ByteBuffer(capacity: 4_096) }
        body.removeAll()
        guard let codec = CompressionCodec(rawValue: header.attributes.codec) else {
            return DumpFault(
                place: place, reason: "codec \(header.attributes.codec) is not known",
                records: count)
        }
        do {
            try codecs.decompress(
                codec, records, into: body, outputBytesMax: RecordLimits.inflatedBytesMax)
        } catch {
            return DumpFault(place: place, reason: "\(error)", records: count)
        }
        self.header = header
        at = 0
        left = count
        return nil
    }

    // MARK: records

    private mutating func record(_ header: RecordBatchHeader) -> DumpItem {
        let held = body
        let records = held.bytes
        do throws(WireError) {
            var cursor = ByteCursor(records)
            try cursor.skip(at)
            let record = try SegmentDump.record(&cursor, header)
            at = cursor.offset
            left -= 1
            return .record(record)
        } catch {
            let lost = left
            left = 0
            return .fault(
                DumpFault(
                    place: "offset \(header.baseOffset) and what follows in its batch",
                    reason: "record structure: \(error)", records: lost))
        }
    }

    private static func record(
        _ cursor: inout ByteCursor, _ header: RecordBatchHeader
    ) throws(WireError) -> StoredRecord {
        let length = Int(try cursor.varint())
        let start = cursor.offset
        guard length > 0, length <= cursor.remaining else { throw .badLength(at: start, length) }
        try cursor.skip(1)
        let timestampDelta = try cursor.varlong()
        let offsetDelta = Int64(try cursor.varint())
        var record = StoredRecord(
            offset: header.baseOffset &+ offsetDelta,
            timestamp: header.attributes.isLogAppendTime
                ? header.maxTimestamp : header.baseTimestamp &+ timestampDelta)
        record.key = try bytes(&cursor)
        record.value = try bytes(&cursor)
        let countAt = cursor.offset
        let count = Int(try cursor.varint())
        guard count >= 0, count <= cursor.remaining / 2 else {
            throw .badLength(at: countAt, count)
        }
        for _ in 0..<count {
            let keyAt = cursor.offset
            guard let key = try bytes(&cursor) else { throw .badLength(at: keyAt, -1) }
            record.headers.append(.init(key: key, value: try bytes(&cursor)))
        }
        guard cursor.offset == start + length else { throw .badLength(at: start, length) }
        return record
    }

    private static func bytes(_ cursor: inout ByteCursor) throws(WireError) -> [UInt8]? {
        let length = Int(try cursor.varint())
        guard length != -1 else { return nil }
        return try cursor.slice(length).array
    }
}
