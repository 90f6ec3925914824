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
            JSONText.append(with, times: 5, to: output)
            output.append(text.extracting(at..<text.byteCount))
        case .first:
            // The letter stands in place of a star, so both forms are as long.
            let shown = prefix(text, 0..<at, 1)
            copy(text, 0..<shown, output)
            JSONText.append(with, times: shown > 0 ? 4 : 5, to: output)
            output.append(text.extracting(at..<text.byteCount))
        case .partial:
            var last = text.byteCount
            while last > at + 2, JSONText.byte(text, last - 1) != UInt8(ascii: ".") { last -= 1 }
            copy(text, 0..<prefix(text, 0..<at, 2), output)
            JSONText.append(with, times: 6, to: output)
            output.append(UInt8(ascii: "@"))
            copy(text, at + 1..<prefix(text, at + 1..<last - 1, 2), output)
            JSONText.append(with, times: 6, to: output)
            copy(text, last - 1..<text.byteCount, output)
        }
        return true
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

    /// Where the first `@` stands, with something but no space or control character before it.
    private func separator(_ text: RawSpan) -> Int? {
        let at = ByteWord.first(text, 0, where: ByteWord.endsOfMailbox)
        return at > 0 && JSONText.byte(text, at) == UInt8(ascii: "@") ? at : nil
    }

    /// Whether `text` from `start` on is a host name: labels of letters, digits and `-`, the last
    /// of which begins with a letter. Anything else might be more than a host name, and is shown
    /// by nobody's leave.
    private func isDomain(_ text: RawSpan, _ start: Int) -> Bool {
        guard text.byteCount - start <= MaskLimits.domainBytesMax else { return false }
        var labelStart = start
        var at = start
        while true {
            let end = ByteWord.first(text, at, where: ByteWord.notLettersOrDigits)
            guard end < text.byteCount else {
                return end > at && labelStart > start && isLetter(JSONText.byte(text, labelStart))
            }
            switch JSONText.byte(text, end) {
            case UInt8(ascii: "."):
                // Neither at the start of a label nor behind a `-`.
                guard end > at else { return false }
                labelStart = end + 1
            case UInt8(ascii: "-"):
                guard end > labelStart else { return false }
            case 0x80...0xff: return isInternationalDomain(text, start)
            default: return false
            }
            at = end + 1
        }
    }

    /// The same for a host name with letters of any script.
    private func isInternationalDomain(_ text: RawSpan, _ start: Int) -> Bool {
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
                let isDigit = scalar >= 0x30 && scalar <= 0x39
                guard isLetter || isDigit || scalar == 0x2d && !isLabelStart else {
                    return false
                }
                if isLabelStart { beginsWithLetter = isLetter }
                isLabelStart = false
            }
            previous = scalar
        }
        return labels > 1 && !isLabelStart && previous != 0x2d && beginsWithLetter
    }

    @inline(__always)
    private func isLetter(_ byte: UInt8) -> Bool {
        byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
    }

    /// A letter, or a mark that belongs to one, in any script.
    private func isLetter(_ scalar: UInt32) -> Bool {
        if scalar < 0x80 { return isLetter(UInt8(truncatingIfNeeded: scalar)) }
        switch Unicode.Scalar(scalar)?.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .modifierLetter, .otherLetter,
            .nonspacingMark, .spacingMark:
            return true
        default: return false
        }
    }
}
