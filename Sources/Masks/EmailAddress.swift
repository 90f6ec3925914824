// EmailAddress: what is shown of an address, always with as many stars, whatever its length.

internal import Bytes
internal import Limits

extension EmailMask {
    /// Appends what is shown of the address in `text`, well-formed UTF-8, escaped for JSON; false
    /// when it is no address: one `@`, no spaces before it, and a host name of two labels or more
    /// behind it.
    internal func append(_ text: RawSpan, to output: ByteBuffer) -> Bool {
        guard let at = separator(text), isDomain(text, at + 1) else { return false }
        switch style {
        case .domain:
            hide(5, output)
            copy(text, at..<text.byteCount, output)
        case .first:
            // The letter stands in place of a star, so both forms are as long.
            let shown = prefix(text, 0..<at, 1)
            copy(text, 0..<shown, output)
            hide(shown > 0 ? 4 : 5, output)
            copy(text, at..<text.byteCount, output)
        case .partial:
            var last = text.byteCount
            while last > at + 2, JSONText.byte(text, last - 1) != UInt8(ascii: ".") { last -= 1 }
            copy(text, 0..<prefix(text, 0..<at, 2), output)
            hide(6, output)
            output.append(UInt8(ascii: "@"))
            copy(text, at + 1..<prefix(text, at + 1..<last - 1, 2), output)
            hide(6, output)
            copy(text, last - 1..<text.byteCount, output)
        }
        return true
    }

    private func hide(_ count: Int, _ output: ByteBuffer) {
        for _ in 0..<count { JSONText.append(with, to: output) }
    }

    private func copy(_ text: RawSpan, _ range: Range<Int>, _ output: ByteBuffer) {
        JSONText.append(text.extracting(range), to: output)
    }

    /// The end of the first `count` scalars of `range`; its start when it has no more than those,
    /// because nothing would be hidden.
    private func prefix(_ text: RawSpan, _ range: Range<Int>, _ count: Int) -> Int {
        var offset = range.lowerBound
        for _ in 0..<count where offset < range.upperBound { _ = UTF8Text.next(text, &offset) }
        return offset < range.upperBound ? offset : range.lowerBound
    }

    /// Where the only `@` stands, with something but no space or control character before it.
    private func separator(_ text: RawSpan) -> Int? {
        var found: Int?
        for offset in 0..<text.byteCount {
            let byte = JSONText.byte(text, offset)
            if byte == UInt8(ascii: "@") {
                guard found == nil, offset > 0 else { return nil }
                found = offset
            } else if byte <= 0x20 || byte == 0x7f {
                return nil
            }
        }
        return found
    }

    /// Whether `text` from `start` on is a host name: labels of letters, digits and `-`, the last
    /// of which begins with a letter. Anything else might be more than a host name, and is shown
    /// by nobody's leave.
    private func isDomain(_ text: RawSpan, _ start: Int) -> Bool {
        guard text.byteCount - start <= MaskLimits.domainBytesMax else { return false }
        var labels = 1
        var isLabelStart = true
        var beginsWithLetter = false
        var previous: UInt32 = 0
        var offset = start
        while offset < text.byteCount {
            let scalar = UTF8Text.next(text, &offset)
            if scalar == 0x2e {
                guard !isLabelStart, previous != 0x2d else { return false }
                labels += 1
                isLabelStart = true
            } else {
                let isLetter = isLetter(scalar)
                guard isLetter || isDigit(scalar) || scalar == 0x2d && !isLabelStart else {
                    return false
                }
                if isLabelStart { beginsWithLetter = isLetter }
                isLabelStart = false
            }
            previous = scalar
        }
        return labels > 1 && !isLabelStart && previous != 0x2d && beginsWithLetter
    }

    private func isDigit(_ scalar: UInt32) -> Bool { scalar >= 0x30 && scalar <= 0x39 }

    /// A letter, or a mark that belongs to one, in any script.
    private func isLetter(_ scalar: UInt32) -> Bool {
        if scalar < 0x80 { return scalar | 0x20 >= 0x61 && scalar | 0x20 <= 0x7a }
        switch Unicode.Scalar(scalar)?.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .modifierLetter, .otherLetter,
            .nonspacingMark, .spacingMark:
            return true
        default: return false
        }
    }
}
