// FieldScannerTests: what is found in documents, and what is said of it.

import Bytes
import Fields
import Testing

@Suite struct FieldScannerTests {
    private func names(
        _ text: String, _ paths: [String], _ mode: ScanMode = .selected
    ) throws -> [String] {
        let set = try FieldPathSet(paths.map { try FieldPath($0) })
        return try FieldScanner().find(Array(text.utf8), set, mode).map(\.name)
    }

    private func hit(
        _ text: String, _ path: String, _ mode: ScanMode = .selected
    ) throws -> FieldHit {
        let found = try FieldScanner().find(Array(text.utf8), pathSet(path), mode)
        #expect(found.count == 1)
        return try #require(found.first).hit
    }

    private static let order = #"""
        {"id": 7, "card": {"number": "4111 1111", "expires": null},
         "lines": [{"sku": "a", "price": 1.50}, {"sku": "b", "price": -2e3, "tags": []}],
         "customer": {"card": {"number": 5}, "emails": ["x@y", "z@y"]}, "paid": true}
        """#

    @Test(
        arguments: [
            ("$", ["$"]), ("$.id", ["$['id']"]), ("$.card.number", ["$['card']['number']"]),
            ("$.card", ["$['card']"]), ("$.none", []), ("$.card.none", []), ("$.id.none", []),
            ("$.lines[*].sku", ["$['lines'][0]['sku']", "$['lines'][1]['sku']"]),
            ("$.lines[1].tags", ["$['lines'][1]['tags']"]), ("$.lines[1]", ["$['lines'][1]"]),
            ("$.lines[2]", []), ("$.lines['0']", []), ("$.card[0]", []), ("$[0]", []),
            ("$.lines.*", ["$['lines'][0]", "$['lines'][1]"]),
            ("$..number", ["$['card']['number']", "$['customer']['card']['number']"]),
            ("$..card", ["$['card']", "$['customer']['card']"]),
            ("$..card.number", ["$['card']['number']", "$['customer']['card']['number']"]),
            ("$.customer..number", ["$['customer']['card']['number']"]),
            ("$..lines..sku", ["$['lines'][0]['sku']", "$['lines'][1]['sku']"]),
            ("$..[1]", ["$['lines'][1]", "$['customer']['emails'][1]"]),
            ("$.*", ["$['id']", "$['card']", "$['lines']", "$['customer']", "$['paid']"]),
            ("$..*", ["$['id']", "$['card']", "$['lines']", "$['customer']", "$['paid']"]),
            (
                "$.*.*",
                [
                    "$['card']['number']", "$['card']['expires']", "$['lines'][0]", "$['lines'][1]",
                    "$['customer']['card']", "$['customer']['emails']",
                ]
            ),
        ] as [(String, [String])])
    func `a path selects`(_ path: String, _ expected: [String]) throws {
        #expect(try names(Self.order, [path]) == expected)
    }

    @Test func `a hit says where its value is, what it is and where it stands`() throws {
        let text = #" {"a": [10 , {"b" : "x\n"} ], "c":{} } "#
        let string = try hit(text, "$.a[1].b")
        #expect(string.kind == .string && string.path == 0)
        let bytes = Array(text.utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        #expect(part(string.value) == #""x\n""#)
        #expect(part(string.member) == #""b" : "x\n""#)
        #expect(string.container == 13 && string.index == 0)
        let element = try hit(text, "$.a[1]")
        #expect(element.kind == .object && part(element.value) == #"{"b" : "x\n"}"#)
        #expect(element.member == element.value && element.index == 1)
        #expect(element.container == 7)
        let array = try hit(text, "$.a")
        #expect(array.kind == .array && array.container == 1 && array.index == 0)
        #expect(part(array.value) == #"[10 , {"b" : "x\n"} ]"#)
        #expect(try hit(text, "$.c").kind == .object)
        #expect(try hit(text, "$.c").index == 1)
        let root = try hit(text, "$")
        #expect(root.container == -1 && root.index == 0 && root.value == root.member)
        #expect(root.value == 1..<text.utf8.count - 1)
        for (value, kind) in [
            ("1", JSONKind.number), ("true", .bool), ("false", .bool), ("null", .null),
            ("\"\"", .string), ("[]", .array), ("{}", .object),
        ] {
            #expect(try hit("  \(value) ", "$").kind == kind)
            #expect(try hit("  \(value) ", "$").value == 2..<2 + value.utf8.count)
        }
    }

    @Test func `members with the same name are values of their own`() throws {
        let text = #"{"a":1,"a":{"b":2,"b":3},"\u0061":4,"A":5}"#
        #expect(try names(text, ["$.a"]) == ["$['a']", "$['a']", "$['a']"])
        #expect(try names(text, ["$.a.b"]) == ["$['a']['b']", "$['a']['b']"])
        let found = try FieldScanner().find(Array(text.utf8), pathSet("$.a"))
        #expect(found.map(\.hit.index) == [0, 1, 2])
    }

    @Test(arguments: [
        #"{"card":1}"#, #"{"\u0063ard":1}"#, #"{"c\u0061r\u0064":1}"#,
        #"{"\u0063\u0061\u0072\u0064":1}"#,
    ])
    func `an escaped name is the same name`(_ text: String) throws {
        #expect(try names(text, ["$.card"]) == ["$['card']"])
        #expect(try names(text, ["$..card"]) == ["$['card']"])
    }

    @Test(
        arguments: [
            (#"{"caf\u00e9":1}"#, "$['caf\u{e9}']"), (#"{"\ud83d\ude00":1}"#, "$['\u{1f600}']"),
            (#"{"\/":1}"#, "$['/']"), (#"{"'":1}"#, "$['\\'']"), (#"{"\"":1}"#, "$['\"']"),
            (#"{"\\":1}"#, "$['\\\\']"), (#"{"\u0027":1}"#, "$['\\'']"), ("{\"\":1}", "$['']"),
            (#"{"\b\f\n\r\t":1}"#, #"$['\b\f\n\r\t']"#),
            (#"{"\u0000\u001F":1}"#, #"$['\u0000\u001f']"#),
            (#"{"\u007f\u0080":1}"#, "$['\u{7f}\u{80}']"), (#"{"\u20AC":1}"#, "$['\u{20ac}']"),
        ] as [(String, String)])
    func `a name is found by what it says and named in one way`(
        _ text: String, _ normalized: String
    ) throws {
        #expect(try names(text, ["$.*"]) == [normalized])
        #expect(try names(text, [normalized]) == [normalized])
    }

    @Test(
        arguments: [
            (#"{"\ud83d":1}"#, #"$['\ud83d']"#), (#"{"\uDE00":1}"#, #"$['\ude00']"#),
            (#"{"\ude00\ud83d":1}"#, #"$['\ude00\ud83d']"#),
            (#"{"\ud83d\ud83d\ude00":1}"#, "$['\\ud83d\u{1f600}']"),
            (#"{"\ud83dx":1}"#, #"$['\ud83dx']"#), (#"{"\ud83d\n":1}"#, #"$['\ud83d\n']"#),
            (#"{"\\ud83d":1}"#, #"$['\\ud83d']"#),
        ] as [(String, String)])
    func `half a surrogate pair in a name is like no text`(
        _ text: String, _ name: String
    ) throws {
        #expect(try names(text, ["$.*"]) == [name])
        #expect(try names(text, ["$['\u{fffd}']", "$['?']", "$['\u{fffd}x']", "$['']"]) == [])
    }

    @Test func `the outer one of two selected values is found`() throws {
        let text = #"{"a":{"b":{"c":1}},"d":{"b":2}}"#
        #expect(try names(text, ["$..b", "$.a"]) == ["$['a']", "$['d']['b']"])
        #expect(try names(text, ["$.a.b.c", "$..b"]) == ["$['a']['b']", "$['d']['b']"])
        #expect(try names(text, ["$.a", "$"]) == ["$"])
    }

    // MARK: sealed text

    @Test(
        arguments: [
            (#""wax1:""#, true), (#""wax1:AAAA""#, true), (#""wax1""#, false),
            (#""wax1;AAAAA""#, false),
            (#""Wax1:AAAAA""#, false), (#"" wax1:AAAAA""#, false), (#""xwax1:AAAAA""#, false),
            (#""\u0077ax1:AAAA""#, true), (#""w\u0061x1:""#, true), (#""wax1\u003A""#, true),
            (#""\u0077\u0061\u0078\u0031\u003a""#, true), (#""wax1:\u0041""#, true),
            (#""wax1:\n""#, true), (#""wax1\/:""#, false), (#""\\wax1:""#, false),
            (#""wax1\\:""#, false),
            (#""\u0077ax1""#, false), (#""""#, false), ("1", false), ("[]", false), ("null", false),
            (#""w""#, false), (#""wax1\u00e9:""#, false), ("\"wax1\u{e9}:aaaa\"", false),
            (#""\ud83dwax1:""#, false), (#""wax1\ud83d""#, false),
        ] as [(String, Bool)])
    func `a string that begins as sealed text does is told, however it is spelled`(
        _ value: String, _ isSealed: Bool
    ) throws {
        // At the end of the text, with nothing behind it, and with more behind it.
        for text in [value, value + "          ", "[" + value + ",\"wax2:wax1:\"]"] {
            let path = text.hasPrefix("[") && value != "[]" ? "$[0]" : "$"
            let root = try hit(text, path)
            if path == "$[0]" || !text.hasPrefix("[") { #expect(root.isSealedText == isSealed) }
            let noted = try FieldScanner().find(
                Array(text.utf8), pathSet("$.x"), .selectedAndSealed)
            #expect(noted.map(\.hit.path) == (isSealed ? [-1] : []))
            #expect(noted.map(\.hit.isSealedText) == (isSealed ? [true] : []))
            let silent = try names(text, ["$.x"])
            #expect(silent == [])
        }
    }

    @Test func `a name that begins like sealed text is none`() throws {
        let text = #"{"wax1:AAAA":{"wax1:":1}}"#
        #expect(try names(text, [], .selectedAndSealed) == [])
        #expect(try hit(text, "$").containsSealedText == false)
    }

    @Test func `a selected container says whether sealed text lies in it`() throws {
        for (text, expected) in [
            (#"{"a":["x",{"b":"wax1:AA"}],"c":1}"#, true), (#"{"a":["x"],"c":"wax1:AA"}"#, false),
            (#"{"z":"wax1:","a":[]}"#, false), (#"{"a":[[["w\u0061x1:"]],2]}"#, true),
        ] {
            for mode in [ScanMode.selected, .selectedAndSealed] {
                let found = try FieldScanner().find(Array(text.utf8), pathSet("$.a"), mode)
                let container = try #require(found.first { $0.hit.path == 0 })
                #expect(container.hit.containsSealedText == expected)
                #expect(!container.hit.isSealedText)
            }
        }
        #expect(
            try names(
                #"{"a":["wax1:"],"b":["wax1:"],"c":"wax1:"}"#, ["$.a", "$.c"], .selectedAndSealed)
                == ["$['a']", "$['b'][0]", "$['c']"])
    }

    @Test func `sealed texts alone are found with the path that selects them or what they lie in`()
        throws
    {
        let text = #"{"a":{"b":"wax1:1","c":["wax1:2",3]},"d":"wax1:3","e":{"b":"wax1:4"},"f":"x"}"#
        let set = try pathSet("$.a.c", "$.a", "$..b", "$.f")
        let found = try FieldScanner().find(Array(text.utf8), set, .sealed)
        #expect(
            found.map(\.name) == [
                "$['a']['b']", "$['a']['c'][0]", "$['d']", "$['e']['b']",
            ])
        #expect(found.map(\.hit.path) == [1, 0, -1, 2])
        let whole = try FieldScanner().find(Array(text.utf8), pathSet("$.none", "$"), .sealed)
        #expect(whole.map(\.hit.path) == [1, 1, 1, 1])
        let root = try FieldScanner().find(Array("\"wax1:\"".utf8), pathSet("$"), .sealed)
        #expect(root.map(\.hit.path) == [0] && root.map(\.name) == ["$"])
    }

    // MARK: one scanner, many documents

    @Test func `nothing of one document is left in the next`() throws {
        let scanner = FieldScanner()
        let set = try pathSet("$..a")
        let texts = [
            #"{"a":1}"#, #"{"b":[{"a":[[1]]}]}"#, "[1", #"{"a":"wax1:""#, "{}",
            #"[[[{"a":null}]]]"#,
            #"{"a":{"x":[1,"#, #"{"\u0061":7}"#, "1",
        ]
        for text in texts + texts.reversed() {
            let alone = try? FieldScanner().find(Array(text.utf8), set, .selectedAndSealed)
            let again = try? scanner.find(Array(text.utf8), set, .selectedAndSealed)
            #expect(alone == again)
            if alone == nil { #expect(scanner.hits.isEmpty && scanner.names.count == 0) }
        }
    }

    // MARK: the schema registry's prefix

    @Test(
        arguments: [
            ([], 0), ([0], 0), ([0, 0, 0, 0, 1], 0), ([0, 0, 0, 0, 1, 0x31], 5),
            ([0, 255, 255, 255, 255, 0x7b, 0x7d], 5), ([1, 0, 0, 0, 1, 0x31], 0),
            (Array("{\"a\":1}".utf8), 0), (Array("     1".utf8), 0), ([0, 0, 0, 0, 0, 0], 5),
        ] as [([UInt8], Int)])
    func `a document begins behind the prefix of a schema registry`(
        _ value: [UInt8], _ start: Int
    ) {
        let buffer = ByteBuffer()
        buffer.append(value)
        #expect(FieldScanner.bodyStart(of: buffer.bytes) == start)
    }
}
