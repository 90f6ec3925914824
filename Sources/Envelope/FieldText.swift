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
        output.append(uint32: markStart)
        output.append(markEnd)
        var at = 0
        while at + 6 <= count {
            output.append(int64: Int64(bitPattern: letters(number(sealed, at, 6))))
            at += 6
        }
        // What is left, moved to the top of six bytes, and the first of its letters.
        let left = count - at
        if left > 0 {
            let rest = letters(number(sealed, at, left) << UInt64(8 * (6 - left)))
            for place in 0..<left + (left + 2) / 3 {
                output.append(UInt8(truncatingIfNeeded: rest >> UInt64(56 - 8 * place)))
            }
        }
        output.append(quote)
    }

    /// Appends the sealed bytes of `text`, a whole JSON string with its quotation marks.
    ///
    /// - Returns: false, with `output` as it was, when it is not the text of a sealed field.
    package static func decode(_ text: RawSpan, into output: ByteBuffer) -> Bool {
        let count = text.byteCount - frameBytes
        let sealedBytes = count / 4 * 3 + max(count % 4 - 1, 0)
        guard count % 4 != 1, sealedBytes >= EnvelopeFormat.sealedOverheadBytes,
            byte(text, 0) == quote, number(text, 1, 4) == UInt64(markStart),
            byte(text, 5) == markEnd, byte(text, text.byteCount - 1) == quote
        else { return false }
        let start = output.count
        output.reserve(sealedBytes)
        let end = text.byteCount - 1
        var at = frameBytes - 1
        while at + 8 <= end {
            guard let bits = bits(number(text, at, 8)) else {
                output.truncate(to: start)
                return false
            }
            output.append(int32: Int32(truncatingIfNeeded: bits >> 16))
            output.append(int16: Int16(truncatingIfNeeded: bits))
            at += 8
        }
        guard decodeRest(text, at, end - at, output) else {
            output.truncate(to: start)
            return false
        }
        return true
    }

    /// The last letters, fewer than eight.
    private static func decodeRest(
        _ text: RawSpan, _ at: Int, _ count: Int, _ output: ByteBuffer
    ) -> Bool {
        guard count > 0 else { return true }
        // Letters that are not there are taken for the one of six zero bits.
        let missing = UInt64(8 * (8 - count))
        let padded = number(text, at, count) << missing | zeroLetters & ((1 << missing) - 1)
        guard let bits = bits(padded) else { return false }
        let bytes = count * 6 / 8
        // Bits beyond the last whole byte have to be zero.
        guard bits & ((1 << UInt64(48 - 8 * bytes)) - 1) == 0 else { return false }
        for place in 0..<bytes {
            output.append(UInt8(truncatingIfNeeded: bits >> UInt64(40 - 8 * place)))
        }
        return true
    }

    // MARK: eight letters at once, the first in the highest byte

    /// "wax1" and ":", the same as `EnvelopeFormat.fieldMark`.
    private static let markStart: UInt32 = 0x7761_7831
    private static let markEnd: UInt8 = 0x3a
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let zeroLetters: UInt64 = 0x41 * ones

    /// One in each byte that is at least `least`; all bytes are below 128.
    @inline(__always)
    private static func atLeast(_ least: UInt64, _ bytes: UInt64) -> UInt64 {
        ((bytes + (128 - least) * ones) >> 7) & ones
    }

    /// The eight letters for 48 bits.
    @inline(__always)
    private static func letters(_ bits: UInt64) -> UInt64 {
        let halves = (bits & 0xff_ffff) | (bits & 0xffff_ff00_0000) << 8
        let quarters = (halves & 0xfff_0000_0fff) | (halves & 0xff_f000_00ff_f000) << 4
        let values =
            (quarters & 0x3f_003f_003f_003f) | (quarters & 0xfc0_0fc0_0fc0_0fc0) << 2
        // A to Z, a to z, 0 to 9, - and _ are five runs: each step adds or takes away the
        // distance to the next. No byte passes 255 or falls below 0 on the way.
        return values + 65 * ones + 6 * atLeast(26, values) + 49 * atLeast(63, values)
            - 75 * atLeast(52, values) - 13 * atLeast(62, values)
    }

    /// The 48 bits of eight letters; nil when one of them is none.
    @inline(__always)
    private static func bits(_ letters: UInt64) -> UInt64? {
        guard letters & (0x80 * ones) == 0 else { return nil }
        let upper = atLeast(65, letters) & ~atLeast(91, letters)
        let lower = atLeast(97, letters) & ~atLeast(123, letters)
        let digit = atLeast(48, letters) & ~atLeast(58, letters)
        let minus = atLeast(45, letters) & ~atLeast(46, letters)
        let line = atLeast(95, letters) & ~atLeast(96, letters)
        guard upper | lower | digit | minus | line == ones else { return nil }
        let values =
            letters + 4 * digit + 17 * minus - 65 * upper - 71 * lower - 32 * line
        let quarters =
            (values & 0x3f_003f_003f_003f) | (values >> 2) & 0xfc0_0fc0_0fc0_0fc0
        let halves = (quarters & 0xfff_0000_0fff) | (quarters >> 4) & 0xff_f000_00ff_f000
        return (halves & 0xff_ffff) | (halves >> 8) & 0xffff_ff00_0000
    }

    @inline(__always)
    private static func byte(_ span: RawSpan, _ at: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: number(span, at, 1))
    }

    /// The `count` bytes at `at`, at most eight, as one big-endian number.
    @inline(__always)
    private static func number(_ span: RawSpan, _ at: Int, _ count: Int) -> UInt64 {
        guard let value = Varint.packed(span, count, before: at + count) else {
            preconditionFailure("read outside of a text")
        }
        return value
    }
}
