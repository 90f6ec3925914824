// KEKReferenceTests: which names are keys, and how they are written.

import KeyService
import Testing

@Suite struct KEKReferenceTests {
    @Test(arguments: ["local/payments", "a/b", "corp/kek-orders.v1_x", "-/_", "A.9/0"])
    func `a reference reads back as it was written`(_ text: String) throws {
        let reference = try #require(KEKReference(text))
        #expect(reference.text == text)
        #expect(reference.description == text)
        #expect("\(reference.service)/\(reference.name)" == text)
        #expect(KEKReference(service: reference.service, name: reference.name) == reference)
    }

    @Test(arguments: [
        "", "/", "a", "a/", "/b", "a/b/c", "a//b", "a b/c", "a/b\n", "ä/b", "a/b\0", "a/b:c",
    ])
    func `anything else is no reference`(_ text: String) {
        #expect(KEKReference(text) == nil)
    }

    @Test func `names have at most 255 bytes and the whole fits the stored format`() {
        let longest = String(repeating: "n", count: 255)
        #expect(KEKReference(service: "s", name: longest) != nil)
        #expect(KEKReference(service: longest, name: "n") != nil)
        #expect(KEKReference(service: "s", name: longest + "n") == nil)
        let service = String(repeating: "s", count: 144)
        #expect(KEKReference(service: service, name: longest)?.text.utf8.count == 400)
        #expect(KEKReference(service: service + "s", name: longest) == nil)
    }
}
