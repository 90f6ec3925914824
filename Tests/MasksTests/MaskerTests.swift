// MaskerTests: malformed values, nesting, growth, keys and dates that move.

import Bytes
import Crypto
import Masks
import TestSupport
import Testing

@Suite struct MaskerTests {
    private static let hidden = "\"********\""

    private func masker() -> Masker { Masker(tokenKey: documentedKey()) }

    /// One mask of every kind, and those that may change types.
    static func everyMask() throws -> [Mask] {
        try [
            "redact", "\"null\"", "{constant: X}", "{constant: 7}",
            "{constant: {value: true, allowTypeChange: true}}", "{maskFirst: 3}", "{maskLast: 3}",
            "{keepFirst: 2}", "{keepLast: {count: 4, ignore: \"-\"}}",
            "{keepLast: {count: 2, allowTypeChange: true}}", "{keepEnds: {first: 1, last: 1}}",
            "card", "email", "{email: first}", "{email: partial}", "shape", "{type: NAME}",
            "sha256", "token", "{token: {form: base64, allowTypeChange: true}}",
            "{dateTruncate: month}", "dateShift", "{bucket: 1000}",
        ].map(MaskText.mask)
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "truefalse", "-", "+1", "01", "1.", ".5", "1e", "1e+",
        "0x10", "NaN", "Infinity", "\"", "\"abc", "\"a\" \"b\"", "\"\\x\"", "\"\\u12\"", "\"\\",
        "\"\\u12g4\"", "\"tab\there\"", "'a'", "{", "[", "]", "}", "[1,]", "[,1]", "[1 2]", "{,}",
        "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:2}", "[1}", "{\"a\":1]", "[[1]",
        "{\"a\":1}}", "[1]x", "\u{feff}1", "[\"a\"", "{\"a\":\"b\"", "1 1", "// x",
    ])
    func `what is no JSON value becomes eight stars`(text: String) throws {
        for mask in try Self.everyMask() {
            #expect(masker().shown(mask, text) == Self.hidden)
        }
    }

    @Test(
        arguments: [
            [0x80], [0xc0, 0x80], [0xc3], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x80],
            [0xf4, 0x90, 0x80, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xff], [0xe2, 0x82], [0x00],
            [0x1f],
        ] as [[UInt8]])
    func `a string that is not UTF-8 becomes eight stars`(bytes: [UInt8]) throws {
        let quote = UInt8(ascii: "\"")
        for mask in try Self.everyMask() {
            let text = [quote] + bytes + [quote]
            #expect(masker().shown(mask, text) == Array(Self.hidden.utf8))
            // As the name of a member, and within an array.
            let object = Array("{".utf8) + text + Array(":1}".utf8)
            #expect(masker().shown(mask, object) == Array(Self.hidden.utf8))
            let array = Array("[\"a\",".utf8) + text + Array("]".utf8)
            #expect(masker().shown(mask, array) == Array(Self.hidden.utf8))
        }
    }

    @Test func `null stays null under every mask`() throws {
        for mask in try Self.everyMask() {
            #expect(masker().shown(mask, "null") == "null")
            #expect(masker().shown(mask, " null\n") == "null")
        }
    }

    @Test func `white space around a value is left out, and inside it stays`() {
        #expect(masker().shown(.redact, " \t\r\n\"a\" \n") == Self.hidden)
        #expect(
            masker().shown(.redact, " { \"a\" :\t[ 1 ,\n2.5 ] , \"b\":{ } } ")
                == "{ \"a\" :\t[ 0 ,\n0.0 ] , \"b\":{ } }")
    }

    @Test func `names, their escapes and their order stay`() {
        #expect(
            masker().shown(.redact, "{\"b\\u00e9\\\"\":1,\"a\":\"x\",\"b\\u00e9\\\"\":true}")
                == "{\"b\\u00e9\\\"\":0,\"a\":\"********\",\"b\\u00e9\\\"\":false}")
    }

    @Test func `a result is put behind what is there, also when it is hidden`() {
        let output = buffer("abc".utf8)
        let masker = masker()
        for text in ["{\"a\":\"secret\",", "[\"secret\"]"] {
            let input = buffer(text.utf8)
            masker.apply(.redact, to: input.bytes, into: output)
        }
        #expect(output.bytes.text == "abc\"********\"[\"********\"]")
    }

    @Test func `nesting up to the limit is masked, and beyond it hidden as a whole`() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            func nested(_ depth: Int, _ leaf: String) -> String {
                String(repeating: open, count: depth) + leaf
                    + String(repeating: close, count: depth)
            }
            #expect(masker().shown(.redact, nested(512, "7")) == nested(512, "0"))
            #expect(masker().shown(.redact, nested(513, "7")) == Self.hidden)
            #expect(masker().shown(.redact, String(repeating: open, count: 100_000)) == Self.hidden)
        }
    }

    @Test func `a value that would grow without bound is hidden as a whole`() throws {
        let long = try Mask.make(
            kind: "constant", arguments: [("", .text(String(repeating: "x", count: 256)))])
        func array(_ count: Int) -> String {
            "[" + String(repeating: "\"\",", count: count - 1) + "\"\"]"
        }
        #expect(masker().shown(long, array(1_000)).utf8.count == 1_000 * 259 + 1)
        #expect(masker().shown(long, array(300_000)) == Self.hidden)
    }

    @Test func `a document cut at any byte shows nothing`() throws {
        let document = Array(
            ("[{\"id\": -42.5e1, \"n\":\"Ad\\u00e1 L\u{1f600}\",\"t\":[\"secretsecret\",true,false,"
                + "null,{}],\"z\":\"47678\"}, \"1980-02-29\", [] ]").utf8)
        let masks = try Self.everyMask()
        for count in 0..<document.count {
            for mask in masks {
                #expect(masker().shown(mask, document[..<count]) == Array(Self.hidden.utf8))
            }
        }
    }

    // MARK: keys

    @Test func `without a key, or with one of a wrong length, keyed masks redact`() throws {
        for count in [nil, 0, 15, 65] {
            let key = count.map { count in
                let bytes = buffer([UInt8](repeating: 7, count: count))
                return SecretBytes(copying: bytes.bytes)
            }
            let masker = Masker(tokenKey: key)
            for rule in ["token", "{token: base64}", "dateShift"] {
                let mask = try MaskText.mask(rule)
                #expect(masker.shown(mask, "\"1980-02-29\"") == Self.hidden)
                #expect(masker.shown(mask, "[\"1980-02-29\"]") == "[\(Self.hidden)]")
            }
            #expect(try masker.shown(MaskText.mask("sha256"), "\"a\"") != Self.hidden)
        }
        for count in [16, 64] {
            let bytes = buffer([UInt8](repeating: 7, count: count))
            let masker = Masker(tokenKey: SecretBytes(copying: bytes.bytes))
            #expect(try masker.shown(MaskText.mask("token"), "\"a\"") != Self.hidden)
        }
    }

    @Test func `equal texts have equal tokens, however they are written, and others do not`()
        throws
    {
        let mask = try MaskText.mask("token")
        let masker = masker()
        let token = masker.shown(mask, "\"\u{e9}/\"")
        #expect(masker.shown(mask, "\"\\u00e9\\/\"") == token)
        #expect(masker.shown(mask, "\"\u{e8}/\"") != token)
        #expect(masker.shown(mask, "\"\"") != Self.hidden)
        let typed = try MaskText.mask("{token: {allowTypeChange: true}}")
        #expect(masker.shown(typed, "42") == masker.shown(typed, "\"42\""))
    }

    private static let calendar = Calendar.days(from: 1999, to: 2003)

    /// The shift of `entity` under the documented key, by the date that it makes of a known one.
    private func days(_ masker: Masker, _ mask: Mask, _ entity: String) -> Int? {
        let first = masker.shown(mask, "\"2001-01-01\"", entity: entity)
        return Self.calendar.firstIndex(of: first).map { $0 - 365 - 366 }
    }

    @Test func `dates move under a key of their own that another implementation agrees with`()
        throws
    {
        let mask = try MaskText.mask("dateShift")
        #expect(days(masker(), mask, "user-42") == 1)
        #expect(days(masker(), mask, "user-43") == -71)
        // The table's own example takes the key as it is.
        let plain = Masker(tokenKey: nil, shiftKey: documentedKey())
        #expect(days(plain, mask, "user-42") == -5)
    }

    @Test func `the rule's entity counts before the caller's, and a date before none`() throws {
        let named = try MaskText.mask("{dateShift: {entity: user-43}}")
        #expect(days(masker(), named, "user-42") == -71)
        #expect(days(masker(), named, "") == -71)
        let free = try MaskText.mask("dateShift")
        // The date 1980-02-29 moves by -7 when it is its own entity, whatever its time is.
        #expect(masker().shown(free, "\"1980-02-29\"") == "\"1980-02-22\"")
        #expect(
            masker().shown(free, "\"1980-02-29T10:11:12Z\"") == "\"1980-02-22T10:11:12Z\"")
    }

    @Test func `every shift within the bounds occurs, and none beyond`() throws {
        let mask = try MaskText.mask("{dateShift: 2}")
        let masker = masker()
        var seen: [Int: Int] = [:]
        for entity in 0..<1_000 {
            let shift = try #require(days(masker, mask, "user-\(entity)"))
            seen[shift, default: 0] += 1
        }
        #expect(seen.keys.sorted() == [-2, -1, 0, 1, 2])
        #expect(seen.values.allSatisfy { $0 > 140 })
    }
}
