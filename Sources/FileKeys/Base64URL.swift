// Base64URL: the text form of key bytes in a JWK, straight to and from secret storage.

internal import Bytes
internal import Crypto

/// base64url without padding (RFC 4648 section 5, RFC 7515 section 2).
internal enum Base64URL {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Characters for `count` bytes.
    internal static func encodedCount(_ count: Int) -> Int { (count * 4 + 2) / 3 }

    /// The `count` bytes that `text` stands for; nil when it is another length, has a character
    /// outside the alphabet, or bits left over that are not zero.
    internal static func decode(_ text: RawSpan, count: Int) -> SecretBytes? {
        guard text.byteCount == encodedCount(count) else { return nil }
        var isValid = true
        // SAFETY: each store is below `count`, the size of the room.
        let secret = unsafe SecretBytes(count: count) { room in
            var cursor = ByteCursor(text)
            var bits: UInt32 = 0
            var bitCount = 0
            var written = 0
            while let character = try? cursor.uint8() {
                guard let value = sextet(character) else {
                    isValid = false
                    return
                }
                bits = bits << 6 | value
                bitCount += 6
                if bitCount >= 8 {
                    bitCount -= 8
                    unsafe room[written] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
                    written += 1
                    bits &= (1 << UInt32(bitCount)) - 1
                }
            }
            isValid = bits == 0 && written == count
        }
        return isValid ? secret : nil
    }

    private static func sextet(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }

    /// Appends the text of `secret`; the caller zeroes the buffer.
    internal static func append(_ secret: SecretBytes, to output: ByteBuffer) {
        secret.withBytes { span in
            var cursor = ByteCursor(span)
            var bits: UInt32 = 0
            var bitCount: UInt32 = 0
            while let byte = try? cursor.uint8() {
                bits = bits << 8 | UInt32(byte)
                bitCount += 8
                while bitCount >= 6 {
                    bitCount -= 6
                    output.append(alphabet[Int(bits >> bitCount & 63)])
                }
                bits &= (1 << bitCount) - 1
            }
            if bitCount > 0 { output.append(alphabet[Int(bits << (6 - bitCount) & 63)]) }
        }
    }
}
