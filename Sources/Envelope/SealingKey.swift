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
    /// The whole record header of a value that is not compressed: key and value with their
    /// lengths, the wrapped key in it.
    package let recordHeader: ByteBuffer
    /// The same without the wrapped key, for records behind one that has it.
    package let leanHeader: ByteBuffer
    /// Upper bound of what sealing adds to any record, in bytes. It depends on the length of the
    /// reference and on the wrapped key's length rounded up to 64, not on the key itself: batches
    /// are cut by it, and a retry under a successor key must be cut at the same places.
    package let addedBytesMax: Int
    /// The same for a record whose header names the key by its id only.
    package static let leanAddedBytesMax =
        headerBytes(ofValue: EnvelopeFormat.fixedHeaderBytes)
        + EnvelopeFormat.sealedOverheadBytes + varintGrowthMax

    /// Values sealed so far, each field of a document counted.
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
    /// Headers that were asked for beside the two above, by their flags.
    private var otherHeaders: [(flags: UInt8, header: ByteBuffer)] = []

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
        recordHeader = SealingKey.header(
            id, EnvelopeFormat.flagWrappedKey, reference: reference, wrapped: wrapped)
        leanHeader = SealingKey.header(id, 0, reference: reference, wrapped: wrapped)
        let classes =
            (wrapped.count + SealingKey.wrappedClassBytes - 1)
            / SealingKey.wrappedClassBytes
        let longest = SealingKey.wrappedHeaderBytes(
            reference: reference, wrappedBytes: classes * SealingKey.wrappedClassBytes)
        addedBytesMax =
            SealingKey.headerBytes(ofValue: longest)
            + EnvelopeFormat.sealedOverheadBytes + SealingKey.varintGrowthMax
    }

    /// Bytes of a header's value with the wrapped key in it.
    private static func wrappedHeaderBytes(reference: String, wrappedBytes: Int) -> Int {
        let referenceBytes = reference.utf8.count
        return EnvelopeFormat.fixedHeaderBytes
            + Varint.byteCount(unsigned: UInt64(referenceBytes)) + referenceBytes + wrappedBytes
    }

    /// Bytes of the whole record header whose value has `valueBytes`.
    private static func headerBytes(ofValue valueBytes: Int) -> Int {
        1 + EnvelopeFormat.headerKey.utf8CodeUnitCount + Varint.byteCount(of: valueBytes)
            + valueBytes
    }

    private static func header(
        _ id: UInt64, _ flags: UInt8, reference: String, wrapped: [UInt8]
    ) -> ByteBuffer {
        let isWrapped = flags & EnvelopeFormat.flagWrappedKey != 0
        let valueBytes =
            isWrapped
            ? wrappedHeaderBytes(reference: reference, wrappedBytes: wrapped.count)
            : EnvelopeFormat.fixedHeaderBytes
        let name = EnvelopeFormat.headerKey
        let recordHeader = ByteBuffer(capacity: valueBytes + 16)
        recordHeader.append(varint: Int64(name.utf8CodeUnitCount))
        recordHeader.append(name.description)
        recordHeader.append(varint: Int64(valueBytes))
        recordHeader.append(EnvelopeFormat.version)
        recordHeader.append(EnvelopeFormat.suiteAES256GCM | flags)
        recordHeader.append(int64: Int64(bitPattern: id))
        guard isWrapped else { return recordHeader }
        recordHeader.append(uvarint: UInt32(reference.utf8.count))
        recordHeader.append(reference)
        recordHeader.append(wrapped)
        return recordHeader
    }

    /// The whole record header with these flags, made when first asked for.
    ///
    /// - Parameters:
    ///   - flags: a compression's raw value, `flagFields`, or 0.
    ///   - isWrapped: whether the wrapped key stands in it.
    package func header(flags: UInt8, isWrapped: Bool) -> ByteBuffer {
        if flags == 0 { return isWrapped ? recordHeader : leanHeader }
        let wanted = isWrapped ? flags | EnvelopeFormat.flagWrappedKey : flags
        for other in otherHeaders where other.flags == wanted { return other.header }
        let made = SealingKey.header(id, wanted, reference: reference, wrapped: wrapped)
        otherHeaders.append((wanted, made))
        return made
    }

    /// Says which topic the next values belong to; cheap when it is the same as before.
    package func bind(topic: String) throws(EnvelopeError) {
        try associated.bind(topic: topic)
        isBound = true
    }

    /// Appends the sealed form of `plaintext`, `sealedOverheadBytes` longer, for the topic that
    /// was bound. The nonce is spent even when sealing fails.
    ///
    /// - Parameter compression: what made `plaintext` from the value; the header has to say so.
    package func seal(
        _ plaintext: RawSpan, compression: EnvelopeCompression = .none, into output: ByteBuffer
    ) throws(CryptoError) {
        precondition(isBound, "a value is sealed before its topic is known")
        associated.use(compression: compression)
        try sealBound(plaintext, output)
    }

    /// Appends the sealed form of a field of a document: nonce, ciphertext and tag, which
    /// `FieldText` makes a text of.
    ///
    /// - Parameters:
    ///   - field: the exact text of the value in the document.
    ///   - path: its normalized path (RFC 9535 section 2.7), UTF-8.
    /// - Throws: `badPath`, or `cipher`, when the nonce is spent.
    package func seal(
        field: RawSpan, path: RawSpan, into output: ByteBuffer
    ) throws(EnvelopeError) {
        precondition(isBound, "a field is sealed before its topic is known")
        try associated.use(path: path)
        do { try sealBound(field, output) } catch { throw .cipher(error) }
    }

    @inline(__always)
    private func sealBound(_ plaintext: RawSpan, _ output: ByteBuffer) throws(CryptoError) {
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
