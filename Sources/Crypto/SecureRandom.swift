// SecureRandom: unpredictable bytes and numbers.

internal import COpenSSL

/// OpenSSL's deterministic generator, seeded by the kernel and safe after fork (NIST SP 800-90A).
package enum SecureRandom {
    /// Fills the whole of `room`.
    package static func fill(_ room: UnsafeMutableRawBufferPointer) throws(CryptoError) {
        guard room.count > 0 else { return }
        guard let count = Int32(exactly: room.count) else {
            throw .badLength(of: "random", bytes: room.count)
        }
        // SAFETY: the room is `count` bytes by contract of the buffer pointer.
        let start = unsafe room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard unsafe RAND_bytes(start, count) == 1 else { throw .fromQueue("random bytes") }
    }

    /// A uniform 64-bit number.
    package static func uint64() throws(CryptoError) -> UInt64 {
        var value: UInt64 = 0
        // SAFETY: the pointer covers the integer and is not kept.
        try unsafe withUnsafeMutableBytes(of: &value) { room throws(CryptoError) in
            try unsafe fill(room)
        }
        return value
    }

    /// A uniform 32-bit number.
    package static func uint32() throws(CryptoError) -> UInt32 {
        UInt32(truncatingIfNeeded: try uint64())
    }
}
