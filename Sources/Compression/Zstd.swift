// Zstd: RFC 8878 frames through libzstd.

internal import Bytes
internal import CZstd

/// What the outside of one frame says. Reading it first gives the frame's end and the most that
/// it can produce, so that it is decompressed in one pass straight into the output, without the
/// window buffer (up to 128 MiB by a sender's word) that a streaming reader needs.
internal struct ZstdFrame {
    /// Bytes of the frame itself.
    internal var bytes = 0
    /// Whether it has content; a skippable frame has none.
    internal var isSkippable = false
    /// Bytes of content as declared, when declared.
    internal var declaredBytes: UInt64?
    /// Bytes that its blocks can produce at most.
    internal var contentBytesMax = 0

    private static let magicNumber: UInt64 = 0xfd2f_b528
    /// Sixteen magics, 0x184d2a50 to 0x184d2a5f.
    private static let skippableMagicNumber: UInt64 = 0x184d_2a50
    /// The largest window that Kafka's Java reader takes, as a power of two.
    private static let windowLogMax = 27
    /// Bytes in one block at most, before and after decompression (RFC 8878, section 3.1.1.2.4).
    private static let blockBytesMax = 128 * 1024

    /// Reads the frame that starts at `start`.
    internal init(_ input: RawSpan, at start: Int) throws(CompressionError) {
        var at = start
        let magic = try ZstdFrame.number(input, &at, 4)
        if magic & ~0xf == ZstdFrame.skippableMagicNumber {
            let length = Int(try ZstdFrame.number(input, &at, 4))
            try ZstdFrame.skip(input, &at, length)
            isSkippable = true
        } else {
            guard magic == ZstdFrame.magicNumber else { throw .corrupt(.zstd, at: start, .header) }
            let descriptor = try ZstdFrame.number(input, &at, 1)
            try readHeader(input, &at, descriptor)
            try readBlocks(input, &at)
            if descriptor & 0x04 != 0 { try ZstdFrame.skip(input, &at, 4) }
        }
        bytes = at - start
    }

    private mutating func readHeader(
        _ input: RawSpan, _ at: inout Int, _ descriptor: UInt64
    ) throws(CompressionError) {
        let isSingleSegment = descriptor & 0x20 != 0
        guard descriptor & 0x08 == 0 else { throw .corrupt(.zstd, at: at - 1, .header) }
        if !isSingleSegment {
            let windowLog = 10 + Int(try ZstdFrame.number(input, &at, 1) >> 3)
            guard windowLog <= ZstdFrame.windowLogMax else {
                throw .corrupt(.zstd, at: at - 1, .windowTooLarge)
            }
        }
        // Dictionary id of 0, 1, 2 or 4 bytes. The library refuses a frame that names one.
        try ZstdFrame.skip(input, &at, [0, 1, 2, 4][Int(descriptor & 3)])
        switch descriptor >> 6 {
        case 0: declaredBytes = isSingleSegment ? try ZstdFrame.number(input, &at, 1) : nil
        case 1: declaredBytes = try ZstdFrame.number(input, &at, 2) + 256
        case 2: declaredBytes = try ZstdFrame.number(input, &at, 4)
        default: declaredBytes = try ZstdFrame.number(input, &at, 8)
        }
    }

    private mutating func readBlocks(
        _ input: RawSpan, _ at: inout Int
    ) throws(CompressionError) {
        var isLast = false
        while !isLast {
            let header = try ZstdFrame.number(input, &at, 3)
            isLast = header & 1 != 0
            let size = Int(header >> 3)
            // The library would take a longer run of one byte in one pass, but not as a stream.
            guard size <= ZstdFrame.blockBytesMax else {
                throw .corrupt(.zstd, at: at - 3, .block)
            }
            switch (header >> 1) & 3 {
            case 0:  // stored
                contentBytesMax += size
                try ZstdFrame.skip(input, &at, size)
            case 1:  // one byte, repeated
                contentBytesMax += size
                try ZstdFrame.skip(input, &at, 1)
            case 2:
                contentBytesMax += ZstdFrame.blockBytesMax
                try ZstdFrame.skip(input, &at, size)
            default: throw .corrupt(.zstd, at: at - 3, .block)
            }
        }
    }

    private static func number(
        _ input: RawSpan, _ at: inout Int, _ count: Int
    ) throws(CompressionError) -> UInt64 {
        let start = at
        try skip(input, &at, count)
        return littleEndian(input, at: start, count)
    }

    private static func skip(
        _ input: RawSpan, _ at: inout Int, _ count: Int
    ) throws(CompressionError) {
        guard input.byteCount - at >= count else { throw .corrupt(.zstd, at: at, .truncated) }
        at += count
    }
}

/// Reads any number of frames; writes one, with its content size.
@safe
internal final class ZstdCodec {
    private var decompression: OpaquePointer?
    private var compression: OpaquePointer?

    internal init() {}

    deinit { release() }

    internal func release() {
        // SAFETY: both are NULL or were made by the library, and nobody else holds them.
        unsafe ZSTD_freeDCtx(decompression)
        unsafe decompression = nil
        unsafe ZSTD_freeCCtx(compression)
        unsafe compression = nil
    }

    internal func decompress(
        _ input: RawSpan, into output: BoundedOutput
    ) throws(CompressionError) {
        var at = 0
        while at < input.byteCount {
            let frame = try ZstdFrame(input, at: at)
            if !frame.isSkippable {
                try decompress(
                    frame, input.extracting(at..<at + frame.bytes), at: at, into: output)
            }
            at += frame.bytes
        }
    }

    private func decompress(
        _ frame: ZstdFrame, _ input: RawSpan, at: Int, into output: BoundedOutput
    ) throws(CompressionError) {
        if let declared = frame.declaredBytes {
            guard declared <= UInt64(frame.contentBytesMax) else {
                throw .corrupt(.zstd, at: at, .contentSize)
            }
            guard declared <= UInt64(output.bytesLeft) else {
                throw .outputTooLarge(limit: output.bytesMax)
            }
        }
        // When the size is not declared, blocks of the usual encoders are full but for the last,
        // so the bound is hardly more than what will be produced.
        let room = frame.declaredBytes.map { Int($0) } ?? frame.contentBytesMax
        let context = try unsafe readyDecompression()
        var result = 0
        // SAFETY: the span lives for the closure; the library reads the frame only and writes at
        // most the room given.
        _ = try unsafe input.withUnsafeBytes { bytes throws(CompressionError) in
            try unsafe output.write(min(room, output.bytesLeft)) { start, roomBytes in
                result = unsafe ZSTD_decompressDCtx(
                    context, start, roomBytes, bytes.baseAddress, bytes.count)
                return ZSTD_isError(result) == 0 ? result : 0
            }
        }
        guard ZSTD_isError(result) != 0 else { return }
        // Results are lengths, or negated error numbers (ZSTD_ErrorCode, fixed since 1.3.1).
        switch 0 &- result {
        case 14, 16, 32: throw .corrupt(.zstd, at: at, .header)  // unsupported, window, dictionary
        case 22: throw .corrupt(.zstd, at: at, .checksum)
        case 64: throw .libraryFailed(.zstd, code: 64)  // memory_allocation
        case 70:  // dstSize_tooSmall
            guard room <= output.bytesLeft else { throw .outputTooLarge(limit: output.bytesMax) }
            throw .corrupt(.zstd, at: at, .contentSize)
        default: throw .corrupt(.zstd, at: at, .block)
        }
    }

    internal func compress(
        _ input: RawSpan, into output: ByteBuffer
    ) throws(CompressionError) {
        let context = try unsafe readyCompression()
        var result = 0
        // SAFETY: the span lives for the closure; the room is the library's own bound.
        unsafe input.withUnsafeBytes { bytes in
            let bound = ZSTD_compressBound(bytes.count)
            unsafe output.appendUninitialized(bound) { room in
                result = unsafe ZSTD_compress2(
                    context, room.baseAddress, bound, bytes.baseAddress, bytes.count)
                return ZSTD_isError(result) == 0 ? result : 0
            }
        }
        guard ZSTD_isError(result) == 0 else {
            throw .libraryFailed(.zstd, code: 0 &- result)
        }
    }

    private func readyDecompression() throws(CompressionError) -> OpaquePointer {
        // SAFETY: a stored context is whole; each frame starts it anew, also after an error.
        if let context = unsafe decompression { return unsafe context }
        guard let context = unsafe ZSTD_createDCtx() else {
            throw .libraryFailed(.zstd, code: 64)
        }
        unsafe decompression = context
        return unsafe context
    }

    private func readyCompression() throws(CompressionError) -> OpaquePointer {
        // SAFETY: as above. Level 3 is the library's default and Kafka's, so it is not set.
        if let context = unsafe compression { return unsafe context }
        guard let context = unsafe ZSTD_createCCtx() else {
            throw .libraryFailed(.zstd, code: 64)
        }
        unsafe compression = context
        return unsafe context
    }
}
