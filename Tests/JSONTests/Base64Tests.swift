// Base64Tests: both forms, there and back, and what is neither.

import Bytes
import Crypto
import JSON
import Testing

@Suite struct Base64Tests {
    private func decode(_ text: String, _ form: Base64.Form) -> [UInt8]? {
        let secret = withSpan(text) { Base64.secret($0, form) }
        let plain = withSpan(text) { Base64.bytes($0, form, bytesMax: 64) }
        let bytes = secret?.withBytes { $0.array }
        #expect(bytes == plain)
        return bytes
    }

    private func encode(_ bytes: [UInt8], _ form: Base64.Form) -> String {
        let input = ByteBuffer()
        input.append(bytes)
        let output = ByteBuffer()
        Base64.append(input.bytes, form, to: output)
        #expect(output.count == Base64.encodedCount(bytes.count, form))
        return output.bytes.text
    }

    // The examples of RFC 4648 section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func `the examples of the standard hold`(_ plain: String, _ text: String) {
        #expect(encode(Array(plain.utf8), .standard) == text)
        #expect(decode(text, .standard) == Array(plain.utf8))
        let unpadded = text.replacing("=", with: "")
        #expect(encode(Array(plain.utf8), .url) == unpadded)
        #expect(decode(unpadded, .url) == Array(plain.utf8))
    }

    @Test func `every byte comes back in both forms`() {
        let all = (0...255).map { UInt8($0) }
        for start in stride(from: 0, to: 256, by: 61) {
            let part = Array(all[start..<min(start + 61, 256)])
            #expect(decode(encode(part, .standard), .standard) == part)
            #expect(decode(encode(part, .url), .url) == part)
        }
        #expect(encode([0xfb, 0xff], .standard) == "+/8=")
        #expect(encode([0xfb, 0xff], .url) == "-_8")
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Zm9", "Zm9=v", "=Zg=", "====", "=", "Zh==", "Zm9v\n", "Zm-_",
        "Z g=", "Zm9vZ", "\u{e9}g==",
    ])
    func `what is not padded base64 is refused`(_ text: String) {
        #expect(decode(text, .standard) == nil)
    }

    @Test(arguments: ["Z", "Zg==", "Zm9v=", "Zh", "Zm8=", "Zm+/", "Zm9vZ", "Zm 9"])
    func `what is not unpadded base64url is refused`(_ text: String) {
        #expect(decode(text, .url) == nil)
    }

    @Test func `another length than the wanted one is refused`() {
        #expect(withSpan("Zm9v") { Base64.secret($0, .standard, count: 3) } != nil)
        #expect(withSpan("Zm9v") { Base64.secret($0, .standard, count: 2) } == nil)
        #expect(withSpan("Zm9v") { Base64.bytes($0, .standard, bytesMax: 2) } == nil)
    }
}
