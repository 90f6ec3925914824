// FieldTextTests: the text of a sealed field has one spelling, and every other is refused.

import Bytes
import Testing

@testable import Envelope

@Suite struct FieldTextTests {
    private func text(of sealed: [UInt8]) -> String {
        let (input, output) = (ByteBuffer(), ByteBuffer())
        input.append(sealed)
        FieldText.append(input.bytes, to: output)
        return output.bytes.text
    }

    /// What `text` stands for; nil when it is refused, after checking that nothing was left.
    private func decode(_ text: String) -> [UInt8]? {
        let (input, output) = (ByteBuffer(), ByteBuffer())
        input.append(text)
        output.append(1)
        guard FieldText.decode(input.bytes, into: output) else {
            #expect(output.array == [1])
            return nil
        }
        return Array(output.array.dropFirst())
    }

    @Test func `every length survives, and its text has the length that was foretold`() {
        for plainBytes in 0..<100 {
            let sealed = (0..<plainBytes + 28).map {
                UInt8(truncatingIfNeeded: $0 * 37 + plainBytes)
            }
            let text = text(of: sealed)
            #expect(text.utf8.count == FieldText.byteCount(plainBytes: plainBytes))
            #expect(text.hasPrefix("\"wax1:") && text.hasSuffix("\""))
            #expect(decode(text) == sealed)
        }
    }

    @Test func `every byte and letter is there`() {
        let all = (0...255).map { UInt8($0) }
        #expect(decode(text(of: all)) == all)
        let letters =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        let decoded = decode("\"wax1:\(letters)\"")
        #expect(decoded?.prefix(4) == [0x00, 0x10, 0x83, 0x10])
        #expect(decoded?.suffix(3) == [0xf3, 0xdf, 0xbf])
        #expect(decoded.map { text(of: $0) } == "\"wax1:\(letters)\"")
    }

    @Test func `each byte that is no letter is refused, wherever it stands`() {
        let good = Array(text(of: [UInt8](repeating: 0, count: 31)).utf8)
        let letters = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for at in 6..<good.count - 1 {
            for byte in 0...255 as ClosedRange<UInt8> {
                var changed = good
                changed[at] = byte
                let (input, output) = (ByteBuffer(), ByteBuffer())
                input.append(changed)
                let isTaken = FieldText.decode(input.bytes, into: output)
                // The last letter has two bits only that count.
                let isLast = at == good.count - 2
                #expect(
                    isTaken == (letters.contains(byte) && (!isLast || "AQgw".utf8.contains(byte))))
                if isTaken { #expect(text(of: output.array).utf8.elementsEqual(changed)) }
            }
        }
    }

    @Test func `other spellings are refused`() {
        let good = text(of: [UInt8](repeating: 0, count: 28))
        #expect(decode(good) != nil)
        let letters = good.dropFirst(6).dropLast()
        let bad = [
            "", "\"", "\"\"", "\"wax1:\"", "\"wax1:AAAA\"", "\"wax2:\(letters)\"",
            "\"Wax1:\(letters)\"", "wax1:\(letters)\"", "\"wax1:\(letters)", "'wax1:\(letters)'",
            "\"wax1:\(letters)==\"", "\"wax1:\(letters)AAA\"",
            "\"wax1: \(letters)\"", "\"wax1:\(letters.dropLast())+\"",
            "\"wax1:\(letters.dropLast())/\"", "\"wax1:\(letters.dropLast())B\"",
            "\"wax1:\(letters.dropLast())\\n\"", "\"wax1:\(letters.dropLast())\u{e9}\"",
        ]
        for text in bad { #expect(decode(text) == nil, "\(text)") }
    }

    @Test func `a text cut at any byte is refused`() {
        let good = text(of: [UInt8](repeating: 7, count: 31))
        for count in 0..<good.utf8.count { #expect(decode(String(good.prefix(count))) == nil) }
    }
}
