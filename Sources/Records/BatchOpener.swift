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

    private let inflater = BatchInflater()
    private var layout = RecordLayout()
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
            throw error
        }
        if progress.isMissingKeys {
            output.truncate(to: progress.outputStart)
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
        var at = 0
        var copied = 0
        var batchStart: Int?
        var sealedSeen = false
        for index in 0..<Int(header.recordCount) {
            at = try read(body, at: at, index, header)
            if layout.markCount == 0 {
                if layout.valueBytes >= 0 { plainRecords &+= 1 }
                continue
            }
            if !sealedSeen {
                sealedSeen = true
                try BatchOpener.verifyChecksum(records.extracting(progress.frame.range), header)
            }
            let offset = header.baseOffset &+ Int64(layout.offsetDelta)
            do throws(RecordError) {
                let key = try keyring.key(body, layout, topic, keys)
                if key == nil { progress.isMissingKeys = true }
                guard let key, !progress.isMissingKeys else { continue }
                if batchStart == nil {
                    batchStart = try beginBatch(records, body, &progress, output)
                }
                try openRecord(body, copied, key, output)
            } catch {
                throw error.at(recordIndex: index, offset: offset)
            }
            copied = layout.markEnd
            recordsOpened &+= 1
        }
        guard at == body.byteCount else {
            throw RecordError(.corruptBatch, "bytes are left after the last record")
        }
        if let batchStart, !progress.isMissingKeys {
            output.append(body.extracting(copied..<at))
            BatchOpener.finish(header, from: batchStart, output)
        }
    }

    @inline(__always)
    private func read(
        _ body: RawSpan, at: Int, _ index: Int, _ header: RecordBatchHeader
    ) throws(RecordError) -> Int {
        do {
            try layout.read(body, at: at, mark: .wax)
        } catch {
            throw RecordError(.corruptBatch, "record structure: \(error)", recordIndex: index)
        }
        return layout.end
    }

    private static func verifyChecksum(
        _ batch: RawSpan, _ header: RecordBatchHeader
    ) throws(RecordError) {
        guard RecordBatchHeader.checksum(of: batch) == header.crc else {
            throw RecordError(.corruptBatch, "the batch's checksum is wrong")
        }
    }

    /// Copies what came before this batch, then its header, and makes room for its records.
    private func beginBatch(
        _ records: RawSpan, _ body: RawSpan, _ progress: inout OpeningProgress,
        _ output: ByteBuffer
    ) throws(RecordError) -> Int {
        let frame = progress.frame
        let bound = output.count - progress.outputStart + frame.start - progress.copied
            + RecordBatchHeader.byteCount + body.byteCount
        guard bound <= RecordLimits.outputBytesMax else {
            throw RecordError(.limitExceeded, "the partition would grow to \(bound) bytes")
        }
        // Opening makes every record smaller, so this is enough for the whole batch.
        output.reserve(bound)
        output.append(records.extracting(progress.copied..<frame.start))
        let batchStart = output.count
        let headerEnd = frame.start + RecordBatchHeader.byteCount
        output.append(records.extracting(frame.start..<headerEnd))
        progress.copied = frame.end
        progress.hasOpened = true
        return batchStart
    }

    /// Appends everything from `copied` up to the headers that follow the `wax` header.
    @inline(__always)
    private func openRecord(
        _ body: RawSpan, _ copied: Int, _ key: OpeningKey, _ output: ByteBuffer
    ) throws(RecordError) {
        let plainBytes = layout.valueBytes - EnvelopeFormat.sealedOverheadBytes
        guard plainBytes >= 0 else {
            throw RecordError(.openFailed, "the sealed value is cut short")
        }
        let headerCount = layout.headerCount - 1
        let headerBytes = layout.end - layout.headersStart - (layout.markEnd - layout.markStart)
        let length = layout.valueLengthStart - layout.bodyStart
            + Varint.byteCount(of: Int64(plainBytes)) + plainBytes
            + Varint.byteCount(of: Int64(headerCount)) + headerBytes
        output.append(body.extracting(copied..<layout.start))
        output.append(varint: Int64(length))
        output.append(body.extracting(layout.bodyStart..<layout.valueLengthStart))
        output.append(varint: Int64(plainBytes))
        do {
            try key.open(body.extracting(layout.value), into: output)
        } catch {
            throw RecordError(.openFailed, "the sealed value does not open: \(error)")
        }
        output.append(varint: Int64(headerCount))
        if layout.markStart > layout.headersStart {
            output.append(body.extracting(layout.headersStart..<layout.markStart))
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
    /// A key was not at hand: what is left is only looked through for further keys.
    internal var isMissingKeys = false

    internal init(outputStart: Int) { self.outputStart = outputStart }
}
