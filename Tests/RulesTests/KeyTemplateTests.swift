// KeyTemplateTests: key names from topic names, and templates that are refused.

import Testing

@testable import Rules

@Suite struct KeyTemplateTests {
    @Test(arguments: [
        ("kek", "payments", "kek"), ("kek-$(topic)", "payments", "kek-payments"),
        ("$(topic)", "orders.eu", "orders.eu"), ("$(topic)-$(topic)_k", "a", "a-a_k"),
    ])
    func `a template is filled with the topic`(
        _ template: String, _ topic: String, _ name: String
    ) throws {
        #expect(try KeyTemplate(template).naming(topic: topic) == .fixed(name))
    }

    @Test(arguments: [
        ("$(header:tenant)", "", ""), ("kek-$(header:tenant)", "kek-", ""),
        ("$(topic).$(header:tenant)_$(topic)", "pay.", "_pay"),
    ])
    func `a header leaves a place that each record fills`(
        _ template: String, _ prefix: String, _ suffix: String
    ) throws {
        let found = try KeyTemplate(template)
        #expect(found.header == "tenant")
        #expect(!found.isFixed)
        #expect(
            try found.naming(topic: "pay")
                == .byHeader(HeaderKeyName(header: "tenant", prefix: prefix, suffix: suffix)))
    }

    @Test func `what a template depends on is told`() throws {
        #expect(try KeyTemplate("kek").isFixed)
        #expect(try !KeyTemplate("$(topic)").isFixed)
        #expect(try KeyTemplate("$(topic)").usesTopic)
        #expect(try !KeyTemplate("$(header:topic)").usesTopic)
        #expect(try KeyTemplate("$(header:tenant id: caf\u{e9})").header == "tenant id: caf\u{e9}")
    }

    @Test(arguments: [
        ("acme", "kek-acme-1"), ("A.b_c-9", "kek-A.b_c-9-1"), ("", nil), ("a/b", nil),
        ("a b", nil), ("caf\u{e9}", nil), ("a\u{0}", nil),
        (String(repeating: "v", count: 249), "kek-" + String(repeating: "v", count: 249) + "-1"),
        (String(repeating: "v", count: 250), nil),
    ])
    func `the value of a header makes a key name or none`(_ value: String, _ name: String?) {
        let template = HeaderKeyName(header: "tenant", prefix: "kek-", suffix: "-1")
        #expect(template.name(for: value) == name)
    }

    @Test func `no producer can lead out of the place where keys are`() {
        let bare = HeaderKeyName(header: "tenant", prefix: "", suffix: "")
        #expect(bare.name(for: ".") == nil)
        #expect(bare.name(for: "..") == nil)
        #expect(bare.name(for: "...") == "...")
        #expect(HeaderKeyName(header: "h", prefix: ".", suffix: "").name(for: ".") == nil)
        #expect(throws: KeyNameError.self) { try KeyTemplate(".$(topic)").naming(topic: ".") }
    }

    @Test(arguments: [
        ("", KeyTemplateError.empty), ("a b", .character(" ")), ("a/b", .character("/")),
        ("k\u{e9}", .character("\u{e9}")), ("$", .placeholder("$")),
        ("kek-$(principal)", .placeholder("$(principal)")), ("$topic", .placeholder("$topic")),
        ("$(topic", .placeholder("$(topic")), ("$(headers:x)", .placeholder("$(headers:x)")),
        ("$(header:)", .header), ("$(header:a\nb)", .header), ("$(header:wax)", .reservedHeader),
        ("$(header:a)$(header:a)", .headers), (".", .dots), ("..", .dots),
    ])
    func `a template that makes no names is refused`(
        _ template: String, _ error: KeyTemplateError
    ) {
        #expect(throws: error) { try KeyTemplate(template) }
    }

    @Test func `an overlong template is refused`() {
        #expect(throws: KeyTemplateError.header) {
            try KeyTemplate("$(header:\(String(repeating: "h", count: 256)))")
        }
        #expect(throws: KeyTemplateError.tooLong(byteCount: 256)) {
            try KeyTemplate(String(repeating: "k", count: 256))
        }
    }

    @Test func `a topic that does not make a key name is an error that names it`() throws {
        let template = try KeyTemplate("kek-$(topic)")
        let error = #expect(throws: KeyNameError.self) { try template.naming(topic: "a b\n") }
        #expect(
            error?.description
                == "topic \"a b\\n\" does not make a key name: it has to have 1 to 255 bytes,"
                + " letters, digits, `.`, `_` and `-`")
        #expect(throws: KeyNameError.self) {
            try template.naming(topic: String(repeating: "t", count: 252))
        }
        let longest = String(repeating: "t", count: 251)
        #expect(try template.naming(topic: longest) == .fixed("kek-" + longest))
        #expect(throws: KeyNameError.self) { try KeyTemplate("$(topic)").naming(topic: "") }
        let both = try KeyTemplate("$(header:h)-$(topic)-$(topic)")
        #expect(throws: KeyNameError.self) {
            try both.naming(topic: String(repeating: "t", count: 127))
        }
        #expect(throws: Never.self) { try both.naming(topic: String(repeating: "t", count: 126)) }
    }
}
