// NormalizedPath: writes where a value stands, in the one spelling that RFC 9535 gives it.

internal import Bytes

/// Normalized paths (RFC 9535 section 2.7): `$['customers'][0]['email']`. A function of the
/// document's content alone: the same name gives the same path, however it is escaped there.
internal enum NormalizedPath {
    private static let apostrophe = UInt8(ascii: "'")
    /// `['` and `']`.
    private static let nameStart: Int16 = 0x5b27
    private static let nameEnd: Int16 = 0x275d

    /// Appends the normalized path of the value that `path` selects, as far as that can be said
    /// without a document: of names and places only, and none of its names with a byte that a
    /// normalized path or JSON may write otherwise.
    ///
    /// - Returns: false when it cannot, and there may be the beginning of one.
    internal static func append(_ path: FieldPath, to output: ByteBuffer) -> Bool {
        guard !path.isRoot else { return false }
        output.append(UInt8(ascii: "$"))
        for segment in path.segments {
            switch (segment.isDescendant, segment.selector) {
            case (false, .index(let index)): append(index: index, to: output)
            case (false, .name(let name)):
                guard name.allSatisfy({ $0 >= 0x20 && isPlain($0) }) else { return false }
                output.append(int16: nameStart)
                output.append(name)
                output.append(int16: nameEnd)
            case (true, _), (_, .any): return false
            }
        }
        return true
    }

    /// Appends the step to the element at `index`.
    internal static func append(index: Int, to output: ByteBuffer) {
        output.append(UInt8(ascii: "["))
        var rest = index
        var scale = 1
        while rest >= 10 {
            rest /= 10
            scale *= 10
        }
        while scale > 0 {
            output.append(UInt8(ascii: "0") + UInt8(index / scale % 10))
            scale /= 10
        }
        output.append(UInt8(ascii: "]"))
    }

    /// Appends the step to the member whose name stands at `name`, without its quotation marks.
    internal static func append(
        name text: RawSpan, _ name: Range<Int>, hasEscapes: Bool, to output: ByteBuffer
    ) {
        output.reserve(name.count + 4)
        output.append(int16: nameStart)
        if !hasEscapes, !hasApostrophe(text, name) {
            output.append(text.extracting(name))
        } else {
            appendOdd(text, name, to: output)
        }
        output.append(int16: nameEnd)
    }

    private static func appendOdd(_ text: RawSpan, _ name: Range<Int>, to output: ByteBuffer) {
        var at = name.lowerBound
        while at < name.upperBound {
            let start = at
            while at < name.upperBound, isPlain(ScanText.byte(text, at)) { at += 1 }
            if at > start { output.append(text.extracting(start..<at)) }
            if at < name.upperBound { append(StringUnits.next(text, &at), to: output) }
        }
    }

    private static func hasApostrophe(_ text: RawSpan, _ name: Range<Int>) -> Bool {
        let ones = ScanText.ones
        var at = name.lowerBound
        while at < name.upperBound, text.byteCount &- at >= 8 {
            let others = text.word(at: at) ^ (ones &* UInt64(apostrophe))
            let found = (others &- ones) & ~others & (ones &* 0x80)
            // The lowest bit that is set is exact.
            if found != 0 { return at &+ found.trailingZeroBitCount >> 3 < name.upperBound }
            at &+= 8
        }
        while at < name.upperBound {
            if ScanText.byte(text, at) == apostrophe { return true }
            at &+= 1
        }
        return false
    }

    /// Whether a byte of a checked name stands in a path as it stands in the name.
    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte != ScanText.backslash && byte != apostrophe
    }

    private static func append(_ scalar: UInt32, to output: ByteBuffer) {
        switch scalar {
        case 0x08: escape("b", output)
        case 0x09: escape("t", output)
        case 0x0a: escape("n", output)
        case 0x0c: escape("f", output)
        case 0x0d: escape("r", output)
        case 0x27: escape("'", output)
        case 0x5c: escape("\\", output)
        // Half a surrogate pair has no place in RFC 9535, which knows only text. As an escape it
        // keeps the path UTF-8 and different from all others.
        case 0..<0x20, 0xd800..<0xe000:
            escape("u", output)
            for shift in stride(from: UInt32(12), through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: scalar >> shift & 0xf)
                output.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
            }
        default: StringUnits.append(scalar, to: output)
        }
    }

    private static func escape(_ letter: Unicode.Scalar, _ output: ByteBuffer) {
        output.append(ScanText.backslash)
        output.append(UInt8(ascii: letter))
    }
}
