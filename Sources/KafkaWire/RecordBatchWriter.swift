// RecordBatchWriter: builds a record batch (magic 2) field by field.

package import Bytes

/// Writes one batch at the end of a buffer: header first, then records, then `finish`.
///
/// It is for tests, benchmarks and batches that this process makes itself; batches that pass
/// through are rebuilt from their own bytes.
package struct RecordBatchWriter {
    private let start: Int
    private var maxTimestamp: Int64
    private var count: Int32 = 0
    private var lastOffsetDelta: Int32 = -1
    private let baseTimestamp: Int64

    /// Bytes of the batch up to now, and the records' place, in the buffer that is written.
    package let recordsStart: Int

    /// Starts a batch without producer state, offsets from 0, codec none.
    package init(_ output: ByteBuffer, baseTimestamp: Int64 = 0, attributes: UInt16 = 0) {
        start = output.count
        self.baseTimestamp = baseTimestamp
        maxTimestamp = baseTimestamp
        output.append(int64: 0)
        output.append(int32: 0)  // Length, by finish().
        output.append(int32: -1)
        output.append(int8: 2)
        output.append(uint32: 0)  // Checksum, by finish().
        output.append(int16: Int16(bitPattern: attributes))
        output.append(int32: -1)
        output.append(int64: baseTimestamp)
        output.append(int64: baseTimestamp)
        output.append(int64: -1)
        output.append(int16: -1)
        output.append(int32: -1)
        output.append(int32: 0)
        recordsStart = output.count
    }

    /// Appends one record; its offset delta is one more than the last one's unless given.
    package mutating func append(
        key: [UInt8]?, value: [UInt8]?, headers: [(key: String, value: [UInt8]?)] = [],
        timestamp: Int64? = nil, offsetDelta: Int32? = nil, into output: ByteBuffer
    ) {
        let delta = offsetDelta ?? lastOffsetDelta + 1
        let timestamp = timestamp ?? baseTimestamp
        let body = ByteBuffer()
        body.append(0)
        body.append(varint: timestamp - baseTimestamp)
        body.append(varint: Int64(delta))
        RecordBatchWriter.append(key, into: body)
        RecordBatchWriter.append(value, into: body)
        body.append(varint: Int64(headers.count))
        for header in headers {
            RecordBatchWriter.append(Array(header.key.utf8), into: body)
            RecordBatchWriter.append(header.value, into: body)
        }
        output.append(varint: Int64(body.count))
        output.append(body.bytes)
        maxTimestamp = max(maxTimestamp, timestamp)
        lastOffsetDelta = max(lastOffsetDelta, delta)
        count += 1
    }

    private static func append(_ bytes: [UInt8]?, into output: ByteBuffer) {
        guard let bytes else { return output.append(varint: -1) }
        output.append(varint: Int64(bytes.count))
        output.append(bytes)
    }

    /// Fills in length, counts, timestamps and checksum. Fields that were changed by hand in
    /// between (producer id, base offset) are kept.
    ///
    /// - Parameter lastOffsetDelta: given for a batch whose tail was compacted away.
    package func finish(_ output: ByteBuffer, lastOffsetDelta given: Int32? = nil) {
        output.set(
            int32: given ?? lastOffsetDelta, at: start + RecordBatchHeader.At.lastOffsetDelta)
        output.set(int64: maxTimestamp, at: start + RecordBatchHeader.At.maxTimestamp)
        output.set(int32: count, at: start + RecordBatchHeader.At.recordCount)
        RecordBatchWriter.seal(output, from: start)
    }

    /// Sets length and checksum of the batch that reaches from `start` to the buffer's end.
    package static func seal(_ output: ByteBuffer, from start: Int) {
        let length = output.count - start - RecordBatchHeader.lengthPrefixBytes
        output.set(int32: Int32(length), at: start + RecordBatchHeader.At.batchLength)
        let sum = RecordBatchHeader.checksum(of: output.bytes(in: start..<output.count))
        output.set(uint32: sum, at: start + RecordBatchHeader.At.crc)
    }
}
