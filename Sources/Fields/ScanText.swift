// ScanText: the tokens of JSON (RFC 8259), checked and stepped over.

internal import Bytes
internal import CJSON

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
            while text.byteCount - at >= 8, text.word(at: at) == 0x2020_2020_2020_2020 { at += 8 }
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
        /// Where the closing quotation mark is.
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
        return Name(end: name.end &- 1, hasEscapes: name.hasEscapes, value: at)
    }

    /// The same from the first byte on that is not plain.
    @inline(never)
    private static func oddString(
        _ text: RawSpan, _ marks: TextMarks, _ start: Int
    ) throws(FieldScanError) -> (end: Int, hasEscapes: Bool) {
        let string = marks.string(text, start)
        return (try end(of: string), string.has_escapes != 0)
    }

    /// Behind a token.
    @inline(__always)
    private static func end(of token: wax_json_token) throws(FieldScanError) -> Int {
        if token.fault == 0 { return token.end }
        throw fault(of: token)
    }

    @inline(never)
    private static func fault(of token: wax_json_token) -> FieldScanError {
        let reason =
            switch Int(token.fault) {
            case WAX_JSON_BAD_UTF8: "malformed UTF-8"
            case WAX_JSON_CONTROL: "a control character in a string"
            case WAX_JSON_OPEN_STRING: "the text ends in a string"
            case WAX_JSON_BAD_UNICODE_ESCAPE: "'\\u' without four hexadecimal digits"
            case WAX_JSON_BAD_ESCAPE: "no such escape"
            case WAX_JSON_LEADING_ZERO: "a number with a leading zero"
            case WAX_JSON_NO_DIGIT: "a digit is missing in a number"
            case WAX_JSON_BAD_LITERAL: "neither true nor false nor null"
            default: "no JSON value"
            }
        return FieldScanError(offset: token.end, reason)
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

    /// Behind the number that begins at `start` with a digit or a minus sign.
    internal static func number(_ text: RawSpan, _ start: Int) throws(FieldScanError) -> Int {
        // SAFETY: the callee reads within the text.
        let token = unsafe text.withUnsafeBytes { bytes in
            unsafe wax_json_number(bytes.baseAddress, bytes.count, start)
        }
        return try end(of: token)
    }

    /// What kind of value the checked string, number or literal is that begins at `start`.
    internal static func scalarKind(_ text: RawSpan, _ start: Int) -> JSONKind {
        switch byte(text, start) {
        case quote: .string
        case UInt8(ascii: "n"): .null
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        default: .number
        }
    }

    /// Behind the literal that stands at `start`.
    internal static func literal(_ text: RawSpan, _ start: Int) throws(FieldScanError) -> Int {
        // SAFETY: the callee reads within the text.
        let token = unsafe text.withUnsafeBytes { bytes in
            unsafe wax_json_literal(bytes.baseAddress, bytes.count, start)
        }
        return try end(of: token)
    }
}
