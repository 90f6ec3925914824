// FieldPathParser: reads the text of a path.

internal import Limits

/// Reads one path, front to back.
internal struct FieldPathParser {
    private let text: [UInt8]
    private var at = 0

    internal init(_ text: String) { self.text = Array(text.utf8) }

    /// The path's segments; none for `$`.
    internal mutating func parse() throws(FieldPathError) -> [FieldPath.Segment] {
        guard text.count <= FieldLimits.pathBytesMax else {
            throw FieldPathError(
                offset: FieldLimits.pathBytesMax,
                "a path has at most \(FieldLimits.pathBytesMax) bytes")
        }
        guard peek == UInt8(ascii: "$") else { throw error("a path begins with '$'") }
        at += 1
        var segments: [FieldPath.Segment] = []
        while at < text.count {
            let start = at
            // RFC 9535 allows blanks between segments, but none at the end.
            skipBlanks()
            guard at < text.count else {
                throw FieldPathError(offset: start, "blanks behind the path")
            }
            guard segments.count < FieldLimits.segmentsMax else {
                throw error("a path has at most \(FieldLimits.segmentsMax) segments")
            }
            segments.append(try segment())
        }
        return segments
    }

    private var peek: UInt8? { at < text.count ? text[at] : nil }

    private func error(_ reason: String) -> FieldPathError { FieldPathError(offset: at, reason) }

    private mutating func skipBlanks() {
        while let byte = peek, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { at += 1 }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        at += 1
        return true
    }

    private mutating func segment() throws(FieldPathError) -> FieldPath.Segment {
        if skip(UInt8(ascii: ".")) {
            let isDescendant = skip(UInt8(ascii: "."))
            if isDescendant, skip(UInt8(ascii: "[")) {
                return FieldPath.Segment(isDescendant: true, selector: try bracket())
            }
            let selector = try shorthand()
            return FieldPath.Segment(isDescendant: isDescendant, selector: selector)
        }
        guard skip(UInt8(ascii: "[")) else { throw error("expected '.' or '['") }
        return FieldPath.Segment(isDescendant: false, selector: try bracket())
    }

    // MARK: behind a dot

    private mutating func shorthand() throws(FieldPathError) -> FieldPath.Selector {
        if skip(UInt8(ascii: "*")) { return .any }
        let start = at
        guard let first = peek else { throw error("a name or '*' is missing behind '.'") }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            throw error("a name that begins with a digit is written ['name'], a place [3]")
        case UInt8(ascii: "["): throw error("'[' stands without '.' before it")
        case UInt8(ascii: "."): throw error("at most two dots stand together")
        default: break
        }
        while let byte = peek, Self.isNameByte(byte) { at += 1 }
        guard at > start else { throw error("a name with such a character is written ['name']") }
        if let next = peek, next > 0x20, ![UInt8(ascii: "."), UInt8(ascii: "[")].contains(next) {
            throw error("a name with such a character is written ['name']")
        }
        return .name(Array(text[start..<at]))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }

    // MARK: in brackets

    private mutating func bracket() throws(FieldPathError) -> FieldPath.Selector {
        skipBlanks()
        let selector: FieldPath.Selector
        guard let first = peek else { throw error("']' is missing") }
        switch first {
        case UInt8(ascii: "*"):
            at += 1
            selector = .any
        case UInt8(ascii: "'"), UInt8(ascii: "\""): selector = .name(try quoted())
        case UInt8(ascii: "0")...UInt8(ascii: "9"): selector = .index(try index())
        case UInt8(ascii: "-"): throw error("places are counted from the front: [0], [1]")
        case UInt8(ascii: "?"): throw error("filters are not part of field paths")
        case UInt8(ascii: ":"): throw error("slices are not part of field paths")
        case UInt8(ascii: "]"): throw error("a name, a place or '*' is missing in '[]'")
        default: throw error("a name in brackets stands in quotes")
        }
        skipBlanks()
        switch peek {
        case UInt8(ascii: "]"): at += 1
        case UInt8(ascii: ","): throw error("one selector per bracket: write two paths")
        case UInt8(ascii: ":"): throw error("slices are not part of field paths")
        default: throw error("']' is missing")
        }
        return selector
    }

    private mutating func index() throws(FieldPathError) -> Int {
        let start = at
        var value = 0
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            if at > start, value == 0 {
                throw FieldPathError(offset: start, "a place has no leading zero")
            }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            guard value <= FieldLimits.indexMax else {
                throw FieldPathError(offset: start, "a place is at most \(FieldLimits.indexMax)")
            }
            at += 1
        }
        return value
    }

    private mutating func quoted() throws(FieldPathError) -> [UInt8] {
        let quote = text[at]
        let start = at
        at += 1
        var name: [UInt8] = []
        while let byte = peek {
            if byte == quote {
                at += 1
                return name
            }
            guard byte >= 0x20 else { throw error("a control character is written as an escape") }
            if byte == UInt8(ascii: "\\") {
                name += try escape(quote)
            } else {
                name.append(byte)
                at += 1
            }
        }
        throw FieldPathError(offset: start, "the closing quote is missing")
    }

    private mutating func escape(_ quote: UInt8) throws(FieldPathError) -> [UInt8] {
        let start = at
        at += 1
        guard let letter = peek else { throw error("an escape ends early") }
        at += 1
        switch letter {
        case quote, UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): break
        default: throw FieldPathError(offset: start, "there is no such escape")
        }
        var value = try hexUnit()
        if (0xd800..<0xdc00).contains(value) {
            guard skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")),
                case let low = try hexUnit(), (0xdc00..<0xe000).contains(low)
            else { throw FieldPathError(offset: start, "half of a surrogate pair") }
            value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw FieldPathError(offset: start, "half of a surrogate pair")
        }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexUnit() throws(FieldPathError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Self.hexDigit(byte) else {
                throw error("'\\u' has four hexadecimal digits")
            }
            value = value << 4 | digit
            at += 1
        }
        return value
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte) - 0x57
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte) - 0x37
        default: nil
        }
    }
}
