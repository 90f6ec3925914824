// JSONReaderTests: which texts are JSON, and what strings in them say.

import Bytes
import JSON
import TestSupport
import Testing

@Suite struct JSONReaderTests {
    private func refusal(_ text: String) throws -> JSONError {
        try #require(throws: JSONError.self) {
            try withSpan(text) { _ = try JSONReader.document($0) }
        }
    }

    @Test(arguments: [
        "{}", "[]", " \t\r\n0 ", "-0.5e+7", "\"\\u0041\\n\\/\"", "true", "false", "null",
        "{\"a\": [1, {\"b\": null}], \"\": \"\u{e9}\"}",
    ])
    func `values of every kind are read`(_ text: String) throws {
        let spot = try withSpan(text) { try JSONReader.document($0) }
        #expect(spot.range.count == text.trimmed.utf8.count)
    }

    @Test(arguments: [
        ("", 0), ("{", 1), ("[1,]", 3), ("[1 2]", 3), ("{\"a\"}", 4), ("{\"a\":1,}", 7),
        ("{a:1}", 1), ("01", 0), ("-", 0), ("1.", 2), ("1e", 2), ("+1", 0), (".5", 0),
        ("tru", 3), ("nul", 3), ("truex", 4), ("\"\\x\"", 3), ("\"\\u12g4\"", 6),
        ("\"\u{1}\"", 1), ("\"a", 2), ("{} {}", 3), ("'a'", 0), ("NaN", 0), ("//", 0),
        ("\u{feff}{}", 0),
    ])
    func `what is not JSON is refused with its place`(_ text: String, _ offset: Int) throws {
        #expect(try refusal(text).offset == offset)
    }

    @Test func `a text cut short anywhere is refused`() throws {
        let whole = "{\"a\": [1.5e-3, \"\\u00e9\\\"\", true, false, null, {\"b\": {}}]}"
        for count in 0..<whole.utf8.count {
            _ = try refusal(String(decoding: Array(whole.utf8.prefix(count)), as: UTF8.self))
        }
        let spot = try withSpan(whole) { try JSONReader.document($0) }
        #expect(spot.kind == .object)
    }

    @Test func `seeded garbage is refused or read, and never read past its end`() throws {
        var random = SeededRandom(seed: 41)
        let characters = Array("{}[]\",:\\u0123 tfne-.+\u{e9}".utf8)
        var read = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...12, using: &random)
            let text = (0..<count).map { _ in characters.randomElement(using: &random) ?? 0 }
            // SAFETY: UInt8 has no padding; the array outlives the call.
            let span = unsafe text.span.bytes
            if let spot = try? JSONReader.document(span) {
                #expect(spot.range.upperBound <= count)
                read += 1
            }
        }
        #expect(read > 0)
    }

    @Test func `nesting is allowed up to its limit`() throws {
        let deepest = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(try withSpan(deepest) { try JSONReader.document($0) }.kind == .array)
        #expect(try refusal("[" + deepest + "]").expected.contains("nesting"))
        _ = try refusal(String(repeating: "{\"a\":", count: 100_000))
    }

    @Test(arguments: [
        ("\"plain\"", "plain"), ("\"\"", ""),
        ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\u{8}\u{c}\n\r\t"),
        ("\"\\u0041\\u00E9\\ud83d\\ude00\"", "A\u{e9}\u{1f600}"), ("\"\u{1f600}\"", "\u{1f600}"),
    ])
    func `escapes are decoded`(_ text: String, _ wanted: String) throws {
        let found = try withSpan(text) {
            try JSONReader.string(try JSONReader.document($0), in: $0, bytesMax: 100)
        }
        #expect(found == wanted)
    }

    @Test(arguments: [
        Array("\"\\ud83d\"".utf8), Array("\"\\ude00\\ud83d\"".utf8), [0x22, 0xff, 0x22],
        [0x22, 0xc3, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
    ])
    func `a string that is not Unicode is not made into another`(_ text: [UInt8]) {
        #expect(throws: JSONError.self) {
            // SAFETY: UInt8 has no padding; the array outlives the call.
            let span = unsafe text.span.bytes
            _ = try JSONReader.string(try JSONReader.document(span), in: span, bytesMax: 100)
        }
    }

    @Test(arguments: [
        "", "plain", "\"\\/", "\u{0}\u{1f}\n\u{7f}", "\u{e9}\u{1f600}",
    ])
    func `what the writer writes is read back`(_ string: String) throws {
        let output = ByteBuffer()
        JSONWriter.append(string: string, to: output)
        let text = output.bytes
        let spot = try JSONReader.document(text)
        #expect(try JSONReader.string(spot, in: text, bytesMax: 1_000) == string)
    }
}

extension String {
    fileprivate var trimmed: String {
        String(
            drop { " \t\r\n".contains($0) }.reversed().drop { " \t\r\n".contains($0) }.reversed())
    }
}
