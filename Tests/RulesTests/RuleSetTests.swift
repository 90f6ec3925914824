// RuleSetTests: which rule holds for a topic.

import Testing

@testable import Rules

@Suite struct RuleSetTests {
    private func globs(_ patterns: [String]) throws -> [Glob] {
        try patterns.map { try Glob($0) }
    }

    private func sampleRules() throws -> RuleSet {
        RuleSet(
            protect: [
                ProtectRule(
                    topics: try globs(["payments", "orders.*"]),
                    exceptions: try globs(["orders.public.*"]), service: "corp",
                    key: try KeyTemplate("kek-$(topic)")),
                ProtectRule(
                    topics: try globs(["mirror.payments"]), service: "local",
                    key: try KeyTemplate("fixed"), sealedAs: "payments"),
            ],
            read: [
                ReadRule(topics: try globs(["orders.secret"]), show: .sealed),
                ReadRule(topics: try globs(["orders.*", "audit"]), show: .clear),
            ])
    }

    @Test func `a topic is protected by the rule that names it`() throws {
        let rules = try sampleRules()
        #expect(
            try rules.protection(topic: "orders.eu")
                == Protection(
                    service: "corp", key: .fixed("kek-orders.eu"), boundTopic: "orders.eu"))
        #expect(
            try rules.protection(topic: "mirror.payments")
                == Protection(service: "local", key: .fixed("fixed"), boundTopic: "payments"))
        #expect(try rules.protection(topic: "clicks") == nil)
    }

    @Test func `an exception leaves a topic unprotected`() throws {
        let rules = try sampleRules()
        #expect(try rules.protection(topic: "orders.public.prices") == nil)
        #expect(try rules.protection(topic: "orders.public") != nil)
    }

    @Test func `a protected topic without a key name is an error and not unprotected`() throws {
        let rules = try sampleRules()
        #expect(throws: KeyNameError.self) { try rules.protection(topic: "orders.\u{0}") }
    }

    @Test func `clear text is shown by the first rule that names the topic`() throws {
        let rules = try sampleRules()
        #expect(rules.view(of: "orders.eu", for: .anonymous) == .clear)
        #expect(rules.view(of: "orders.secret", for: .anonymous) == .sealed)
        #expect(rules.view(of: "payments", for: .anonymous) == ReadView())
        #expect(RuleSet().view(of: "payments", for: .anonymous) == ReadView())
    }

    @Test func `a topic is of concern when any rule names it`() throws {
        let rules = try sampleRules()
        #expect(rules.concerns(topic: "payments"))
        #expect(rules.concerns(topic: "audit"))
        #expect(rules.concerns(topic: "orders.public.prices"), "a read rule names it")
        #expect(!rules.concerns(topic: "clicks"))
        #expect(!rules.isEmpty)
        #expect(RuleSet().isEmpty)
    }

    @Test(arguments: [
        ("a", true), ("a-B_9.z", true), ("", false), (".", false), ("..", false), ("a b", false),
        ("caf\u{e9}", false),
    ])
    func `names of topics are checked as brokers do`(_ name: String, _ isValid: Bool) {
        #expect(TopicName.isValid(name) == isValid)
        #expect(!TopicName.isValid(String(repeating: "t", count: 250)))
    }
}
