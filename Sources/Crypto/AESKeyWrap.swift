// AESKeyWrap: wrapping of data keys under a key-encryption key.

internal import COpenSSL
internal import COpenSSLShims

/// AES-256 key wrap with the default initial value (RFC 3394; `A256KW` of RFC 7518 section 4.4).
/// Deterministic and authenticated; it takes keys only, never messages.
package enum AESKeyWrap {
    /// Bytes that wrapping adds.
    package static let overheadBytes = 8
    private static let keyBytesMax = 4096

    /// The wrapped form of `key`, 8 bytes longer.
    ///
    /// - Parameters:
    ///   - key: 16 to 4096 bytes in steps of 8.
    ///   - kek: 32 bytes.
    package static func wrap(
        key: SecretBytes, under kek: SecretBytes
    ) throws(CryptoError) -> [UInt8] {
        guard key.count >= 16, key.count <= keyBytesMax, key.count % 8 == 0 else {
            throw .badLength(of: "key to wrap", bytes: key.count)
        }
        let context = try unsafe keyed(kek, wrapping: true)
        // SAFETY: freed once; nobody else holds it.
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        var wrapped = [UInt8](repeating: 0, count: key.count + overheadBytes)
        var written: Int32 = 0
        // SAFETY: the array has room for the key and 8 bytes; OpenSSL keeps no pointer.
        let done = key.withBytes { span in
            unsafe span.withUnsafeBytes { input in
                unsafe wrapped.withUnsafeMutableBufferPointer { output in
                    let bytes = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    return unsafe EVP_EncryptUpdate(
                        context, output.baseAddress, &written, bytes, Int32(input.count))
                }
            }
        }
        guard done == 1, Int(written) == wrapped.count else { throw .fromQueue("key wrap") }
        return wrapped
    }

    /// The key inside `wrapped`; `authenticationFailed` when it was not wrapped under `kek` or
    /// was changed.
    ///
    /// - Parameters:
    ///   - wrapped: 24 to 4104 bytes in steps of 8.
    ///   - kek: 32 bytes.
    package static func unwrap(
        _ wrapped: RawSpan, under kek: SecretBytes
    ) throws(CryptoError) -> SecretBytes {
        let count = wrapped.byteCount - overheadBytes
        guard count >= 16, count <= keyBytesMax, count % 8 == 0 else {
            throw .badLength(of: "wrapped key", bytes: wrapped.byteCount)
        }
        let context = try unsafe keyed(kek, wrapping: false)
        // SAFETY: freed once; nobody else holds it. The room has the 8 bytes less that
        // unwrapping writes; OpenSSL keeps no pointer.
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        return try unsafe SecretBytes(count: count) { room throws(CryptoError) in
            var written: Int32 = 0
            let out = unsafe room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let done = unsafe wrapped.withUnsafeBytes { input in
                let bytes = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_DecryptUpdate(context, out, &written, bytes, Int32(input.count))
            }
            guard done == 1, Int(written) == count else {
                ERR_clear_error()
                throw .authenticationFailed
            }
        }
    }

    /// A context with `kek` set; the caller frees it.
    private static func keyed(
        _ kek: SecretBytes, wrapping: Bool
    ) throws(CryptoError) -> OpaquePointer {
        guard kek.count == 32 else { throw .badLength(of: "A256KW key", bytes: kek.count) }
        guard let cipher = unsafe FetchedCipher.aes256Wrap.pointer,
            let context = unsafe EVP_CIPHER_CTX_new()
        else { throw .fromQueue("key wrap set-up") }
        // SAFETY: the key has 32 bytes and OpenSSL copies its schedule.
        unsafe wax_evp_allow_wrap(context)
        let done = kek.withBytes { span in
            unsafe span.withUnsafeBytes { bytes in
                let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_CipherInit_ex(context, cipher, nil, start, nil, wrapping ? 1 : 0)
            }
        }
        guard done == 1 else {
            unsafe EVP_CIPHER_CTX_free(context)
            throw .fromQueue("key wrap key set-up")
        }
        return unsafe context
    }
}
