// FieldPathRelationTests: what two paths have in common, against all places there are.

import Fields
import TestSupport
import Testing

@Suite struct FieldPathRelationTests {
    @Test(
        arguments: [
            ("$.a", "$.a", true), ("$.a", "$.b", false), ("$.*", "$.b", true),
            ("$[*]", "$[0]", true),
            ("$.a", "$[0]", false), ("$.a", "$.a.b", false), ("$", "$", true), ("$", "$.a", false),
            ("$..a", "$.a", true), ("$..a", "$.b.c.a", true), ("$..a", "$.b", false),
            ("$..a.b", "$.*.*", true), ("$..a..b", "$.a.b", true), ("$..a..b", "$.b.a", false),
            ("$.*[0]", "$.a[*]", true), ("$.*[0]", "$.a[1]", false), ("$..*", "$", false),
            ("$..[0].a", "$.x[*].a", true), ("$..[0].a", "$.x.y.a", false),
        ] as [(String, String, Bool)])
    func `paths overlap when one value can be both`(
        _ left: String, _ right: String, _ expected: Bool
    ) throws {
        let (left, right) = (try FieldPath(left), try FieldPath(right))
        #expect(left.overlaps(right) == expected)
        #expect(right.overlaps(left) == expected)
    }

    @Test(
        arguments: [
            ("$.a", "$.a", true, true), ("$.a", "$.a.b", true, false),
            ("$.a", "$.a..b", true, false),
            ("$", "$..x", true, false), ("$.*", "$.a", true, true), ("$.a", "$.*", false, false),
            ("$..a", "$.x.a", true, true), ("$..a", "$.a.b", true, false),
            ("$..a", "$..b", false, false), ("$..*", "$", false, false),
            ("$..*", "$.a", true, true),
            ("$.a", "$", false, false), ("$[*]", "$[0].b", true, false),
            ("$[0]", "$[*]", false, false),
            ("$..b", "$..a..b", true, true), ("$..a..b", "$..b", false, false),
            ("$.*.*", "$..a", false, false), ("$.*", "$..a", true, false),
            ("$..a.b", "$.a.b.a.b", true, true),
        ] as [(String, String, Bool, Bool)])
    func `what contains and covers a path`(
        _ outer: String, _ inner: String, _ contains: Bool, _ covers: Bool
    ) throws {
        let (outer, inner) = (try FieldPath(outer), try FieldPath(inner))
        #expect(outer.contains(inner) == contains)
        #expect(outer.covers(inner) == covers)
    }

    @Test(
        arguments: [
            ("$.a", "$.a.b", true), ("$.a", "$.a", false), ("$.a", "$..b", true), ("$", "$", false),
            ("$", "$.a", true), ("$..a", "$.b.c", false), ("$..a", "$.b.a.c", true),
            ("$.a.b", "$.a", false),
            ("$.a.b", "$.*.*", false), ("$.a.b", "$.*.*.*", true), ("$.a", "$.b..a", false),
            ("$..a", "$..a", true), ("$[0]", "$.a.b", false),
        ] as [(String, String, Bool)])
    func `a path reaches over what can lie below it`(
        _ outer: String, _ inner: String, _ expected: Bool
    ) throws {
        #expect(try FieldPath(outer).reachesOver(FieldPath(inner)) == expected)
    }

    @Test func `paths relate as they do at every place of up to five steps`() throws {
        // Two names and two places, and one of each that no path says.
        let steps: [TreeStep] = [.name([97]), .name([98]), .name([99]), .index(0), .index(7)]
        var places: [[TreeStep]] = [[]]
        var last: [[TreeStep]] = [[]]
        for _ in 0..<5 {
            last = last.flatMap { place in steps.map { place + [$0] } }
            places += last
        }
        var random = SeededRandom(seed: 7)
        var counts = [0, 0, 0, 0]
        for _ in 0..<250 {
            let models = (0..<2).map { _ in
                ModelPath.random(&random, names: ["a", "b"], segmentsMax: 2)
            }
            let isSaid = models.flatMap(\.segments).allSatisfy {
                $0.selector != .index(1) && $0.selector != .index(2)
            }
            guard isSaid else { continue }
            let outer = try FieldPath(models[0].text(&random))
            let inner = try FieldPath(models[1].text(&random))
            var expected = [false, true, true, false]
            for place in places where models[1].selects(place[...]) {
                let isBelow = (0..<place.count).contains { models[0].selects(place[..<$0]) }
                let isSame = models[0].selects(place[...])
                if isSame { expected[0] = true }
                if !isSame && !isBelow { expected[1] = false }
                if !isSame { expected[2] = false }
                if isBelow { expected[3] = true }
            }
            let found = [
                outer.overlaps(inner), outer.contains(inner), outer.covers(inner),
                outer.reachesOver(inner),
            ]
            #expect(found == expected, "\(outer) and \(inner)")
            for index in 0..<4 where expected[index] { counts[index] += 1 }
        }
        #expect(counts.allSatisfy { $0 > 10 }, "each relation has to be met: \(counts)")
    }

    @Test func `a comparison that takes too long says no`() throws {
        let tail = String(repeating: ".*", count: 20)
        let outer = try FieldPath("$..a" + tail)
        #expect(outer.overlaps(outer))
        #expect(!outer.covers(try FieldPath("$..*" + tail + ".*")))
    }
}
