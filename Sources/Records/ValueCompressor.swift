// ValueCompressor: compresses single values, when that makes them shorter.

internal import Bytes
internal import Compression
internal import Envelope
internal import Limits

/// Library contexts and scratch space for values that are compressed before they are sealed.
internal final class ValueCompressor {
    /// What the last `compress` gave, valid until the next one.
    internal private(set) var scratch = ByteBuffer(capacity: 16)
    private let codecs = Codecs()

    /// Values shorter than this gain nothing from either format.
    private static let valueBytesMin = 16

    /// Compresses `value` into `scratch`.
    ///
    /// - Returns: how; `none` when the value is to be taken as it is.
    internal func compress(
        _ value: RawSpan, _ wanted: EnvelopeCompression
    ) -> EnvelopeCompression {
        guard value.byteCount >= ValueCompressor.valueBytesMin else { return .none }
        scratch.removeAll()
        switch wanted {
        case .none: return .none
        case .lz4: return LZ4Block.compress(value, into: scratch) ? .lz4 : .none
        case .zstd:
            do {
                try codecs.compress(.zstd, value, into: scratch)
            } catch {
                // The library fails for want of memory only; the value can do without.
                return .none
            }
            return scratch.count < value.byteCount ? .zstd : .none
        }
    }

    /// Gives a scratch buffer back that an unusually large value made grow, with the contexts
    /// that grew with it.
    internal func release() {
        guard scratch.capacity > RecordLimits.scratchBytesKept else { return }
        scratch = ByteBuffer(capacity: 16)
        codecs.releaseContexts()
    }
}
