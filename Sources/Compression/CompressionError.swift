// CompressionError: the codec ids, and what can be wrong with a compressed stream.

/// How the records of a batch are compressed; the raw value is bits 0-2 of the batch attributes.
/// The ids 5-7 mean nothing and give nil.
package enum CompressionCodec: UInt8, Sendable, CaseIterable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    /// Since KIP-110.
    case zstd = 4
}

/// Why bytes could not be compressed or decompressed. Offsets count from the first compressed
/// byte. Never carries content.
package enum CompressionError: Error, Equatable, Sendable {
    /// The stream is not what its codec's format allows.
    case corrupt(CompressionCodec, at: Int, Defect)
    /// The content is longer than the caller allows, in bytes.
    case outputTooLarge(limit: Int)
    /// More input than a Kafka frame can hold, in bytes.
    case inputTooLarge(limit: Int)
    /// The library refused for a reason that is not in the data (no memory), with its own code.
    case libraryFailed(CompressionCodec, code: Int)

    /// What kind of fault a stream has.
    package enum Defect: String, Sendable {
        case truncated = "ends too early"
        case header = "bad header"
        case block = "bad block"
        case checksum = "wrong checksum"
        case contentSize = "wrong content size"
        case windowTooLarge = "window too large"
        case trailingBytes = "bytes after the end"
    }
}

extension CompressionError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .corrupt(let codec, let at, let defect):
            "corrupt \(codec) stream at byte \(at): \(defect.rawValue)"
        case .outputTooLarge(let limit): "decompresses to more than \(limit) bytes"
        case .inputTooLarge(let limit): "more than \(limit) bytes to compress or decompress"
        case .libraryFailed(let codec, let code): "\(codec) library failed with code \(code)"
        }
    }
}
