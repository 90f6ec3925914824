// GCMContext: one OpenSSL cipher context with its key set, for one direction.

internal import COpenSSL
internal import COpenSSLShims

/// An algorithm that OpenSSL looked up once; looking it up per use costs more than a small message.
// SENDABLE: a fetched EVP_CIPHER is immutable and reference-counted by OpenSSL.
@safe
internal struct FetchedCipher: @unchecked Sendable {
    internal let pointer: OpaquePointer?

    internal static let aes256GCM = FetchedCipher("AES-256-GCM")
    /// Single blocks, for a mode that is put together elsewhere.
    internal static let aes256ECB = FetchedCipher("AES-256-ECB")
    internal static let aes256Wrap = FetchedCipher("AES-256-WRAP")

    private init(_ name: String) {
        // SAFETY: the reference is kept for the life of the process; NULL is checked by users.
        unsafe pointer = EVP_CIPHER_fetch(nil, name, nil)
    }
}

/// A keyed context; only the IV changes from message to message.
///
/// A sealing context always stands at the beginning of a message whose IV is known: OpenSSL counts
/// IVs up as data keys count their nonces, so the next one is usually the one that is wanted. Which
/// it is, is compared and never assumed.
@safe
internal final class GCMContext {
    private let context: OpaquePointer
    /// The IV of the message that the context stands at, nil when it has to be set.
    private var begun: Nonce?

    internal init(key: SecretBytes, sealing: Bool) throws(CryptoError) {
        guard let cipher = unsafe FetchedCipher.aes256GCM.pointer,
            let context = unsafe EVP_CIPHER_CTX_new()
        else { throw .fromQueue("AES-256-GCM set-up") }
        unsafe self.context = context
        // SAFETY: the key is 32 bytes, checked by AESGCM; OpenSSL copies its schedule.
        let keyed = key.withBytes { span in
            unsafe span.withUnsafeBytes { bytes in
                let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_CipherInit_ex(context, cipher, nil, start, nil, sealing ? 1 : 0)
            }
        }
        guard keyed == 1 else { throw .fromQueue("AES-256-GCM key set-up") }
        // Turns OpenSSL's own counting on; sealing sets its IV before the first message.
        var zeros = (UInt64(0), UInt32(0))
        // SAFETY: 12 bytes of a local are read.
        guard unsafe wax_gcm_set_iv(context, &zeros) == 1 else {
            throw .fromQueue("AES-256-GCM IV set-up")
        }
    }

    /// Stands at the beginning of the message with this nonce.
    private func begin(_ nonce: Nonce, _ bytes: UnsafeRawPointer) -> Bool {
        if begun == nonce { return true }
        var iv = (UInt64(0), UInt32(0))
        // SAFETY: `bytes` has 12 bytes, which are only read; 12 bytes of a local are written.
        guard unsafe wax_gcm_set_iv(context, UnsafeMutableRawPointer(mutating: bytes)) == 1,
            unsafe wax_gcm_begin(context, &iv) == 1
        else { return false }
        begun = unsafe withUnsafeBytes(of: iv) { unsafe Nonce(bytes: $0) }
        return begun == nonce
    }

    deinit {
        // SAFETY: nobody else holds the context; freeing it cleanses the key schedule.
        unsafe EVP_CIPHER_CTX_free(context)
    }

    /// Writes `plaintext.count` bytes of ciphertext and 16 of tag to `output`.
    internal func seal(
        _ plaintext: UnsafeRawBufferPointer, _ aad: UnsafeRawBufferPointer,
        _ nonce: Nonce, nonceBytes: UnsafeRawPointer, output: UnsafeMutableRawPointer
    ) -> Bool {
        var written: Int32 = 0
        // SAFETY: the caller gives room for ciphertext and tag and 12 bytes of nonce; counts
        // fit Int32 (checked by AESGCM); OpenSSL keeps no pointer.
        let out = unsafe output.assumingMemoryBound(to: UInt8.self)
        guard unsafe begin(nonce, nonceBytes) else { return false }
        // Whatever happens from here on, this nonce is spent.
        begun = nil
        if let start = aad.baseAddress, aad.count > 0 {
            let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
            let count = Int32(truncatingIfNeeded: aad.count)
            guard unsafe EVP_EncryptUpdate(context, nil, &written, bytes, count) == 1 else {
                return false
            }
        }
        if let start = plaintext.baseAddress, plaintext.count > 0 {
            let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
            let count = Int32(truncatingIfNeeded: plaintext.count)
            guard unsafe EVP_EncryptUpdate(context, out, &written, bytes, count) == 1,
                written == count
            else { return false }
        }
        let tag = unsafe out + plaintext.count
        var next = (UInt64(0), UInt32(0))
        guard unsafe EVP_EncryptFinal_ex(context, tag, &written) == 1,
            unsafe wax_gcm_tag_and_begin(context, tag, &next) == 1
        else { return false }
        begun = unsafe withUnsafeBytes(of: next) { unsafe Nonce(bytes: $0) }
        return true
    }

    /// Writes `count` bytes of plaintext to `output`; `sealed` is nonce, `count` bytes, tag.
    internal func open(
        _ sealed: UnsafeRawBufferPointer, _ aad: UnsafeRawBufferPointer,
        count: Int, output: UnsafeMutableRawPointer
    ) -> Bool {
        guard let base = sealed.baseAddress else { return false }
        var written: Int32 = 0
        // SAFETY: the caller checked that sealed has 28 bytes more than `count` and that counts
        // fit Int32; OpenSSL only reads IV and tag although the types are mutable, and keeps
        // nothing.
        let iv = unsafe UnsafeMutableRawPointer(mutating: base)
        let bytes = unsafe base.assumingMemoryBound(to: UInt8.self) + Nonce.byteCount
        let out = unsafe output.assumingMemoryBound(to: UInt8.self)
        let tag = unsafe UnsafeMutableRawPointer(mutating: bytes + count)
        guard unsafe wax_gcm_begin_open(context, iv, tag) == 1 else { return false }
        if let start = aad.baseAddress, aad.count > 0 {
            let associated = unsafe start.assumingMemoryBound(to: UInt8.self)
            let associatedCount = Int32(truncatingIfNeeded: aad.count)
            guard
                unsafe EVP_DecryptUpdate(context, nil, &written, associated, associatedCount) == 1
            else { return false }
        }
        if count > 0 {
            let wanted = Int32(truncatingIfNeeded: count)
            guard unsafe EVP_DecryptUpdate(context, out, &written, bytes, wanted) == 1,
                written == wanted
            else { return false }
        }
        return unsafe EVP_DecryptFinal_ex(context, out + count, &written) == 1
    }
}
