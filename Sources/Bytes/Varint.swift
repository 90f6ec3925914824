// Varint: sizes of variable-length numbers, and reading them at an offset where time counts.

/// LEB128 and zig-zag numbers, outside of a cursor.
///
/// The fast parts are `public`, not `package`: this compiler inlines only public functions into
/// other modules, and a call costs more than reading a one-byte number does.
public enum Varint {
    /// Bytes of the zig-zag form that `ByteBuffer.append(varint:)` writes, 1 to 10.
    @inlinable
    @inline(__always)
    public static func byteCount(of value: Int) -> Int {
        byteCount(of: Int64(value))
    }

    @inlinable
    @inline(__always)
    public static func byteCount(of value: Int64) -> Int {
        byteCount(unsigned: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Bytes of the plain form that `ByteBuffer.append(uvarint:)` writes, 1 to 10.
    @inlinable
    @inline(__always)
    public static func byteCount(unsigned value: UInt64) -> Int {
        (70 - (value | 1).leadingZeroBitCount) / 7
    }

    /// The zig-zag number at `offset` when it takes one or two bytes and at least two bytes are
    /// left, which nearly all numbers in records do; moves `offset` behind it. Else nil, and the
    /// caller asks `read32` or `read64`.
    @inlinable
    @inline(__always)
    public static func short(_ span: RawSpan, at offset: inout Int) -> Int? {
        guard offset >= 0, span.byteCount - offset >= 2 else { return nil }
        // SAFETY: two bytes are there.
        let first = Int(unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self))
        if first < 0x80 {
            offset += 1
            return (first >> 1) ^ -(first & 1)
        }
        let second = Int(
            unsafe span.unsafeLoad(fromUncheckedByteOffset: offset + 1, as: UInt8.self))
        guard second < 0x80 else { return nil }
        offset += 2
        let value = first & 0x7f | second << 7
        return (value >> 1) ^ -(value & 1)
    }

    /// The `count` bytes before `end`, at most 8, as one big-endian number; nil when they are not
    /// there. For comparing short names without a call.
    @inlinable
    @inline(__always)
    public static func packed(_ span: RawSpan, _ count: Int, before end: Int) -> UInt64? {
        guard count >= 0, count <= 8, end >= count, end <= span.byteCount else { return nil }
        var number: UInt64 = 0
        for at in end - count..<end {
            // SAFETY: the guard bounds the loads.
            let byte = unsafe span.unsafeLoad(fromUncheckedByteOffset: at, as: UInt8.self)
            number = number << 8 | UInt64(byte)
        }
        return number
    }

    /// The zig-zag number at `offset`, of at most 5 bytes (32 bits); moves `offset` behind it.
    package static func read32(
        _ span: RawSpan, at offset: inout Int
    ) throws(WireError) -> Int {
        var cursor = ByteCursor(span)
        try cursor.skip(offset)
        let value = try cursor.varint()
        offset = cursor.offset
        return Int(value)
    }

    /// The zig-zag number at `offset`, of at most 10 bytes (64 bits); moves `offset` behind it.
    package static func read64(
        _ span: RawSpan, at offset: inout Int
    ) throws(WireError) -> Int64 {
        var cursor = ByteCursor(span)
        try cursor.skip(offset)
        let value = try cursor.varlong()
        offset = cursor.offset
        return value
    }
}

extension ByteBuffer {
    /// Appends a zig-zag number, then bytes, then another number, in one call.
    package func append(varint first: Int, _ run: RawSpan, varint second: Int) {
        reserve(run.byteCount + 20)
        put(varint: first)
        put(run)
        put(varint: second)
    }

    /// Appends bytes, a zig-zag number, bytes and another number, in one call.
    package func append(_ before: RawSpan, varint first: Int, _ run: RawSpan, varint second: Int) {
        reserve(before.byteCount + run.byteCount + 20)
        put(before)
        put(varint: first)
        put(run)
        put(varint: second)
    }

    /// Appends a zig-zag number, then two runs of bytes, in one call.
    package func append(varint first: Int, _ run: RawSpan, _ other: RawSpan) {
        reserve(run.byteCount + other.byteCount + 10)
        put(varint: first)
        put(run)
        put(other)
    }

    /// Writes a number where the caller has reserved ten bytes.
    @inline(__always)
    private func put(varint value: Int) {
        let number = UInt(bitPattern: (value << 1) ^ (value >> 63))
        if number < 0x80 {
            // SAFETY: the callers reserved ten bytes per number; two are the most used here.
            unsafe base.storeBytes(
                of: UInt8(truncatingIfNeeded: number), toByteOffset: count, as: UInt8.self)
            used += 1
        } else if number < 0x4000 {
            let two = UInt16(number & 0x7f | 0x80 | (number >> 7) << 8)
            unsafe base.storeBytes(of: two.littleEndian, toByteOffset: count, as: UInt16.self)
            used += 2
        } else {
            append(varint: Int64(value))
        }
    }

    /// Writes bytes where the caller has reserved room for them.
    @inline(__always)
    private func put(_ run: RawSpan) {
        let bytes = run.byteCount
        guard bytes > 0 else { return }
        // SAFETY: the callers reserved the room; the run is other storage and not empty.
        unsafe run.withUnsafeBytes { source in
            if let start = source.baseAddress { unsafe copy(start, bytes) }
        }
        used += bytes
    }
}
