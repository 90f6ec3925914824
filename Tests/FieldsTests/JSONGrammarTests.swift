// JSONGrammarTests: what is one JSON text (RFC 8259) and what is not, byte by byte.

import Bytes
import Fields
import Testing

@Suite struct JSONGrammarTests {
    /// What is wrong, and where; nil for a document. In all modes alike.
    private func fault(_ bytes: [UInt8]) throws -> FieldScanError? {
        let scanner = FieldScanner()
        let set = try pathSet("$..*")
        func fault(_ mode: ScanMode, _ set: FieldPathSet) throws -> FieldScanError? {
            do {
                _ = try scanner.find(bytes, set, mode)
                return nil
            } catch let error as FieldScanError {
                #expect(scanner.hits.isEmpty && scanner.names.count == 0)
                return error
            }
        }
        let first = try fault(.selected, FieldPathSet([]))
        for mode in ScanMode.allCases {
            #expect(try fault(mode, set) == first)
        }
        return first
    }

    private func accepts(_ text: String) throws -> Bool { try fault(Array(text.utf8)) == nil }

    static let documents: [String] = [
        "null", "true", "false", "0", "-0", "1", "-1", "12", "\"\"", "\"a\"", "[]", "{}",
        " null", "null ", "\tnull\n", "\r\n null \r\n", "[ ]", "{ }", "[\n]", "{\t}",
        "[1]", "[ 1 ]", "[1,2]", "[1 , 2]", "[\n1\n,\n2\n]", "[[]]", "[[],[]]", "[[[[[[1]]]]]]",
        "[{}]", "[{},{}]", "{\"a\":1}", "{ \"a\" : 1 }", "{\"a\":1,\"b\":2}", "{\"a\":{}}",
        "{\"a\":[]}", "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":1,\"a\":2}", "{\"\":1}",
        "{\"\":{\"\":[\"\"]}}", "{\n  \"a\": [\n    1,\n    2\n  ]\n}",
        "[true,false,null]", "[true ]", "{\"true\":true}",
        // Numbers.
        "10", "100", "-10", "0.0", "0.1", "-0.1", "1.0", "1.50", "123.456", "0e0", "0E0", "0e+0",
        "0e-0", "1e1", "1E1", "1e+1", "1e-1", "1e01", "1e00000001", "1.5e10", "-1.5E-10",
        "1e999999999", "-1e-999999999", "123456789012345678901234567890", "-0.0e-0",
        "0.00000000000000000000000000000000000000000001",
        "[0,-0,0.5,-0.5e5]", "[1e5]", "{\"n\":1e5}", "1\n", "1 ",
        // Strings.
        "\"\\\"\"", "\"\\\\\"", "\"\\/\"", "\"\\b\"", "\"\\f\"", "\"\\n\"", "\"\\r\"", "\"\\t\"",
        "\"/\"", "\"'\"", "\"\\u0000\"", "\"\\u0041\"", "\"\\uabcd\"", "\"\\uABCD\"",
        "\"\\uFFFF\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ude00\\ud83d\"",
        "\"\\ud83d\\ud83d\"", "\"\\ud83dx\"", "\"\\\\u12\"", "\"\\\\\\\\\"", "\"\\\"\\\"\\\"\"",
        "\" \"", "\"a b\"", "\"\u{7f}\"", "\"\u{80}\"", "\"\u{7ff}\"", "\"\u{800}\"",
        "\"\u{d7ff}\"", "\"\u{e000}\"", "\"\u{fffd}\"", "\"\u{ffff}\"", "\"\u{10000}\"",
        "\"\u{1f600}\"", "\"\u{10ffff}\"", "\"\u{2028}\u{2029}\"", "\"\u{feff}\"", "\"\u{85}\"",
        "\"1234567\"", "\"12345678\"", "\"123456789\"", "\"123456\\n\"", "\"1234567\\n\"",
        "\"12345678\\n\"", "\"1234567\u{e9}\"", "\"123456\u{e9}\"", "\"12345678\u{e9}89\u{e9}\"",
        "\"{}[],:\"", "\"//\"", "\"/* */\"", "{\"\\u0061\":1}", "{\"\\\"\":1}",
        "{\"\u{1f600}\":\"\u{1f600}\"}", "{\"a\\u0000b\":1}", "[\"\\u0000\\u0000\"]",
        "{\"12345678\":1}", "{\"1234567\":1}", "{\"123456789\":1}",
    ]

    @Test(arguments: documents)
    func `a document is accepted`(_ text: String) throws {
        #expect(try accepts(text))
        #expect(DocumentTree.read(Array(text.utf8)) != nil)
        for space in [" ", "\t", "\n", "\r", "\r\n\r\n", "                  "] {
            #expect(try accepts(space + text + space))
        }
        #expect(try accepts("[" + text + "]"))
        #expect(try accepts("{\"a\":" + text + ",\"b\" :" + text + "}"))
    }

    static let others: [(String, Int)] = [
        ("", 0), (" ", 1), ("\n\n", 2), ("nul", 0), ("nulL", 0), ("Null", 0), ("NULL", 0),
        ("tru", 0), ("True", 0), ("fals", 0), ("truth", 0), ("falsE", 0), ("nil", 0),
        ("undefined", 0), ("NaN", 0), ("Infinity", 0), ("-Infinity", 1), ("-", 1), ("--1", 1),
        ("+1", 0), (".5", 0), ("-.5", 1), ("5.", 2), ("5.e1", 2), ("01", 1), ("00", 1),
        ("-01", 2), ("-00", 2), ("0x10", 1), ("1e", 2), ("1e+", 3), ("1E-", 3), ("1e1.5", 3),
        ("1.5.5", 3), ("1,5", 1), ("1_000", 1), ("1e+-1", 3), ("- 1", 1), ("1 2", 2), ("1a", 1),
        ("\u{ff11}", 0), ("0b1", 1), ("1..2", 2), ("1f", 1), ("1L", 1), ("1 000", 2),
        ("nulll", 4), ("truefalse", 4), ("null null", 5), ("true,", 4), ("null;", 4),
        ("[1]]", 3), ("{}}", 2), ("{}{}", 2), ("[][]", 2), ("1]", 1), ("\"a\"b", 3),
        ("[", 1), ("]", 0), ("{", 1), ("}", 0), ("[1", 2), ("[1,", 3), ("[,", 1), ("[,]", 1),
        ("[1,]", 3), ("[,1]", 1), ("[1,,2]", 3), ("[1 2]", 3), ("[1;2]", 2), ("[1}", 2),
        ("[}", 1), ("{]", 1), ("[[]", 3), ("[[[", 3), ("[]]", 2), ("[1:2]", 2), ("[\"a\":1]", 4),
        ("[*]", 1), ("[a]", 1), ("[']", 1), ("['a']", 1), ("[\"a]", 4), ("[\"a", 3),
        ("{\"a\"}", 4), ("{\"a\":}", 5), ("{\"a\":1", 6), ("{\"a\":1,", 7), ("{\"a\":1,}", 7),
        ("{,}", 1), ("{,\"a\":1}", 1), ("{\"a\":1,,\"b\":2}", 7), ("{\"a\" 1}", 5),
        ("{\"a\"::1}", 5), ("{\"a\":1:2}", 6), ("{\"a\":1 \"b\":2}", 7), ("{\"a\":1;\"b\":2}", 6),
        ("{a:1}", 1), ("{'a':1}", 1), ("{1:1}", 1), ("{null:1}", 1), ("{[]:1}", 1),
        ("{\"a\",1}", 4),
        ("{\"a\":1]", 6), ("{\"a", 3), ("{\"a\"", 4), ("{\"a\":", 5), ("{\"a\":tru}", 5),
        ("{:1}", 1), ("{1}", 1), ("{\"a\":1}x", 7), ("{{}}", 1), ("{\"a\":{}", 7),
        // White space that is none, and comments.
        ("\u{b}1", 0), ("\u{c}1", 0), ("\u{a0}1", 0), ("\u{2003}1", 0), ("\u{feff}1", 0),
        ("\u{85}1", 0), ("\u{0}1", 0), ("1\u{0}", 1), ("1\u{c}", 1), ("[1\u{b}]", 2),
        ("// a\n1", 0), ("/* a */1", 0), ("1 // a", 2), ("[1 /* a */]", 3), ("# a\n1", 0),
        ("1\u{feff}", 1), ("[\u{a0}1]", 1), ("{\u{c}}", 1), ("\u{8}null", 0), ("\u{1f}null", 0),
        // Strings.
        ("\"", 1), ("\"a", 2), ("'a'", 0), ("`a`", 0), ("\"\\", 1), ("\"\\\"", 3), ("\"\\x41\"", 1),
        ("\"\\a\"", 1), ("\"\\0\"", 1), ("\"\\v\"", 1), ("\"\\e\"", 1), ("\"\\'\"", 1),
        ("\"\\ \"", 1), ("\"\\\n\"", 1), ("\"\\U0041\"", 1), ("\"\\N\"", 1), ("\"\\\u{e9}\"", 1),
        ("\"\\u\"", 1), ("\"\\u1\"", 1), ("\"\\u12\"", 1), ("\"\\u123\"", 1), ("\"\\u123g\"", 1),
        ("\"\\u 123\"", 1), ("\"\\u+123\"", 1), ("\"\\u-123\"", 1), ("\"\\u{41}\"", 1),
        ("\"\\ud83d\\u\"", 7), ("\"\\ud83d\\\"", 9), ("\"\\u00\u{e9}0\"", 1), ("\"\\u", 1),
        ("\"\\u00", 1), ("\"\\u0041", 7), ("\"a\nb\"", 2), ("\"a\tb\"", 2), ("\"a\rb\"", 2),
        ("\"\u{0}\"", 1), ("\"\u{1}\"", 1), ("\"\u{1f}\"", 1), ("\"1234567\u{1f}\"", 8),
        ("\"12345678\u{1f}\"", 9), ("\"123456\u{0}89\"", 7), ("{\"a\u{0}\":1}", 3),
        ("{\"\\x\":1}", 2), ("\"1234567\\x\"", 8), ("\"12345678", 9), ("\"1234567", 8),
        ("\"123456", 7), ("\"a\" \"b\"", 4), ("\"\"\"", 2), ("\"a\\\\\"\"", 5),
    ]

    @Test(arguments: others)
    func `what is no document is refused where it goes wrong`(
        _ text: String, _ offset: Int
    ) throws {
        let error = try #require(try fault(Array(text.utf8)))
        #expect(error.offset == offset, "\(text.debugDescription): \(error)")
        #expect(!error.isLimit && !error.reason.isEmpty)
        #expect(error.description == "\(error.reason) at byte \(offset)")
        #expect(DocumentTree.read(Array(text.utf8)) == nil)
    }

    // RFC 3629 section 4, and what older UTF-8 and its look-alikes allow beyond it.
    static let malformed: [[UInt8]] = [
        [0x80], [0xbf], [0xc0], [0xc1], [0xf5], [0xf8], [0xfc], [0xfe], [0xff], [0xc0, 0x80],
        [0xc0, 0xaf], [0xc1, 0xbf], [0xc2], [0xc2, 0x41], [0xc2, 0xc2], [0xdf, 0x7f],
        [0xdf, 0xc0], [0xe0, 0x80, 0x80], [0xe0, 0x9f, 0xbf], [0xe0, 0xa0], [0xe0, 0xa0, 0x41],
        [0xe1, 0x80], [0xe1, 0x41, 0x80], [0xe2, 0x82], [0xe2, 0x28, 0xa1], [0xed, 0xa0, 0x80],
        [0xed, 0xad, 0xbf], [0xed, 0xb0, 0x80], [0xed, 0xbf, 0xbf],
        [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], [0xef, 0xbf], [0xef, 0xbf, 0xc0],
        [0xf0, 0x80, 0x80, 0x80], [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x9f, 0x98],
        [0xf0, 0x9f, 0x41, 0x80], [0xf0, 0x9f, 0x98, 0x41], [0xf0, 0x28, 0x8c, 0xbc],
        [0xf1, 0x80], [0xf3, 0xbf, 0xbf], [0xf4, 0x90, 0x80, 0x80], [0xf4, 0xbf, 0xbf, 0xbf],
        [0xf5, 0x80, 0x80, 0x80], [0xf7, 0xbf, 0xbf, 0xbf], [0xf8, 0x88, 0x80, 0x80, 0x80],
        [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80], [0xc3, 0xa9, 0xa9], [0xe9],
        [0xff, 0xfe, 0x41, 0x00],
    ]

    @Test(arguments: malformed)
    func `malformed UTF-8 is refused in values and in names`(_ sequence: [UInt8]) throws {
        for padding in 0..<9 {
            let plain = [UInt8](repeating: 0x78, count: padding)
            let string = [0x22] + plain + sequence + plain + [0x22]
            let error = try #require(try fault(string))
            #expect(error.reason == "malformed UTF-8")
            #expect((padding + 1..<padding + 1 + sequence.count).contains(error.offset))
            #expect(try fault(Array("[1,{\"a\":".utf8) + string + Array("}]".utf8)) != nil)
            #expect(try fault([0x7b] + string + Array(":1}".utf8)) != nil)
        }
    }

    @Test func `every two bytes behind a lead byte are judged as the standard library does`() throws
    {
        for lead: UInt8 in [0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf4] {
            for second in UInt8.min...UInt8.max {
                for tail: [UInt8] in [[], [0x80], [0xbf], [0x80, 0x80], [0xbf, 0xbf]] {
                    let text = [0x22, lead, second] + tail + [0x22]
                    guard second >= 0x20, second != 0x22, second != 0x5c else { continue }
                    let isText = String(validating: text, as: UTF8.self) != nil
                    #expect(try (fault(text) == nil) == isText)
                }
            }
        }
    }

    @Test func `every byte between values is judged by its kind`() throws {
        for byte in UInt8.min...UInt8.max {
            for text in [
                "[1?2]", "{?}", "[?]", "?1", "1?", "{\"a\"?1}", "{\"a\":1?}", "\"?\"", "\"\\?\"",
            ] {
                let bytes = Array(text.utf8).map { $0 == UInt8(ascii: "?") ? byte : $0 }
                #expect(try (fault(bytes) == nil) == (DocumentTree.read(bytes) != nil))
            }
        }
    }
}
