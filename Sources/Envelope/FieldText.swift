// FieldText: the JSON string that stands in a document for a sealed field.

package import Bytes

/// `"wax1:<base64url>"`: nonce, ciphertext and tag in letters that JSON never has to escape.
///
/// Only the one canonical spelling is read: no padding, no white space, no escapes, and no bits
/// behind the last byte, so that one ciphertext has one text.
package enum FieldText {
    /// Bytes of `"wax1:` and of the closing quotation mark.
    private static let frameBytes = 1 + EnvelopeFormat.fieldMark.utf8CodeUnitCount + 1
    private static let quote = UInt8(ascii: "\"")

    /// Bytes of the text, quotation marks included, of a field whose own text has `plainBytes`.
    package static func byteCount(plainBytes: Int) -> Int {
        let sealed = plainBytes + EnvelopeFormat.sealedOverheadBytes
        return frameBytes + sealed / 3 * 4 + (sealed % 3 == 0 ? 0 : sealed % 3 + 1)
    }

    /// Appends the text of `sealed`, which may not lie in `output`.
    package static func append(_ sealed: RawSpan, to output: ByteBuffer) {
        let count = sealed.byteCount
        output.reserve(frameBytes + (count + 2) / 3 * 4)
        output.append(quote)
        output.append(EnvelopeFormat.fieldMark.description)
        var at = 0
        while at + 3 <= count {
            let group = number(sealed, at, 3)
            output.append(
                uint32: letter(group >> 18) << 24 | letter(group >> 12) << 16
                    | letter(group >> 6) << 8 | letter(group))
            at += 3
        }
        if count - at == 1 {
            let group = number(sealed, at, 1)
            output.append(UInt8(letter(group >> 2)))
            output.append(UInt8(letter(group << 4)))
        } else if count - at == 2 {
            let group = number(sealed, at, 2)
            output.append(UInt8(letter(group >> 10)))
            output.append(UInt8(letter(group >> 4)))
            output.append(UInt8(letter(group << 2)))
        }
        output.append(quote)
    }

    /// Appends the sealed bytes of `text`, a whole JSON string with its quotation marks.
    ///
    /// - Returns: false, with `output` as it was, when it is not the text of a sealed field.
    package static func decode(_ text: RawSpan, into output: ByteBuffer) -> Bool {
        let mark = EnvelopeFormat.fieldMark
        let letters = text.byteCount - frameBytes
        let sealedBytes = letters / 4 * 3 + max(letters % 4 - 1, 0)
        guard letters % 4 != 1, sealedBytes >= EnvelopeFormat.sealedOverheadBytes,
            byte(text, 0) == quote, byte(text, text.byteCount - 1) == quote
        else { return false }
        var at = 1
        for expected in mark.description.utf8 {
            guard byte(text, at) == expected else { return false }
            at += 1
        }
        let start = output.count
        output.reserve(sealedBytes)
        let end = text.byteCount - 1
        while at < end {
            let taken = min(4, end - at)
            guard append(text, at, taken, output) else {
                output.truncate(to: start)
                return false
            }
            at += taken
        }
        return true
    }

    /// Appends what `count` letters, two to four, stand for.
    private static func append(
        _ text: RawSpan, _ at: Int, _ count: Int, _ output: ByteBuffer
    ) -> Bool {
        var group: UInt32 = 0
        for offset in 0..<count {
            guard let bits = bits(byte(text, at + offset)) else { return false }
            group = group << 6 | bits
        }
        // Bits beyond the last whole byte have to be zero.
        let spare = UInt32(count * 6 % 8)
        guard group & ((1 << spare) - 1) == 0 else { return false }
        group >>= spare
        for left in (0..<count - 1).reversed() {
            output.append(UInt8(truncatingIfNeeded: group >> UInt32(8 * left)))
        }
        return true
    }

    /// The letter for the low six bits.
    @inline(__always)
    private static func letter(_ bits: UInt32) -> UInt32 {
        let value = bits & 63
        return switch value {
        case 0..<26: value + 65  // A to Z
        case 26..<52: value + 71  // a to z
        case 52..<62: value &- 4  // 0 to 9
        case 62: 45  // -
        default: 95  // _
        }
    }

    @inline(__always)
    private static func bits(_ letter: UInt8) -> UInt32? {
        switch letter {
        case 65...90: UInt32(letter) - 65
        case 97...122: UInt32(letter) - 71
        case 48...57: UInt32(letter) + 4
        case 45: 62
        case 95: 63
        default: nil
        }
    }

    @inline(__always)
    private static func byte(_ span: RawSpan, _ at: Int) -> UInt8 {
        precondition(at >= 0 && at < span.byteCount, "read outside of a text")
        // SAFETY: checked above.
        return unsafe span.unsafeLoad(fromUncheckedByteOffset: at, as: UInt8.self)
    }

    /// The `count` bytes at `at` as one big-endian number.
    @inline(__always)
    private static func number(_ span: RawSpan, _ at: Int, _ count: Int) -> UInt32 {
        var value: UInt32 = 0
        for offset in 0..<count { value = value << 8 | UInt32(byte(span, at + offset)) }
        return value
    }
}
