// Varint: how many bytes a variable-length number takes, before it is written.

/// Sizes of LEB128 numbers.
package enum Varint {
    /// Bytes of the zig-zag form that `ByteBuffer.append(varint:)` writes, 1 to 10.
    @inlinable package static func byteCount(of value: Int64) -> Int {
        byteCount(unsigned: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Bytes of the plain form that `ByteBuffer.append(uvarint:)` writes, 1 to 10.
    @inlinable package static func byteCount(unsigned value: UInt64) -> Int {
        (70 - (value | 1).leadingZeroBitCount) / 7
    }
}
