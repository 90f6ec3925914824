// EVPRate: AES-256-GCM by OpenSSL's documented calls, as the rate that sealing is compared with.

internal import COpenSSL

/// One context whose key is set once; each message gets its IV by `EVP_EncryptInit_ex`, as the
/// manual has it. Waxwing's own code goes a shorter way, so it is not used to measure itself.
@safe
internal final class EVPRate {
    private let sealing: OpaquePointer
    private let opening: OpaquePointer
    private var counter: UInt64 = 0

    internal init() {
        let key = [UInt8](repeating: 7, count: 32)
        // SAFETY: both contexts are freed in deinit; OpenSSL copies the key.
        guard let sealing = unsafe EVP_CIPHER_CTX_new(),
            let opening = unsafe EVP_CIPHER_CTX_new(),
            unsafe EVP_EncryptInit_ex(sealing, EVP_aes_256_gcm(), nil, key, nil) == 1,
            unsafe EVP_DecryptInit_ex(opening, EVP_aes_256_gcm(), nil, key, nil) == 1
        else { fatalError("OpenSSL has no AES-256-GCM to compare with") }
        unsafe self.sealing = sealing
        unsafe self.opening = opening
    }

    deinit {
        // SAFETY: made in init, used by nobody else.
        unsafe EVP_CIPHER_CTX_free(sealing)
        unsafe EVP_CIPHER_CTX_free(opening)
    }

    /// Writes IV ‖ ciphertext ‖ tag to `sealed`, which has 28 bytes more than `value`.
    internal func seal(_ value: [UInt8], into sealed: inout [UInt8]) {
        counter += 1
        var written: Int32 = 0
        let count = value.count
        // SAFETY: the array has room for IV, ciphertext and tag.
        unsafe sealed.withUnsafeMutableBytes { room in
            guard let start = room.baseAddress else { return }
            unsafe start.storeBytes(of: counter.bigEndian, toByteOffset: 4, as: UInt64.self)
            let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
            let tag = unsafe bytes + 12 + count
            let isDone =
                unsafe EVP_EncryptInit_ex(sealing, nil, nil, nil, bytes) == 1
                && EVP_EncryptUpdate(sealing, bytes + 12, &written, value, Int32(count)) == 1
                && EVP_EncryptFinal_ex(sealing, tag, &written) == 1
                && EVP_CIPHER_CTX_ctrl(sealing, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1
            precondition(isDone, "the comparison failed to seal")
        }
    }

    /// Writes the plaintext of `sealed` to `value`.
    internal func open(_ sealed: inout [UInt8], into value: inout [UInt8]) {
        var written: Int32 = 0
        let count = value.count
        // SAFETY: `sealed` is IV, `count` bytes and tag; the tag is only read.
        unsafe sealed.withUnsafeMutableBytes { room in
            guard let start = room.baseAddress else { return }
            let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
            let tag = unsafe bytes + 12 + count
            let isDone =
                unsafe EVP_DecryptInit_ex(opening, nil, nil, nil, bytes) == 1
                && EVP_DecryptUpdate(opening, &value, &written, bytes + 12, Int32(count)) == 1
                && EVP_CIPHER_CTX_ctrl(opening, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1
                && EVP_DecryptFinal_ex(opening, tag, &written) == 1
            precondition(isDone, "the comparison failed to open")
        }
    }
}
