// JSONLookupTests: single values in a text, and refusals of ambiguous ones.

import Bytes
import Crypto
import JSON
import Testing

/// Lends the bytes of `text` to `body`.
func withSpan<R, E: Error>(_ text: String, _ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    let buffer = ByteBuffer(capacity: text.utf8.count)
    buffer.append(text)
    return try body(buffer.bytes)
}

@Suite struct JSONLookupTests {
    private let text = """
        {"sub": "alice", "exp": 1767225600, "half": 2.5, "groups": ["a", 7, null],
         "data": {"k\\u0065y": "AQI=", "data": {"exp": true}}, "exp2": -1e2}
        """

    private func read<R>(
        _ path: String..., body: (JSONSpot, RawSpan) throws -> R?
    ) throws -> R? {
        try withSpan(text) { span in
            try JSONReader.find(path, in: span).flatMap { try body($0, span) }
        }
    }

    @Test func `members are found by path`() throws {
        #expect(try read("sub") { try JSONReader.string($0, in: $1, bytesMax: 5) } == "alice")
        #expect(try read("exp") { JSONReader.integer($0, in: $1) } == 1_767_225_600)
        #expect(try read("data", "data", "exp") { JSONReader.boolean($0, in: $1) } == true)
        #expect(try read("half") { JSONReader.number($0, in: $1) } == 2.5)
        #expect(try read("exp2") { JSONReader.number($0, in: $1) } == -100)
    }

    @Test func `a name written with escapes is the same name`() throws {
        let key = try read("data", "key") { try JSONReader.secret($0, in: $1, .standard) }
        #expect(try #require(key).withBytes { $0.array } == [1, 2])
    }

    @Test func `missing members and members of what has none are nil`() throws {
        for path in [["ex"], ["SUB"], ["sub", "x"], ["data", "sub"], ["groups", "0"]] {
            #expect(try withSpan(text) { try JSONReader.find(path, in: $0) } == nil)
        }
        #expect(try withSpan("[]") { try JSONReader.find(["a"], in: $0) } == nil)
        #expect(try withSpan("[]") { try JSONReader.find([], in: $0)?.kind } == .array)
    }

    @Test func `values of another kind are nil`() throws {
        #expect(try read("exp") { try JSONReader.string($0, in: $1, bytesMax: 5) } == nil)
        #expect(try read("sub") { JSONReader.integer($0, in: $1) } == nil)
        #expect(try read("half") { JSONReader.integer($0, in: $1) } == nil)
        #expect(try read("sub") { JSONReader.boolean($0, in: $1) } == nil)
        #expect(try read("exp") { try JSONReader.secret($0, in: $1, .standard) } == nil)
        #expect(try read("sub") { try JSONReader.elements(of: $0, in: $1) } == nil)
    }

    @Test func `elements come in order`() throws {
        let groups = try read("groups") { try JSONReader.elements(of: $0, in: $1) }
        #expect(try #require(groups).map(\.kind) == [.string, .number, .null])
    }

    @Test(arguments: [
        "{\"exp\": 1, \"exp\": 2}", "{\"exp\": 1, \"\\u0065xp\": 2}", "{\"exp\": 1} x",
        "{\"exp\": 1, \"rest\": }",
    ])
    func `a name that stands there twice and a broken rest are refused`(_ text: String) {
        #expect(throws: JSONError.self) {
            try withSpan(text) { _ = try JSONReader.find(["exp"], in: $0) }
        }
    }

    @Test func `a string over its limit is refused, and the message does not quote it`() throws {
        let error = try #require(throws: JSONError.self) {
            try withSpan("\"hunter2\"") {
                _ = try JSONReader.string(try JSONReader.document($0), in: $0, bytesMax: 6)
            }
        }
        #expect(!error.description.contains("hunter"))
    }

    @Test(arguments: [
        "9223372036854775808", "-9223372036854775809", "1.0", "1e3", "1e999",
    ])
    func `numbers that do not fit are nil, not another number`(_ text: String) throws {
        let spot = try withSpan(text) { try JSONReader.document($0) }
        #expect(withSpan(text) { JSONReader.integer(spot, in: $0) } == nil)
        if text == "1e999" {
            #expect(withSpan(text) { JSONReader.number(spot, in: $0) } == nil)
        }
    }
}
