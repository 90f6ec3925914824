// CodecCalls: the codecs on arrays, for the tests of this module.

import Bytes
import Compression
import Testing

/// What another implementation was given when it made most of the streams in these tests.
let rowanText = [UInt8](
    String(repeating: "waxwings strip a rowan tree in one afternoon; ", count: 3).utf8)

/// The bytes that a string of hexadecimal digits stands for; spaces are skipped.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
        UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
}

func compressed(
    _ codec: CompressionCodec, _ bytes: [UInt8], by codecs: Codecs = Codecs()
) throws -> [UInt8] {
    let output = ByteBuffer()
    // SAFETY: UInt8 has no padding.
    try codecs.compress(codec, unsafe bytes.span.bytes, into: output)
    return output.array
}

func decompressed(
    _ codec: CompressionCodec, _ stream: [UInt8], outputBytesMax: Int = 4 << 20,
    by codecs: Codecs = Codecs()
) throws -> [UInt8] {
    let output = ByteBuffer()
    // SAFETY: UInt8 has no padding.
    try codecs.decompress(
        codec, unsafe stream.span.bytes, into: output, outputBytesMax: outputBytesMax)
    return output.array
}

/// Decompresses behind some content, and holds what must be true of every stream whatsoever:
/// the earlier content stays, the limit holds for content and storage, an error leaves nothing.
/// - Returns: what was produced, or nil and the error.
func attempt(
    _ codec: CompressionCodec, _ stream: [UInt8], outputBytesMax: Int, by codecs: Codecs
) -> (produced: [UInt8]?, error: CompressionError?) {
    let before: [UInt8] = [1, 2, 3]
    let output = ByteBuffer(capacity: 16)
    output.append(before)
    var caught: CompressionError?
    do throws(CompressionError) {
        // SAFETY: UInt8 has no padding.
        try codecs.decompress(
            codec, unsafe stream.span.bytes, into: output, outputBytesMax: outputBytesMax)
    } catch {
        caught = error
    }
    #expect(output.capacity <= max(16, before.count + outputBytesMax), "\(codec) storage")
    #expect(output.count <= before.count + outputBytesMax, "\(codec) length")
    #expect(Array(output.array.prefix(before.count)) == before, "\(codec) earlier content")
    if caught != nil {
        #expect(output.count == before.count, "\(codec) leftovers")
        return (nil, caught)
    }
    return (Array(output.array.dropFirst(before.count)), nil)
}

/// The error that decompressing this stream gives.
func failure(
    _ codec: CompressionCodec, _ stream: [UInt8], outputBytesMax: Int = 4 << 20
) -> CompressionError? {
    attempt(codec, stream, outputBytesMax: outputBytesMax, by: Codecs()).error
}
