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
        var walk = RecordWalk(count: Int(header.recordCount))
        try walk.read(records)
        while walk.hasRecord {
            try BatchSealer.checkUnmarked(walk)
            try walk.advance(records)
        }
        try walk.checkEnd(records)
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
        guard output.count + bound <= RecordLimits.outputBytesMax else {
            throw RecordError(.limitExceeded, "\(count) records would grow to \(bound) bytes")
        }
        output.reserve(bound + RecordBatchHeader.byteCount)
        cutter.begin(head, at: 0, output)
        var walk = RecordWalk(count: count)
        try sealRecords(head, records, &walk, &cutter, key, key.recordHeader, output)
        try walk.checkEnd(records)
        cutter.finish(at: count, output)
    }

    private func sealRecords(
        _ head: RawSpan, _ records: RawSpan, _ walk: inout RecordWalk,
        _ cutter: inout BatchCutter, _ key: SealingKey, _ waxHeader: ByteBuffer,
        _ output: ByteBuffer
    ) throws(RecordError) {
        try walk.read(records)
        while walk.hasRecord {
            try BatchSealer.checkUnmarked(walk)
            let bytes = walk.at - walk.layout.start
            let isNull = walk.layout.valueBytes < 0
            if !cutter.admits(bytes, sealing: !isNull) {
                cutter.finish(at: walk.index, output)
                cutter.begin(head, at: walk.index, output)
            }
            cutter.add(bytes, sealing: !isNull, timestampDelta: walk.layout.timestampDelta)
            let delta = walk.index - cutter.firstIndex
            if isNull {
                BatchSealer.copyRecord(records, walk, delta, output)
            } else {
                try BatchSealer.sealRecord(records, walk, delta, key, waxHeader, output)
            }
            try walk.advance(records)
        }
    }

    @inline(__always)
    private static func checkUnmarked(_ walk: borrowing RecordWalk) throws(RecordError) {
        guard walk.layout.markCount == 0 else {
            throw RecordError(
                .invalidRecord, "the record header \"wax\" is reserved", recordIndex: walk.index)
        }
    }

    /// Appends the current record as it is, but for its offset delta.
    private static func copyRecord(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ delta: Int, _ output: ByteBuffer
    ) {
        let layout = walk.layout
        if Int(layout.offsetDelta) == delta {
            return output.append(records.extracting(layout.start..<layout.end))
        }
        let growth = Varint.byteCount(of: delta) - (layout.offsetDeltaEnd - layout.offsetDeltaStart)
        output.append(varint: Int64(layout.end - layout.bodyStart + growth))
        output.append(records.extracting(layout.bodyStart..<layout.offsetDeltaStart))
        output.append(varint: Int64(delta))
        output.append(records.extracting(layout.offsetDeltaEnd..<layout.end))
    }

    /// Appends the current record with its value sealed and the header put first.
    @inline(__always)
    private static func sealRecord(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ delta: Int, _ key: SealingKey,
        _ waxHeader: ByteBuffer, _ output: ByteBuffer
    ) throws(RecordError) {
        let sealedBytes = walk.layout.valueBytes + EnvelopeFormat.sealedOverheadBytes
        let headerCount = walk.layout.headerCount + 1
        let bodyStart = walk.layout.bodyStart
        let valueLengthStart = walk.layout.valueLengthStart
        let headersStart = walk.layout.headersStart
        var length =
            valueLengthStart - bodyStart + Varint.byteCount(of: sealedBytes) + sealedBytes
            + Varint.byteCount(of: headerCount) + waxHeader.count + (walk.at - headersStart)
        if Int(walk.layout.offsetDelta) == delta {
            output.append(
                varint: length, records.extracting(bodyStart..<valueLengthStart),
                varint: sealedBytes)
        } else {
            let (start, end) = (walk.layout.offsetDeltaStart, walk.layout.offsetDeltaEnd)
            length += Varint.byteCount(of: delta) - (end - start)
            output.append(varint: Int64(length))
            output.append(
                records.extracting(bodyStart..<start), varint: delta,
                records.extracting(end..<valueLengthStart), varint: sealedBytes)
        }
        let valueStart = walk.layout.valueStart
        do {
            try key.seal(
                records.extracting(valueStart..<valueStart + walk.layout.valueBytes), into: output)
        } catch {
            throw RecordError(.sealFailed, "\(error)", recordIndex: walk.index)
        }
        output.append(
            varint: headerCount, waxHeader.bytes, records.extracting(headersStart..<walk.at))
    }
}
