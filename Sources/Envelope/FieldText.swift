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

    /// "wax1" and ":", the same as `EnvelopeFormat.fieldMark`.
    private static let markStart: UInt32 = 0x7761_7831
    private static let markEnd: UInt8 = 0x3a

    /// Bytes of the text, quotation marks included, of a field whose own text has `plainBytes`.
    package static func byteCount(plainBytes: Int) -> Int {
        frameBytes
            + Base64URL.letterCount(bytes: plainBytes + EnvelopeFormat.sealedOverheadBytes)
    }

    /// Appends the text of `sealed`, which may not lie in `output`.
    package static func append(_ sealed: RawSpan, to output: ByteBuffer) {
        output.reserve(frameBytes + Base64URL.letterCount(bytes: sealed.byteCount))
        output.append(quote)
        output.append(uint32: markStart)
        output.append(markEnd)
        Base64URL.append(sealed, to: output)
        output.append(quote)
    }

    /// Appends the sealed bytes of `text`, a whole JSON string with its quotation marks.
    ///
    /// - Returns: false, with `output` as it was, when it is not the text of a sealed field.
    package static func decode(_ text: RawSpan, into output: ByteBuffer) -> Bool {
        let count = text.byteCount - frameBytes
        guard count > 0, let sealedBytes = Base64URL.byteCount(letters: count),
            sealedBytes >= EnvelopeFormat.sealedOverheadBytes,
            byte(text, 0) == quote, Varint.packed(text, 4, before: 5) == UInt64(markStart),
            byte(text, 5) == markEnd, byte(text, text.byteCount - 1) == quote
        else { return false }
        return Base64URL.decode(
            text.extracting(frameBytes - 1..<text.byteCount - 1), into: output)
    }

    @inline(__always)
    private static func byte(_ text: RawSpan, _ at: Int) -> UInt8 {
        ByteCursor(text.extracting(at..<at + 1)).peek() ?? 0
    }
}
