// Base64URLTests: letters for bytes, against the definition bit by bit.

import Bytes
import TestSupport
import Testing

@Suite struct Base64URLTests {
    private let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private func letters(_ bytes: [UInt8]) -> [UInt8] {
        var bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
        while bits.count % 6 != 0 { bits.append(0) }
        return stride(from: 0, to: bits.count, by: 6).map { start in
            alphabet[bits[start..<start + 6].reduce(0) { $0 << 1 | Int($1) }]
        }
    }

    private func buffer(_ bytes: [UInt8]) -> ByteBuffer {
        let buffer = ByteBuffer()
        buffer.append(bytes)
        return buffer
    }

    private func encoded(_ bytes: [UInt8]) -> [UInt8] {
        let (input, output) = (buffer(bytes), ByteBuffer())
        Base64URL.append(input.bytes, to: output)
        return output.array
    }

    private func decoded(_ letters: [UInt8]) -> [UInt8]? {
        let (input, output) = (buffer(letters), buffer([7]))
        guard Base64URL.decode(input.bytes, into: output) else {
            #expect(output.array == [7])
            return nil
        }
        return Array(output.array.dropFirst())
    }

    @Test func `the vectors of the standard come out`() {
        let vectors = [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
        ]
        for (text, expected) in vectors {
            #expect(encoded(Array(text.utf8)) == Array(expected.utf8))
            #expect(decoded(Array(expected.utf8)) == Array(text.utf8))
        }
        #expect(encoded([0xfb, 0xff, 0xfe]) == Array("-__-".utf8))
    }

    @Test func `bytes of every count are as the definition says, and come back`() {
        var random = SeededRandom(seed: 11)
        for count in 0...200 {
            for _ in 0..<5 {
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                let text = encoded(bytes)
                #expect(text == letters(bytes))
                #expect(text.count == Base64URL.letterCount(bytes: count))
                #expect(Base64URL.byteCount(letters: text.count) == count)
                #expect(decoded(text) == bytes)
            }
        }
    }

    @Test func `every byte that is no letter is refused at every place`() {
        for count in [2, 3, 4, 16, 22, 24, 38, 40, 64, 67] {
            let text = [UInt8](repeating: UInt8(ascii: "A"), count: count)
            for place in 0..<count {
                for byte in UInt8.min...UInt8.max {
                    var changed = text
                    changed[place] = byte
                    let isLetter = alphabet.contains(byte)
                    if !isLetter {
                        #expect(decoded(changed) == nil)
                    } else if place < count - 1 || count % 4 == 0 {
                        #expect(decoded(changed).map(letters) == changed)
                    }
                }
            }
        }
    }

    @Test func `bits behind the last byte and single letters are refused`() {
        for count in [2, 3, 18, 19, 34, 35, 66, 67] {
            var text = [UInt8](repeating: UInt8(ascii: "A"), count: count)
            let spare: Int = count % 4 == 2 ? 16 : 4
            for (value, letter) in alphabet.enumerated() {
                text[count - 1] = letter
                #expect((decoded(text) != nil) == (value % spare == 0))
            }
        }
        for count in [1, 5, 17, 41, 65] {
            #expect(decoded([UInt8](repeating: UInt8(ascii: "A"), count: count)) == nil)
            #expect(Base64URL.byteCount(letters: count) == nil)
        }
    }
}
