// SpellingTests: what may have been meant.

import Testing

@testable import Config

@Suite struct SpellingTests {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("topic", "topics", 1), ("sehll", "shell", 1),
        ("kitten", "sitting", 3), ("abc", "abc", 0),
    ])
    func `distances are counted in letters`(_ from: String, _ to: String, _ distance: Int) {
        #expect(Spelling.distance(Array(from.utf8), Array(to.utf8)) == distance)
        #expect(Spelling.distance(Array(to.utf8), Array(from.utf8)) == distance)
    }

    @Test func `the nearest word is suggested, and nothing when none is near`() {
        let words = ["listeners", "limits", "log"]
        #expect(Spelling.suggestion(for: "listner", among: words) == "; did you mean `listeners`?")
        #expect(Spelling.suggestion(for: "Limits", among: words) == "; did you mean `limits`?")
        #expect(Spelling.suggestion(for: "vault", among: words) == "")
        #expect(Spelling.suggestion(for: "", among: words) == "")
        let long = String(repeating: "l", count: 10_000)
        #expect(Spelling.suggestion(for: long, among: words) == "")
    }

    @Test func `words are listed`() {
        #expect(Spelling.either([]) == "")
        #expect(Spelling.either(["a"]) == "`a`")
        #expect(Spelling.either(["a", "b", "c"]) == "`a`, `b` or `c`")
    }
}
