// AESGCM: authenticated encryption of many small messages under one key schedule.

package import Bytes
internal import COpenSSL
internal import COpenSSLShims

/// A 96-bit nonce made of a fixed and a counting part (NIST SP 800-38D section 8.2.1): 32 random
/// bits that stay for the life of a data key and a 64-bit message counter, both big-endian on the
/// wire. Two messages under one key must never share a nonce; whoever owns the key counts.
package struct Nonce: Sendable, Equatable {
    /// The part that is fixed per data key.
    package var salt: UInt32
    /// The number of this message under the key.
    package var counter: UInt64

    package init(salt: UInt32, counter: UInt64) {
        self.salt = salt
        self.counter = counter
    }

    /// Bytes on the wire.
    package static let byteCount = 12

    /// Writes 12 bytes as they stand on the wire.
    @inline(__always)
    internal func write(to start: UnsafeMutableRawPointer) {
        // SAFETY: the caller has room for 12 bytes there.
        unsafe start.storeBytes(of: salt.bigEndian, as: UInt32.self)
        unsafe start.storeBytes(of: counter.bigEndian, toByteOffset: 4, as: UInt64.self)
    }

    /// Reads 12 bytes as they stand on the wire.
    internal init(bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count >= Nonce.byteCount, "a nonce has 12 bytes")
        // SAFETY: the count was checked; every bit pattern is an integer.
        salt = unsafe UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        counter = unsafe UInt64(
            bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
    }
}

/// AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce and a 128-bit tag.
///
/// The key is expanded on first use, once for short messages and once per direction for long ones;
/// a message costs the cipher itself and little more, and allocates nothing. It belongs to one
/// event loop and is not `Sendable`.
@safe
package final class AESGCM {
    /// Bytes that sealing adds: the nonce in front and the tag behind.
    package static let overheadBytes = Nonce.byteCount + tagBytes
    /// Bytes of a key.
    package static let keyBytes = 32
    private static let tagBytes = 16
    /// OpenSSL counts in 32-bit integers; a record can never be this large.
    private static let messageBytesMax = Int(Int32.max) - 64

    private let key: SecretBytes
    private var sealing: GCMContext?
    private var opening: GCMContext?
    private var short: ShortGCM?
    /// Bytes of the longest message that goes the short way.
    private let shortBytesMax: Int

    /// - Parameter key: 32 bytes; any other count is `badLength`.
    package init(key: SecretBytes) throws(CryptoError) {
        guard key.count == AESGCM.keyBytes else {
            throw .badLength(of: "AES-256 key", bytes: key.count)
        }
        self.key = key
        shortBytesMax = ShortGCM.isUsable ? ShortGCM.bytesMax : -1
    }

    /// Appends nonce ‖ ciphertext ‖ tag to `output`, `overheadBytes` more than `plaintext`.
    ///
    /// Neither input may lie in `output`, which may move while it grows.
    package func seal(
        _ plaintext: RawSpan, nonce: Nonce, aad: RawSpan, into output: ByteBuffer
    ) throws(CryptoError) {
        let count = plaintext.byteCount
        guard count <= AESGCM.messageBytesMax else { throw .badLength(of: "value", bytes: count) }
        guard aad.byteCount <= AESGCM.messageBytesMax else {
            throw .badLength(of: "associated data", bytes: aad.byteCount)
        }
        let total = count + AESGCM.overheadBytes
        // SAFETY: the spans live for the closures; the room has `total` bytes and is written
        // only inside: nonce, `count` bytes of ciphertext, tag.
        try unsafe output.appendUninitialized(total) { room throws(CryptoError) in
            guard let start = room.baseAddress else { return 0 }
            unsafe nonce.write(to: start)
            let done = try unsafe plaintext.withUnsafeBytes { input throws(CryptoError) in
                try unsafe aad.withUnsafeBytes { associated throws(CryptoError) in
                    try unsafe seal(input, associated, nonce, start)
                }
            }
            guard done else {
                unsafe OPENSSL_cleanse(start, total)
                throw .fromQueue("AES-256-GCM seal")
            }
            return total
        }
    }

    /// Appends the plaintext of `sealed` (nonce ‖ ciphertext ‖ tag) to `output`.
    ///
    /// On failure `output` keeps its former count and the unauthenticated bytes are zeroed.
    /// Neither input may lie in `output`, which may move while it grows.
    package func open(
        _ sealed: RawSpan, aad: RawSpan, into output: ByteBuffer
    ) throws(CryptoError) {
        let count = sealed.byteCount - AESGCM.overheadBytes
        guard count >= 0, count <= AESGCM.messageBytesMax else {
            throw .badLength(of: "sealed value", bytes: sealed.byteCount)
        }
        guard aad.byteCount <= AESGCM.messageBytesMax else {
            throw .badLength(of: "associated data", bytes: aad.byteCount)
        }
        // SAFETY: the spans live for the closures; `count` bytes lie between nonce and tag, and
        // the room has `count` bytes (one when empty, so that it has an address).
        try unsafe output.appendUninitialized(max(count, 1)) { room throws(CryptoError) in
            guard let start = room.baseAddress else { return 0 }
            let done = try unsafe sealed.withUnsafeBytes { input throws(CryptoError) in
                try unsafe aad.withUnsafeBytes { associated throws(CryptoError) in
                    try unsafe open(input, associated, count, start)
                }
            }
            guard done else {
                unsafe OPENSSL_cleanse(start, count)
                // OpenSSL does not tell a wrong tag from another failure here, and the caller
                // must not either.
                ERR_clear_error()
                throw .authenticationFailed
            }
            return count
        }
    }

    /// Writes ciphertext and tag behind the nonce that stands at `start`.
    @inline(__always)
    private func seal(
        _ plaintext: UnsafeRawBufferPointer, _ aad: UnsafeRawBufferPointer, _ nonce: Nonce,
        _ start: UnsafeMutableRawPointer
    ) throws(CryptoError) -> Bool {
        // SAFETY: the caller's bytes, and its room for nonce, ciphertext and tag.
        let output = unsafe start + Nonce.byteCount
        if plaintext.count <= shortBytesMax {
            return unsafe try shortContext().seal(
                plaintext, aad, nonceBytes: start, output: output)
        }
        return unsafe try sealingContext().seal(
            plaintext, aad, nonce, nonceBytes: start, output: output)
    }

    /// Writes `count` bytes of plaintext.
    @inline(__always)
    private func open(
        _ sealed: UnsafeRawBufferPointer, _ aad: UnsafeRawBufferPointer, _ count: Int,
        _ output: UnsafeMutableRawPointer
    ) throws(CryptoError) -> Bool {
        // SAFETY: the caller's bytes, and its room for `count` of them.
        if count <= shortBytesMax {
            return unsafe try shortContext().open(sealed, aad, count: count, output: output)
        }
        return unsafe try openingContext().open(sealed, aad, count: count, output: output)
    }

    private func shortContext() throws(CryptoError) -> ShortGCM {
        if let short { return short }
        let context = try ShortGCM(key: key)
        short = context
        return context
    }

    private func sealingContext() throws(CryptoError) -> GCMContext {
        if let sealing { return sealing }
        let context = try GCMContext(key: key, sealing: true)
        sealing = context
        return context
    }

    private func openingContext() throws(CryptoError) -> GCMContext {
        if let opening { return opening }
        let context = try GCMContext(key: key, sealing: false)
        opening = context
        return context
    }
}
