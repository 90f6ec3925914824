// FieldRemovalTests: what is left when fields are left out.

import Bytes
import Fields
import TestSupport
import Testing

@Suite struct FieldRemovalTests {
    /// The document without the hits that `isOut` names by their order.
    private func cut(
        _ text: String, _ set: FieldPathSet, _ isOut: (Int) -> Bool
    ) throws -> String {
        let scanner = FieldScanner()
        let bytes = Array(text.utf8)
        var removal = FieldRemoval()
        removal.begin()
        var left: [UInt8] = []
        var at = 0
        try withSpan(text) { document in
            try scanner.scan(document, set, notesSealedText: false)
            for (index, hit) in scanner.hits.enumerated() where isOut(index) {
                guard let range = removal.removal(of: hit, in: document) else {
                    Issue.record("a hit that cannot be cut out: \(hit)")
                    continue
                }
                #expect(range.lowerBound >= at && range.upperBound <= bytes.count)
                #expect(range.lowerBound <= hit.member.lowerBound)
                #expect(range.upperBound >= hit.member.upperBound)
                left += bytes[at..<range.lowerBound]
                at = range.upperBound
            }
        }
        return String(decoding: left + bytes[at...], as: UTF8.self)
    }

    @Test(
        arguments: [
            (#"{"a":1,"b":2,"c":3}"#, [0], #"{"b":2,"c":3}"#),
            (#"{"a":1,"b":2,"c":3}"#, [1], #"{"a":1,"c":3}"#),
            (#"{"a":1,"b":2,"c":3}"#, [2], #"{"a":1,"b":2}"#),
            (#"{"a":1,"b":2,"c":3}"#, [0, 1], #"{"c":3}"#),
            (#"{"a":1,"b":2,"c":3}"#, [1, 2], #"{"a":1}"#),
            (#"{"a":1,"b":2,"c":3}"#, [0, 2], #"{"b":2}"#),
            (#"{"a":1,"b":2,"c":3}"#, [0, 1, 2], "{}"), (#"{"a":1}"#, [0], "{}"),
            (#"{"a":1,"b":2,"c":3}"#, [], #"{"a":1,"b":2,"c":3}"#),
            ("[1, 2, 3]", [0], "[2, 3]"), ("[1, 2, 3]", [1], "[1, 3]"),
            ("[1, 2, 3]", [0, 1, 2], "[]"),
            (#"{ "a" : 1 , "b" : 2 }"#, [0], #"{ "b" : 2 }"#),
            (#"{ "a" : 1 , "b" : 2 }"#, [1], #"{ "a" : 1  }"#),
            (#"{ "a" : 1 , "b" : 2 }"#, [0, 1], "{  }"),
            ("{\n  \"a\": 1,\n  \"b\": [2, \",\"]\n}", [0], "{\n  \"b\": [2, \",\"]\n}"),
            ("{\n  \"a\": \",\",\n  \"b\": [2]\n}", [1], "{\n  \"a\": \",\"\n}"),
            (#"["a,", ",b", ",,"]"#, [1], #"["a,", ",,"]"#),
            (#"{"a":1,"a":2,"a":3}"#, [1], #"{"a":1,"a":3}"#),
        ] as [(String, [Int], String)])
    func `a member goes with the comma that is one too many`(
        _ text: String, _ out: [Int], _ expected: String
    ) throws {
        #expect(try cut(text, pathSet("$.*")) { out.contains($0) } == expected)
    }

    @Test func `members around a container that loses some of its own`() throws {
        let text =
            #"{"x":1,"x":2,"k":{"x":3,"x":4,"k":[{"x":5},{"x":6,"y":7}],"x":8},"x":9,"x":10}"#
        let set = try pathSet("$..x")
        #expect(
            try cut(text, set) { _ in true }
                == #"{"k":{"k":[{},{"y":7}]}}"#)
        #expect(
            try cut(text, set) { $0 != 0 }
                == #"{"x":1,"k":{"k":[{},{"y":7}]}}"#)
        #expect(
            try cut(text, set) { [0, 2, 4, 7].contains($0) }
                == #"{"x":2,"k":{"x":4,"k":[{},{"x":6,"y":7}],"x":8},"x":10}"#)
    }

    @Test func `the document itself is not cut out`() throws {
        let scanner = FieldScanner()
        var removal = FieldRemoval()
        try withSpan("[1]") { document in
            try scanner.scan(document, pathSet("$"), notesSealedText: false)
            let range = removal.removal(of: scanner.hits[0], in: document)
            #expect(range == nil)
        }
    }

    @Test func `a removal begins anew with each document`() throws {
        let scanner = FieldScanner()
        let set = try pathSet("$.*")
        var removal = FieldRemoval()
        for _ in 0..<2 {
            removal.begin()
            try withSpan("[1,2]") { document in
                try scanner.scan(document, set, notesSealedText: false)
                let hit = scanner.hits[0]
                let range = removal.removal(of: hit, in: document)
                #expect(range == 1..<3)
            }
            removal.begin()
            try withSpan("[1,2]") { document in
                try scanner.scan(document, set, notesSealedText: false)
                // Without a begin this would be taken for the second of a run.
                let hit = scanner.hits[1]
                let range = removal.removal(of: hit, in: document)
                #expect(range == 2..<4)
            }
        }
    }

    /// The document without white space and without the values at `out`.
    private func skeleton(_ node: TreeNode, _ bytes: [UInt8], _ out: Set<Int>) -> String {
        guard node.kind == .object || node.kind == .array else {
            return String(decoding: bytes[node.start..<node.end], as: UTF8.self)
        }
        let children = node.children.filter { !out.contains($0.node.start) }.map { child in
            guard case .name(let units) = child.step else {
                return skeleton(child.node, bytes, out)
            }
            return "\(units):" + skeleton(child.node, bytes, out)
        }
        let inside = children.joined(separator: ",")
        return node.kind == .object ? "{\(inside)}" : "[\(inside)]"
    }

    @Test(arguments: 0..<8)
    func `any choice of hits leaves the rest of the document`(_ part: UInt64) throws {
        var random = SeededRandom(seed: 1_000 + part)
        var removed = 0
        for _ in 0..<100 {
            let text = RandomDocument.text(
                seed: random.next(), names: Array(RandomDocument.names.prefix(4)), isDeep: true)
            let bytes = Array(text.utf8)
            var models = (0..<2).map { _ in ModelPath.random(&random, names: ["a", "b", "c"]) }
            models.removeAll { $0.segments.isEmpty }
            // Hits at many depths, in each other's containers.
            let name = ModelSegment.Selector.name(["a", "b", "c", ""].random(&random))
            models.append(ModelPath(segments: [ModelSegment(isDescendant: true, selector: name)]))
            let set = try FieldPathSet(models.map { try FieldPath($0.text(&random)) })
            let root = try #require(DocumentTree.read(bytes))
            let hits = try FieldScanner().find(bytes, set)
            let odds = 1 + random.next() % 4
            let out = hits.map { _ in random.next() % 4 < odds }
            let left = try cut(text, set) { out[$0] }
            let rest = try #require(DocumentTree.read(Array(left.utf8)), "\(text) left \(left)")
            let gone = Set(zip(hits, out).filter(\.1).map(\.0.hit.value.lowerBound))
            #expect(
                skeleton(rest, Array(left.utf8), []) == skeleton(root, bytes, gone), "\(text)")
            removed += gone.count
        }
        #expect(removed > 100)
    }
}
