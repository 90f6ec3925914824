// JSONText: reads and writes single JSON tokens (RFC 8259), byte by byte.

internal import Bytes

/// Tokens of JSON text. Offsets are never beyond the span's end when a function returns.
internal enum JSONText {
    /// What a string token turned out to be.
    internal enum StringText {
        case text
        /// Well-formed, but a surrogate stands alone, so that it is no Unicode text.
        case unpaired
        case malformed
    }

    /// The byte at `offset`, or 0, which begins no token, beyond the end.
    @inline(__always)
    internal static func byte(_ span: RawSpan, _ offset: Int) -> UInt8 {
        guard offset >= 0, offset < span.byteCount else { return 0 }
        // SAFETY: the guard bounds the load.
        return unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// The offset of the first byte at or after `offset` that is not white space.
    internal static func skipSpace(_ span: RawSpan, _ offset: Int) -> Int {
        var at = offset
        while true {
            switch byte(span, at) {
            case 0x20, 0x09, 0x0a, 0x0d: at += 1
            default: return at
            }
        }
    }

    /// Steps over `true`, `false` or `null`; false when it is not there.
    internal static func skip(_ word: StaticString, _ span: RawSpan, _ offset: inout Int) -> Bool {
        let count = word.utf8CodeUnitCount
        for index in 0..<count {
            // SAFETY: a static string has that many bytes.
            guard unsafe byte(span, offset + index) == word.utf8Start[index] else { return false }
        }
        offset += count
        return true
    }

    // MARK: numbers

    /// Steps over a number; nil when it is none, else whether it has a fraction or an exponent.
    internal static func skipNumber(_ span: RawSpan, _ offset: inout Int) -> Bool? {
        var at = offset
        if byte(span, at) == UInt8(ascii: "-") { at += 1 }
        if byte(span, at) == UInt8(ascii: "0") {
            at += 1
        } else if !skipDigits(span, &at) {
            return nil
        }
        var isDecimal = false
        if byte(span, at) == UInt8(ascii: ".") {
            isDecimal = true
            at += 1
            if !skipDigits(span, &at) { return nil }
        }
        if byte(span, at) | 0x20 == UInt8(ascii: "e") {
            isDecimal = true
            at += 1
            let sign = byte(span, at)
            if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { at += 1 }
            if !skipDigits(span, &at) { return nil }
        }
        offset = at
        return isDecimal
    }

    private static func skipDigits(_ span: RawSpan, _ at: inout Int) -> Bool {
        let start = at
        while isDigit(byte(span, at)) { at += 1 }
        return at > start
    }

    @inline(__always)
    internal static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    /// Whether all of `text` is one number.
    internal static func isNumber(_ text: String) -> Bool {
        let content = ByteBuffer(capacity: text.utf8.count)
        content.append(text)
        var at = 0
        let bytes = content.bytes
        return skipNumber(bytes, &at) != nil && at == bytes.byteCount
    }

    // MARK: strings

    /// Steps over a string that begins at `offset`, and appends what it says to `text`.
    ///
    /// `offset` stays when it is malformed: no closing quote, a bare control character, a bad
    /// escape, or bytes that are not UTF-8.
    internal static func readString(
        _ span: RawSpan, _ offset: inout Int, into text: ByteBuffer?
    ) -> StringText {
        guard byte(span, offset) == UInt8(ascii: "\"") else { return .malformed }
        var at = offset + 1
        var isPaired = true
        while true {
            let start = at
            at = plainEnd(span, at)
            if at > start { text?.append(span.extracting(start..<at)) }
            let next = byte(span, at)
            if next == UInt8(ascii: "\"") {
                offset = at + 1
                return isPaired ? .text : .unpaired
            }
            if next == UInt8(ascii: "\\") {
                guard let scalar = readEscape(span, &at) else { return .malformed }
                if scalar >= 0xd800, scalar < 0xe000 {
                    isPaired = false
                } else if let text {
                    UTF8Text.append(scalar, to: text)
                }
                continue
            }
            let count = UTF8Text.scalarBytes(span, at)
            guard next >= 0x80, count > 0 else { return .malformed }
            text?.append(span.extracting(at..<at + count))
            at += count
        }
    }

    /// Whether `value` is nothing but one string that says what stands in it, byte for byte:
    /// printable ASCII without escapes. Most strings are.
    internal static func isPlainString(_ value: RawSpan) -> Bool {
        let last = value.byteCount - 1
        return byte(value, 0) == UInt8(ascii: "\"") && byte(value, last) == UInt8(ascii: "\"")
            && last > 0 && plainEnd(value, 1) == last
    }

    /// The offset of the first byte at or behind `start` that is not printable ASCII or needs a
    /// look, or of the end.
    @inline(__always)
    internal static func plainEnd(_ span: RawSpan, _ start: Int) -> Int {
        ByteWord.first(span, start, where: oddBytes)
    }

    /// The highest bit of each byte that is not printable ASCII, a quote or a backslash. The lowest
    /// that is set is exact; those above need not be.
    @inline(__always)
    private static func oddBytes(_ word: UInt64) -> UInt64 {
        let quotes = (word ^ ByteWord.all(0x22)) &- ByteWord.all(1)
        let backslashes = (word ^ ByteWord.all(0x5c)) &- ByteWord.all(1)
        let control = word &- ByteWord.all(0x20)
        return (word | control | quotes | backslashes) & ByteWord.all(0x80)
    }

    /// The scalar that an escape stands for, or a surrogate that stands alone; nil when malformed.
    private static func readEscape(_ span: RawSpan, _ at: inout Int) -> UInt32? {
        let letter = byte(span, at + 1)
        guard letter == UInt8(ascii: "u") else {
            guard let scalar = shortEscape(letter) else { return nil }
            at += 2
            return scalar
        }
        guard let unit = hexUnit(span, at + 2) else { return nil }
        at += 6
        guard unit >= 0xd800, unit < 0xdc00, byte(span, at) == UInt8(ascii: "\\"),
            byte(span, at + 1) == UInt8(ascii: "u"), let low = hexUnit(span, at + 2),
            low >= 0xdc00, low < 0xe000
        else { return unit }
        at += 6
        return 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00))
    }

    private static func shortEscape(_ letter: UInt8) -> UInt32? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): UInt32(letter)
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0c
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "r"): 0x0d
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    private static func hexUnit(_ span: RawSpan, _ at: Int) -> UInt32? {
        var unit: UInt32 = 0
        for index in 0..<4 {
            let digit = byte(span, at + index)
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt32(digit - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt32(digit - 0x57)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt32(digit - 0x37)
            default: return nil
            }
        }
        return unit
    }

    // MARK: writing

    /// Appends one scalar as it stands within a JSON string.
    @inline(__always)
    internal static func append(_ scalar: UInt32, to output: ByteBuffer) {
        if scalar >= 0x20, scalar < 0x80, scalar != 0x22, scalar != 0x5c {
            output.append(UInt8(truncatingIfNeeded: scalar))
        } else {
            appendOdd(scalar, to: output)
        }
    }

    /// The same so many times.
    internal static func append(_ scalar: UInt32, times count: Int, to output: ByteBuffer) {
        guard scalar >= 0x20, scalar < 0x80, scalar != 0x22, scalar != 0x5c else {
            for _ in 0..<count { appendOdd(scalar, to: output) }
            return
        }
        // Eight at once, the last of which may be too many.
        let eight = Int64(bitPattern: ByteWord.all(UInt8(truncatingIfNeeded: scalar)))
        let end = output.count + count
        while output.count < end { output.append(int64: eight) }
        output.truncate(to: end)
    }

    /// Appends the hexadecimal digits of `bytes`.
    internal static func append(hexOf bytes: RawSpan, to output: ByteBuffer) {
        var at = 0
        while bytes.byteCount - at >= 8 {
            let word = bytes.word(at: at).byteSwapped
            output.append(int64: ByteWord.hexDigits(UInt32(truncatingIfNeeded: word >> 32)))
            output.append(int64: ByteWord.hexDigits(UInt32(truncatingIfNeeded: word)))
            at += 8
        }
        while at < bytes.byteCount {
            let byte = byte(bytes, at)
            output.append(hexDigit(byte >> 4))
            output.append(hexDigit(byte & 0xf))
            at += 1
        }
    }

    /// Appends UTF-8 text as it stands within a JSON string.
    internal static func append(_ text: RawSpan, to output: ByteBuffer) {
        var copied = 0
        var at = 0
        while true {
            at = plainEnd(text, at)
            guard at < text.byteCount else { break }
            let byte = byte(text, at)
            if byte < 0x80 {
                output.append(text.extracting(copied..<at))
                appendOdd(UInt32(byte), to: output)
                copied = at + 1
            }
            at += 1
        }
        if copied < text.byteCount { output.append(text.extracting(copied..<text.byteCount)) }
    }

    private static func appendOdd(_ scalar: UInt32, to output: ByteBuffer) {
        switch scalar {
        case 0x22: output.append("\\\"")
        case 0x5c: output.append("\\\\")
        case 0x08: output.append("\\b")
        case 0x0c: output.append("\\f")
        case 0x0a: output.append("\\n")
        case 0x0d: output.append("\\r")
        case 0x09: output.append("\\t")
        case 0..<0x20:
            output.append("\\u00")
            output.append(hexDigit(UInt8(truncatingIfNeeded: scalar >> 4)))
            output.append(hexDigit(UInt8(truncatingIfNeeded: scalar & 0xf)))
        default: UTF8Text.append(scalar, to: output)
        }
    }

    /// The digit of a number below 16.
    @inline(__always)
    internal static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x57 + value
    }

    /// `text` as a JSON string. Allocates: for settings, not for values.
    internal static func quoting(_ text: String) -> [UInt8] {
        let output = ByteBuffer(capacity: text.utf8.count + 2)
        output.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars { append(scalar.value, to: output) }
        output.append(UInt8(ascii: "\""))
        return output.array
    }
}
