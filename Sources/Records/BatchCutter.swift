// BatchCutter: decides where a growing batch is cut, and writes each part's header.

internal import Bytes
internal import KafkaWire

/// Cuts by plaintext sizes alone. Each record counts with its bytes as they came plus, when it is
/// sealed, a bound of what sealing adds that depends on nothing but the lengths of plaintexts and
/// of the key's reference; a part is closed before the record that would take this sum over the
/// limit. A record that is over it alone gets a part of its own, and is refused only when it really
/// is over the limit.
internal struct BatchCutter {
    internal let header: RecordBatchHeader
    private let bytesMax: Int

    /// Index, in the batch as it came, of the first record of the current part.
    internal private(set) var firstIndex = 0
    /// Parts that were begun.
    internal private(set) var partCount = 0
    /// Records sealed in all parts.
    internal private(set) var sealedCount = 0
    private var start = 0
    private var bound = RecordBatchHeader.byteCount
    private var maxTimestampDelta = Int64.min
    private var firstPart: SealedPart?
    private var others: [SealedPart] = []
    private var oversized: (index: Int, bytes: Int)?

    internal init(_ header: RecordBatchHeader, bytesMax: Int) {
        self.header = header
        self.bytesMax = bytesMax
    }

    /// Starts a part at the end of `output` with record `index` as its first; the header's fields
    /// that depend on the part are set by `finish`.
    internal mutating func begin(_ head: RawSpan, at index: Int, _ output: ByteBuffer) {
        start = output.count
        firstIndex = index
        partCount += 1
        bound = RecordBatchHeader.byteCount
        maxTimestampDelta = Int64.min
        output.append(head)
    }

    /// Whether a record that will take at most `bytesMax` may join the current part.
    @inline(__always)
    internal func admits(_ bytesMax: Int) -> Bool {
        bound == RecordBatchHeader.byteCount || bound + bytesMax <= self.bytesMax
    }

    /// Counts a record that will take at most `bytesMax` into the current part.
    @inline(__always)
    internal mutating func add(_ bytesMax: Int, isSealed: Bool, timestampDelta: Int64) {
        bound += bytesMax
        if isSealed { sealedCount += 1 }
        maxTimestampDelta = max(maxTimestampDelta, timestampDelta)
    }

    /// Completes the current part, whose last record is the one before `endIndex`.
    internal mutating func finish(at endIndex: Int, _ output: ByteBuffer) {
        let count = endIndex - firstIndex
        let isWhole = count == Int(header.recordCount)
        if !isWhole {
            output.set(int32: Int32(count - 1), at: start + RecordBatchHeader.At.lastOffsetDelta)
            output.set(int32: Int32(count), at: start + RecordBatchHeader.At.recordCount)
            output.set(
                int64: header.baseTimestamp &+ maxTimestampDelta,
                at: start + RecordBatchHeader.At.maxTimestamp)
            let sequence = RecordBatchHeader.sequence(header.baseSequence, advancedBy: firstIndex)
            output.set(int32: sequence, at: start + RecordBatchHeader.At.baseSequence)
        }
        var attributes = header.attributes
        attributes.codec = 0
        output.set(
            int16: Int16(bitPattern: attributes.rawValue),
            at: start + RecordBatchHeader.At.attributes)
        RecordBatchWriter.seal(output, from: start)
        let bytes = output.count - start
        if count == 1, bytes > bytesMax, oversized == nil { oversized = (firstIndex, bytes) }
        let part = SealedPart(
            range: start..<output.count, firstRecordIndex: firstIndex, recordCount: count)
        if firstPart == nil { firstPart = part } else { others.append(part) }
    }

    /// All parts, once the last is finished.
    ///
    /// - Throws: `tooLarge` when one record alone is over the limit.
    internal func result() throws(RecordError) -> SealedBatch {
        guard let firstPart else { preconditionFailure("no part of the batch was finished") }
        if let oversized {
            throw RecordError(
                .tooLarge,
                "the record takes \(oversized.bytes) bytes sealed, \(bytesMax) are allowed",
                recordIndex: oversized.index)
        }
        return SealedBatch(first: firstPart, others: others, sealedCount: sealedCount)
    }
}
