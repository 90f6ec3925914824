// FieldPathTests: which paths there are, which are the same, and what is said of others.

import Fields
import TestSupport
import Testing

@Suite struct FieldPathTests {
    @Test(arguments: [
        "$", "$.a", "$.card.number", "$['a']", "$[\"a\"]", "$[*]", "$.*", "$[0]", "$[3]",
        "$[9007199254740991]", "$..a", "$..['a']", "$..[\"a\"]", "$..[*]", "$..*", "$..[2]",
        "$.a..b[*].c", "$['']", "$[\"\"]", "$['it''s'][0]".replacing("''", with: "\\'"),
        "$['a.b'].c", "$['[*]']", "$.\u{e9}t\u{e9}", "$.\u{1f600}", "$['\u{1f600}']", "$._a1",
        "$[ 'a' ]", "$[\t*\n]", "$ .a", "$.a [0]\r\n.b", "$['\\u0041\\ud83d\\uDE00']",
        "$['\\b\\f\\n\\r\\t\\/\\\\\\'']", "$[\"\\\"'\"]", "$['\"']", "$.length", "$.true",
        "$['\u{7f}']", "$.a.a.a.a.a.a.a.a",
    ])
    func `a path is read`(_ text: String) throws {
        let path = try FieldPath(text)
        #expect(path.text == text)
        #expect(path.description == text)
        #expect(path.isRoot == (text == "$"))
    }

    @Test(
        arguments: [
            ("", 0, "begins with '$'"), ("a", 0, "begins with '$'"), (".a", 0, "begins with '$'"),
            ("@.a", 0, "begins with '$'"), (" $", 0, "begins with '$'"), ("$a", 1, "expected '.'"),
            ("$.", 2, "missing behind '.'"), ("$..", 3, "missing behind '.'"),
            ("$...a", 3, "at most two dots"), ("$.a.", 4, "missing behind '.'"),
            ("$ ", 1, "blanks"), ("$.a ", 3, "blanks"), ("$. a", 2, "such a character"),
            ("$.[0]", 2, "'['"), ("$.1a", 2, "digit"), ("$.0", 2, "digit"),
            ("$.a-b", 3, "['name']"), ("$.-a", 2, "['name']"), ("$.a$", 3, "['name']"),
            ("$.a'", 3, "['name']"), ("$.'a'", 2, "['name']"), ("$.a]", 3, "['name']"),
            ("$['a'", 5, "']' is missing"), ("$['a", 2, "closing quote"),
            ("$[", 2, "']' is missing"),
            ("$[]", 2, "missing in '[]'"), ("$[a]", 2, "in quotes"),
            ("$['a'x]", 5, "']' is missing"),
            ("$[-1]", 2, "from the front"), ("$[-0]", 2, "from the front"),
            ("$[01]", 2, "leading zero"), ("$[00]", 2, "leading zero"),
            ("$[9007199254740992]", 2, "at most 9007199254740991"),
            ("$[99999999999999999999999999]", 2, "at most 9007199254740991"),
            ("$[1.5]", 3, "']' is missing"), ("$[1e2]", 3, "']' is missing"),
            ("$[0:2]", 3, "slices"), ("$[:2]", 2, "slices"), ("$['a','b']", 5, "two paths"),
            ("$[0,1]", 3, "two paths"), ("$[*,0]", 3, "two paths"), ("$[?@.a]", 2, "filters"),
            ("$[?(@.a==1)]", 2, "filters"), ("$['\\x']", 3, "no such escape"),
            ("$['\\\"']", 3, "no such escape"), ("$[\"\\'\"]", 3, "no such escape"),
            ("$['\\u12']", 7, "four hexadecimal"), ("$['\\u12g4']", 7, "four hexadecimal"),
            ("$['\\ud800']", 3, "surrogate"), ("$['\\ud800a']", 3, "surrogate"),
            ("$['\\udc00']", 3, "surrogate"), ("$['\\ud800\\u0041']", 3, "surrogate"),
            ("$['\\", 4, "ends early"), ("$['\n']", 3, "control character"),
            ("$['a\u{0}']", 4, "control character"), ("$**", 1, "expected '.'"),
            ("$.a*", 3, "['name']"), ("$.*a", 3, "expected '.'"), ("$[*]a", 4, "expected '.'"),
            ("$..a...b", 6, "at most two dots"), ("$['a']b", 6, "expected '.'"),
            ("$.a[", 4, "']' is missing"), ("$.a['b'", 7, "']' is missing"),
            ("$[(@.length-1)]", 2, "in quotes"), ("$.a b", 4, "expected '.'"),
        ] as [(String, Int, String)])
    func `what is no path is refused where it goes wrong`(
        _ text: String, _ offset: Int, _ reason: String
    ) {
        let error = #expect(throws: FieldPathError.self) { _ = try FieldPath(text) }
        #expect(error?.offset == offset)
        #expect(error?.reason.contains(reason) ?? false, "\(text): \(error?.reason ?? "")")
        #expect(error?.description.hasSuffix("(at byte \(offset + 1))") ?? false)
    }

    @Test(
        arguments: [
            ("$.a", "$['a']"), ("$.a", "$[\"a\"]"), ("$.a", "$['\\u0061']"), ("$.*", "$[*]"),
            ("$..a", "$..['a']"), ("$..*", "$..[*]"), ("$ .a", "$.a"), ("$[ 0 ]", "$[0]"),
            ("$['\\/']", "$['/']"), ("$.\u{1f600}", "$['\\ud83d\\ude00']"),
            ("$['\\'']", "$[\"'\"]"), ("$['\\n']", "$['\\u000A']"),
        ] as [(String, String)])
    func `paths are equal when they say the same`(_ left: String, _ right: String) throws {
        let (left, right) = (try FieldPath(left), try FieldPath(right))
        #expect(left == right)
        #expect(Set([left, right]).count == 1)
    }

    // The second pair looks the same: one letter against a letter and its accent.
    @Test(
        arguments: [
            ("$.a", "$.A"), ("$.\u{e9}", "$.e\u{301}"), ("$.a", "$..a"), ("$['0']", "$[0]"),
            ("$['*']", "$[*]"), ("$.a.b", "$['a.b']"), ("$", "$.*"), ("$['']", "$"),
        ] as [(String, String)])
    func `paths differ when they say something else`(_ left: String, _ right: String) throws {
        #expect(try FieldPath(left) != FieldPath(right))
    }

    @Test func `paths are bounded in length and in segments`() throws {
        let longest = "$['" + String(repeating: "x", count: 1_019) + "']"
        #expect(throws: Never.self) { try FieldPath(longest) }
        let longer = "$['" + String(repeating: "x", count: 1_020) + "']"
        #expect(throws: FieldPathError(offset: 1_024, "a path has at most 1024 bytes")) {
            try FieldPath(longer)
        }
        let deep = "$" + String(repeating: ".a", count: 32)
        #expect(throws: Never.self) { try FieldPath(deep) }
        #expect(throws: FieldPathError(offset: 65, "a path has at most 32 segments")) {
            try FieldPath(deep + ".a")
        }
    }

    @Test func `any path reads the same in any spelling`() throws {
        var random = SeededRandom(seed: 41)
        for _ in 0..<500 {
            let model = ModelPath.random(&random, names: RandomDocument.names)
            let first = try FieldPath(model.text(&random))
            let second = try FieldPath(model.text(&random))
            #expect(first == second)
            #expect(first.isRoot == model.segments.isEmpty)
        }
    }

    @Test func `paths that are cut or garbled are read or refused, and nothing else`() throws {
        var random = SeededRandom(seed: 42)
        let letters = Array("$.[]'\"*0123a\\u\u{e9}-,:? \n")
        for _ in 0..<2_000 {
            var text = ModelPath.random(&random, names: RandomDocument.names).text(&random)
            if random.next() % 2 == 0 { text = String(text.prefix(Int(random.next() % 20))) }
            var characters = Array(text)
            if !characters.isEmpty, random.next() % 2 == 0 {
                let place = Int(random.next() % UInt64(characters.count))
                characters[place] = letters.random(&random)
            }
            text = String(characters)
            do throws(FieldPathError) {
                let path = try FieldPath(text)
                #expect(path == path && path.text == text)
            } catch {
                #expect(error.offset <= text.utf8.count && !error.reason.isEmpty)
            }
        }
    }
}
