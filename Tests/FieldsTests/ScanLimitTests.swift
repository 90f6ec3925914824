// ScanLimitTests: documents at the limits and beyond them.

import Bytes
import Fields
import Testing

@Suite struct ScanLimitTests {
    private func error(_ text: String, _ path: String) throws -> FieldScanError? {
        let scanner = FieldScanner()
        do {
            _ = try scanner.find(Array(text.utf8), pathSet(path), .selectedAndSealed)
            return nil
        } catch let error as FieldScanError {
            #expect(scanner.hits.isEmpty && scanner.names.count == 0)
            return error
        }
    }

    @Test func `nesting is read up to the limit and no further`() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        }
        for path in ["$", "$.none", "$..*", "$..none"] {
            #expect(try error(nested(512, "[", "]"), path) == nil)
            #expect(try error(nested(512, "{\"a\":", "}"), path) == nil)
            let over = try error(nested(513, "[", "]"), path)
            #expect(over == FieldScanError(offset: 512, "too deep a nesting", isLimit: true))
            #expect(try error(nested(513, "{\"a\":", "}"), path)?.isLimit == true)
            #expect(try error(nested(513, "[", ""), path)?.isLimit == true)
            #expect(try error(nested(1_000_000, "[", "]"), path)?.isLimit == true)
        }
        // Many, one after another, are as many as there may be.
        #expect(
            try error(
                "[" + [String](repeating: "[[]]", count: 5_000).joined(separator: ",") + "]", "$")
                == nil)
    }

    @Test func `the deepest value is found and named`() throws {
        let text = String(repeating: "[", count: 512) + "7" + String(repeating: "]", count: 512)
        let deep = try FieldScanner().find(Array(text.utf8), pathSet("$..[1]"))
        #expect(deep.isEmpty)
        let names =
            String(repeating: "{\"a\":", count: 511) + "{\"z\":0}"
            + String(repeating: "}", count: 511)
        let found = try FieldScanner().find(Array(names.utf8), pathSet("$..z"))
        #expect(found.map(\.name) == ["$" + String(repeating: "['a']", count: 511) + "['z']"])
        #expect(found.first?.hit.value == names.utf8.count - 513..<names.utf8.count - 512)
    }

    @Test func `the number of selected values is bounded`() throws {
        func zeros(_ count: Int) -> String {
            "[" + String(repeating: "0,", count: count - 1) + "0]"
        }
        #expect(try error(zeros(1 << 17), "$[*]") == nil)
        #expect(try error(zeros(1 << 17 + 1), "$[*]")?.reason == "too many selected values")
        #expect(try error(zeros(1 << 17 + 1), "$[*]")?.isLimit == true)
        #expect(try error(zeros(1 << 17 + 1), "$") == nil)
    }

    @Test func `the paths of selected values are bounded, each and together`() throws {
        // $['…'] adds five bytes to the name.
        func named(_ count: Int, _ value: String) -> String {
            "{\"" + String(repeating: "n", count: count) + "\":\(value)}"
        }
        #expect(try error(named(65_530, "1"), "$.*") == nil)
        #expect(try error(named(65_531, "1"), "$.*")?.isLimit == true)
        #expect(try error(named(65_531, "1"), "$") == nil)
        #expect(try error(named(65_531, "\"wax1:\""), "$.none")?.isLimit == true)
        let elements = "[" + [String](repeating: "1", count: 600).joined(separator: ",") + "]"
        let error = try error(named(60_000, elements), "$.*[*]")
        #expect(error?.reason == "too long a path of a selected value")
    }

    @Test func `a scanner that had much to hold gives it back and goes on`() throws {
        let scanner = FieldScanner()
        let set = try pathSet("$..*")
        let many = "[" + [String](repeating: "1", count: 100_000).joined(separator: ",") + "]"
        #expect(try scanner.find(Array(many.utf8), set).count == 100_000)
        #expect(try scanner.find(Array("[1,2]".utf8), set).map(\.name) == ["$[0]", "$[1]"])
        let capacity = scanner.names.capacity
        #expect(capacity <= 1 << 20 && scanner.hits.capacity < 100_000)
    }

    @Test func `huge strings and numbers are read to their ends`() throws {
        let plain = String(repeating: "0123456789abcdef", count: 1 << 16)
        for body in [plain, plain + "\\n" + plain, plain + "\u{1f600}" + plain, "\u{e9}" + plain] {
            let text = "{\"a\":\"\(body)\",\"b\":1}"
            let found = try FieldScanner().find(Array(text.utf8), pathSet("$.a", "$.b"))
            #expect(found.map(\.hit.value.count) == [body.utf8.count + 2, 1])
        }
        let digits = String(repeating: "1234567890", count: 100_000)
        let text = "[\(digits).\(digits)e\(digits)]"
        let found = try FieldScanner().find(Array(text.utf8), pathSet("$[0]"))
        #expect(found.map(\.hit.value) == [1..<text.utf8.count - 1])
        #expect(try error("[0\(digits)]", "$")?.offset == 2)
    }
}
