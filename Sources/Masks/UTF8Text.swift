// UTF8Text: Unicode scalars in and out of UTF-8, so that no character is ever cut.

internal import Bytes

internal enum UTF8Text {
    /// Bytes of the scalar that begins at `offset`, 0 when they are not well-formed UTF-8 (The
    /// Unicode Standard, table 3-7).
    internal static func scalarBytes(_ span: RawSpan, _ offset: Int) -> Int {
        let first = JSONText.byte(span, offset)
        let count: Int
        var second: ClosedRange<UInt8> = 0x80...0xbf
        switch first {
        case 0..<0x80: return offset < span.byteCount ? 1 : 0
        case 0xc2...0xdf: count = 2
        case 0xe0:
            count = 3
            second = 0xa0...0xbf
        case 0xed:
            count = 3
            second = 0x80...0x9f
        case 0xe1...0xef: count = 3
        case 0xf0:
            count = 4
            second = 0x90...0xbf
        case 0xf1...0xf3: count = 4
        case 0xf4:
            count = 4
            second = 0x80...0x8f
        default: return 0
        }
        guard second.contains(JSONText.byte(span, offset + 1)) else { return 0 }
        for index in 2..<max(count, 2) {
            guard JSONText.byte(span, offset + index) & 0xc0 == 0x80 else { return 0 }
        }
        return count
    }

    /// The scalar at `offset` of text that is known to be UTF-8; moves `offset` behind it.
    @inline(__always)
    internal static func next(_ span: RawSpan, _ offset: inout Int) -> UInt32 {
        let first = JSONText.byte(span, offset)
        offset += 1
        if first < 0x80 { return UInt32(first) }
        return nextLong(span, first, &offset)
    }

    private static func nextLong(
        _ span: RawSpan, _ first: UInt8, _ offset: inout Int
    ) -> UInt32 {
        var scalar: UInt32
        let more: Int
        switch first {
        case 0xf0...0xff: (scalar, more) = (UInt32(first & 0x07), 3)
        case 0xe0..<0xf0: (scalar, more) = (UInt32(first & 0x0f), 2)
        default: (scalar, more) = (UInt32(first & 0x1f), 1)
        }
        for _ in 0..<more {
            scalar = scalar << 6 | UInt32(JSONText.byte(span, offset) & 0x3f)
            offset += 1
        }
        return scalar
    }

    /// Scalars of text that is known to be UTF-8.
    internal static func count(_ span: RawSpan) -> Int {
        var count = 0
        for offset in 0..<span.byteCount where JSONText.byte(span, offset) & 0xc0 != 0x80 {
            count += 1
        }
        return count
    }

    /// Where the text behind the next `count` scalars begins.
    internal static func offset(_ span: RawSpan, of count: Int, from start: Int) -> Int {
        var left = count
        var offset = start
        while offset < span.byteCount {
            if JSONText.byte(span, offset) & 0xc0 != 0x80 {
                if left == 0 { break }
                left -= 1
            }
            offset += 1
        }
        return offset
    }

    /// Appends a scalar, which is no surrogate.
    internal static func append(_ scalar: UInt32, to output: ByteBuffer) {
        func tail(_ shift: UInt32) -> UInt8 {
            0x80 | UInt8(truncatingIfNeeded: scalar >> shift & 0x3f)
        }
        switch scalar {
        case 0..<0x80: output.append(UInt8(truncatingIfNeeded: scalar))
        case 0x80..<0x800:
            output.append(0xc0 | UInt8(truncatingIfNeeded: scalar >> 6))
            output.append(tail(0))
        case 0x800..<0x10000:
            output.append(0xe0 | UInt8(truncatingIfNeeded: scalar >> 12))
            output.append(tail(6))
            output.append(tail(0))
        default:
            output.append(0xf0 | UInt8(truncatingIfNeeded: scalar >> 18))
            output.append(tail(12))
            output.append(tail(6))
            output.append(tail(0))
        }
    }
}
