// BatchInflater: decompresses a batch's records into scratch space that is used again.

internal import Bytes
internal import Compression
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

    /// Gives a scratch buffer back that an unusually large batch made grow.
    internal func release() {
        if scratch.capacity > RecordLimits.scratchBytesKept {
            scratch = ByteBuffer(capacity: 16)
        }
    }
}
