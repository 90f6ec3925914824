// BatchOpener: fetched records in, the same records with their values opened out.

package import Bytes
package import Envelope
internal import KafkaWire
internal import Limits

/// What opening a partition's records came to.
package enum OpenResult: Equatable, Sendable {
    /// No record is sealed: deliver the input. Nothing was appended.
    case unchanged
    /// Deliver this range of the output instead of the input.
    case opened(Range<Int>)
    /// Data keys are not at hand; each was noted by the `OpeningKeys` that was asked. Nothing was
    /// appended; open again when they are.
    case missingKeys
}

/// Opens the sealed values of fetched partitions. One per event loop: codec contexts and scratch
/// space are used again, and nothing is allocated per record.
///
/// Batches without a sealed record, control batches, empty batches and the old message formats are
/// copied as they are. Of the others the `wax` headers go, the values are opened, the codec becomes
/// none; all other header fields are kept as stored, so gaps, a compacted tail, append times and
/// a delete horizon survive.
package final class BatchOpener {
    /// Records opened since this object was made.
    package private(set) var recordsOpened: UInt64 = 0
    /// Records seen without the `wax` header, with a value that is not null, in batches that this
    /// object looked into since it was made.
    package private(set) var plainRecords: UInt64 = 0

    /// After `open` threw or missed keys: the bytes before the batch that could not be opened.
    /// They open, or are what they are, without it.
    package private(set) var readableBytes = 0

    private let inflater = BatchInflater()
    private var keyring = BatchKeyring()

    package init() {}

    /// Opens `records`, a fetched partition's payload: batches of any magic and codec, the last of
    /// them perhaps cut short. Such a tail is dropped from an opened result; the client asks for it
    /// again.
    ///
    /// - Parameter records: may not lie in `output`.
    /// - Throws: `corruptBatch`, `unsupportedCompression`, `limitExceeded`, `openFailed`,
    ///   `unsupportedFormat`, with the log offset; `output` is then as it was.
    package func open(
        records: RawSpan, topic: String, keys: some OpeningKeys, into output: ByteBuffer
    ) throws(RecordError) -> OpenResult {
        var progress = OpeningProgress(outputStart: output.count)
        defer { keyring.removeAll() }
        do throws(RecordError) {
            while let frame = try BatchOpener.frame(records, at: progress.end) {
                progress.frame = frame
                if frame.magic == 2 {
                    try openBatch(records, topic, keys, &progress, output)
                }
                progress.end = frame.end
            }
        } catch {
            output.truncate(to: progress.outputStart)
            readableBytes = progress.missingAt ?? progress.end
            throw error
        }
        if let missingAt = progress.missingAt {
            output.truncate(to: progress.outputStart)
            readableBytes = missingAt
            return .missingKeys
        }
        guard progress.hasOpened else { return .unchanged }
        output.append(records.extracting(progress.copied..<progress.end))
        return .opened(progress.outputStart..<output.count)
    }

    private static func frame(
        _ records: RawSpan, at offset: Int
    ) throws(RecordError) -> RecordBatchFrame? {
        do {
            return try RecordBatchFrame.next(in: records, at: offset)
        } catch {
            throw RecordError(.corruptBatch, "batch header: \(error)")
        }
    }

    private func openBatch(
        _ records: RawSpan, _ topic: String, _ keys: some OpeningKeys,
        _ progress: inout OpeningProgress, _ output: ByteBuffer
    ) throws(RecordError) {
        let batch = records.extracting(progress.frame.range)
        let header: RecordBatchHeader
        do {
            header = try RecordBatchHeader(batch)
        } catch {
            throw RecordError(.corruptBatch, "batch header: \(error)")
        }
        guard !header.attributes.isControl, header.recordCount > 0 else { return }
        keyring.removeAll()
        let body = batch.extracting(RecordBatchHeader.byteCount..<batch.byteCount)
        do throws(RecordError) {
            if header.attributes.codec == 0 {
                try openBody(records, body, header, topic, keys, &progress, output)
            } else {
                defer { inflater.release() }
                try inflater.inflate(body, codec: header.attributes.codec)
                let scratch = inflater.scratch
                try openBody(records, scratch.bytes, header, topic, keys, &progress, output)
            }
        } catch {
            throw error.at(offset: header.baseOffset)
        }
    }

    /// Walks the records in `body`. Until the first sealed one nothing is written, so that a batch
    /// without any costs one look at its headers.
    private func openBody(
        _ records: RawSpan, _ body: RawSpan, _ header: RecordBatchHeader, _ topic: String,
        _ keys: some OpeningKeys, _ progress: inout OpeningProgress, _ output: ByteBuffer
    ) throws(RecordError) {
        var walk = RecordWalk(count: Int(header.recordCount))
        var batchStart: Int?
        var sealedSeen = false
        try walk.read(body)
        while walk.hasRecord {
            guard walk.layout.markCount > 0 else {
                if walk.layout.valueBytes >= 0 { plainRecords &+= 1 }
                try walk.advance(body)
                continue
            }
            if !sealedSeen {
                sealedSeen = true
                try ProducedBatch.verifyChecksum(
                    records.extracting(progress.frame.range), header)
            }
            do throws(RecordError) {
                guard let key = try keyring.key(body, walk.layout, topic, keys) else {
                    progress.missKey()
                    try skipRun(body, &walk)
                    continue
                }
                guard !progress.isMissingKeys else {
                    try skipRun(body, &walk)
                    continue
                }
                if batchStart == nil {
                    batchStart = try beginBatch(records, body, &progress, output)
                }
                try openRun(body, key, &walk, output)
            } catch {
                let offset = header.baseOffset &+ Int64(walk.layout.offsetDelta)
                throw error.at(recordIndex: walk.index, offset: offset)
            }
        }
        try walk.checkEnd(body)
        if let batchStart, !progress.isMissingKeys {
            output.append(body.extracting(walk.copied..<body.byteCount))
            BatchOpener.finish(header, from: batchStart, output)
        }
    }

    /// Opens the current record and those after it that carry the same `wax` header. The key is a
    /// parameter so that no reference is counted per record.
    private func openRun(
        _ body: RawSpan, _ key: OpeningKey, _ walk: inout RecordWalk, _ output: ByteBuffer
    ) throws(RecordError) {
        let first = walk.index
        let markStart = walk.layout.markValueStart
        let mark = body.extracting(markStart..<markStart + walk.layout.markValueBytes)
        repeat {
            try openRecord(body, key, walk, output)
            walk.copied = walk.layout.markEnd
            try walk.advance(body)
        } while walk.repeats(mark, in: body)
        recordsOpened &+= UInt64(walk.index - first)
    }

    /// Steps over the current record and those after it that carry the same `wax` header.
    private func skipRun(_ body: RawSpan, _ walk: inout RecordWalk) throws(RecordError) {
        let markStart = walk.layout.markValueStart
        let mark = body.extracting(markStart..<markStart + walk.layout.markValueBytes)
        repeat { try walk.advance(body) } while walk.repeats(mark, in: body)
    }

    /// Copies what came before this batch, then its header, and makes room for its records.
    private func beginBatch(
        _ records: RawSpan, _ body: RawSpan, _ progress: inout OpeningProgress,
        _ output: ByteBuffer
    ) throws(RecordError) -> Int {
        let frame = progress.frame
        let added = frame.start - progress.copied + RecordBatchHeader.byteCount + body.byteCount
        let total = output.count + added
        guard total <= RecordLimits.outputBytesMax else {
            throw RecordError(.limitExceeded, "the response would grow to \(total) bytes")
        }
        // Opening makes every record smaller, so this is enough for the whole batch.
        output.reserve(added)
        output.append(records.extracting(progress.copied..<frame.start))
        let batchStart = output.count
        let headerEnd = frame.start + RecordBatchHeader.byteCount
        output.append(records.extracting(frame.start..<headerEnd))
        progress.copied = frame.end
        progress.hasOpened = true
        return batchStart
    }

    /// Appends everything that is not in the output yet, up to the headers that follow the `wax`
    /// header of the current record, with its value opened.
    @inline(__always)
    private func openRecord(
        _ body: RawSpan, _ key: OpeningKey, _ walk: borrowing RecordWalk, _ output: ByteBuffer
    ) throws(RecordError) {
        let plainBytes = walk.layout.valueBytes - EnvelopeFormat.sealedOverheadBytes
        guard plainBytes >= 0 else {
            throw RecordError(.openFailed, "the sealed value is cut short")
        }
        let headerCount = walk.layout.headerCount - 1
        let headersStart = walk.layout.headersStart
        let markBytes = walk.layout.markEnd - walk.layout.markStart
        let length =
            walk.layout.valueLengthStart - walk.layout.bodyStart
            + Varint.byteCount(of: plainBytes) + plainBytes
            + Varint.byteCount(of: headerCount) + walk.at - headersStart - markBytes
        output.append(
            body.extracting(walk.copied..<walk.layout.start), varint: length,
            body.extracting(walk.layout.bodyStart..<walk.layout.valueLengthStart),
            varint: plainBytes)
        let valueStart = walk.layout.valueStart
        do {
            try key.open(
                body.extracting(valueStart..<valueStart + walk.layout.valueBytes), into: output)
        } catch {
            throw RecordError(.openFailed, "the sealed value does not open: \(error)")
        }
        output.append(varint: Int64(headerCount))
        if walk.layout.markStart > headersStart {
            output.append(body.extracting(headersStart..<walk.layout.markStart))
        }
    }

    private static func finish(
        _ header: RecordBatchHeader, from batchStart: Int, _ output: ByteBuffer
    ) {
        var attributes = header.attributes
        attributes.codec = 0
        output.set(
            int16: Int16(bitPattern: attributes.rawValue),
            at: batchStart + RecordBatchHeader.At.attributes)
        RecordBatchWriter.seal(output, from: batchStart)
    }
}

/// How far one partition's records have been opened.
internal struct OpeningProgress {
    /// Where this partition's output begins.
    internal let outputStart: Int
    /// The input before this offset is in the output, opened or copied.
    internal var copied = 0
    /// The input before this offset has been looked at.
    internal var end = 0
    internal var frame = RecordBatchFrame.none
    internal var hasOpened = false
    /// Where the batch begins for which the first key was not at hand. What is left is only looked
    /// through for further keys.
    internal private(set) var missingAt: Int?
    internal var isMissingKeys: Bool { missingAt != nil }

    internal init(outputStart: Int) { self.outputStart = outputStart }

    internal mutating func missKey() {
        if missingAt == nil { missingAt = frame.range.lowerBound }
    }
}
