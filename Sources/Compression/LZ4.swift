// LZ4: one LZ4 frame through liblz4's frame API.

internal import Bytes
internal import CLZ4

/// Writes frames with independent 64 KiB blocks and no checksums, which is all that Kafka's Java
/// reader needs; reads whatever the frame format allows, but exactly one frame.
@safe
internal final class LZ4Codec {
    private static let magicNumber: UInt64 = 0x184d_2204
    /// A context that met blocks this long holds several MiB, so it is not kept.
    private static let keptBlockBytes = 256 * 1024

    private var decompression: OpaquePointer?
    private var compression: OpaquePointer?

    internal init() {}

    deinit { release() }

    internal func release() {
        // SAFETY: both are NULL or were made by the library, and nobody else holds them.
        unsafe LZ4F_freeDecompressionContext(decompression)
        unsafe decompression = nil
        unsafe LZ4F_freeCompressionContext(compression)
        unsafe compression = nil
    }

    internal func decompress(
        _ input: RawSpan, into output: BoundedOutput
    ) throws(CompressionError) {
        // The library would also step over a skippable frame and call that success.
        guard input.byteCount >= 4 else { throw .corrupt(.lz4, at: 0, .truncated) }
        guard littleEndian(input, at: 0, 4) == LZ4Codec.magicNumber else {
            throw .corrupt(.lz4, at: 0, .header)
        }
        let context = try unsafe readyDecompression()
        var info = LZ4F_frameInfo_t()
        defer {
            if LZ4Codec.blockBytesMax(info) > LZ4Codec.keptBlockBytes {
                // SAFETY: the context is forgotten as it is freed.
                unsafe LZ4F_freeDecompressionContext(decompression)
                unsafe decompression = nil
            }
        }
        // SAFETY: the span lives for the closure; the library reads at most `count` bytes of it.
        try unsafe input.withUnsafeBytes { bytes throws(CompressionError) in
            guard let start = bytes.baseAddress else { return }
            var at = bytes.count
            let result = unsafe LZ4F_getFrameInfo(context, &info, start, &at)
            try LZ4Codec.check(result, at: 0)
            // Zero when the frame does not say.
            guard info.contentSize <= UInt64(output.bytesLeft) else {
                throw .outputTooLarge(limit: output.bytesMax)
            }
            try unsafe decompressBlocks(context, bytes, from: at, into: output)
        }
    }

    private func decompressBlocks(
        _ context: OpaquePointer, _ bytes: UnsafeRawBufferPointer, from headerBytes: Int,
        into output: BoundedOutput
    ) throws(CompressionError) {
        var at = headerBytes
        while true {
            var result = 0
            var taken = bytes.count - at
            // SAFETY: `at` stays within the input; the library writes at most the room given and
            // keeps its own copy of the history, since the room may move between calls.
            let isFull = try unsafe output.fill { room, roomBytes in
                var written = roomBytes
                result = unsafe LZ4F_decompress(
                    context, room, &written, bytes.baseAddress.map { unsafe $0 + at }, &taken, nil)
                return LZ4F_isError(result) == 0 ? written : 0
            }
            try LZ4Codec.check(result, at: at)
            at += taken
            if result == 0 { break }
            if !isFull, at == bytes.count { throw .corrupt(.lz4, at: at, .truncated) }
            if !isFull, taken == 0 { throw .corrupt(.lz4, at: at, .block) }
        }
        guard at == bytes.count else { throw .corrupt(.lz4, at: at, .trailingBytes) }
    }

    internal func compress(
        _ input: RawSpan, into output: ByteBuffer
    ) throws(CompressionError) {
        let context = try unsafe readyCompression()
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        // Without it the library would copy the input to a buffer of its own first.
        preferences.autoFlush = 1
        // SAFETY: the preferences are read during the calls only; the room is the library's bound
        // for the header, for this much input and for the end mark together.
        let result = unsafe input.withUnsafeBytes { bytes in
            let bound =
                unsafe Int(LZ4F_HEADER_SIZE_MAX) + LZ4F_compressBound(bytes.count, &preferences)
            var result = 0
            unsafe output.appendUninitialized(bound) { room in
                guard let start = room.baseAddress else { return 0 }
                result = unsafe LZ4F_compressBegin(context, start, bound, &preferences)
                guard LZ4F_isError(result) == 0 else { return 0 }
                var at = result
                if let source = bytes.baseAddress, bytes.count > 0 {
                    result = unsafe LZ4F_compressUpdate(
                        context, start + at, bound - at, source, bytes.count, nil)
                    guard LZ4F_isError(result) == 0 else { return 0 }
                    at += result
                }
                result = unsafe LZ4F_compressEnd(context, start + at, bound - at, nil)
                return LZ4F_isError(result) == 0 ? at + result : 0
            }
            return result
        }
        guard LZ4F_isError(result) == 0 else {
            throw .libraryFailed(.lz4, code: 0 &- result)
        }
    }

    private static func blockBytesMax(_ info: LZ4F_frameInfo_t) -> Int {
        switch info.blockSizeID {
        case LZ4F_max1MB: 1 << 20
        case LZ4F_max4MB: 4 << 20
        default: keptBlockBytes
        }
    }

    /// Results of the library are lengths, or negated error numbers (LZ4F_errorCodes).
    private static func check(_ result: Int, at: Int) throws(CompressionError) {
        guard LZ4F_isError(result) != 0 else { return }
        switch 0 &- result {
        case 9: throw .libraryFailed(.lz4, code: 9)  // allocation_failed
        case 12: throw .corrupt(.lz4, at: at, .truncated)  // frameHeader_incomplete
        case 2, 3, 6, 8, 13: throw .corrupt(.lz4, at: at, .header)
        case 7, 17, 18: throw .corrupt(.lz4, at: at, .checksum)  // of block, header, content
        case 14: throw .corrupt(.lz4, at: at, .contentSize)  // frameSize_wrong
        default: throw .corrupt(.lz4, at: at, .block)
        }
    }

    private func readyDecompression() throws(CompressionError) -> OpaquePointer {
        // SAFETY: a context is stored only once it was made.
        if let context = unsafe decompression {
            unsafe LZ4F_resetDecompressionContext(context)
            return unsafe context
        }
        let result = unsafe LZ4F_createDecompressionContext(
            &decompression, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(result) == 0, let context = unsafe decompression else {
            throw .libraryFailed(.lz4, code: 0 &- result)
        }
        return unsafe context
    }

    private func readyCompression() throws(CompressionError) -> OpaquePointer {
        // SAFETY: a context is stored only once it was made; each frame begins it anew.
        if let context = unsafe compression { return unsafe context }
        let result = unsafe LZ4F_createCompressionContext(&compression, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(result) == 0, let context = unsafe compression else {
            throw .libraryFailed(.lz4, code: 0 &- result)
        }
        return unsafe context
    }
}
