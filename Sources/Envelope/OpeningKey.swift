// OpeningKey: a data key that opens, and the question by which record code gets one.

package import Bytes
package import Crypto

/// One data key in use for opening. It belongs to one event loop.
package final class OpeningKey {
    /// The id that stored records give it.
    package let id: UInt64
    /// "service/name" of the key that wrapped it; part of what ciphertexts are bound to.
    package let reference: String

    private let cipher: AESGCM
    private let associated: AssociatedData
    /// What `associated` fills, held here too: one step less on the way to it per record.
    private let associatedBytes: ByteBuffer
    private var isBound = false

    /// - Parameter key: 32 bytes.
    /// - Throws: when the reference is empty or too long, or the key has another length.
    package init(id: UInt64, reference: String, key: SecretBytes) throws(EnvelopeError) {
        associated = try AssociatedData(id: id, reference: reference)
        do { cipher = try AESGCM(key: key) } catch { throw .cipher(error) }
        associatedBytes = associated.buffer
        self.id = id
        self.reference = reference
    }

    /// Whether a stored header that claims this id and reference means this key. A cache that finds
    /// keys by wrapped bytes alone would otherwise let the claims in the header go unchecked.
    package func isNamed(id: UInt64, reference: RawSpan) -> Bool {
        self.id == id && associated.hasReference(reference)
    }

    /// Says which topic the next values were sealed for; cheap when it is the same as before.
    package func bind(topic: String) throws(EnvelopeError) {
        try associated.bind(topic: topic)
        isBound = true
    }

    /// Appends the plaintext of `sealed`, a stored value of the topic that was bound. On failure
    /// `output` is as it was.
    ///
    /// - Parameter compression: what the header says was done to the value before; the plaintext
    ///   is then what came of it.
    package func open(
        _ sealed: RawSpan, compression: EnvelopeCompression = .none, into output: ByteBuffer
    ) throws(CryptoError) {
        precondition(isBound, "a value is opened before its topic is known")
        associated.use(compression: compression)
        try OpeningKey.open(sealed, cipher, associatedBytes, output)
    }

    /// Appends the text that a field had in its document. On failure `output` is as it was.
    ///
    /// - Parameters:
    ///   - field: nonce, ciphertext and tag, as `FieldText` decodes them.
    ///   - path: the normalized path (RFC 9535 section 2.7) of the field, UTF-8.
    /// - Throws: `badPath`, or `cipher` for what does not authenticate.
    package func open(
        field: RawSpan, path: RawSpan, into output: ByteBuffer
    ) throws(EnvelopeError) {
        precondition(isBound, "a field is opened before its topic is known")
        try associated.use(path: path)
        do {
            try OpeningKey.open(field, cipher, associatedBytes, output)
        } catch {
            throw .cipher(error)
        }
    }

    /// The buffer is a parameter so that its bytes can be lent without counting a reference.
    @inline(never)
    private static func open(
        _ sealed: RawSpan, _ cipher: AESGCM, _ associated: ByteBuffer, _ output: ByteBuffer
    ) throws(CryptoError) {
        try cipher.open(sealed, aad: associated.bytes, into: output)
    }
}

/// Where record code finds data keys while it opens a batch. Nothing here waits: a key that is not
/// at hand is noted by the implementer, fetched elsewhere, and the partition is opened again.
package protocol OpeningKeys: AnyObject {
    /// The unwrapped key, or nil when it is not at hand yet; the miss is noted.
    ///
    /// The spans are valid for the call only. The answer must have been unwrapped from exactly
    /// these bytes under this reference: the id alone proves nothing.
    func openingKey(reference: RawSpan, wrapped: RawSpan, id: UInt64) -> OpeningKey?
}
