// FieldPathSetTests: many paths at once, and how many there may be.

import Fields
import TestSupport
import Testing

@Suite struct FieldPathSetTests {
    private func hits(_ text: String, _ set: FieldPathSet) throws -> [String] {
        try FieldScanner().find(Array(text.utf8), set).map { "\($0.hit.path) \($0.name)" }
    }

    @Test func `sets are equal when their paths are`() throws {
        #expect(try pathSet("$.a", "$.b") == pathSet("$['a']", "$.b"))
        #expect(try pathSet("$.a", "$.b") != pathSet("$.b", "$.a"))
        #expect(try Set([pathSet("$.a"), pathSet("$['a']")]).count == 1)
    }

    @Test func `no paths select nothing`() throws {
        #expect(try hits(#"{"a":[1]}"#, FieldPathSet([])) == [])
    }

    @Test func `the first of several paths counts`() throws {
        let text = #"{"a":1,"b":2}"#
        #expect(try hits(text, pathSet("$.a", "$.*")) == ["0 $['a']", "1 $['b']"])
        #expect(try hits(text, pathSet("$.*", "$.a")) == ["0 $['a']", "0 $['b']"])
        #expect(try hits(text, pathSet("$.b", "$", "$.a", "$")) == ["1 $"])
    }

    @Test func `two hundred names are told apart`() throws {
        let names = (0..<200).map { "name\($0 * $0)" + String(repeating: "x", count: $0 % 40) }
        let set = try FieldPathSet(names.map { try FieldPath("$.\($0)") })
        let members = names.map { "\"\($0)\":1,\"\($0)y\":2,\"z\($0)\":3" }
        let found = try hits("{" + members.joined(separator: ",") + "}", set)
        #expect(found == names.enumerated().map { "\($0) $['\($1)']" })
    }

    @Test func `names of every length are found, and no others`() throws {
        for count in 0..<80 {
            let name = String(repeating: "n", count: count)
            var others = [name + "n", name + "m"]
            for place in 0..<count {
                var letters = Array(name)
                letters[place] = "o"
                others.append(String(letters))
            }
            let members = ([name] + others).map { "\"\($0)\":0" }.joined(separator: ",")
            let found = try hits("{\(members)}", pathSet("$['\(name)']"))
            #expect(found == ["0 $['\(name)']"])
            // At the very end of the text, where there is no room to read ahead.
            #expect(try hits("{\"\(name)\":0}", pathSet("$['\(name)']")).count == 1)
        }
    }

    @Test func `places are found among many`() throws {
        let set = try FieldPathSet([7, 0, 3, 12].map { try FieldPath("$[\($0)]") })
        let text = "[" + (0..<12).map(String.init).joined(separator: ",") + "]"
        #expect(try hits(text, set) == ["1 $[0]", "2 $[3]", "0 $[7]"])
    }

    @Test func `long paths fill all words and are each followed to the end`() throws {
        // Two paths of 32 segments fill a word; eight fill all.
        let paths = (0..<8).map { "$.p\($0)" + String(repeating: ".a", count: 31) }
        let set = try FieldPathSet(paths.map { try FieldPath($0) })
        let chain =
            String(repeating: #"{"a":"#, count: 31) + "1" + String(repeating: "}", count: 31)
        for index in 0..<8 {
            let name = "$['p\(index)']" + String(repeating: "['a']", count: 31)
            #expect(try hits("{\"p\(index)\":\(chain)}", set) == ["\(index) \(name)"])
        }
        #expect(try hits("{\"a\":\(chain)}", set) == [])
        #expect(throws: FieldPathError.self) {
            try FieldPathSet(set.paths + [try FieldPath("$.one")])
        }
    }

    @Test func `paths that do not fit in a word begin the next one`() throws {
        // Two of 30 segments fit in a word, and four bits stay empty.
        let paths = (0..<8).map { "$.p\($0)" + String(repeating: ".*", count: 29) }
        let set = try FieldPathSet(paths.map { try FieldPath($0) })
        let chain = String(repeating: "[", count: 29) + "1" + String(repeating: "]", count: 29)
        let text = "{" + (0..<8).map { "\"p\($0)\":\(chain)" }.joined(separator: ",") + "}"
        #expect(try hits(text, set).map { $0.prefix(6) } == (0..<8).map { "\($0) $['p" })
        #expect(throws: FieldPathError.self) {
            try FieldPathSet(set.paths + [try FieldPath("$.a.b.c.d.e")])
        }
    }

    @Test func `the number of paths is bounded`() throws {
        let root = try FieldPath("$")
        #expect(throws: Never.self) {
            try FieldPathSet([FieldPath](repeating: root, count: 256))
        }
        #expect(throws: FieldPathError(offset: 0, "at most 256 paths at once")) {
            try FieldPathSet([FieldPath](repeating: root, count: 257))
        }
        let short = try FieldPath("$.a")
        #expect(throws: Never.self) {
            try FieldPathSet([FieldPath](repeating: short, count: 256))
        }
    }
}
