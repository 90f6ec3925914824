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
}
