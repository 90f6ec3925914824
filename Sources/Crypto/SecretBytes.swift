// SecretBytes: the one place where key bytes live, zeroed when dropped.

package import Bytes
internal import COpenSSL

/// Key bytes that are written once, cannot be printed, copied out by accident or compared with
/// `==`, and are overwritten with zeros when the last owner lets go.
// SENDABLE: the storage is written only inside init and never changes until deinit.
@safe
package final class SecretBytes: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer

    /// Bytes held.
    package let count: Int

    /// Takes `count` zero bytes and lets `fill` write them in place, so that the secret has no
    /// other copy. When `fill` throws, what it wrote is zeroed.
    package init<E: Error>(
        count: Int, fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        precondition(count >= 0, "a negative count of secret bytes")
        self.count = count
        // SAFETY: freed in deinit only; at least one byte, so the address is real.
        unsafe base = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 16)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        try unsafe fill(UnsafeMutableRawBufferPointer(start: base, count: count))
    }

    /// A copy of `span`; the caller zeroes its own.
    package convenience init(copying span: RawSpan) {
        // SAFETY: both runs have `byteCount` bytes and live for the closures.
        unsafe self.init(count: span.byteCount) { room in
            unsafe span.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
        }
    }

    deinit {
        // SAFETY: the storage belongs to this object alone; OPENSSL_cleanse is not optimised out.
        unsafe OPENSSL_cleanse(base, count)
        unsafe base.deallocate()
    }

    /// `count` bytes from OpenSSL's generator.
    package static func random(count: Int) throws(CryptoError) -> SecretBytes {
        // SAFETY: the room is `count` bytes and lives for the closure.
        try unsafe SecretBytes(count: count) { room throws(CryptoError) in
            try unsafe SecureRandom.fill(room)
        }
    }

    /// Lends the bytes to `body`; the span must not outlive it, nor its content be kept.
    package func withBytes<R, E: Error>(
        _ body: (RawSpan) throws(E) -> R
    ) throws(E) -> R {
        // SAFETY: all `count` bytes are initialised and self outlives the call.
        let span = unsafe RawSpan(
            _unsafeStart: UnsafeRawPointer(base), byteCount: count)
        defer { withExtendedLifetime(self) {} }
        return try body(span)
    }

    /// Whether both hold the same bytes, in time that depends on the counts only.
    package func constantTimeEquals(_ other: SecretBytes) -> Bool {
        withBytes { left in other.withBytes { right in Crypto.constantTimeEquals(left, right) } }
    }
}

/// Whether two runs hold the same bytes, in time that depends on their counts only.
package func constantTimeEquals(_ first: RawSpan, _ second: RawSpan) -> Bool {
    guard first.byteCount == second.byteCount else { return false }
    guard first.byteCount > 0 else { return true }
    // SAFETY: both runs have `byteCount` bytes and live for the closures.
    return unsafe first.withUnsafeBytes { left in
        unsafe second.withUnsafeBytes { right in
            unsafe CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
        }
    }
}

/// Overwrites what stands in a buffer, and empties it; for text that held keys. What the buffer
/// left behind when it grew is not reached: give it its whole capacity at the start.
package func wipe(_ buffer: ByteBuffer) {
    // SAFETY: the bytes belong to the buffer, which the caller owns; OPENSSL_cleanse is not
    // optimised out, as a plain overwrite before freeing may be.
    unsafe buffer.bytes.withUnsafeBytes { content in
        unsafe OPENSSL_cleanse(
            UnsafeMutableRawPointer(mutating: content.baseAddress), content.count)
    }
    buffer.removeAll()
}
