// StringUnits: what the characters of a JSON string stand for, one at a time.

internal import Bytes

/// Reads strings that were checked before.
internal enum StringUnits {
    /// The scalar at `at`, which is moved behind it. A surrogate that is escaped without its other
    /// half is given as its own number (RFC 8259 section 8.2 leaves open what it means).
    internal static func next(_ text: RawSpan, _ at: inout Int) -> UInt32 {
        let first = ScanText.byte(text, at)
        if first >= 0x80 { return sequence(text, &at) }
        guard first == ScanText.backslash else {
            at += 1
            return UInt32(first)
        }
        let letter = ScanText.byte(text, at + 1)
        at += 2
        switch letter {
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0c
        case UInt8(ascii: "n"): return 0x0a
        case UInt8(ascii: "r"): return 0x0d
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"): break
        default: return UInt32(letter)
        }
        let unit = UInt32(bitPattern: ScanText.hexUnit(text, at))
        at += 4
        guard (0xd800..<0xdc00).contains(unit),
            ScanText.byte(text, at) == ScanText.backslash,
            ScanText.byte(text, at + 1) == UInt8(ascii: "u")
        else { return unit }
        let low = UInt32(bitPattern: ScanText.hexUnit(text, at + 2))
        guard (0xdc00..<0xe000).contains(low) else { return unit }
        at += 6
        return 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
    }

    private static func sequence(_ text: RawSpan, _ at: inout Int) -> UInt32 {
        let lead = ScanText.byte(text, at)
        let count = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
        var scalar = UInt32(lead) & (0xff >> UInt32(count + 1))
        for offset in 1..<count {
            scalar = scalar << 6 | UInt32(ScanText.byte(text, at + offset)) & 0x3f
        }
        at += count
        return scalar
    }

    /// Appends a scalar in UTF-8. Half a surrogate pair is written as UTF-8 would write its number
    /// if it might, so that it is like no text.
    internal static func append(_ scalar: UInt32, to output: ByteBuffer) {
        func tail(_ shift: UInt32) {
            output.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> shift & 0x3f))
        }
        switch scalar {
        case 0..<0x80: output.append(UInt8(truncatingIfNeeded: scalar))
        case 0x80..<0x800:
            output.append(UInt8(truncatingIfNeeded: 0xc0 | scalar >> 6))
            tail(0)
        case 0x800..<0x10000:
            output.append(UInt8(truncatingIfNeeded: 0xe0 | scalar >> 12))
            tail(6)
            tail(0)
        default:
            output.append(UInt8(truncatingIfNeeded: 0xf0 | scalar >> 18))
            tail(12)
            tail(6)
            tail(0)
        }
    }

    // MARK: the mark of sealed text

    /// `wax1:`, the first letter in the lowest bits.
    private static let mark: UInt64 = 0x3a_3178_6177
    private static let markBytes = 5

    /// Whether the string whose opening quotation mark stands at `start` begins with `wax1:`.
    /// - Parameter hasEscapes: it has some, so that the mark may be spelled with them.
    @inline(__always)
    internal static func isSealed(_ text: RawSpan, _ start: Int, hasEscapes: Bool) -> Bool {
        if !hasEscapes, text.byteCount &- start >= 8 {
            return isMark(text.word(at: start) >> 8)
        }
        return isMark(text, start + 1)
    }

    /// The same of any value that was checked, without regard to escapes.
    internal static func isSealed(_ text: RawSpan, at start: Int) -> Bool {
        ScanText.byte(text, start) == ScanText.quote && isSealed(text, start, hasEscapes: false)
    }

    /// Whether the lowest five bytes are the mark, without escapes.
    @inline(__always)
    internal static func isMark(_ word: UInt64) -> Bool { word & 0xff_ffff_ffff == mark }

    private static func isMark(_ text: RawSpan, _ start: Int) -> Bool {
        var at = start
        for place in 0..<markBytes {
            // The closing quotation mark ends the comparison too: it is in no mark.
            let expected = UInt32(truncatingIfNeeded: mark >> UInt64(8 * place) & 0xff)
            guard next(text, &at) == expected else { return false }
        }
        return true
    }
}
