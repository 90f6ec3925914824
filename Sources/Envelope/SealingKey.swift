// SealingKey: a data key that seals, with its nonce counter and its ready-made record header.

package import Bytes
package import Crypto
internal import Limits

/// One data key in use for sealing.
///
/// It belongs to one event loop of one process, which is what makes the nonce unique: 32 random
/// bits drawn once and a counter that only this object advances. The key is never sealed with
/// anywhere else, and a restart begins with a new one.
package final class SealingKey {
    /// Names the data key in stored records; drawn at random by whoever makes the key.
    package let id: UInt64
    /// "service/name" of the key that wraps this one.
    package let reference: String
    /// This key, wrapped by the key service, as it is stored.
    package let wrapped: [UInt8]
    /// The whole record header that every sealed record carries: key and value with their lengths.
    package let recordHeader: ByteBuffer
    /// Upper bound of what sealing adds to any record, in bytes. It depends on the length of the
    /// reference and on the wrapped key's length rounded up to 64, not on the key itself: batches
    /// are cut by it, and a retry under a successor key must be cut at the same places.
    package let addedBytesMax: Int

    /// Values sealed so far.
    package var recordsSealed: UInt64 { counter }
    /// Plaintext bytes sealed so far.
    package private(set) var bytesSealed: UInt64 = 0

    private let cipher: AESGCM
    private let associated: AssociatedData
    /// What `associated` fills, held here too: one step less on the way to it per record.
    private let associatedBytes: ByteBuffer
    private let salt: UInt32
    /// The nonce's counting part; tests set it to reach the golden vectors.
    internal var counter: UInt64 = 0
    private var isBound = false

    /// Record length 4, value length 4, header count 4 and offset delta 4: the most by which the
    /// varints of a record can grow.
    private static let varintGrowthMax = 16
    private static let wrappedClassBytes = 64

    /// - Parameters:
    ///   - salt: the fixed part of the nonce: 32 bits drawn at random for this key.
    ///   - key: 32 bytes.
    /// - Throws: when reference or wrapped key are empty or too long for the format, or the key has
    ///   another length.
    package init(
        id: UInt64, reference: String, wrapped: [UInt8], key: SecretBytes, salt: UInt32
    ) throws(EnvelopeError) {
        guard (1...RecordLimits.wrappedKeyBytesMax).contains(wrapped.count) else {
            throw .badWrappedKey(bytes: wrapped.count)
        }
        associated = try AssociatedData(id: id, reference: reference)
        do { cipher = try AESGCM(key: key) } catch { throw .cipher(error) }
        associatedBytes = associated.buffer
        self.id = id
        self.reference = reference
        self.wrapped = wrapped
        self.salt = salt
        recordHeader = SealingKey.header(id: id, reference: reference, wrapped: wrapped)
        let classes =
            (wrapped.count + SealingKey.wrappedClassBytes - 1)
            / SealingKey.wrappedClassBytes
        let longest = SealingKey.headerValueBytes(
            reference: reference, wrappedBytes: classes * SealingKey.wrappedClassBytes)
        let nameBytes = EnvelopeFormat.headerKey.utf8CodeUnitCount
        addedBytesMax =
            1 + nameBytes + Varint.byteCount(of: longest) + longest
            + EnvelopeFormat.sealedOverheadBytes + SealingKey.varintGrowthMax
    }

    private static func headerValueBytes(reference: String, wrappedBytes: Int) -> Int {
        let referenceBytes = reference.utf8.count
        return EnvelopeFormat.fixedHeaderBytes
            + Varint.byteCount(unsigned: UInt64(referenceBytes)) + referenceBytes + wrappedBytes
    }

    private static func header(id: UInt64, reference: String, wrapped: [UInt8]) -> ByteBuffer {
        let referenceBytes = reference.utf8.count
        let valueBytes = headerValueBytes(reference: reference, wrappedBytes: wrapped.count)
        let name = EnvelopeFormat.headerKey
        let recordHeader = ByteBuffer(capacity: valueBytes + 16)
        recordHeader.append(varint: Int64(name.utf8CodeUnitCount))
        recordHeader.append(name.description)
        recordHeader.append(varint: Int64(valueBytes))
        recordHeader.append(EnvelopeFormat.version)
        recordHeader.append(EnvelopeFormat.wholeValueSuite | EnvelopeFormat.flagWrappedKey)
        recordHeader.append(int64: Int64(bitPattern: id))
        recordHeader.append(uvarint: UInt32(referenceBytes))
        recordHeader.append(reference)
        recordHeader.append(wrapped)
        return recordHeader
    }

    /// Says which topic the next values belong to; cheap when it is the same as before.
    package func bind(topic: String) throws(EnvelopeError) {
        try associated.bind(topic: topic)
        isBound = true
    }

    /// Appends the sealed form of `plaintext`, `sealedOverheadBytes` longer, for the topic that
    /// was bound. The nonce is spent even when sealing fails.
    package func seal(
        _ plaintext: RawSpan, into output: ByteBuffer
    ) throws(CryptoError) {
        precondition(isBound, "a value is sealed before its topic is known")
        precondition(counter < UInt64.max, "a data key outlived its nonces")
        let nonce = Nonce(salt: salt, counter: counter)
        counter += 1
        bytesSealed &+= UInt64(plaintext.byteCount)
        try SealingKey.seal(plaintext, nonce, cipher, associatedBytes, output)
    }

    /// The buffer is a parameter so that its bytes can be lent without counting a reference.
    @inline(never)
    private static func seal(
        _ plaintext: RawSpan, _ nonce: Nonce, _ cipher: AESGCM, _ associated: ByteBuffer,
        _ output: ByteBuffer
    ) throws(CryptoError) {
        try cipher.seal(plaintext, nonce: nonce, aad: associated.bytes, into: output)
    }
}
