// GlobTests: globs against examples, and against a matcher too simple to be wrong.

import Testing

@testable import Rules

/// Every way that a pattern can take a name, tried one after the other.
private func naiveMatch(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let token = pattern.first else { return name.isEmpty }
    switch token {
    case UInt8(ascii: "*"):
        return naiveMatch(pattern.dropFirst(), name)
            || (!name.isEmpty && naiveMatch(pattern, name.dropFirst()))
    case UInt8(ascii: "?"):
        return !name.isEmpty && naiveMatch(pattern.dropFirst(), name.dropFirst())
    default:
        return name.first == token && naiveMatch(pattern.dropFirst(), name.dropFirst())
    }
}

internal func naiveMatch(_ pattern: String, _ name: String) -> Bool {
    naiveMatch(Array(pattern.utf8)[...], Array(name.utf8)[...])
}

/// Every string over `alphabet` of `lengths` bytes.
internal func strings(over alphabet: String, lengths: ClosedRange<Int>) -> [String] {
    var found: [String] = []
    var current = [""]
    for length in 0...lengths.upperBound {
        if lengths.contains(length) { found += current }
        current = current.flatMap { start in alphabet.map { start + String($0) } }
    }
    return found
}

@Suite struct GlobTests {
    @Test(arguments: [
        ("payments", "payments", true), ("payments", "payment", false),
        ("payments", "paymentsx", false), ("orders.*", "orders.eu", true),
        ("orders.*", "orders.", true), ("orders.*", "orders", false),
        ("orders.*", "ordersxeu", false), ("*", "anything", true), ("*", "", true),
        ("**", "", true), ("?", "", false), ("?", "a", true), ("?", "ab", false),
        ("*.eu.*", "a.us.eu.b", true), ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbYbZ", false),
        ("*-dlq", "pay-dlq-dlq", true), ("[ab]", "a", false), ("a.c", "abc", false),
        ("a\\*", "a*", false),
    ])
    func `a pattern fits the names that it says`(
        _ pattern: String, _ name: String, _ fits: Bool
    ) throws {
        #expect(try Glob(pattern).matches(name) == fits)
    }

    @Test func `every short pattern agrees with the simple matcher on every short name`() throws {
        let names = strings(over: "ab", lengths: 0...5)
        for pattern in strings(over: "ab*?", lengths: 1...5) {
            let glob = try Glob(pattern)
            for name in names where glob.matches(name) != naiveMatch(pattern, name) {
                Issue.record("\(pattern) on \(name): \(glob.matches(name))")
            }
        }
    }

    @Test func `two patterns intersect when a short name fits both`() throws {
        // A shortest common name of patterns of up to 3 bytes has at most 6.
        let names = strings(over: "abc", lengths: 0...6)
        let globs = try strings(over: "ab*?", lengths: 1...3).map { try Glob($0) }
        let fitting = globs.map { glob in Set(names.filter { glob.matches($0) }) }
        for (first, a) in globs.enumerated() {
            for (second, b) in globs.enumerated() {
                let expected = !fitting[first].isDisjoint(with: fitting[second])
                if a.intersects(b) != expected {
                    Issue.record("\(a) and \(b): \(a.intersects(b)), not \(expected)")
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a pattern made to make matchers go back is done in time`() throws {
        let glob = try Glob(String(repeating: "a*", count: 120) + "b")
        let name = String(repeating: "a", count: 249)
        #expect(!glob.matches(name))
    }

    @Test func `a literal is compared byte by byte`() throws {
        #expect(try !Glob("caf\u{e9}").matches("cafe\u{301}"))
    }

    @Test func `empty and overlong patterns are refused`() {
        #expect(throws: GlobError.empty) { try Glob("") }
        #expect(throws: GlobError.tooLong(byteCount: 513)) {
            try Glob(String(repeating: "a", count: 513))
        }
    }

    @Test(arguments: [
        ("*", "a", true), ("*", "*", true), ("a*", "ab*", true), ("a*", "a", true),
        ("ab*", "a*", false), ("a?", "ab", true), ("a?", "a*", false), ("a*", "a?", true),
        ("?*", "*?", true), ("*?", "?*", true), ("?*", "*", false), ("?*", "*a*", true),
        ("?*a*", "*aa*", true), ("*a*b*", "*b*a*", false), ("*.eu", "orders.*", false),
        ("*.eu", "orders.*.eu", true), ("a?c", "abc", true), ("a?c", "a?c", true),
        ("abc", "a?c", false), ("a*a", "aa*", false), ("*??*", "?*?", true),
        ("payments", "payments", true),
    ])
    func `a pattern covers those whose names all fit it`(
        _ wide: String, _ narrow: String, _ covers: Bool
    ) throws {
        #expect(try Glob(wide).covers(Glob(narrow)) == covers)
    }

    /// Every name of up to five of three letters, two of which patterns may have.
    @Test func `covering agrees with all names of a small alphabet`() throws {
        var names: [[Character]] = [[]]
        var all: [String] = []
        for _ in 0..<5 {
            names = names.flatMap { name in "abz".map { name + [$0] } }
            all += names.map { String($0) }
        }
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        func pattern() throws -> Glob {
            let count = Int.random(in: 1...4, using: &random)
            return try Glob(String((0..<count).map { _ in "ab**?".randomElement(using: &random)! }))
        }
        var covered = 0
        for _ in 0..<4_000 {
            let (wide, narrow) = (try pattern(), try pattern())
            let fitting = all.filter(narrow.matches)
            let covers = wide.covers(narrow)
            covered += covers ? 1 : 0
            #expect(
                covers == fitting.allSatisfy(wide.matches) || narrow.matches("") && !covers,
                "\(wide) and \(narrow), seed \(seed)")
            if covers { #expect(wide.intersects(narrow)) }
        }
        #expect(covered > 100)
    }
}

/// Steele, Lea and Flood's generator: short, and the same everywhere.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
