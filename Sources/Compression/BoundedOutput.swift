// BoundedOutput: where decompressed bytes go, grown by steps and never beyond the limit.

internal import Bytes

/// The tail of a buffer that may take at most `bytesMax` bytes, whatever a stream claims.
internal struct BoundedOutput {
    /// Bytes made room for at first; a block of most codecs is not longer.
    private static let stepBytesMin = 64 * 1024
    /// Bytes given to a library in one call; zlib counts in 32 bits.
    private static let stepBytesMax = 64 * 1024 * 1024

    private let buffer: ByteBuffer
    private let start: Int
    internal let bytesMax: Int
    /// The first step, a guess from the input's length.
    private let firstBytes: Int

    internal init(_ buffer: ByteBuffer, bytesMax: Int, inputBytes: Int) {
        self.buffer = buffer
        self.start = buffer.count
        self.bytesMax = max(bytesMax, 0)
        // Four times the input is what the sender paid for, and a usual ratio of records.
        self.firstBytes = max(BoundedOutput.stepBytesMin, min(4 * inputBytes, 1 << 20))
    }

    /// Bytes that may still be produced.
    internal var bytesLeft: Int { bytesMax - (buffer.count - start) }

    /// Offers room to `body`, which returns how many bytes it wrote; the room is never empty.
    ///
    /// At the limit the room is one byte outside the buffer: a stream that ends exactly there can
    /// still finish, and one that goes on is found out by what it writes.
    /// - Returns: whether the room was filled, so that the stream may have more to give.
    internal func fill(
        _ body: (UnsafeMutableRawPointer, Int) -> Int
    ) throws(CompressionError) -> Bool {
        let left = bytesLeft
        guard left > 0 else {
            var probe: UInt8 = 0
            // SAFETY: one byte of room is given, and it lives for the closure.
            let written = unsafe withUnsafeMutableBytes(of: &probe) { room in
                unsafe room.baseAddress.map { unsafe body($0, 1) } ?? 0
            }
            guard written == 0 else { throw .outputTooLarge(limit: bytesMax) }
            return false
        }
        // What is there is used first, then the content doubles.
        let unused = buffer.capacity - buffer.count
        let step = unused > 0 ? unused : max(firstBytes, buffer.count - start)
        let room = min(step, left, BoundedOutput.stepBytesMax)
        // SAFETY: the body is passed on.
        return try unsafe write(room, body) == room
    }

    /// Offers room for exactly `bytes`, for codecs that must know their output's length before.
    /// - Returns: how many bytes `body` says that it wrote.
    internal func write(
        _ bytes: Int, _ body: (UnsafeMutableRawPointer, Int) -> Int
    ) throws(CompressionError) -> Int {
        guard bytes <= bytesLeft else { throw .outputTooLarge(limit: bytesMax) }
        let before = buffer.count
        // Doubling, within the limit, keeps the copying linear over many blocks.
        if buffer.capacity - before < bytes {
            buffer.reserveExactly(min(bytesLeft, max(bytes, firstBytes, before - start)))
        }
        // SAFETY: the body writes within the room that it is given.
        unsafe buffer.appendUninitialized(bytes) { room in
            unsafe room.baseAddress.map { unsafe body($0, bytes) } ?? 0
        }
        return buffer.count - before
    }

    /// Appends bytes as they are.
    internal func append(_ span: RawSpan) throws(CompressionError) {
        guard span.byteCount <= bytesLeft else { throw .outputTooLarge(limit: bytesMax) }
        buffer.reserveExactly(span.byteCount)
        buffer.append(span)
    }

    /// Takes back everything that was produced.
    internal func cutBack() { buffer.truncate(to: start) }
}

/// The little-endian number in the `count` bytes (at most 8) at `offset`; the caller has checked
/// that they are there.
internal func littleEndian(_ span: RawSpan, at offset: Int, _ count: Int) -> UInt64 {
    precondition(offset >= 0 && count <= 8 && span.byteCount - offset >= count, "read outside span")
    var value: UInt64 = 0
    for index in 0..<count {
        // SAFETY: bounded by the precondition.
        let byte = unsafe span.unsafeLoad(fromByteOffset: offset + index, as: UInt8.self)
        value |= UInt64(byte) << UInt64(8 * index)
    }
    return value
}
