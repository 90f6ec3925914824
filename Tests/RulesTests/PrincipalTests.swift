// PrincipalTests: which clients a pattern fits, and patterns that are refused.

import Testing

@testable import Rules

@Suite struct PrincipalTests {
    private let ada = Principal(name: "User:ada", groups: ["analysts", "eu"])

    @Test(arguments: [
        ("*", true), ("User:ada", true), ("User:*", true), ("User:a?a", true), ("User:bob", false),
        ("User:Ada", false), ("User:ad", false), ("group:eu", true), ("group:anal*", true),
        ("group:ada", false), ("User:analysts", false), ("group:User:ada", false),
    ])
    func `a client fits by its name or by a group`(_ pattern: String, _ fits: Bool) throws {
        #expect(try PrincipalPattern(pattern).matches(ada) == fits)
    }

    @Test(arguments: ["User:*", "User:?*", "group:*", "User:unknown"])
    func `a client that is not known fits everybody and nothing else`(_ pattern: String) throws {
        #expect(try !PrincipalPattern(pattern).matches(.unknown))
        #expect(try PrincipalPattern("*").matches(.unknown))
    }

    @Test func `nobody's name is taken for a group and no group for a name`() throws {
        let eve = Principal(name: "group:admins")
        #expect(try !PrincipalPattern("group:admins").matches(eve))
        let mallory = Principal(name: "User:mallory", groups: ["User:ada"])
        #expect(try !PrincipalPattern("User:ada").matches(mallory))
    }

    @Test func `an anonymous client has the name that Kafka gives it`() throws {
        #expect(try PrincipalPattern("User:ANONYMOUS").matches(.anonymous))
        #expect(try PrincipalPattern("User:*").matches(.anonymous))
        #expect(Principal.unknown.description == "unknown")
    }

    @Test(arguments: ["", "ada", "user:ada", "User", "User:", "group:", "Group:x", "**", "*a"])
    func `a pattern of another form is refused`(_ pattern: String) {
        #expect(throws: PrincipalPatternError.form) { try PrincipalPattern(pattern) }
    }

    @Test func `an overlong pattern is refused`() {
        let long = "User:" + String(repeating: "u", count: 508)
        #expect(throws: PrincipalPatternError.tooLong(byteCount: 513)) {
            try PrincipalPattern(long)
        }
    }

    @Test(arguments: ["*", "User:a*", "group:a?"])
    func `a pattern is shown as it was written`(_ pattern: String) throws {
        #expect(try PrincipalPattern(pattern).description == pattern)
        #expect(try PrincipalPattern(pattern).isGroup == pattern.hasPrefix("group:"))
    }

    @Test(arguments: [
        ("*", "*", true), ("*", "User:*", true), ("*", "group:x", true), ("User:*", "*", false),
        ("User:a*", "User:ab", true), ("User:ab", "User:a*", false),
        ("group:*", "group:x", true), ("group:*", "User:x", false), ("User:*", "group:x", false),
    ])
    func `a pattern covers those that name no other clients`(
        _ wide: String, _ narrow: String, _ covers: Bool
    ) throws {
        #expect(try PrincipalPattern(wide).covers(PrincipalPattern(narrow)) == covers)
    }
}
