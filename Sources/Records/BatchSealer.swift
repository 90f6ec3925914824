// BatchSealer: a produced batch in, one or several sealed batches out.

package import Bytes
package import Envelope
internal import KafkaWire
internal import Limits

/// Seals the values of produced batches. One per event loop: codec contexts and scratch space are
/// used again, and nothing is allocated per record.
///
/// What stays: keys, other headers and their order, timestamps, attributes, producer id, epoch and
/// sequence. What changes: each value that is to be sealed, the `wax` header in front of the
/// record's headers, lengths, checksum; and the codec, which becomes none, since ciphertext does
/// not compress.
package final class BatchSealer {
    private let inflater = BatchInflater()
    private let values = ValueSealer()

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
            try RecordForm.checkUnmarked(walk)
            try walk.advance(records)
        }
        try walk.checkEnd(records)
    }

    /// The different values of a record header in a batch, in the order of its records: what the
    /// keys to reserve are named by. Records with a null value are not sealed and not asked.
    ///
    /// - Parameter header: the record header's key.
    /// - Throws: what `refuseReserved` throws for the batch; `invalidRecord`, naming the record,
    ///   when one does not have the header exactly once with a value of UTF-8; `limitExceeded`
    ///   for more than `RecordLimits.dataKeysPerBatchMax` values.
    package func headerValues(
        batch: RawSpan, header name: String
    ) throws(RecordError) -> [String] {
        let header = try ProducedBatch.check(batch)
        try ProducedBatch.verifyChecksum(batch, header)
        let body = batch.extracting(RecordBatchHeader.byteCount..<batch.byteCount)
        let wanted = ByteBuffer(capacity: name.utf8.count)
        wanted.append(name)
        guard header.attributes.codec != 0 else {
            return try BatchSealer.headerValues(body, header, wanted)
        }
        defer { inflater.release() }
        try inflater.inflate(body, codec: header.attributes.codec)
        let scratch = inflater.scratch
        return try BatchSealer.headerValues(scratch.bytes, header, wanted)
    }

    private static func headerValues(
        _ records: RawSpan, _ header: RecordBatchHeader, _ name: ByteBuffer
    ) throws(RecordError) -> [String] {
        var walk = RecordWalk(count: Int(header.recordCount))
        var values = HeaderValues()
        var texts: [String] = []
        try walk.read(records)
        while walk.hasRecord {
            if walk.layout.valueBytes >= 0 {
                values.insert(records, try RecordHeaderValue.find(name, records, walk))
            }
            if let place = values.places.last, values.places.count > texts.count {
                let bytes = records.extracting(place).array
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw RecordHeaderValue.refusal("is not UTF-8", name, walk.index)
                }
                guard texts.count < RecordLimits.dataKeysPerBatchMax else {
                    throw RecordError(
                        .limitExceeded,
                        "more than \(RecordLimits.dataKeysPerBatchMax) keys in one batch",
                        recordIndex: walk.index)
                }
                texts.append(text)
            }
            try walk.advance(records)
        }
        try walk.checkEnd(records)
        return texts
    }

    /// Appends the sealed form of `batch`, whole values under one key, each record with the
    /// wrapped key. See the general form.
    package func seal(
        batch: RawSpan, topic: String, key: SealingKey, batchBytesMax: Int,
        into output: ByteBuffer
    ) throws(RecordError) -> SealedBatch {
        try seal(
            batch: batch, plan: SealingPlan(topic: topic, bytesMax: batchBytesMax),
            keys: .one(key), into: output)
    }

    /// Appends the sealed form of `batch` to `output`.
    ///
    /// The checksum is verified first. A batch in which nothing is to be sealed (every value is
    /// null, or no document has one of the fields) is appended as it came. A batch that could pass
    /// `plan.bytesMax` when sealed is cut into several: where, is a function of the plaintexts, of
    /// the plan and of the lengths of key references, so that a retry under other data keys of
    /// the same references is cut at the same places. On failure `output` is as it was.
    ///
    /// - Parameters:
    ///   - batch: the whole records field of one partition: exactly one batch of magic 2. It may
    ///     not lie in `output`.
    ///   - keys: with a key for each of the values that `headerValues` told.
    /// - Throws: any code but `openFailed` and `unsupportedFormat`, with the record's index where
    ///   it is about one.
    package func seal(
        batch: RawSpan, plan: SealingPlan, keys: SealingKeyChoice, into output: ByteBuffer
    ) throws(RecordError) -> SealedBatch {
        let header = try ProducedBatch.check(batch)
        try ProducedBatch.verifyChecksum(batch, header)
        try BatchSealer.bind(keys, plan.topic)
        let start = output.count
        do throws(RecordError) {
            var cutter = BatchCutter(header, bytesMax: plan.bytesMax)
            try sealBody(batch, &cutter, plan, keys, output)
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

    private static func bind(
        _ keys: SealingKeyChoice, _ topic: String
    ) throws(RecordError) {
        do throws(EnvelopeError) {
            switch keys {
            case .one(let key): try key.bind(topic: topic)
            case .byHeader(let table): for key in table.keys { try key.bind(topic: topic) }
            }
        } catch {
            throw RecordError(.sealFailed, "\(error)")
        }
    }

    private func sealBody(
        _ batch: RawSpan, _ cutter: inout BatchCutter, _ plan: SealingPlan,
        _ keys: SealingKeyChoice, _ output: ByteBuffer
    ) throws(RecordError) {
        let head = batch.extracting(0..<RecordBatchHeader.byteCount)
        let body = batch.extracting(RecordBatchHeader.byteCount..<batch.byteCount)
        let codec = cutter.header.attributes.codec
        guard codec != 0 else {
            return try sealRecords(head, body, &cutter, plan, keys, output)
        }
        defer { inflater.release() }
        try inflater.inflate(body, codec: codec)
        let scratch = inflater.scratch
        try sealRecords(head, scratch.bytes, &cutter, plan, keys, output)
    }

    private func sealRecords(
        _ head: RawSpan, _ records: RawSpan, _ cutter: inout BatchCutter, _ plan: SealingPlan,
        _ keys: SealingKeyChoice, _ output: ByteBuffer
    ) throws(RecordError) {
        let count = Int(cutter.header.recordCount)
        guard count <= records.byteCount / RecordBatchHeader.recordBytesMin else {
            throw RecordError(.corruptBatch, "more records are declared than there is room for")
        }
        let bound = records.byteCount + count * BatchSealer.addedBytes(plan, keys)
        guard output.count + bound <= RecordLimits.outputBytesMax else {
            throw RecordError(.limitExceeded, "\(count) records would grow to \(bound) bytes")
        }
        output.reserve(bound + RecordBatchHeader.byteCount)
        cutter.begin(head, at: 0, output)
        var walk = RecordWalk(count: count)
        try walk.read(records)
        if case .one(let key) = keys, plan.fields == nil, plan.compression == .none {
            if plan.leanForm {
                try sealLean(head, records, &walk, &cutter, key, key.leanHeader, output)
            } else {
                try sealWhole(head, records, &walk, &cutter, key, key.recordHeader, output)
            }
        } else {
            defer { values.release() }
            try values.seal(head, records, &walk, &cutter, plan, keys, output)
        }
        try walk.checkEnd(records)
        cutter.finish(at: count, output)
    }

    /// What sealing adds to a record; in the lean form to nearly every one, which is enough to
    /// make room by. What fields add is counted as they are found.
    private static func addedBytes(_ plan: SealingPlan, _ keys: SealingKeyChoice) -> Int {
        if plan.leanForm { return SealingKey.leanAddedBytesMax }
        return switch keys {
        case .one(let key): key.addedBytesMax
        case .byHeader(let table): table.keys.reduce(0) { max($0, $1.addedBytesMax) }
        }
    }

    /// Whole values, one key, every record with the wrapped key.
    private func sealWhole(
        _ head: RawSpan, _ records: RawSpan, _ walk: inout RecordWalk,
        _ cutter: inout BatchCutter, _ key: SealingKey, _ waxHeader: ByteBuffer,
        _ output: ByteBuffer
    ) throws(RecordError) {
        while walk.hasRecord {
            try RecordForm.checkUnmarked(walk)
            let isNull = walk.layout.valueBytes < 0
            let bytes = walk.at - walk.layout.start + (isNull ? 0 : key.addedBytesMax)
            if !cutter.admits(bytes) {
                cutter.finish(at: walk.index, output)
                cutter.begin(head, at: walk.index, output)
            }
            cutter.add(bytes, isSealed: !isNull, timestampDelta: walk.layout.timestampDelta)
            let delta = walk.index - cutter.firstIndex
            if isNull {
                RecordForm.copy(records, walk, delta, output)
            } else {
                try RecordForm.seal(records, walk, delta, key, waxHeader, output)
            }
            try walk.advance(records)
        }
    }

    /// Whole values, one key, the wrapped key in the first sealed record of each part.
    private func sealLean(
        _ head: RawSpan, _ records: RawSpan, _ walk: inout RecordWalk,
        _ cutter: inout BatchCutter, _ key: SealingKey, _ leanHeader: ByteBuffer,
        _ output: ByteBuffer
    ) throws(RecordError) {
        var isNamed = false
        while walk.hasRecord {
            try RecordForm.checkUnmarked(walk)
            let isNull = walk.layout.valueBytes < 0
            let plain = walk.at - walk.layout.start
            var added =
                isNull ? 0 : isNamed ? SealingKey.leanAddedBytesMax : key.addedBytesMax
            if !cutter.admits(plain + added) {
                cutter.finish(at: walk.index, output)
                cutter.begin(head, at: walk.index, output)
                isNamed = false
                added = isNull ? 0 : key.addedBytesMax
            }
            cutter.add(
                plain + added, isSealed: !isNull, timestampDelta: walk.layout.timestampDelta)
            let delta = walk.index - cutter.firstIndex
            if isNull {
                RecordForm.copy(records, walk, delta, output)
            } else if isNamed {
                try RecordForm.seal(records, walk, delta, key, leanHeader, output)
            } else {
                try RecordForm.seal(records, walk, delta, key, key.recordHeader, output)
                isNamed = true
            }
            try walk.advance(records)
        }
    }
}
