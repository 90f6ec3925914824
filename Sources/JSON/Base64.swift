// Base64: bytes as text, straight to and from secret storage.

package import Bytes
package import Crypto

/// The two forms of RFC 4648 that keys and tokens are written in.
package enum Base64 {
    /// Alphabet and padding.
    package enum Form: Sendable {
        /// Section 4, padded to a multiple of four characters.
        case standard
        /// Section 5 without padding (RFC 7515 section 2).
        case url
    }

    private static let shared = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    private static let standardAlphabet = shared + Array("+/".utf8)
    private static let urlAlphabet = shared + Array("-_".utf8)

    // MARK: reading

    /// The bytes that `text` stands for; nil when it has a character outside the alphabet, another
    /// padding, bits left over that are not zero, or another length than `count` if that is given.
    package static func secret(
        _ text: RawSpan, _ form: Form, count wanted: Int? = nil
    ) -> SecretBytes? {
        guard let (characters, count) = size(text, form), wanted == nil || count == wanted else {
            return nil
        }
        var isValid = true
        // SAFETY: `decode` writes `count` bytes at most, the size of the room.
        let secret = unsafe SecretBytes(count: count) { room in
            isValid = unsafe decode(text.extracting(first: characters), form, into: room)
        }
        return isValid ? secret : nil
    }

    /// The same for what is no secret, at most `bytesMax` bytes.
    package static func bytes(_ text: RawSpan, _ form: Form, bytesMax: Int) -> [UInt8]? {
        guard let (characters, count) = size(text, form), count <= bytesMax else { return nil }
        var isValid = true
        // SAFETY: `decode` fills the whole room of `count` bytes or the array is dropped.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { room, initialized in
            unsafe room.initialize(repeating: 0)
            isValid = unsafe decode(
                text.extracting(first: characters), form, into: UnsafeMutableRawBufferPointer(room))
            initialized = count
        }
        return isValid ? bytes : nil
    }

    /// Characters before the padding, and the bytes that they stand for.
    private static func size(_ text: RawSpan, _ form: Form) -> (characters: Int, bytes: Int)? {
        var characters = text.byteCount
        if form == .standard {
            guard characters.isMultiple(of: 4) else { return nil }
            for _ in 0..<2 where characters > 0 {
                let last = text.extracting(characters - 1..<characters)
                guard ByteCursor(last).peek() == UInt8(ascii: "=") else { break }
                characters -= 1
            }
        }
        guard characters % 4 != 1 else { return nil }
        return (characters, characters / 4 * 3 + max(characters % 4 - 1, 0))
    }

    private static func decode(
        _ text: RawSpan, _ form: Form, into room: UnsafeMutableRawBufferPointer
    ) -> Bool {
        var cursor = ByteCursor(text)
        var bits: UInt32 = 0
        var bitCount = 0
        var written = 0
        while let character = try? cursor.uint8() {
            guard let value = sextet(character, form) else { return false }
            bits = bits << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                // SAFETY: the check bounds the store.
                guard written < room.count else { return false }
                unsafe room[written] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
                written += 1
                bits &= (1 << UInt32(bitCount)) - 1
            }
        }
        return bits == 0 && written == room.count
    }

    private static func sextet(_ character: UInt8, _ form: Form) -> UInt32? {
        switch (character, form) {
        case (UInt8(ascii: "A")...UInt8(ascii: "Z"), _): UInt32(character - UInt8(ascii: "A"))
        case (UInt8(ascii: "a")...UInt8(ascii: "z"), _): UInt32(character - UInt8(ascii: "a")) + 26
        case (UInt8(ascii: "0")...UInt8(ascii: "9"), _): UInt32(character - UInt8(ascii: "0")) + 52
        case (UInt8(ascii: "+"), .standard), (UInt8(ascii: "-"), .url): 62
        case (UInt8(ascii: "/"), .standard), (UInt8(ascii: "_"), .url): 63
        default: nil
        }
    }

    // MARK: writing

    /// Characters for `count` bytes.
    package static func encodedCount(_ count: Int, _ form: Form) -> Int {
        switch form {
        case .standard: (count + 2) / 3 * 4
        case .url: (count * 4 + 2) / 3
        }
    }

    /// Appends the text of `secret`; the caller zeroes the buffer.
    package static func append(_ secret: SecretBytes, _ form: Form, to output: ByteBuffer) {
        secret.withBytes { append($0, form, to: output) }
    }

    /// Appends the text of `bytes`.
    package static func append(_ bytes: RawSpan, _ form: Form, to output: ByteBuffer) {
        let alphabet = form == .standard ? standardAlphabet : urlAlphabet
        var cursor = ByteCursor(bytes)
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
        guard form == .standard else { return }
        for _ in 0..<(3 - bytes.byteCount % 3) % 3 { output.append(UInt8(ascii: "=")) }
    }
}
