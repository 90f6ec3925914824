// TextMasks: masks that hide some characters of a text and keep others.

internal import Bytes
internal import Limits

extension CharacterMask {
    /// Appends `text`, well-formed UTF-8, with its hidden scalars replaced, escaped for JSON. A
    /// text that would be kept as a whole is hidden as a whole.
    ///
    /// - Parameter isPlain: `text` is printable ASCII that needs no escapes: its scalars are its
    ///   bytes.
    internal func append(_ text: RawSpan, isPlain: Bool, to output: ByteBuffer) {
        if isPlain {
            let hidden = hidden(of: text.byteCount)
            if hidden.lowerBound > 0 { output.append(text.extracting(0..<hidden.lowerBound)) }
            JSONText.append(with, times: hidden.count, to: output)
            if hidden.upperBound < text.byteCount {
                output.append(text.extracting(hidden.upperBound..<text.byteCount))
            }
            return
        }
        let hidden = hidden(of: UTF8Text.count(text))
        let start = UTF8Text.offset(text, of: hidden.lowerBound, from: 0)
        let end = UTF8Text.offset(text, of: hidden.count, from: start)
        JSONText.append(text.extracting(0..<start), to: output)
        JSONText.append(with, times: hidden.count, to: output)
        JSONText.append(text.extracting(end..<text.byteCount), to: output)
    }

    /// The same where some scalars stay and do not count.
    internal func append(_ text: RawSpan, ignored: ScalarSet, to output: ByteBuffer) {
        var counted = 0
        var offset = 0
        while offset < text.byteCount {
            if !ignored.contains(UTF8Text.next(text, &offset)) { counted += 1 }
        }
        let hidden = hidden(of: counted)
        var place = 0
        offset = 0
        while offset < text.byteCount {
            let scalar = UTF8Text.next(text, &offset)
            if ignored.contains(scalar) {
                JSONText.append(scalar, to: output)
            } else {
                JSONText.append(hidden.contains(place) ? with : scalar, to: output)
                place += 1
            }
        }
    }

    /// Which of so many characters are hidden.
    private func hidden(of counted: Int) -> Range<Int> {
        switch part {
        case .hideFirst(let count): 0..<min(count, counted)
        case .hideLast(let count): max(counted - count, 0)..<counted
        case .keep(let first, let last):
            first + last >= counted ? 0..<counted : first..<counted - last
        }
    }
}

extension CardMask {
    /// Appends `text` with the digits between the first and the last ones replaced; spaces and `-`
    /// stay. All else is replaced when it is no card number: 13 to 19 digits and nothing but
    /// spaces and `-`.
    internal func append(_ text: RawSpan, to output: ByteBuffer) {
        var digits = 0
        var isCard = true
        var offset = 0
        while offset < text.byteCount {
            let byte = JSONText.byte(text, offset)
            offset += 1
            if JSONText.isDigit(byte) { digits += 1 } else if !isSeparator(byte) { isCard = false }
        }
        isCard = isCard && MaskLimits.cardDigits.contains(digits)
        let kept = isCard ? first : 0
        let tail = isCard ? digits - last : Int.max
        var place = 0
        offset = 0
        while offset < text.byteCount {
            let scalar = UTF8Text.next(text, &offset)
            if scalar < 0x80, isSeparator(UInt8(truncatingIfNeeded: scalar)) {
                JSONText.append(scalar, to: output)
            } else {
                let isKept = place < kept || place >= tail
                JSONText.append(isKept ? scalar : with, to: output)
                place += 1
            }
        }
    }

    private func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "-")
    }
}

/// `shape`: what kind of character stands where.
internal enum ShapeMask {
    /// Appends `X` for every upper-case letter of `text`, `x` for every other letter, `n` for every
    /// decimal digit, `-` for all else.
    internal static func append(_ text: RawSpan, to output: ByteBuffer) {
        var offset = 0
        while offset < text.byteCount {
            output.append(letter(UTF8Text.next(text, &offset)))
        }
    }

    private static func letter(_ scalar: UInt32) -> UInt8 {
        switch scalar {
        case 0x41...0x5a: return UInt8(ascii: "X")
        case 0x61...0x7a: return UInt8(ascii: "x")
        case 0x30...0x39: return UInt8(ascii: "n")
        case 0..<0x80: return UInt8(ascii: "-")
        default: break
        }
        switch Unicode.Scalar(scalar)?.properties.generalCategory {
        case .uppercaseLetter, .titlecaseLetter: return UInt8(ascii: "X")
        case .lowercaseLetter, .modifierLetter, .otherLetter: return UInt8(ascii: "x")
        case .decimalNumber: return UInt8(ascii: "n")
        default: return UInt8(ascii: "-")
        }
    }
}

extension TokenForm {
    /// Appends the 32 bytes of `digest` in this form.
    internal func append(_ digest: RawSpan, to output: ByteBuffer) {
        switch self {
        case .hex: JSONText.append(hexOf: digest, to: output)
        case .base64: appendBase64(digest, output)
        case .base64url16:
            Base64URL.append(digest.extracting(0..<min(digest.byteCount, 16)), to: output)
        }
    }

    /// RFC 4648 section 4: other letters for 62 and 63 than in URLs, and padded.
    private func appendBase64(_ bytes: RawSpan, _ output: ByteBuffer) {
        let start = output.count
        Base64URL.append(bytes, to: output)
        for at in start..<output.count {
            switch JSONText.byte(output.bytes, at) {
            case UInt8(ascii: "-"): output.set(byte: UInt8(ascii: "+"), at: at)
            case UInt8(ascii: "_"): output.set(byte: UInt8(ascii: "/"), at: at)
            default: break
            }
        }
        while (output.count - start) % 4 != 0 { output.append(UInt8(ascii: "=")) }
    }
}
