// JSONReader: reads strict JSON (RFC 8259) from bytes, without making values of it.

package import Bytes
internal import Limits

/// Where a text stops being JSON, or the JSON that was asked for. Never a part of the text, which
/// may hold secrets.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Bytes from the start of the text.
    package let offset: Int
    /// What should stand there.
    package let expected: String

    package init(offset: Int, expected: String) {
        self.offset = offset
        self.expected = expected
    }

    package var description: String { "at byte \(offset): expected \(expected)" }
}

/// A string in the text.
package struct JSONText: Equatable, Sendable {
    /// Where its characters stand, without the quotes.
    package let range: Range<Int>
    /// Whether some of them are written as escapes.
    package let hasEscapes: Bool

    package init(range: Range<Int>, hasEscapes: Bool) {
        self.range = range
        self.hasEscapes = hasEscapes
    }
}

/// Texts hold keys and tokens as strings, so a general parser would leave copies of them in memory
/// that nobody zeroes. This one only walks: strings are ranges of the buffer they stand in.
package enum JSONReader {
    /// Steps over white space.
    package static func skipSpace(_ cursor: inout ByteCursor) {
        while let byte = peek(&cursor), [0x20, 0x09, 0x0a, 0x0d].contains(byte) {
            cursor.step()
        }
    }

    private static func peek(_ cursor: inout ByteCursor) -> UInt8? {
        cursor.peek()
    }

    /// Steps over white space and `byte`.
    package static func expect(
        _ byte: Unicode.Scalar, _ cursor: inout ByteCursor
    ) throws(JSONError) {
        skipSpace(&cursor)
        guard peek(&cursor) == UInt8(ascii: byte) else {
            throw JSONError(offset: cursor.offset, expected: "'\(byte)'")
        }
        cursor.step()
    }

    /// Steps over white space to the end of the text.
    package static func expectEnd(_ cursor: inout ByteCursor) throws(JSONError) {
        skipSpace(&cursor)
        guard cursor.isAtEnd else { throw JSONError(offset: cursor.offset, expected: "the end") }
    }

    /// The name of the next member of an object whose brace was read, with the cursor at its
    /// value; nil after the closing brace.
    package static func nextMember(
        _ cursor: inout ByteCursor, isFirst: inout Bool
    ) throws(JSONError) -> JSONText? {
        guard try nextItem(&cursor, isFirst: &isFirst, close: "}") else { return nil }
        let name = try string(&cursor)
        try expect(":", &cursor)
        skipSpace(&cursor)
        return name
    }

    /// Whether an array whose bracket was read has another element, with the cursor at it.
    package static func nextElement(
        _ cursor: inout ByteCursor, isFirst: inout Bool
    ) throws(JSONError) -> Bool {
        try nextItem(&cursor, isFirst: &isFirst, close: "]")
    }

    private static func nextItem(
        _ cursor: inout ByteCursor, isFirst: inout Bool, close: Unicode.Scalar
    ) throws(JSONError) -> Bool {
        skipSpace(&cursor)
        if peek(&cursor) == UInt8(ascii: close) {
            cursor.step()
            return false
        }
        if !isFirst { try expect(",", &cursor) }
        isFirst = false
        skipSpace(&cursor)
        return true
    }

    /// A string; its escapes are checked, not decoded.
    package static func string(_ cursor: inout ByteCursor) throws(JSONError) -> JSONText {
        try expect("\"", &cursor)
        let start = cursor.offset
        var hasEscapes = false
        while let byte = try? cursor.uint8() {
            switch byte {
            case UInt8(ascii: "\""):
                return JSONText(range: start..<cursor.offset - 1, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape(&cursor)
            case 0..<0x20:
                throw JSONError(offset: cursor.offset - 1, expected: "no control character")
            default: break
            }
        }
        throw JSONError(offset: cursor.offset, expected: "the end of a string")
    }

    private static func escape(_ cursor: inout ByteCursor) throws(JSONError) {
        let kind = (try? cursor.uint8()) ?? 0
        if kind == UInt8(ascii: "u") {
            for _ in 0..<4 {
                guard let digit = try? cursor.uint8(), hexValue(digit) != nil else {
                    throw JSONError(offset: cursor.offset, expected: "four hexadecimal digits")
                }
            }
        } else if !"\"\\/bfnrt".utf8.contains(kind) {
            throw JSONError(offset: cursor.offset, expected: "an escape")
        }
    }

    private static func hexValue(_ byte: UInt8) -> UInt16? {
        Character(UnicodeScalar(byte)).hexDigitValue.map(UInt16.init)
    }

    /// Steps over one value of any kind and returns where it stands.
    ///
    /// - Parameter depthLeft: arrays and objects that may stand in each other, the value's own
    ///   included.
    package static func value(
        _ cursor: inout ByteCursor, depthLeft: Int = JSONLimits.depthMax
    ) throws(JSONError) -> Range<Int> {
        guard depthLeft > 0 else {
            throw JSONError(offset: cursor.offset, expected: "less nesting")
        }
        skipSpace(&cursor)
        let start = cursor.offset
        var isFirst = true
        switch peek(&cursor) {
        case UInt8(ascii: "{"):
            cursor.step()
            while try nextMember(&cursor, isFirst: &isFirst) != nil {
                _ = try value(&cursor, depthLeft: depthLeft - 1)
            }
        case UInt8(ascii: "["):
            cursor.step()
            while try nextElement(&cursor, isFirst: &isFirst) {
                _ = try value(&cursor, depthLeft: depthLeft - 1)
            }
        case UInt8(ascii: "\""): _ = try string(&cursor)
        case UInt8(ascii: "t"): try literal("true", &cursor)
        case UInt8(ascii: "f"): try literal("false", &cursor)
        case UInt8(ascii: "n"): try literal("null", &cursor)
        default: try number(&cursor)
        }
        return start..<cursor.offset
    }

    private static func literal(
        _ word: String, _ cursor: inout ByteCursor
    ) throws(JSONError) {
        for byte in word.utf8 {
            guard peek(&cursor) == byte else {
                throw JSONError(offset: cursor.offset, expected: "a value")
            }
            cursor.step()
        }
    }

    private static func number(_ cursor: inout ByteCursor) throws(JSONError) {
        let start = cursor.offset
        if peek(&cursor) == UInt8(ascii: "-") { cursor.step() }
        let first = peek(&cursor)
        let whole = digits(&cursor)
        guard whole > 0, whole == 1 || first != UInt8(ascii: "0") else {
            throw JSONError(offset: start, expected: "a value")
        }
        if peek(&cursor) == UInt8(ascii: ".") {
            cursor.step()
            guard digits(&cursor) > 0 else {
                throw JSONError(offset: cursor.offset, expected: "a digit")
            }
        }
        if let byte = peek(&cursor), byte | 0x20 == UInt8(ascii: "e") {
            cursor.step()
            if let sign = peek(&cursor), "+-".utf8.contains(sign) { cursor.step() }
            guard digits(&cursor) > 0 else {
                throw JSONError(offset: cursor.offset, expected: "a digit")
            }
        }
    }

    private static func digits(_ cursor: inout ByteCursor) -> Int {
        let start = cursor.offset
        while let byte = peek(&cursor), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            cursor.step()
        }
        return cursor.offset - start
    }

    /// The characters of a string, for names and other public parts only: the result is an
    /// ordinary String that nobody zeroes.
    ///
    /// - Throws: when they are not Unicode: malformed UTF-8 or half a surrogate pair. Replacing
    ///   them would make one name of two.
    package static func decoded(
        _ text: JSONText, in cursor: borrowing ByteCursor
    ) throws(JSONError) -> String {
        let raw = cursor.part(text.range).array
        guard let plain = String(validating: raw, as: UTF8.self) else {
            throw JSONError(offset: text.range.lowerBound, expected: "UTF-8")
        }
        guard text.hasEscapes else { return plain }
        guard let string = String(validating: try unescaped(plain, text), as: UTF16.self) else {
            throw JSONError(offset: text.range.lowerBound, expected: "whole surrogate pairs")
        }
        return string
    }

    private static func unescaped(
        _ string: String, _ text: JSONText
    ) throws(JSONError) -> [UInt16] {
        var units: [UInt16] = []
        var rest = string.utf16.makeIterator()
        while let unit = rest.next() {
            guard unit == 0x5c else {
                units.append(unit)
                continue
            }
            switch rest.next().flatMap(UnicodeScalar.init) {
            case "b": units.append(0x08)
            case "f": units.append(0x0c)
            case "n": units.append(0x0a)
            case "r": units.append(0x0d)
            case "t": units.append(0x09)
            case "u":
                var code: UInt16 = 0
                for _ in 0..<4 {
                    let digit = rest.next().flatMap { hexValue(UInt8(truncatingIfNeeded: $0)) }
                    code = code << 4 | (digit ?? 0)
                }
                units.append(code)
            case .some(let plain): units.append(UInt16(plain.value))
            case nil: throw JSONError(offset: text.range.upperBound, expected: "an escape")
            }
        }
        return units
    }
}
