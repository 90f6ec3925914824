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
        #expect(try KeyTemplate(template).fill(topic: topic) == name)
    }

    @Test(arguments: [
        ("", KeyTemplateError.empty), ("a b", .character(" ")), ("a/b", .character("/")),
        ("k\u{e9}", .character("\u{e9}")), ("$", .placeholder("$")),
        ("kek-$(principal)", .placeholder("$(principal)")), ("$topic", .placeholder("$topic")),
        ("$(topic", .placeholder("$(topic")),
    ])
    func `a template that makes no names is refused`(
        _ template: String, _ error: KeyTemplateError
    ) {
        #expect(throws: error) { try KeyTemplate(template) }
    }

    @Test func `an overlong template is refused`() {
        #expect(throws: KeyTemplateError.tooLong(byteCount: 256)) {
            try KeyTemplate(String(repeating: "k", count: 256))
        }
    }

    @Test func `a topic that does not make a key name is an error that names it`() throws {
        let template = try KeyTemplate("kek-$(topic)")
        let error = #expect(throws: KeyNameError.self) { try template.fill(topic: "a b\n") }
        #expect(
            error?.description
                == "topic \"a b\\n\" does not make a key name: it has to have 1 to 255 bytes,"
                + " letters, digits, `.`, `_` and `-`")
        #expect(throws: KeyNameError.self) {
            try template.fill(topic: String(repeating: "t", count: 252))
        }
        #expect(try template.fill(topic: String(repeating: "t", count: 251)).utf8.count == 255)
        #expect(throws: KeyNameError.self) { try KeyTemplate("$(topic)").fill(topic: "") }
    }
}
