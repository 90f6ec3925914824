// HMACSHA256: SHA-256 and its keyed form, for many short messages one after another.

package import Bytes
internal import COpenSSL
internal import COpenSSLShims

/// SHA-256 (FIPS 180-4). It belongs to one event loop and is not `Sendable`; nothing is allocated
/// per message.
@safe
package final class SHA256 {
    /// Bytes of a digest.
    package static let digestBytes = 32
    /// Bytes that the function takes at a time.
    internal static let blockBytes = 64
    private static let stateBytes = Int(WAX_SHA256_BYTES)

    private let state: UnsafeMutableRawPointer

    package init() throws(CryptoError) {
        // SAFETY: freed in deinit only; aligned for the 64-bit numbers in it.
        unsafe state = UnsafeMutableRawPointer.allocate(
            byteCount: SHA256.stateBytes, alignment: 16)
        unsafe state.initializeMemory(as: UInt8.self, repeating: 0, count: SHA256.stateBytes)
    }

    deinit {
        // SAFETY: the storage belongs to this object alone; OPENSSL_cleanse is not optimised out.
        unsafe OPENSSL_cleanse(state, SHA256.stateBytes)
        unsafe state.deallocate()
    }

    /// Appends the 32 bytes of the digest of `message`, which must not lie in `output`.
    package func append(digestOf message: RawSpan, to output: ByteBuffer) throws(CryptoError) {
        try begin()
        try add(message)
        try finish(into: output)
    }

    internal func begin() throws(CryptoError) {
        // SAFETY: the state is as large as the callee wants it.
        guard unsafe wax_sha256_begin(state) == 1 else { throw .fromQueue("SHA-256 start") }
    }

    /// Goes on where `other` is.
    internal func begin(as other: SHA256) {
        // SAFETY: both have as many bytes, and are different objects.
        unsafe state.copyMemory(from: other.state, byteCount: SHA256.stateBytes)
    }

    internal func add(_ message: RawSpan) throws(CryptoError) {
        // SAFETY: the span lives for the closure; OpenSSL keeps no pointer.
        let done = unsafe message.withUnsafeBytes { bytes in
            unsafe wax_sha256_add(state, bytes.baseAddress, bytes.count)
        }
        guard done == 1 else { throw .fromQueue("SHA-256") }
    }

    internal func finish(into output: ByteBuffer) throws(CryptoError) {
        // SAFETY: the room has the 32 bytes that a digest takes.
        try unsafe output.appendUninitialized(SHA256.digestBytes) { room throws(CryptoError) in
            guard unsafe wax_sha256_end(state, room.baseAddress) == 1 else {
                throw .fromQueue("SHA-256 end")
            }
            return SHA256.digestBytes
        }
    }
}

/// HMAC-SHA256 (RFC 2104, FIPS 198-1) under one key. Not `Sendable`, as `SHA256`; nothing is
/// allocated per message.
package final class HMACSHA256 {
    /// Bytes of an authenticator.
    package static let authenticatorBytes = SHA256.digestBytes

    private let digest: SHA256
    /// The digests behind their first block, which depends on the key alone.
    private let innerStart: SHA256
    private let outerStart: SHA256
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
        innerStart = try HMACSHA256.start(short, 0x36)
        outerStart = try HMACSHA256.start(short, 0x5c)
    }

    /// Behind one block: the key, filled up with zeros, with every byte XORed.
    private static func start(_ key: SecretBytes, _ byte: UInt8) throws(CryptoError) -> SHA256 {
        // SAFETY: the key has at most the block's bytes, and both live for the closures.
        let pad = unsafe SecretBytes(count: SHA256.blockBytes) { room in
            key.withBytes { span in
                unsafe span.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
            }
            for at in room.indices { unsafe room[at] ^= byte }
        }
        let digest = try SHA256()
        try digest.begin()
        try pad.withBytes { block throws(CryptoError) in try digest.add(block) }
        return digest
    }

    /// Appends the 32 bytes of the authenticator of `message`, which must not lie in `output`.
    package func append(
        authenticatorOf message: RawSpan, to output: ByteBuffer
    ) throws(CryptoError) {
        let inner = inner
        inner.removeAll()
        digest.begin(as: innerStart)
        try digest.add(message)
        try digest.finish(into: inner)
        digest.begin(as: outerStart)
        try digest.add(inner.bytes)
        try digest.finish(into: output)
    }
}
