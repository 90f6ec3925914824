// ByteCursor: reads wire primitives from a span, checking every bound.

/// What was wrong with the bytes, and where (offset from the start of the span that was read).
public enum WireError: Error, Equatable, Sendable {
    /// Fewer bytes are left than the field needs.
    case truncated(at: Int, needed: Int)
    /// A variable-length integer runs on beyond its width.
    case overlongVarint(at: Int)
    /// A length or count is negative, or larger than the bytes that are left.
    case badLength(at: Int, Int)
    /// A value that the protocol does not allow there.
    case invalid(at: Int, StaticString)

    public static func == (left: WireError, right: WireError) -> Bool {
        left.description == right.description
    }
}

extension WireError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let at, let needed): "truncated at byte \(at): needs \(needed) more"
        case .overlongVarint(let at): "varint at byte \(at) is too long"
        case .badLength(let at, let length): "length \(length) at byte \(at) is out of range"
        case .invalid(let at, let what): "invalid \(what) at byte \(at)"
        }
    }
}

/// Reads from a span that somebody else owns, front to back.
public struct ByteCursor: ~Copyable, ~Escapable {
    @usableFromInline internal let span: RawSpan
    /// Bytes read so far.
    @inlinable public var offset: Int { position }

    @usableFromInline internal var position = 0

    @_lifetime(copy span)
    @inlinable public init(_ span: RawSpan) { self.span = span }

    @inlinable public var remaining: Int { span.byteCount - offset }
    @inlinable public var isAtEnd: Bool { offset == span.byteCount }

    @inlinable internal mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type
    ) throws(WireError) -> T {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { throw .truncated(at: offset, needed: size - remaining) }
        // SAFETY: the guard bounds the range; every bit pattern is an integer.
        let value = unsafe span.unsafeLoadUnaligned(fromByteOffset: offset, as: T.self)
        position += size
        return T(bigEndian: value)
    }

    @inlinable public mutating func uint8() throws(WireError) -> UInt8 { try integer(UInt8.self) }
    @inlinable public mutating func int8() throws(WireError) -> Int8 { try integer(Int8.self) }
    @inlinable public mutating func int16() throws(WireError) -> Int16 { try integer(Int16.self) }
    @inlinable public mutating func int32() throws(WireError) -> Int32 { try integer(Int32.self) }
    @inlinable public mutating func int64() throws(WireError) -> Int64 { try integer(Int64.self) }
    @inlinable public mutating func uint32() throws(WireError) -> UInt32 {
        try integer(UInt32.self)
    }

    /// LEB128 of at most `bytesMax` bytes. Non-minimal forms are accepted, as Kafka does.
    @inlinable internal mutating func leb128(_ bytesMax: Int) throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        let start = offset
        while true {
            guard offset < span.byteCount else { throw .truncated(at: offset, needed: 1) }
            // SAFETY: the guard bounds the load.
            let byte = unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            guard offset - start < bytesMax else { throw .overlongVarint(at: start) }
        }
    }

    /// Unsigned LEB128 of at most 5 bytes.
    @inlinable public mutating func uvarint() throws(WireError) -> UInt32 {
        let start = offset
        let value = try leb128(5)
        guard value <= UInt64(UInt32.max) else { throw .overlongVarint(at: start) }
        return UInt32(value)
    }

    /// Zig-zag LEB128 of at most 5 bytes.
    @inlinable public mutating func varint() throws(WireError) -> Int32 {
        let value = try uvarint()
        return Int32(bitPattern: value >> 1) ^ -Int32(bitPattern: value & 1)
    }

    /// Zig-zag LEB128 of at most 10 bytes.
    @inlinable public mutating func varlong() throws(WireError) -> Int64 {
        let value = try leb128(10)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// The next `count` bytes.
    @_lifetime(copy self)
    @inlinable public mutating func slice(_ count: Int) throws(WireError) -> RawSpan {
        guard count >= 0 else { throw .badLength(at: offset, count) }
        guard remaining >= count else { throw .truncated(at: offset, needed: count - remaining) }
        let start = offset
        position += count
        // SAFETY: the guards bound the range.
        return unsafe span.extracting(unchecked: start..<start + count)
    }

    /// Steps over `count` bytes.
    @inlinable public mutating func skip(_ count: Int) throws(WireError) {
        guard count >= 0 else { throw .badLength(at: offset, count) }
        guard remaining >= count else { throw .truncated(at: offset, needed: count - remaining) }
        position += count
    }

    /// The next byte, which stays; nil at the end.
    @inlinable public func peek() -> UInt8? {
        guard position < span.byteCount else { return nil }
        // SAFETY: the guard bounds the load.
        return unsafe span.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self)
    }

    /// Steps over one byte that was seen by `peek`.
    @inlinable public mutating func step() {
        precondition(position < span.byteCount, "a step beyond the end")
        position += 1
    }

    /// What has not been read.
    @_lifetime(copy self)
    @inlinable public func rest() -> RawSpan {
        // SAFETY: reading never moves the offset beyond the end.
        unsafe span.extracting(unchecked: offset..<span.byteCount)
    }

    /// A part of the whole span, by offsets that were seen while reading.
    @_lifetime(copy self)
    @inlinable public func part(_ range: Range<Int>) -> RawSpan { span.extracting(range) }
}
