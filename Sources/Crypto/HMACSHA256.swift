// HMACSHA256: SHA-256 and its keyed form, for many short messages one after another.

package import Bytes
internal import COpenSSL

/// SHA-256 (FIPS 180-4). It belongs to one event loop and is not `Sendable`.
///
/// The context is used again. OpenSSL 3.0 still takes the digest's state, about 100 bytes, from the
/// heap anew for every message.
@safe
package final class SHA256 {
    /// Bytes of a digest.
    package static let digestBytes = 32
    /// Bytes that the function takes at a time.
    internal static let blockBytes = 64

    private let context: OpaquePointer

    package init() throws(CryptoError) {
        guard let digest = unsafe FetchedDigest.sha256.pointer,
            let context = unsafe EVP_MD_CTX_new()
        else { throw .fromQueue("SHA-256 set-up") }
        unsafe self.context = context
        // SAFETY: the context is ours and the digest lives as long as the process.
        guard unsafe EVP_DigestInit_ex(context, digest, nil) == 1 else {
            throw .fromQueue("SHA-256 set-up")
        }
    }

    deinit {
        // SAFETY: nobody else holds the context; freeing it cleanses its state.
        unsafe EVP_MD_CTX_free(context)
    }

    /// Appends the 32 bytes of the digest of `message`, which must not lie in `output`.
    package func append(digestOf message: RawSpan, to output: ByteBuffer) throws(CryptoError) {
        try begin()
        try add(message)
        try finish(into: output)
    }

    internal func begin() throws(CryptoError) {
        // SAFETY: without a type the context starts anew with the one that it has.
        guard unsafe EVP_DigestInit_ex(context, nil, nil) == 1 else {
            throw .fromQueue("SHA-256 start")
        }
    }

    internal func add(_ message: RawSpan) throws(CryptoError) {
        // SAFETY: the span lives for the closure; OpenSSL keeps no pointer.
        let done = unsafe message.withUnsafeBytes { bytes in
            unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        }
        guard done == 1 else { throw .fromQueue("SHA-256") }
    }

    internal func finish(into output: ByteBuffer) throws(CryptoError) {
        // SAFETY: the room has the 32 bytes that a digest takes.
        try unsafe output.appendUninitialized(SHA256.digestBytes) { room throws(CryptoError) in
            let start = unsafe room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            var written: UInt32 = 0
            guard unsafe EVP_DigestFinal_ex(context, start, &written) == 1,
                Int(written) == SHA256.digestBytes
            else { throw .fromQueue("SHA-256 end") }
            return SHA256.digestBytes
        }
    }
}

/// HMAC-SHA256 (RFC 2104, FIPS 198-1) under one key: two digests of the same context. Not
/// `Sendable`, as `SHA256`.
package final class HMACSHA256 {
    /// Bytes of an authenticator.
    package static let authenticatorBytes = SHA256.digestBytes

    private let digest: SHA256
    private let innerPad: SecretBytes
    private let outerPad: SecretBytes
    private let inner = ByteBuffer(capacity: SHA256.digestBytes)

    /// - Parameter key: 1 byte or more; 32 are as strong as it gets. A key of more than 64 bytes
    ///   is replaced by its digest, as RFC 2104 has it. An empty one is `badLength`.
    package init(key: SecretBytes) throws(CryptoError) {
        guard key.count > 0 else { throw .badLength(of: "HMAC key", bytes: 0) }
        let digest = try SHA256()
        self.digest = digest
        var short = key
        if key.count > SHA256.blockBytes {
            let hashed = ByteBuffer(capacity: SHA256.digestBytes)
            try key.withBytes { bytes throws(CryptoError) in
                try digest.append(digestOf: bytes, to: hashed)
            }
            short = SecretBytes(copying: hashed.bytes)
            wipe(hashed)
        }
        innerPad = HMACSHA256.pad(short, 0x36)
        outerPad = HMACSHA256.pad(short, 0x5c)
    }

    /// One block: the key, filled up with zeros, with every byte XORed.
    private static func pad(_ key: SecretBytes, _ byte: UInt8) -> SecretBytes {
        // SAFETY: the key has at most the block's bytes, and both live for the closures.
        unsafe SecretBytes(count: SHA256.blockBytes) { room in
            key.withBytes { span in
                unsafe span.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
            }
            for at in room.indices { unsafe room[at] ^= byte }
        }
    }

    /// Appends the 32 bytes of the authenticator of `message`, which must not lie in `output`.
    package func append(
        authenticatorOf message: RawSpan, to output: ByteBuffer
    ) throws(CryptoError) {
        try digest.begin()
        try innerPad.withBytes { pad throws(CryptoError) in try digest.add(pad) }
        try digest.add(message)
        let inner = inner
        inner.removeAll()
        try digest.finish(into: inner)
        try digest.begin()
        try outerPad.withBytes { pad throws(CryptoError) in try digest.add(pad) }
        try digest.add(inner.bytes)
        try digest.finish(into: output)
    }
}

/// A digest that OpenSSL looked up once.
// SENDABLE: a fetched EVP_MD is immutable and reference-counted by OpenSSL.
@safe
private struct FetchedDigest: @unchecked Sendable {
    let pointer: OpaquePointer?

    static let sha256 = FetchedDigest("SHA256")

    init(_ name: String) {
        // SAFETY: the reference is kept for the life of the process; NULL is checked by users.
        unsafe pointer = EVP_MD_fetch(nil, name, nil)
    }
}
