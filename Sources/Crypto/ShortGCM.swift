// ShortGCM: AES-256-GCM of messages that are over before a cipher context is set up.

internal import COpenSSL
internal import COpenSSLShims

/// One key for messages of at most `bytesMax`, in both directions. It gives and takes the same
/// bytes as `GCMContext`, in half the time, and has no IV of its own.
@safe
internal final class ShortGCM {
    /// Bytes of the longest message.
    internal static let bytesMax = Int(WAX_SHORT_GCM_BYTES)

    private let context: OpaquePointer

    /// - Parameter key: 32 bytes.
    internal init(key: SecretBytes) throws(CryptoError) {
        guard let cipher = unsafe FetchedCipher.aes256ECB.pointer else {
            throw .fromQueue("AES-256-ECB")
        }
        // SAFETY: the key is 32 bytes, checked by AESGCM; the context has its own copy.
        let made = unsafe key.withBytes { span in
            unsafe span.withUnsafeBytes { bytes in
                unsafe wax_short_gcm_new(cipher, bytes.baseAddress)
            }
        }
        guard let made = unsafe made else { throw .fromQueue("AES-256-GCM key set-up") }
        unsafe context = made
    }

    deinit {
        // SAFETY: nobody else holds the context; freeing zeroes it.
        unsafe wax_short_gcm_free(context)
    }

    /// Writes `plaintext.count` bytes of ciphertext, `bytesMax` at most, and 16 of tag to `output`.
    @inline(__always)
    internal func seal(
        _ plaintext: UnsafeRawBufferPointer, _ aad: UnsafeRawBufferPointer,
        nonceBytes: UnsafeRawPointer, output: UnsafeMutableRawPointer
    ) -> Bool {
        // SAFETY: the caller gives room for ciphertext and tag and 12 bytes of nonce.
        unsafe wax_short_gcm_seal(
            context, nonceBytes, aad.baseAddress, aad.count, plaintext.baseAddress,
            plaintext.count, output) == 1
    }

    /// Writes `count` bytes of plaintext, `bytesMax` at most, to `output`; `sealed` is nonce,
    /// `count` bytes, tag.
    @inline(__always)
    internal func open(
        _ sealed: UnsafeRawBufferPointer, _ aad: UnsafeRawBufferPointer,
        count: Int, output: UnsafeMutableRawPointer
    ) -> Bool {
        guard let base = sealed.baseAddress else { return false }
        // SAFETY: the caller checked that sealed has 28 bytes more than `count`.
        return unsafe wax_short_gcm_open(
            context, base, aad.baseAddress, aad.count, base + Nonce.byteCount, count, output) == 1
    }
}

extension ShortGCM {
    /// Whether the mode of the OpenSSL at hand asks for the blocks that it is expected to ask for:
    /// found out once, by sealing some messages both ways. If not, all messages go the long way.
    internal static let isUsable: Bool = {
        do throws(CryptoError) {
            let key = try SecretBytes.random(count: AESGCM.keyBytes)
            let short = try ShortGCM(key: key)
            let long = try GCMContext(key: key, sealing: true)
            for count in [0, 1, 16, 100, bytesMax] {
                let nonce = Nonce(salt: 1, counter: UInt64(count))
                guard isSame(short, long, nonce, count: count) else { return false }
            }
            return true
        } catch {
            return false
        }
    }()

    private static func isSame(
        _ short: ShortGCM, _ long: GCMContext, _ nonce: Nonce, count: Int
    ) -> Bool {
        let plaintext = [UInt8](repeating: 0x5a, count: count)
        var one = [UInt8](repeating: 0, count: AESGCM.overheadBytes + count)
        var other = one
        // SAFETY: both rooms are those of nonce, ciphertext and tag.
        let areSealed = unsafe plaintext.withUnsafeBytes { plain in
            unsafe one.withUnsafeMutableBytes { one in
                unsafe other.withUnsafeMutableBytes { other in
                    guard let start = one.baseAddress, let otherStart = other.baseAddress else {
                        return false
                    }
                    unsafe nonce.write(to: start)
                    unsafe nonce.write(to: otherStart)
                    let output = unsafe otherStart + Nonce.byteCount
                    return unsafe short.seal(
                        plain, plain, nonceBytes: start, output: start + Nonce.byteCount)
                        && long.seal(
                            plain, plain, nonce, nonceBytes: otherStart, output: output)
                }
            }
        }
        return areSealed && one == other
    }
}
