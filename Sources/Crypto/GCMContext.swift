// GCMContext: one OpenSSL cipher context with its key set, for one direction.

internal import COpenSSL
internal import COpenSSLShims

/// An algorithm that OpenSSL looked up once; looking it up per use costs more than a small message.
// SENDABLE: a fetched EVP_CIPHER is immutable and reference-counted by OpenSSL.
@safe
internal struct FetchedCipher: @unchecked Sendable {
    internal let pointer: OpaquePointer?

    internal static let aes256GCM = FetchedCipher("AES-256-GCM")
    internal static let aes256Wrap = FetchedCipher("AES-256-WRAP")

    private init(_ name: String) {
        // SAFETY: the reference is kept for the life of the process; NULL is checked by users.
        unsafe pointer = EVP_CIPHER_fetch(nil, name, nil)
    }
}

/// A keyed context; only the IV changes from message to message.
@safe
internal final class GCMContext {
    private static let tagBytes = 16
    private let context: OpaquePointer

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
    }

    deinit {
        // SAFETY: nobody else holds the context; freeing it cleanses the key schedule.
        unsafe EVP_CIPHER_CTX_free(context)
    }

    /// Writes `plaintext.count` bytes of ciphertext and 16 of tag to `output`.
    internal func seal(
        _ plaintext: UnsafeRawBufferPointer, _ aad: UnsafeRawBufferPointer,
        nonce: UnsafeRawPointer, output: UnsafeMutableRawPointer
    ) -> Bool {
        var written: Int32 = 0
        // SAFETY: the caller gives room for ciphertext and tag and 12 bytes of nonce; counts
        // fit Int32 (checked by AESGCM); OpenSSL keeps no pointer.
        let iv = unsafe nonce.assumingMemoryBound(to: UInt8.self)
        let out = unsafe output.assumingMemoryBound(to: UInt8.self)
        guard unsafe EVP_EncryptInit_ex(context, nil, nil, nil, iv) == 1 else { return false }
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
        guard unsafe EVP_EncryptFinal_ex(context, tag, &written) == 1 else { return false }
        return unsafe wax_evp_get_tag(context, GCMContext.tagBytes, tag) == 1
    }

    /// Writes `count` bytes of plaintext to `output`; `sealed` is nonce, `count` bytes, tag.
    internal func open(
        _ sealed: UnsafeRawBufferPointer, _ aad: UnsafeRawBufferPointer,
        count: Int, output: UnsafeMutableRawPointer
    ) -> Bool {
        guard let base = sealed.baseAddress else { return false }
        var written: Int32 = 0
        // SAFETY: the caller checked that sealed has 28 bytes more than `count` and that counts
        // fit Int32; OpenSSL only reads the tag although its type is mutable, and keeps nothing.
        let iv = unsafe base.assumingMemoryBound(to: UInt8.self)
        let bytes = unsafe iv + Nonce.byteCount
        let out = unsafe output.assumingMemoryBound(to: UInt8.self)
        let tag = unsafe UnsafeMutableRawPointer(mutating: bytes + count)
        guard unsafe wax_evp_decrypt_init(context, iv, GCMContext.tagBytes, tag) == 1 else {
            return false
        }
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
