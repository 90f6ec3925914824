// Snappy: xerial framing and bare blocks through libsnappy.

internal import Bytes
internal import CSnappy

/// Reads both shapes that Kafka producers send; writes the xerial one, which every client reads.
/// The library keeps no state between blocks, so there is no context to reuse.
@safe
internal final class SnappyCodec {
    private static let magic: [UInt8] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
    /// The magic as the little-endian number that `littleEndian` gives.
    private static let magicNumber: UInt64 = 0x0059_5050_414e_5382
    /// Magic, version, oldest compatible version. The last two are not checked on reading:
    /// writers disagree about their byte order.
    private static let headerBytes = 16
    private static let lengthBytes = 4
    /// Bytes of input in each block written, as in Kafka's own producer.
    private static let blockBytes = 32 * 1024
    /// The densest element of a block is a 3-byte copy of 64 bytes, so no block grows more.
    private static let growthMax = 22

    internal init() {}

    internal func decompress(
        _ input: RawSpan, into output: BoundedOutput
    ) throws(CompressionError) {
        let count = input.byteCount
        guard SnappyCodec.hasMagic(input, at: 0) else {
            return try decompressBlock(input, 0..<count, into: output)
        }
        var at = 0
        while at < count {
            // A header may come again: streams of several writers are joined end to end.
            if SnappyCodec.hasMagic(input, at: at) {
                guard count - at >= SnappyCodec.headerBytes else {
                    throw .corrupt(.snappy, at: at, .truncated)
                }
                at += SnappyCodec.headerBytes
                continue
            }
            guard count - at >= SnappyCodec.lengthBytes else {
                throw .corrupt(.snappy, at: at, .truncated)
            }
            let field = UInt32(truncatingIfNeeded: littleEndian(input, at: at, 4)).byteSwapped
            guard field > 0, field <= UInt32(Int32.max) else {
                throw .corrupt(.snappy, at: at, .header)
            }
            at += SnappyCodec.lengthBytes
            guard count - at >= Int(field) else { throw .corrupt(.snappy, at: at, .truncated) }
            try decompressBlock(input, at..<at + Int(field), into: output)
            at += Int(field)
        }
    }

    private static func hasMagic(_ input: RawSpan, at offset: Int) -> Bool {
        input.byteCount - offset >= magic.count
            && littleEndian(input, at: offset, magic.count) == magicNumber
    }

    private func decompressBlock(
        _ input: RawSpan, _ range: Range<Int>, into output: BoundedOutput
    ) throws(CompressionError) {
        // SAFETY: the library reads the block only, and writes exactly the length that it read
        // from the block's head, for which the room was made.
        let block = input.extracting(range)
        try unsafe block.withUnsafeBytes { bytes throws(CompressionError) in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            var length = 0
            guard unsafe snappy_uncompressed_length(start, bytes.count, &length) == SNAPPY_OK,
                length >= 0, length <= bytes.count * SnappyCodec.growthMax
            else { throw .corrupt(.snappy, at: range.lowerBound, .contentSize) }
            var status = SNAPPY_INVALID_INPUT
            var written = length
            let taken = try unsafe output.write(length) { room, _ in
                status = unsafe snappy_uncompress(
                    start, bytes.count, room.assumingMemoryBound(to: CChar.self), &written)
                return status == SNAPPY_OK ? written : 0
            }
            guard status == SNAPPY_OK, taken == length else {
                throw .corrupt(.snappy, at: range.lowerBound, .block)
            }
        }
    }

    internal func compress(
        _ input: RawSpan, into output: ByteBuffer
    ) throws(CompressionError) {
        let blocks = (input.byteCount + SnappyCodec.blockBytes - 1) / SnappyCodec.blockBytes
        // Each block costs its length field and the fixed part of the library's bound.
        output.reserve(
            SnappyCodec.headerBytes + snappy_max_compressed_length(input.byteCount)
                + blocks * (SnappyCodec.lengthBytes + snappy_max_compressed_length(0)))
        output.append(SnappyCodec.magic)
        output.append(int32: 1)
        output.append(int32: 1)
        var at = 0
        while at < input.byteCount {
            let end = min(at + SnappyCodec.blockBytes, input.byteCount)
            try compressBlock(input.extracting(at..<end), into: output)
            at = end
        }
    }

    private func compressBlock(
        _ block: RawSpan, into output: ByteBuffer
    ) throws(CompressionError) {
        let lengthAt = output.count
        output.append(int32: 0)
        var status = SNAPPY_BUFFER_TOO_SMALL
        var written = snappy_max_compressed_length(block.byteCount)
        // SAFETY: the room is the library's own bound for a block of this length.
        unsafe block.withUnsafeBytes { bytes in
            unsafe output.appendUninitialized(written) { room in
                status = unsafe snappy_compress(
                    bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count,
                    room.baseAddress?.assumingMemoryBound(to: CChar.self), &written)
                return status == SNAPPY_OK ? written : 0
            }
        }
        guard status == SNAPPY_OK else {
            throw .libraryFailed(.snappy, code: Int(status.rawValue))
        }
        output.set(int32: Int32(truncatingIfNeeded: written), at: lengthAt)
    }
}
