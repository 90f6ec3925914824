// ByteBuffer: a growable, reusable run of bytes, and the only writer of wire primitives.

internal import Glibc

/// A growable run of bytes that one thread owns, fills, hands to the kernel and uses again.
///
/// It keeps its storage when emptied, so that a warm path allocates nothing. It is a class: output
/// queues share it by reference while a slow peer drains it. It is not `Sendable`, so the compiler
/// keeps it on the thread that made it.
///
/// A span taken from `bytes` must not be used after the next call that may grow the buffer.
@safe
public final class ByteBuffer {
    @usableFromInline
    internal var base: UnsafeMutableRawPointer

    /// Bytes of storage, at least `count`.
    @inlinable public var capacity: Int { room }

    @usableFromInline
    internal var room: Int

    /// Bytes written so far.
    @inlinable public var count: Int { used }

    @usableFromInline
    internal var used = 0

    /// - Parameter capacity: bytes to have room for at once; at least 16 are taken.
    public init(capacity: Int = 256) {
        room = max(capacity, 16)
        // SAFETY: freed in deinit and replaced only by grow().
        unsafe self.base = ByteBuffer.allocate(room)
    }

    deinit {
        // SAFETY: base came from malloc and nobody else holds it.
        unsafe free(base)
    }

    private static func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        // SAFETY: the caller owns what is returned and frees it once.
        guard let pointer = unsafe malloc(count) else {
            fatalError("out of memory: \(count) bytes for a buffer")
        }
        return unsafe pointer
    }

    /// What has been written, valid until the buffer next grows or is emptied.
    @inlinable public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: the first `count` bytes are initialised; self outlives the span.
            let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// A part of what has been written.
    @inlinable
    @_lifetime(borrow self)
    public func bytes(in range: Range<Int>) -> RawSpan {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside buffer")
        // SAFETY: checked against count above; self outlives the span.
        let span = unsafe RawSpan(
            _unsafeStart: UnsafeRawPointer(base + range.lowerBound), byteCount: range.count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Makes room for `additional` more bytes; afterwards that many appends do not allocate.
    @inlinable public func reserve(_ additional: Int) {
        if capacity - count < additional { grow(additional) }
    }

    /// Makes room for `additional` more bytes without the usual doubling, for content that has a
    /// limit: the storage never becomes larger than what was asked for.
    public func reserveExactly(_ additional: Int) {
        if capacity - count < additional { resize(count + additional) }
    }

    @usableFromInline
    internal func grow(_ additional: Int) {
        resize(max(capacity * 2, count + additional))
    }

    private func resize(_ wanted: Int) {
        // SAFETY: realloc keeps the first `count` bytes; base is replaced at once.
        guard let moved = unsafe realloc(base, wanted) else {
            fatalError("out of memory: \(wanted) bytes for a buffer")
        }
        unsafe base = moved
        room = wanted
    }

    /// Forgets the content, keeps the storage.
    @inlinable public func removeAll() { used = 0 }

    /// Forgets the content, and gives the storage back when it is larger than `capacityMax`.
    public func removeAll(keepingAtMost capacityMax: Int) {
        used = 0
        if room > capacityMax { resize(min(256, max(capacityMax, 16))) }
    }

    /// Cuts the content to its first `newCount` bytes.
    @inlinable public func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count, "truncation beyond the content")
        used = newCount
    }

    /// Drops the first `prefix` bytes by moving the rest to the front.
    public func removeFirst(_ prefix: Int) {
        precondition(prefix >= 0 && prefix <= count, "prefix beyond the content")
        // SAFETY: both ranges are inside the storage; memmove allows overlap.
        unsafe memmove(base, base + prefix, count - prefix)
        used -= prefix
    }

    /// Lets `body` fill up to `additional` bytes after the content and return how many it wrote.
    @inlinable public func appendUninitialized<E: Error>(
        _ additional: Int, _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) {
        reserve(additional)
        // SAFETY: reserve() made room for `additional` bytes after `count`.
        let room = unsafe UnsafeMutableRawBufferPointer(start: base + count, count: additional)
        let written = try unsafe body(room)
        precondition(written >= 0 && written <= additional, "wrote outside the room given")
        used += written
    }

    // MARK: appending

    @inlinable public func append(_ byte: UInt8) {
        if capacity == count { grow(1) }
        // SAFETY: room for one byte was just checked.
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        used += 1
    }

    @inlinable public func append(_ span: RawSpan) {
        let added = span.byteCount
        if capacity - count < added { grow(added) }
        // SAFETY: room was checked; an empty span may have no address and is skipped.
        unsafe span.withUnsafeBytes { source in
            if let start = source.baseAddress { unsafe copy(start, added) }
        }
        used += added
    }

    /// Appends a part of another buffer.
    @inlinable public func append(_ other: ByteBuffer, _ range: Range<Int>) {
        precondition(other !== self, "a buffer is not appended to itself")
        append(other.bytes(in: range))
    }

    @usableFromInline
    @inline(__always)
    internal func copy(_ source: UnsafeRawPointer, _ bytes: Int) {
        // SAFETY: callers checked the room; the source is other storage or an earlier part.
        unsafe (base + count).copyMemory(from: source, byteCount: bytes)
    }

    public func append(_ string: String) {
        var string = string
        string.withUTF8 { utf8 in
            // SAFETY: the UTF-8 view is contiguous and lives for the closure.
            append(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(utf8)))
        }
    }

    public func append(_ array: [UInt8]) {
        append(unsafe array.span.bytes)  // SAFETY: UInt8 has no padding.
    }

    @inlinable internal func appendInteger<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        let size = MemoryLayout<T>.size
        if capacity - count < size { grow(size) }
        // SAFETY: room for the integer was just checked; the store may be unaligned.
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
        used += size
    }

    @inlinable public func append(int8 value: Int8) { append(UInt8(bitPattern: value)) }
    @inlinable public func append(int16 value: Int16) { appendInteger(value) }
    @inlinable public func append(int32 value: Int32) { appendInteger(value) }
    @inlinable public func append(int64 value: Int64) { appendInteger(value) }
    @inlinable public func append(uint32 value: UInt32) { appendInteger(value) }

    /// Unsigned LEB128, as compact lengths and tag buffers use it (KIP-482).
    @inlinable public func append(uvarint value: UInt32) { append(leb128: UInt64(value)) }

    /// Zig-zag LEB128, as records use it for 32-bit and 64-bit numbers alike.
    @inlinable public func append(varint value: Int64) {
        append(leb128: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    @inlinable internal func append(leb128 value: UInt64) {
        if capacity - count < 10 { grow(10) }
        var rest = value
        var at = count
        while rest > 0x7f {
            // SAFETY: a 64-bit number takes at most 10 bytes, reserved above.
            unsafe base.storeBytes(
                of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: at, as: UInt8.self)
            rest >>= 7
            at += 1
        }
        unsafe base.storeBytes(of: UInt8(rest), toByteOffset: at, as: UInt8.self)
        used = at + 1
    }

    // MARK: changing what is written

    @inlinable internal func setInteger<T: FixedWidthInteger & BitwiseCopyable>(
        _ value: T, at offset: Int
    ) {
        precondition(offset >= 0 && count - offset >= MemoryLayout<T>.size, "store outside content")
        // SAFETY: checked against count above; the store may be unaligned.
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
    }

    @inlinable public func set(byte value: UInt8, at offset: Int) { setInteger(value, at: offset) }
    @inlinable public func set(int16 value: Int16, at offset: Int) {
        setInteger(value, at: offset)
    }
    @inlinable public func set(int32 value: Int32, at offset: Int) {
        setInteger(value, at: offset)
    }
    @inlinable public func set(int64 value: Int64, at offset: Int) {
        setInteger(value, at: offset)
    }
    @inlinable public func set(uint32 value: UInt32, at offset: Int) {
        setInteger(value, at: offset)
    }

    /// Overwrites `range` with zero bytes.
    public func zero(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside buffer")
        // SAFETY: checked against count above.
        unsafe memset(base + range.lowerBound, 0, range.count)
    }
}

extension ByteBuffer {
    /// The content as an array, for tests and cold paths.
    public var array: [UInt8] { bytes.array }
}

extension RawSpan {
    /// The bytes as an array, for tests and cold paths.
    public var array: [UInt8] {
        unsafe withUnsafeBytes { unsafe Array($0) }  // SAFETY: copied before the closure ends.
    }

    /// The bytes as text; malformed UTF-8 is replaced, so this is for log lines and names only.
    public var text: String {
        // SAFETY: copied before the closure ends.
        unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// The eight bytes at `offset`, which must be there, the first in the lowest bits.
    @inlinable
    @inline(__always)
    public func word(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && byteCount &- offset >= 8, "a word outside the bytes")
        // SAFETY: checked above; every bit pattern is a number.
        return UInt64(
            littleEndian: unsafe unsafeLoadUnaligned(
                fromUncheckedByteOffset: offset, as: UInt64.self))
    }

    /// Whether two runs hold the same bytes. Not constant-time: never for secrets.
    @inlinable public func sameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        // SAFETY: both runs have `byteCount` bytes and live for the closures.
        return unsafe withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                guard let first = left.baseAddress, let second = right.baseAddress else {
                    return true
                }
                return unsafe rawCompare(first, second, left.count)
            }
        }
    }
}

@usableFromInline
@inline(never)
internal func rawCompare(
    _ first: UnsafeRawPointer, _ second: UnsafeRawPointer, _ count: Int
) -> Bool {
    // SAFETY: callers give two runs of `count` bytes.
    unsafe memcmp(first, second, count) == 0
}
