// Codecs: compresses and decompresses the records area of batches, by codec id.

package import Bytes

/// The four codecs of Kafka with the library contexts they need, kept between calls.
///
/// One per event loop. A context is made when its codec and direction is first used, so a loop
/// that never sees zstd never pays for it.
package final class Codecs {
    /// Bytes of input taken: a Kafka frame has a 32-bit signed length.
    private static let inputBytesMax = Int(Int32.max)

    private let gzip = GzipCodec()
    private let snappy = SnappyCodec()
    private let lz4 = LZ4Codec()
    private let zstd = ZstdCodec()

    package init() {}

    /// Appends the decompressed content of `input` to `output`.
    ///
    /// The whole input must be one well-formed stream: for gzip one or more members, for snappy
    /// the xerial framing or a bare block, for lz4 one frame, for zstd one or more frames. An
    /// input of no bytes is a truncated stream. Streams that were cut exactly between two gzip
    /// members, zstd frames or xerial blocks look whole, so the caller also counts records.
    ///
    /// - Parameters:
    ///   - input: not a part of `output`, which moves when it grows.
    ///   - outputBytesMax: bytes that may be produced. Storage beyond it is never asked for, and
    ///     a length that the stream declares is compared with it before anything is allocated.
    /// - Throws: after cutting `output` back to what it held.
    package func decompress(
        _ codec: CompressionCodec, _ input: RawSpan, into output: ByteBuffer, outputBytesMax: Int
    ) throws(CompressionError) {
        try checkLength(input)
        let bounded = BoundedOutput(
            output, bytesMax: outputBytesMax, inputBytes: input.byteCount)
        do throws(CompressionError) {
            if codec != .none, input.byteCount == 0 { throw .corrupt(codec, at: 0, .truncated) }
            switch codec {
            case .none: try bounded.append(input)
            case .gzip: try gzip.decompress(input, into: bounded)
            case .snappy: try snappy.decompress(input, into: bounded)
            case .lz4: try lz4.decompress(input, into: bounded)
            case .zstd: try zstd.decompress(input, into: bounded)
            }
        } catch {
            bounded.cutBack()
            throw error
        }
    }

    /// Appends `input` in compressed form to `output`, in the shape and at the level that Kafka's
    /// own producer uses by default: gzip -1, snappy in xerial framing, lz4 fast with independent
    /// 64 KiB blocks, zstd 3.
    ///
    /// - Parameter input: not a part of `output`, which moves when it grows.
    /// - Throws: `.inputTooLarge` and `.libraryFailed` only, after cutting `output` back.
    package func compress(
        _ codec: CompressionCodec, _ input: RawSpan, into output: ByteBuffer
    ) throws(CompressionError) {
        try checkLength(input)
        let before = output.count
        do throws(CompressionError) {
            switch codec {
            case .none: output.append(input)
            case .gzip: try gzip.compress(input, into: output)
            case .snappy: try snappy.compress(input, into: output)
            case .lz4: try lz4.compress(input, into: output)
            case .zstd: try zstd.compress(input, into: output)
            }
        } catch {
            output.truncate(to: before)
            throw error
        }
    }

    /// Frees every library context, for a loop that has been idle; the next use makes them anew.
    package func releaseContexts() {
        gzip.release()
        lz4.release()
        zstd.release()
    }

    private func checkLength(_ input: RawSpan) throws(CompressionError) {
        guard input.byteCount <= Codecs.inputBytesMax else {
            throw .inputTooLarge(limit: Codecs.inputBytesMax)
        }
    }
}
