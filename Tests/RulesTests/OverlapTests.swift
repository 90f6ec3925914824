// OverlapTests: overlaps with exceptions, against all short names.

import Testing

@testable import Rules

@Suite struct OverlapTests {
    private func overlap(
        _ first: String, _ second: String, _ exceptions: [String] = []
    ) throws -> Overlap {
        try Overlap.between(
            Glob(first), Glob(second), exceptions: exceptions.map { try Glob($0) })
    }

    @Test func `a shortest topic is shown`() throws {
        #expect(try overlap("orders.*", "*.eu") == .topic("orders.eu"))
        #expect(try overlap("payments", "pay*") == .topic("payments"))
        #expect(try overlap("payments", "orders.*") == .none)
    }

    @Test func `an exception takes topics out`() throws {
        #expect(try overlap("orders.*", "orders.eu", ["orders.eu"]) == .none)
        #expect(try overlap("orders.*", "orders.e*", ["orders.e?"]) == .topic("orders.e"))
        #expect(try overlap("*", "*", ["?*"]) == .none)
    }

    @Test func `several exceptions together can take everything out`() throws {
        #expect(try overlap("a?", "a*", ["a?"]) == .none)
        #expect(try overlap("a*", "*a", ["a", "a*a"]) == .none)
        #expect(try overlap("a*", "*a", ["a*a"]) == .topic("a"))
    }

    @Test func `every short combination agrees with all short names`() throws {
        let names = strings(over: "abz", lengths: 1...6).filter { $0 != "" }
        let globs = try strings(over: "a*?", lengths: 1...3).map { try Glob($0) }
        let exceptions = try strings(over: "a*?", lengths: 1...2).map { try Glob($0) }
        let fitting = Dictionary(
            uniqueKeysWithValues: Set(globs + exceptions).map { glob in
                (glob, Set(names.filter { glob.matches($0) }))
            })
        for first in globs where first.pattern.hasPrefix("a") || first.pattern.hasPrefix("*") {
            for second in globs {
                for exception in exceptions {
                    let rest = (fitting[first] ?? []).intersection(fitting[second] ?? [])
                        .subtracting(fitting[exception] ?? [])
                    let found = Overlap.between(first, second, exceptions: [exception])
                    let isRight: Bool
                    switch found {
                    case .none: isRight = rest.isEmpty
                    case .topic(let name): isRight = rest.contains(name)
                    case .undecided: isRight = false
                    }
                    if !isRight {
                        Issue.record("\(first) and \(second) without \(exception): \(found)")
                    }
                }
            }
        }
    }

    @Test func `it gives up when there are too many sets of positions`() throws {
        let many = "*a" + String(repeating: "?", count: 40) + "*"
        let found = Overlap.between(
            try Glob("*b*"), try Glob("*b??????????????????????????????????????????????????*"),
            exceptions: [try Glob(many)], statesMax: 64)
        #expect(found == .undecided)
    }
}
