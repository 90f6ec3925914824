// BatchInflater: decompresses a batch's records into scratch space that is used again.

internal import Bytes
internal import Compression
internal import Envelope
internal import KafkaWire
internal import Limits

/// The codecs' contexts and one scratch buffer, owned by one sealer or opener.
internal final class BatchInflater {
    /// What the last `inflate` gave; valid until the next one or until `release`.
    internal private(set) var scratch = ByteBuffer(capacity: 16)
    private let codecs = Codecs()

    /// Decompresses `body` (the bytes after the batch header) into `scratch`.
    internal func inflate(
        _ body: RawSpan, codec: UInt8
    ) throws(RecordError) {
        scratch.removeAll()
        guard let codec = CompressionCodec(rawValue: codec) else {
            throw RecordError(.unsupportedCompression, "codec \(codec)")
        }
        do {
            try codecs.decompress(
                codec, body, into: scratch, outputBytesMax: RecordLimits.inflatedBytesMax)
        } catch {
            switch error {
            case .outputTooLarge, .inputTooLarge: throw RecordError(.limitExceeded, "\(error)")
            case .corrupt, .libraryFailed: throw RecordError(.corruptBatch, "\(error)")
            }
        }
    }

    /// Appends the value that was compressed before it was sealed to `plaintext`.
    ///
    /// - Throws: `openFailed`, also for a value that is over the limit: no sealer makes one.
    internal func inflate(
        value plaintext: RawSpan, _ compression: EnvelopeCompression, into output: ByteBuffer
    ) throws(RecordError) {
        let bytesMax = RecordLimits.inflatedBytesMax
        do throws(CompressionError) {
            switch compression {
            case .none: output.append(plaintext)
            case .zstd:
                try codecs.decompress(.zstd, plaintext, into: output, outputBytesMax: bytesMax)
            case .lz4:
                try LZ4Block.decompress(plaintext, into: output, outputBytesMax: bytesMax)
            }
        } catch {
            throw RecordError(.openFailed, "the opened value does not decompress: \(error)")
        }
    }

    /// Gives a scratch buffer back that an unusually large batch made grow.
    internal func release() {
        if scratch.capacity > RecordLimits.scratchBytesKept {
            scratch = ByteBuffer(capacity: 16)
        }
    }
}
