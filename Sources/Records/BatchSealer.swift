// BatchSealer: a produced batch in, one or several sealed batches out.

package import Bytes
package import Envelope
internal import KafkaWire
internal import Limits

/// Seals the values of produced batches. One per event loop: codec contexts and scratch space are
/// used again, and nothing is allocated per record.
///
/// What stays: keys, other headers and their order, timestamps, attributes, producer id, epoch and
/// sequence. What changes: each value that is not null, the `wax` header in front of the record's
/// headers, lengths, checksum; and the codec, which becomes none, since ciphertext does not
/// compress.
package final class BatchSealer {
    private let inflater = BatchInflater()
    private var layout = RecordLayout()

    package init() {}

    /// Checks the header of `batch`, the whole records field of one partition of a Produce
    /// request. It is cheap: no record is looked at and no checksum computed.
    ///
    /// - Throws: `corruptBatch`, `invalidRecord` or `unsupportedCompression`.
    package func inspect(batch: RawSpan) throws(RecordError) -> BatchInspection {
        let header = try ProducedBatch.check(batch)
        return BatchInspection(records: Int(header.recordCount), bytes: batch.byteCount)
    }

    /// Refuses a batch that carries the reserved header, for topics whose values are not sealed
    /// but may be opened: nobody may fake sealed records.
    ///
    /// - Throws: what `inspect` throws, `corruptBatch` for a wrong checksum or structure, and
    ///   `invalidRecord` naming the record.
    package func refuseReserved(batch: RawSpan) throws(RecordError) {
        let header = try ProducedBatch.check(batch)
        try ProducedBatch.verifyChecksum(batch, header)
        let body = batch.extracting(RecordBatchHeader.byteCount..<batch.byteCount)
        guard header.attributes.codec != 0 else { return try refuseReserved(body, header) }
        defer { inflater.release() }
        try inflater.inflate(body, codec: header.attributes.codec)
        let scratch = inflater.scratch
        try refuseReserved(scratch.bytes, header)
    }

    private func refuseReserved(
        _ records: RawSpan, _ header: RecordBatchHeader
    ) throws(RecordError) {
        var at = 0
        for index in 0..<Int(header.recordCount) { at = try read(records, at: at, index: index) }
        try BatchSealer.checkEnd(records, at)
    }

    /// Appends the sealed form of `batch` to `output`.
    ///
    /// The checksum is verified first. A batch in which every value is null is appended as it came.
    /// A batch that could pass `batchBytesMax` when sealed is cut into several: where, is a
    /// function of the plaintext sizes and `key.addedBytesMax` only, so that a retry under another
    /// key of the same reference is cut at the same places. On failure `output` is as it was.
    ///
    /// - Parameters:
    ///   - batch: the whole records field of one partition: exactly one batch of magic 2. It may
    ///     not lie in `output`.
    ///   - batchBytesMax: the topic's `max.message.bytes`.
    package func seal(
        batch: RawSpan, topic: String, key: SealingKey, batchBytesMax: Int,
        into output: ByteBuffer
    ) throws(RecordError) -> SealedBatch {
        let header = try ProducedBatch.check(batch)
        try ProducedBatch.verifyChecksum(batch, header)
        do {
            try key.bind(topic: topic)
        } catch {
            throw RecordError(.sealFailed, "\(error)")
        }
        let start = output.count
        do throws(RecordError) {
            var cutter = BatchCutter(header, key: key, bytesMax: batchBytesMax)
            try sealBody(batch, &cutter, key, output)
            if cutter.sealedCount > 0 { return try cutter.result() }
        } catch {
            output.truncate(to: start)
            throw error
        }
        output.truncate(to: start)
        output.append(batch)
        let whole = SealedPart(
            range: start..<output.count, firstRecordIndex: 0,
            recordCount: Int(header.recordCount))
        return SealedBatch(first: whole, sealedCount: 0)
    }

    private func sealBody(
        _ batch: RawSpan, _ cutter: inout BatchCutter, _ key: SealingKey, _ output: ByteBuffer
    ) throws(RecordError) {
        let head = batch.extracting(0..<RecordBatchHeader.byteCount)
        let body = batch.extracting(RecordBatchHeader.byteCount..<batch.byteCount)
        let codec = cutter.header.attributes.codec
        guard codec != 0 else { return try sealRecords(head, body, &cutter, key, output) }
        defer { inflater.release() }
        try inflater.inflate(body, codec: codec)
        let scratch = inflater.scratch
        try sealRecords(head, scratch.bytes, &cutter, key, output)
    }

    private func sealRecords(
        _ head: RawSpan, _ records: RawSpan, _ cutter: inout BatchCutter, _ key: SealingKey,
        _ output: ByteBuffer
    ) throws(RecordError) {
        let count = Int(cutter.header.recordCount)
        guard count <= records.byteCount / RecordBatchHeader.recordBytesMin else {
            throw RecordError(.corruptBatch, "more records are declared than there is room for")
        }
        let bound = records.byteCount + count * key.addedBytesMax
        guard bound <= RecordLimits.outputBytesMax else {
            throw RecordError(.limitExceeded, "\(count) records would grow to \(bound) bytes")
        }
        output.reserve(bound + RecordBatchHeader.byteCount)
        cutter.begin(head, at: 0, output)
        var at = 0
        for index in 0..<count {
            at = try read(records, at: at, index: index)
            let isNull = layout.valueBytes < 0
            if !cutter.admits(at - layout.start, sealing: !isNull) {
                cutter.finish(at: index, output)
                cutter.begin(head, at: index, output)
            }
            cutter.add(at - layout.start, sealing: !isNull, timestampDelta: layout.timestampDelta)
            let delta = index - cutter.firstIndex
            if isNull {
                copyRecord(records, delta, output)
            } else {
                try sealRecord(records, index, delta, key, output)
            }
        }
        try BatchSealer.checkEnd(records, at)
        cutter.finish(at: count, output)
    }

    /// Reads the record at `at` into `layout` and refuses the reserved header.
    @inline(__always)
    private func read(_ records: RawSpan, at: Int, index: Int) throws(RecordError) -> Int {
        do {
            try layout.read(records, at: at, mark: .wax)
        } catch {
            throw RecordError(.corruptBatch, "record structure: \(error)", recordIndex: index)
        }
        guard layout.markCount == 0 else {
            throw RecordError(
                .invalidRecord, "the record header \"wax\" is reserved", recordIndex: index)
        }
        return layout.end
    }

    private static func checkEnd(_ records: RawSpan, _ at: Int) throws(RecordError) {
        guard at == records.byteCount else {
            throw RecordError(.corruptBatch, "bytes are left after the last record")
        }
    }

    /// Appends the record just read as it is, but for its offset delta.
    private func copyRecord(_ records: RawSpan, _ delta: Int, _ output: ByteBuffer) {
        if Int(layout.offsetDelta) == delta {
            return output.append(records.extracting(layout.start..<layout.end))
        }
        let offsetGrowth = Varint.byteCount(of: Int64(delta))
            - (layout.offsetDeltaEnd - layout.offsetDeltaStart)
        output.append(varint: Int64(layout.end - layout.bodyStart + offsetGrowth))
        output.append(records.extracting(layout.bodyStart..<layout.offsetDeltaStart))
        output.append(varint: Int64(delta))
        output.append(records.extracting(layout.offsetDeltaEnd..<layout.end))
    }

    /// Appends the record just read with its value sealed and the header put first.
    @inline(__always)
    private func sealRecord(
        _ records: RawSpan, _ index: Int, _ delta: Int, _ key: SealingKey, _ output: ByteBuffer
    ) throws(RecordError) {
        let waxHeader = key.recordHeader
        let sealedBytes = layout.valueBytes + EnvelopeFormat.sealedOverheadBytes
        let headerCount = layout.headerCount + 1
        var front = layout.valueLengthStart - layout.bodyStart
        let keepsDelta = Int(layout.offsetDelta) == delta
        if !keepsDelta {
            front += Varint.byteCount(of: Int64(delta))
                - (layout.offsetDeltaEnd - layout.offsetDeltaStart)
        }
        let length = front + Varint.byteCount(of: Int64(sealedBytes)) + sealedBytes
            + Varint.byteCount(of: Int64(headerCount)) + waxHeader.count
            + (layout.end - layout.headersStart)
        output.append(varint: Int64(length))
        if keepsDelta {
            output.append(records.extracting(layout.bodyStart..<layout.valueLengthStart))
        } else {
            output.append(records.extracting(layout.bodyStart..<layout.offsetDeltaStart))
            output.append(varint: Int64(delta))
            output.append(records.extracting(layout.offsetDeltaEnd..<layout.valueLengthStart))
        }
        output.append(varint: Int64(sealedBytes))
        do {
            try key.seal(records.extracting(layout.value), into: output)
        } catch {
            throw RecordError(.sealFailed, "\(error)", recordIndex: index)
        }
        output.append(varint: Int64(headerCount))
        output.append(waxHeader.bytes)
        output.append(records.extracting(layout.headersStart..<layout.end))
    }
}
