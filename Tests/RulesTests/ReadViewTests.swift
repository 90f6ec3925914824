// ReadViewTests: what a client sees of a topic when several rules name both.

import Fields
import Masks
import Testing

@testable import Rules

@Suite struct ReadViewTests {
    private func rule(
        _ principals: [String], _ topics: [String] = ["payments"], _ show: Showing? = nil,
        _ fields: [(String, Showing)] = []
    ) throws -> ReadRule {
        ReadRule(
            principals: try principals.map { try PrincipalPattern($0) },
            topics: try topics.map { try Glob($0) }, show: show,
            fields: try fields.map { .init(try FieldPath($0.0), $0.1) })
    }

    private func field(_ path: String, _ showing: Showing) throws -> ReadRule.Field {
        .init(try FieldPath(path), showing)
    }

    private let ada = Principal(name: "User:ada")
    private let fraud = Principal(name: "User:fraud", groups: ["cleared"])

    @Test func `without a grant fields are redacted and whole values stay sealed`() throws {
        let none = ReadView(whole: .sealed, fields: [], rest: .mask(.redact))
        #expect(RuleSet().view(of: "payments", for: ada) == none)
        let others = RuleSet(read: [
            try rule(["User:fraud"], ["payments"], .clear), try rule(["*"], ["clicks"], .clear),
            try rule(["group:cleared"], ["*"], .clear),
        ])
        for principal in [ada, .unknown, .anonymous] {
            #expect(others.view(of: "payments", for: principal) == none)
        }
        #expect(others.view(of: "payments", for: fraud) == .clear)
        #expect(others.view(of: "clicks", for: .unknown) == .clear)
    }

    @Test func `a rule for everybody holds for a client that is not known`() throws {
        let rules = RuleSet(read: [
            try rule(["User:*", "group:*"], ["*"], .clear), try rule(["*"], ["*"], .drop),
        ])
        #expect(rules.view(of: "t", for: .unknown) == ReadView(whole: .drop, rest: .drop))
        #expect(rules.view(of: "t", for: ada) == .clear)
    }

    @Test func `the first rule that says something of a path wins`() throws {
        let rules = RuleSet(read: [
            try rule(["User:ada"], ["payments"], nil, [("$.a", .mask(.null)), ("$.b", .sealed)]),
            try rule(["User:*"], ["pay*"], nil, [("$.a", .clear), ("$.c", .drop)]),
            try rule(["*"], ["*"], .sealed, [("$.d", .clear), ("$.b", .clear)]),
            try rule(["*"], ["*"], .clear, [("$.e", .clear)]),
        ])
        #expect(
            rules.view(of: "payments", for: ada)
                == ReadView(
                    whole: .sealed,
                    fields: [
                        try field("$.a", .mask(.null)), try field("$.b", .sealed),
                        try field("$.c", .drop), try field("$.d", .clear),
                    ], rest: .sealed))
        #expect(rules.readRules(of: "payments", for: ada) == [0, 1, 2])
        #expect(
            rules.view(of: "payments", for: .unknown)
                == ReadView(
                    whole: .sealed,
                    fields: [try field("$.d", .clear), try field("$.b", .clear)], rest: .sealed))
        #expect(rules.readRules(of: "payments", for: .unknown) == [2])
        #expect(rules.readRules(of: "payroll", for: ada) == [1, 2])
    }

    @Test func `what masks do not name is left to later rules and redacted at the end`() throws {
        let mask = try rule(["User:ada"], ["payments"], nil, [("$.a", .clear)])
        #expect(
            RuleSet(read: [mask]).view(of: "payments", for: ada)
                == ReadView(
                    whole: .sealed, fields: [try field("$.a", .clear)], rest: .mask(.redact)))
        let dropped = RuleSet(read: [mask, try rule(["*"], ["*"], .drop)])
        #expect(
            dropped.view(of: "payments", for: ada)
                == ReadView(whole: .drop, fields: [try field("$.a", .clear)], rest: .drop))
        #expect(RuleSet(read: [mask]).readRules(of: "clicks", for: ada) == [])
    }

    @Test func `a grant behind a mask does not open values that were sealed whole`() throws {
        let mask = try rule(["User:ada"], ["payments"], nil, [("$.card", .mask(.redact))])
        let grant = try rule(["*"], ["*"], .clear)
        let rules = RuleSet(read: [mask, grant])
        // The value may be the document, sealed before it had fields, card and all.
        #expect(
            rules.view(of: "payments", for: ada)
                == ReadView(
                    whole: .sealed, fields: [try field("$.card", .mask(.redact))], rest: .clear))
        #expect(rules.view(of: "payments", for: fraud) == .clear)
        let both = try rule(["*"], ["*"], .clear, [("$.card", .drop)])
        #expect(RuleSet(read: [both]).view(of: "payments", for: ada).whole == .sealed)
        let harmless = try rule(["*"], ["*"], .clear, [("$.card", .clear)])
        #expect(RuleSet(read: [harmless]).view(of: "payments", for: ada).whole == .clear)
    }

    @Test func `the path of the document decides of values that were sealed whole`() throws {
        let first = try rule(
            ["*"], ["*"], nil, [("$", .mask(.null)), ("$.card", .mask(.redact))])
        let rules = RuleSet(read: [first, try rule(["*"], ["*"], .clear, [("$", .clear)])])
        let view = rules.view(of: "payments", for: ada)
        #expect(view.whole == .mask(.null))
        #expect(view.rest == .clear)
        #expect(try view.fields == [field("$.card", .mask(.redact))], "the root is no field")
        let open = try rule(["*"], ["*"], .mask(.redact), [("$", .clear)])
        #expect(
            RuleSet(read: [open]).view(of: "payments", for: ada)
                == ReadView(whole: .clear, fields: [], rest: .mask(.redact)))
    }

    @Test func `nothing behind a rule that shows everything counts`() throws {
        let rules = RuleSet(read: [
            try rule(["*"], ["*"], .sealed),
            try rule(["*"], ["*"], .clear, [("$", .clear), ("$.a", .clear)]),
        ])
        #expect(rules.view(of: "payments", for: ada) == .sealed)
    }

    @Test func `the first of two fields with one path counts`() throws {
        let rules = RuleSet(read: [
            try rule(["*"], ["*"], nil, [("$.a", .drop), ("$.a", .clear)])
        ])
        #expect(try rules.view(of: "t", for: ada).fields == [field("$.a", .drop)])
    }

    @Test func `what a rule says of an object comes before what later rules say of its fields`()
        throws
    {
        let rules = RuleSet(read: [
            try rule(["User:ada"], ["*"], nil, [("$.card", .mask(.redact))]),
            try rule(["*"], ["*"], .clear, [("$.card.number", .clear), ("$['card']", .clear)]),
        ])
        #expect(
            try rules.view(of: "t", for: ada).fields == [
                field("$.card", .mask(.redact)), field("$.card.number", .clear),
            ])
        #expect(
            try rules.view(of: "t", for: fraud).fields == [
                field("$.card.number", .clear), field("$.card", .clear),
            ])
    }

    @Test func `within a rule the path that lies in another comes first`() throws {
        let one = try rule(
            ["*"], ["*"], nil,
            [
                ("$.b", .drop), ("$.a", .mask(.redact)), ("$.a.b", .sealed), ("$.a.b.c", .clear),
                ("$", .clear), ("$..z", .clear),
            ])
        #expect(
            one.fields.map(\.path.text) == ["$.b", "$.a.b.c", "$.a.b", "$.a", "$", "$..z"])
        let view = RuleSet(read: [one]).view(of: "t", for: ada)
        #expect(view.fields.map(\.path.text) == ["$.b", "$.a.b.c", "$.a.b", "$.a", "$..z"])
        #expect(view.whole == .clear)
    }
}
