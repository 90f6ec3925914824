// BatchOpener: fetched records in, the same records as their reader may see them out.

package import Bytes
package import Envelope
internal import KafkaWire
internal import Limits
package import Masks

/// What opening a partition's records came to.
package enum OpenResult: Equatable, Sendable {
    /// Nothing is shown differently from how it is stored: deliver the input. Nothing was appended.
    case unchanged
    /// Deliver this range of the output instead of the input.
    case opened(Range<Int>)
    /// Data keys are not at hand; each was noted by the `OpeningKeys` that was asked. Nothing was
    /// appended; open again when they are.
    case missingKeys
}

/// Shows the records of fetched partitions as a view says. One per event loop: codec contexts and
/// scratch space are used again, and nothing is allocated per record.
///
/// Batches in which nothing changes, control batches, empty batches and the old message formats are
/// copied as they are. In the others values are opened, masked or left out, the codec becomes
/// none, and `wax` headers go where nothing is left sealed. All other header fields are kept as
/// stored, so gaps, a compacted tail, append times and a delete horizon survive.
///
/// Null values are never touched. Keys are only asked for what is shown in clear or masked. A
/// record that stays sealed keeps its header; when that names the data key by its id, and the
/// record that named it before is not delivered sealed, it is given the wrapped key.
package final class BatchOpener {
    /// What the records of the last call were shown as.
    package internal(set) var counts = OpeningCounts()

    /// After `open` threw or missed keys: the bytes before the batch that could not be opened.
    /// They open, or are what they are, without it.
    package private(set) var readableBytes = 0

    internal let inflater = BatchInflater()
    internal let shower: DocumentShower
    internal var keyring = BatchKeyring()
    /// The plaintext of one value, and what it decompresses to.
    internal var plaintext = ByteBuffer(capacity: 256)
    internal var inflated = ByteBuffer(capacity: 16)

    /// - Parameter masker: applies the masks of all views that are given to `open`.
    package init(masker: Masker = Masker(tokenKey: nil)) {
        shower = DocumentShower(masker: masker)
    }

    /// Opens everything, for whoever may see it all; see the other `open`.
    package func open(
        records: RawSpan, topic: String, keys: some OpeningKeys, into output: ByteBuffer
    ) throws(RecordError) -> OpenResult {
        try open(
            records: records, topic: topic, view: .clear, keys: keys, mayDrop: false, into: output)
    }

    /// Shows `records`, a fetched partition's payload: batches of any magic and codec, the last of
    /// them perhaps cut short. Such a tail is dropped from an opened result; the client asks for it
    /// again.
    ///
    /// - Parameters:
    ///   - records: may not lie in `output`.
    ///   - topic: the name that sealed values are bound to.
    ///   - view: how the reader sees the topic.
    ///   - mayDrop: whether a record may be left out, as compaction does. A share group has been
    ///     promised each offset, so there it is `refused`.
    /// - Throws: `corruptBatch`, `unsupportedCompression`, `limitExceeded`, `openFailed`,
    ///   `unsupportedFormat`, `refused`, with the log offset; `output` is then as it was.
    package func open(
        records: RawSpan, topic: String, view: RecordView, keys: some OpeningKeys, mayDrop: Bool,
        into output: ByteBuffer
    ) throws(RecordError) -> OpenResult {
        let task = OpeningTask(topic: topic, view: view, mayDrop: mayDrop, output: output)
        var progress = OpeningProgress(outputStart: output.count)
        counts = OpeningCounts()
        defer { release() }
        do throws(RecordError) {
            while let frame = try BatchOpener.frame(records, at: progress.end) {
                progress.begin(frame)
                if frame.magic == 2 {
                    try openBatch(records, task, keys, &progress)
                } else {
                    try checkOld(frame, view)
                    progress.pass(hasRecords: true)
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
        progress.finish(records, output)
        return .opened(progress.outputStart..<output.count)
    }

    /// Messages of before Kafka 0.11 are never sealed and not looked into: where plain records are
    /// not simply delivered, neither are they.
    private func checkOld(
        _ frame: RecordBatchFrame, _ view: RecordView
    ) throws(RecordError) {
        guard !view.deliversPlain else { return }
        throw RecordError(
            .refused, "messages of format \(frame.magic), which are never sealed, are not delivered"
        )
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

    /// Forgets keys, and gives back what unusually large values made grow.
    private func release() {
        keyring.removeAll()
        shower.release()
        if plaintext.capacity > RecordLimits.scratchBytesKept {
            plaintext = ByteBuffer(capacity: 256)
        }
        if inflated.capacity > RecordLimits.scratchBytesKept {
            inflated = ByteBuffer(capacity: 16)
        }
    }

    private func openBatch(
        _ records: RawSpan, _ task: OpeningTask, _ keys: some OpeningKeys,
        _ progress: inout OpeningProgress
    ) throws(RecordError) {
        let batch = records.extracting(progress.frame.range)
        let header: RecordBatchHeader
        do {
            header = try RecordBatchHeader(batch)
        } catch {
            throw RecordError(.corruptBatch, "batch header: \(error)")
        }
        guard !header.attributes.isControl, header.recordCount > 0 else {
            return progress.pass(hasRecords: header.attributes.isControl)
        }
        keyring.removeAll()
        let body = batch.extracting(RecordBatchHeader.byteCount..<batch.byteCount)
        do throws(RecordError) {
            if header.attributes.codec == 0 {
                try openBody(records, body, header, task, keys, &progress)
            } else {
                defer { inflater.release() }
                try inflater.inflate(body, codec: header.attributes.codec)
                let scratch = inflater.scratch
                try openBody(records, scratch.bytes, header, task, keys, &progress)
            }
        } catch {
            throw error.at(offset: header.baseOffset)
        }
    }

    /// Walks the records in `body`. Until the first that changes nothing is written, so that a
    /// batch without any costs one look at its headers.
    private func openBody(
        _ records: RawSpan, _ body: RawSpan, _ header: RecordBatchHeader, _ task: OpeningTask,
        _ keys: some OpeningKeys, _ progress: inout OpeningProgress
    ) throws(RecordError) {
        var walk = RecordWalk(count: Int(header.recordCount))
        try walk.read(body)
        while walk.hasRecord {
            do throws(RecordError) {
                if walk.layout.markCount > 0 {
                    try openSealed(records, body, header, task, keys, &progress, &walk)
                } else {
                    if walk.layout.valueBytes >= 0 {
                        try showPlain(records, body, header, task, &progress, &walk)
                    }
                    try walk.advance(body)
                }
            } catch {
                // The layout of a record that could not be read says nothing.
                if error.recordIndex != nil { throw error }
                let offset = header.baseOffset &+ Int64(walk.layout.offsetDelta)
                throw error.at(recordIndex: walk.index, offset: offset)
            }
        }
        try walk.checkEnd(body)
        if !progress.isMissingKeys { progress.finish(body, walk, header, task.output) }
    }
}
