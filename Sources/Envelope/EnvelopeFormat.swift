// EnvelopeFormat: the constants of the stored format, version 1, and how its header is read.

package import Bytes
package import Crypto
internal import Limits

/// The stored format: one record header `wax` that says how the value was sealed, and a value of
/// nonce, ciphertext and tag. docs/FORMAT.md is the reference; records written today must open
/// for ever, so nothing here may change meaning without a new version byte.
package enum EnvelopeFormat {
    /// Key of the record header. It is reserved: no producer may send it.
    package static let headerKey: StaticString = "wax"
    /// First byte of the header's value.
    package static let version: UInt8 = 1
    /// Low nibble of the second byte: AES-256-GCM, 96-bit nonce, 128-bit tag.
    package static let suiteAES256GCM: UInt8 = 1

    /// High nibble of the second byte. The header carries the key reference and the wrapped key.
    package static let flagWrappedKey: UInt8 = 0x10
    /// Compression before sealing: a raw value of `EnvelopeCompression`; both bits are invalid.
    package static let maskCompression: UInt8 = 0x60
    /// The value is a JSON document with sealed fields in it. Not together with compression.
    package static let flagFields: UInt8 = 0x80
    private static let maskSuite: UInt8 = 0x0f

    /// Version, suite and flags, data-key id: what every header has.
    package static let fixedHeaderBytes = 10
    /// Bytes that a sealed value has more than its plaintext: nonce and tag.
    package static let sealedOverheadBytes = 28

    /// How the text of a sealed field begins, behind the quotation mark: the rest, up to the
    /// closing one, is base64url without padding (RFC 4648 section 5) of nonce, ciphertext, tag.
    package static let fieldMark: StaticString = "wax1:"

    /// Refuses what this version does not know, so that nothing is opened by guess.
    internal static func check(version: UInt8, suite: UInt8) throws(EnvelopeError) {
        guard version == EnvelopeFormat.version else { throw .unsupportedVersion(version) }
        guard suite & maskSuite == suiteAES256GCM else {
            throw .unsupportedSuite(suite & maskSuite)
        }
        let flags = suite & ~maskSuite
        let compression = flags & maskCompression
        guard EnvelopeCompression(rawValue: compression) != nil,
            flags & flagFields == 0 || compression == 0
        else { throw .unsupportedFlags(flags) }
    }
}

/// How a whole value was compressed before it was sealed; the raw value is its flag in the header.
package enum EnvelopeCompression: UInt8, CaseIterable, Sendable {
    /// The plaintext is the value.
    case none = 0x00
    /// The plaintext is one zstd frame (RFC 8878) that declares its content size.
    case zstd = 0x20
    /// The plaintext is the value's length (uvarint) and one LZ4 block.
    case lz4 = 0x40
}

/// A header value taken apart; ranges are offsets into the value that was read.
package struct EnvelopeHeader: Equatable, Sendable {
    /// Which data key sealed the record.
    package let dataKeyID: UInt64
    /// Whether the reference and the wrapped key stand here; without them they stood in an
    /// earlier record of the same batch.
    package let hasWrappedKey: Bool
    /// How the value was compressed before it was sealed.
    package let compression: EnvelopeCompression
    /// Whether fields of the value are sealed, and not the value itself.
    package let isFields: Bool
    /// UTF-8 of the key reference; empty without a wrapped key.
    package let reference: Range<Int>
    /// The wrapped data key; empty without one.
    package let wrapped: Range<Int>

    /// - Throws: `EnvelopeError` for an unknown version, suite or flag, and for a header that is
    ///   cut short, too long, or has an empty part.
    package init(_ value: RawSpan) throws(EnvelopeError) {
        let head: (version: UInt8, suite: UInt8)
        do throws(WireError) {
            var cursor = ByteCursor(value)
            head = (try cursor.uint8(), try cursor.uint8())
        } catch {
            throw .malformedHeader(error)
        }
        try EnvelopeFormat.check(version: head.version, suite: head.suite)
        hasWrappedKey = head.suite & EnvelopeFormat.flagWrappedKey != 0
        isFields = head.suite & EnvelopeFormat.flagFields != 0
        compression =
            EnvelopeCompression(rawValue: head.suite & EnvelopeFormat.maskCompression) ?? .none
        do throws(WireError) {
            var cursor = ByteCursor(value)
            try cursor.skip(2)
            dataKeyID = UInt64(bitPattern: try cursor.int64())
            guard hasWrappedKey else {
                guard cursor.isAtEnd else { throw .invalid(at: cursor.offset, "header end") }
                reference = cursor.offset..<cursor.offset
                wrapped = reference
                return
            }
            let length = Int(try cursor.uvarint())
            let start = cursor.offset
            guard (1...RecordLimits.keyReferenceBytesMax).contains(length) else {
                throw .badLength(at: start, length)
            }
            try cursor.skip(length)
            reference = start..<cursor.offset
            guard (1...RecordLimits.wrappedKeyBytesMax).contains(cursor.remaining) else {
                throw .badLength(at: cursor.offset, cursor.remaining)
            }
            wrapped = cursor.offset..<value.byteCount
        } catch {
            throw .malformedHeader(error)
        }
    }
}

/// Why bytes are not the stored format that this version knows, or a key cannot be used in it.
package enum EnvelopeError: Error, Equatable, Sendable {
    case unsupportedVersion(UInt8)
    case unsupportedSuite(UInt8)
    /// The high nibble, with bits that this version does not know.
    case unsupportedFlags(UInt8)
    /// The header is cut short, too long or has an empty part.
    case malformedHeader(WireError)
    /// A key reference must have 1 to `keyReferenceBytesMax` bytes.
    case badReference(bytes: Int)
    /// A wrapped key must have 1 to `wrappedKeyBytesMax` bytes.
    case badWrappedKey(bytes: Int)
    /// A topic name must have 1 to `topicNameBytesMax` bytes.
    case badTopic(bytes: Int)
    /// The normalized path of a field must have 1 to `fieldPathBytesMax` bytes.
    case badPath(bytes: Int)
    /// The cipher does not take the key.
    case cipher(CryptoError)
}

extension EnvelopeError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unsupportedVersion(let version): "unsupported format version \(version)"
        case .unsupportedSuite(let suite): "unsupported cipher suite \(suite)"
        case .unsupportedFlags(let flags): "unsupported format flags \(flags >> 4)"
        case .malformedHeader(let error): "malformed wax header: \(error)"
        case .badReference(let bytes): "a key reference of \(bytes) bytes"
        case .badWrappedKey(let bytes): "a wrapped key of \(bytes) bytes"
        case .badTopic(let bytes): "a topic name of \(bytes) bytes"
        case .badPath(let bytes): "a field path of \(bytes) bytes"
        case .cipher(let error): "the data key cannot be used: \(error)"
        }
    }
}
