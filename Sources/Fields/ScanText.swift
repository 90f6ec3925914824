// ScanText: the tokens of JSON (RFC 8259), checked and stepped over.

internal import Bytes

/// Steps over tokens. All offsets are from the start of the text; what does not fit the grammar
/// is thrown with the place of the first byte that does not.
internal enum ScanText {
    internal static let quote = UInt8(ascii: "\"")
    internal static let backslash = UInt8(ascii: "\\")
    /// One in each byte.
    internal static let ones: UInt64 = 0x0101_0101_0101_0101

    /// The byte at `at`; zero, which no token holds, at the end.
    @inline(__always)
    internal static func byte(_ text: RawSpan, _ at: Int) -> UInt8 {
        // SAFETY: offsets are never negative, and the comparison bounds the load.
        at < text.byteCount
            ? unsafe text.unsafeLoad(fromUncheckedByteOffset: at, as: UInt8.self) : 0
    }

    /// The eight bytes at `at`, the first in the lowest bits.
    @inline(__always)
    internal static func word(_ text: RawSpan, _ at: Int) -> UInt64 {
        precondition(at >= 0 && text.byteCount - at >= 8, "a word outside the text")
        // SAFETY: checked above; every bit pattern is a number.
        let word = unsafe text.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self)
        return UInt64(littleEndian: word)
    }

    // MARK: white space

    @inline(__always)
    internal static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    @inline(__always)
    internal static func skipSpace(_ text: RawSpan, _ at: inout Int) { _ = token(text, &at) }

    /// Steps over white space, and tells the byte behind it, as `byte` does.
    @inline(__always)
    internal static func token(_ text: RawSpan, _ at: inout Int) -> UInt8 {
        let first = byte(text, at)
        if first > 0x20 { return first }
        at = behindSpaces(text, at)
        return byte(text, at)
    }

    @inline(never)
    private static func behindSpaces(_ text: RawSpan, _ start: Int) -> Int {
        var at = start
        while isSpace(byte(text, at)) {
            at += 1
            while text.byteCount - at >= 8, word(text, at) == 0x2020_2020_2020_2020 { at += 8 }
        }
        return at
    }

    // MARK: strings

    /// Steps over a string whose opening quotation mark is before `start`.
    ///
    /// - Returns: the offset behind the closing one, and whether it has escapes.
    @inline(__always)
    internal static func string(
        _ text: RawSpan, _ marks: TextMarks, _ start: Int
    ) throws(FieldScanError) -> (end: Int, hasEscapes: Bool) {
        let at = marks.next(text, start)
        if byte(text, at) == quote { return (at &+ 1, false) }
        return try oddString(text, marks, at)
    }

    /// The name of a member and where its value begins.
    internal struct Name {
        /// Behind the closing quotation mark.
        internal let end: Int
        internal let hasEscapes: Bool
        internal let value: Int
    }

    /// Steps from the beginning of a member to its value.
    @inline(__always)
    internal static func name(
        _ text: RawSpan, _ marks: TextMarks, _ start: Int
    ) throws(FieldScanError) -> Name {
        guard byte(text, start) == quote else {
            throw FieldScanError(offset: start, "no name of a member")
        }
        let name = try string(text, marks, start &+ 1)
        var at = name.end
        guard token(text, &at) == UInt8(ascii: ":") else {
            throw FieldScanError(offset: at, "no ':' behind a name")
        }
        at &+= 1
        _ = token(text, &at)
        return Name(end: name.end, hasEscapes: name.hasEscapes, value: at)
    }

    /// The same from the first byte on that is not plain.
    @inline(never)
    private static func oddString(
        _ text: RawSpan, _ marks: TextMarks, _ start: Int
    ) throws(FieldScanError) -> (end: Int, hasEscapes: Bool) {
        var at = start
        var hasEscapes = false
        repeat {
            if try odd(text, &at) { hasEscapes = true }
            at = marks.next(text, at)
        } while byte(text, at) != quote
        return (at + 1, hasEscapes)
    }

    /// Steps over one escape (true) or a run of longer UTF-8 sequences (false).
    private static func odd(
        _ text: RawSpan, _ at: inout Int
    ) throws(FieldScanError) -> Bool {
        let next = byte(text, at)
        if next >= 0x80 {
            repeat {
                let count = sequence(text, at)
                guard count > 0 else { throw FieldScanError(offset: at, "malformed UTF-8") }
                at += count
            } while byte(text, at) >= 0x80
            return false
        }
        guard next == backslash else {
            throw at < text.byteCount
                ? FieldScanError(offset: at, "a control character in a string")
                : FieldScanError(offset: at, "the text ends in a string")
        }
        switch byte(text, at + 1) {
        case quote, backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            guard hexUnit(text, at + 2) >= 0 else {
                throw FieldScanError(offset: at, "'\\u' without four hexadecimal digits")
            }
            at += 6
        default: throw FieldScanError(offset: at, "no such escape")
        }
        return true
    }

    /// Bytes of the UTF-8 sequence at `at`, which is not ASCII; zero when it is none (RFC 3629
    /// section 4: no surrogates, no longer forms than needed, nothing beyond U+10FFFF).
    internal static func sequence(_ text: RawSpan, _ at: Int) -> Int {
        let lead = byte(text, at)
        let second = byte(text, at + 1)
        guard lead >= 0xc2, lead < 0xf5, second & 0xc0 == 0x80 else { return 0 }
        if lead < 0xe0 { return 2 }
        guard byte(text, at + 2) & 0xc0 == 0x80 else { return 0 }
        if lead < 0xf0 {
            let isShort = lead == 0xe0 && second < 0xa0
            let isSurrogate = lead == 0xed && second >= 0xa0
            return isShort || isSurrogate ? 0 : 3
        }
        guard byte(text, at + 3) & 0xc0 == 0x80 else { return 0 }
        let isShort = lead == 0xf0 && second < 0x90
        let isBeyond = lead == 0xf4 && second >= 0x90
        return isShort || isBeyond ? 0 : 4
    }

    /// The number that the four hexadecimal digits at `at` say; -1 when there are not four.
    internal static func hexUnit(_ text: RawSpan, _ at: Int) -> Int32 {
        var value: Int32 = 0
        for offset in 0..<4 {
            let digit = byte(text, at + offset)
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | (Int32(digit) - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | (Int32(digit) - 0x57)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | (Int32(digit) - 0x37)
            default: return -1
            }
        }
        return value
    }

    // MARK: numbers and literals

    @inline(__always)
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The highest bit of each byte of `word` that is no digit.
    @inline(__always)
    private static func others(_ word: UInt64) -> UInt64 {
        let values = word ^ (ones &* 0x30)
        return ((values & (ones &* 0x7f)) &+ ones &* 0x76 | values) & (ones &* 0x80)
    }

    /// Behind the number that begins at `start` with a digit or a minus sign.
    @inline(__always)
    internal static func number(_ text: RawSpan, _ start: Int) throws(FieldScanError) -> Int {
        if text.byteCount &- start >= 8 {
            let end = shortNumber(word(text, start), start)
            if end >= 0 { return end }
        }
        return try anyNumber(text, start)
    }

    /// Behind the number whose first bytes are in `word`, when it ends there and has neither sign
    /// nor exponent nor begins with a zero; else -1.
    @inline(__always)
    internal static func shortNumber(_ word: UInt64, _ start: Int) -> Int {
        var others = others(word)
        guard others & 0x80 == 0, others != 0, word & 0xff != 0x30 else { return -1 }
        var at = others.trailingZeroBitCount & ~7
        if (word &>> UInt64(at)) & 0xff == 0x2e {
            let digits = at &+ 8
            others &= others &- 1
            at = others.trailingZeroBitCount & ~7
            // No digit behind the point, or the word ends first.
            if at == digits || at == 64 { return -1 }
        }
        let behind = (word &>> UInt64(at)) & 0xff
        return behind | 0x20 == 0x65 || behind == 0x2e ? -1 : start &+ at >> 3
    }

    /// Behind the literal whose first bytes are in `word`; -1 when there is none.
    @inline(__always)
    internal static func shortLiteral(_ word: UInt64, _ start: Int) -> Int {
        let four = UInt32(truncatingIfNeeded: word)
        // `true`, `null`, `fals` and `e`, the first letter in the lowest bits.
        if four == 0x6575_7274 || four == 0x6c6c_756e { return start &+ 4 }
        if four == 0x736c_6166, word >> 32 & 0xff == 0x65 { return start &+ 5 }
        return -1
    }

    @inline(never)
    private static func anyNumber(_ text: RawSpan, _ start: Int) throws(FieldScanError) -> Int {
        var at = start
        if byte(text, at) == UInt8(ascii: "-") { at += 1 }
        if byte(text, at) == UInt8(ascii: "0") {
            at += 1
            guard !isDigit(byte(text, at)) else {
                throw FieldScanError(offset: at, "a number with a leading zero")
            }
        } else {
            try digits(text, &at)
        }
        if byte(text, at) == UInt8(ascii: ".") {
            at += 1
            try digits(text, &at)
        }
        if byte(text, at) | 0x20 == UInt8(ascii: "e") {
            at += 1
            let sign = byte(text, at)
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { at += 1 }
            try digits(text, &at)
        }
        return at
    }

    private static func digits(_ text: RawSpan, _ at: inout Int) throws(FieldScanError) {
        guard isDigit(byte(text, at)) else {
            throw FieldScanError(offset: at, "a digit is missing in a number")
        }
        while text.byteCount - at >= 8 {
            let others = others(word(text, at))
            if others != 0 {
                at += others.trailingZeroBitCount >> 3
                return
            }
            at += 8
        }
        while isDigit(byte(text, at)) { at += 1 }
    }

    /// Behind the literal that stands at `at`.
    @inline(__always)
    internal static func literal(_ text: RawSpan, _ at: Int) throws(FieldScanError) -> Int {
        if text.byteCount &- at >= 8 {
            let end = shortLiteral(word(text, at), at)
            if end >= 0 { return end }
        }
        return try lastLiteral(text, at)
    }

    /// The same at the end of the text, or where there is none.
    private static func lastLiteral(_ text: RawSpan, _ at: Int) throws(FieldScanError) -> Int {
        switch byte(text, at) {
        case UInt8(ascii: "t"): try literal(text, at, "true")
        case UInt8(ascii: "f"): try literal(text, at, "false")
        case UInt8(ascii: "n"): try literal(text, at, "null")
        default: throw FieldScanError(offset: at, "no JSON value")
        }
    }

    private static func literal(
        _ text: RawSpan, _ start: Int, _ literal: StaticString
    ) throws(FieldScanError) -> Int {
        for offset in 0..<literal.utf8CodeUnitCount {
            // SAFETY: inside the literal.
            guard unsafe byte(text, start + offset) == literal.utf8Start[offset] else {
                throw FieldScanError(offset: start, "neither true nor false nor null")
            }
        }
        return start + literal.utf8CodeUnitCount
    }
}
