// Gzip: RFC 1952 members through zlib.

internal import Bytes
internal import CZlib

/// Reads any number of members; writes one.
@safe
internal final class GzipCodec {
    /// Fifteen bits of window, and 16 that make zlib expect and write the gzip wrapper only.
    private static let windowBits: Int32 = 15 + 16
    /// zlib's default, about 256 KiB of state.
    private static let memoryLevel: Int32 = 8

    // zlib's state points back at its stream, so both streams stay where they were made.
    private var inflater: UnsafeMutablePointer<z_stream>?
    private var deflater: UnsafeMutablePointer<z_stream>?

    internal init() {}

    deinit { release() }

    internal func release() {
        // SAFETY: a stored stream was initialised by its Init call, and nobody else holds it.
        if let stream = unsafe inflater {
            unsafe inflateEnd(stream)
            unsafe stream.deallocate()
            unsafe inflater = nil
        }
        if let stream = unsafe deflater {
            unsafe deflateEnd(stream)
            unsafe stream.deallocate()
            unsafe deflater = nil
        }
    }

    internal func decompress(
        _ input: RawSpan, into output: BoundedOutput
    ) throws(CompressionError) {
        let stream = try unsafe readyInflater()
        // SAFETY: the span lives for the closure, and zlib only reads from it although its
        // pointer is declared mutable; its length fits 32 bits, checked by Codecs.
        try unsafe input.withUnsafeBytes { bytes throws(CompressionError) in
            unsafe GzipCodec.setInput(stream, bytes)
            try unsafe inflateMembers(stream, inputBytes: bytes.count, into: output)
        }
    }

    private func inflateMembers(
        _ stream: UnsafeMutablePointer<z_stream>, inputBytes: Int, into output: BoundedOutput
    ) throws(CompressionError) {
        while true {
            var status = Z_OK
            // SAFETY: zlib writes at most the room given; steps fit 32 bits.
            let isFull = try unsafe output.fill { room, bytes in
                unsafe stream.pointee.next_out = room.assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.avail_out = UInt32(bytes)
                status = unsafe inflate(stream, Z_NO_FLUSH)
                return unsafe bytes - Int(stream.pointee.avail_out)
            }
            let inputLeft = unsafe Int(stream.pointee.avail_in)
            let at = inputBytes - inputLeft
            switch status {
            case Z_STREAM_END:
                if inputLeft == 0 { return }
                // Whatever follows has to be another member.
                unsafe inflateReset(stream)
            case Z_OK, Z_BUF_ERROR:
                // zlib stops for want of room or of input; there is no third reason, but a
                // stream that found one must not keep the loop here.
                if isFull { continue }
                throw .corrupt(.gzip, at: at, inputLeft == 0 ? .truncated : .block)
            case Z_MEM_ERROR:
                throw .libraryFailed(.gzip, code: Int(status))
            default:
                throw .corrupt(.gzip, at: at, unsafe GzipCodec.defect(stream))
            }
        }
    }

    internal func compress(
        _ input: RawSpan, into output: ByteBuffer
    ) throws(CompressionError) {
        let stream = try unsafe readyDeflater()
        // SAFETY: the span lives for the closure and is only read; zlib writes at most the room
        // given, which its own bound says is enough for one call.
        let status = unsafe input.withUnsafeBytes { bytes in
            unsafe GzipCodec.setInput(stream, bytes)
            let bound = unsafe min(
                Int(deflateBound(stream, UInt(bytes.count))), Int(UInt32.max))
            var status = Z_BUF_ERROR
            unsafe output.appendUninitialized(bound) { room in
                unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(
                    to: UInt8.self)
                unsafe stream.pointee.avail_out = UInt32(bound)
                status = unsafe deflate(stream, Z_FINISH)
                return unsafe bound - Int(stream.pointee.avail_out)
            }
            return status
        }
        guard status == Z_STREAM_END else { throw .libraryFailed(.gzip, code: Int(status)) }
    }

    private static func setInput(
        _ stream: UnsafeMutablePointer<z_stream>, _ bytes: UnsafeRawBufferPointer
    ) {
        // SAFETY: zlib reads these bytes only during the calls that the caller makes next.
        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
        unsafe stream.pointee.avail_in = UInt32(bytes.count)
    }

    /// What zlib complains about; it has one status for all, and constant texts.
    private static func defect(
        _ stream: UnsafeMutablePointer<z_stream>
    ) -> CompressionError.Defect {
        // SAFETY: the text is a constant of the library, or NULL.
        guard let text = unsafe stream.pointee.msg else { return .block }
        switch unsafe String(cString: text) {
        case "incorrect data check": return .checksum
        case "incorrect length check": return .contentSize
        case "incorrect header check", "unknown compression method",
            "unknown header flags set", "header crc mismatch":
            return .header
        default: return .block
        }
    }

    private func readyInflater() throws(CompressionError) -> UnsafeMutablePointer<z_stream> {
        // SAFETY: a stream is stored only once its Init call succeeded.
        if let stream = unsafe inflater {
            unsafe inflateReset(stream)
            return unsafe stream
        }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe inflateInit2_(
            stream, GzipCodec.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            unsafe stream.deallocate()
            throw .libraryFailed(.gzip, code: Int(status))
        }
        unsafe inflater = stream
        return unsafe stream
    }

    private func readyDeflater() throws(CompressionError) -> UnsafeMutablePointer<z_stream> {
        // SAFETY: a stream is stored only once its Init call succeeded.
        if let stream = unsafe deflater {
            unsafe deflateReset(stream)
            return unsafe stream
        }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GzipCodec.windowBits,
            GzipCodec.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            unsafe stream.deallocate()
            throw .libraryFailed(.gzip, code: Int(status))
        }
        unsafe deflater = stream
        return unsafe stream
    }
}
