// ExplainCommandTests: what `waxwing explain` says of rules and samples.

import Foundation
import Testing

@testable import App

@Suite struct ExplainCommandTests {
    private let bench: Workbench
    private let value: String
    private let document =
        #"{"id":1,"card":{"number":"4111111111111111"},"email":"ann@corp.example","#
        + #""tel":"123456789"}"#
    private let plaintexts = ["4111111111111111", "ann@corp.example", "123456789"]
    private static let rules = """
        protect:
          - topics: [customers]
            key: local/customers
            fields: ["$.card.number", $.email, $.tel]
          - {topics: [whole], key: "local/$(header:tenant)", compress: zstd}
          - {topics: [tried], key: local/customers, dryRun: true}
        read:
          - {principals: ["User:fraud"], topics: ["*"], show: clear}
          - principals: ["User:analyst-*", "group:analysts"]
            topics: [customers]
            mask: {$.card.number: {keepLast: 4}, $.tel: drop}
          - {principals: ["User:backup"], topics: ["*"], show: sealed}
          - {principals: ["User:nobody"], topics: ["*"], show: drop}
        """

    init() throws {
        bench = try Workbench()
        value = try bench.write("value.json", document + "\n")
    }

    private func explain(
        _ principal: String, _ topic: String = "customers", rules: String = rules,
        _ more: String...
    ) async throws -> CommandResult {
        let config = try bench.configure(rules)
        let start = ["explain", "--config", config, "--principal", principal, "--topic", topic]
        let all = start + ["--value", value] + more
        return await bench.run(all)
    }

    private func seen(_ result: CommandResult) -> String? {
        result.lines.first { $0.hasPrefix("seen ") }.map {
            String($0.dropFirst("seen".count)).trimmingCharacters(in: .whitespaces)
        }
    }

    private func stored(_ result: CommandResult) -> String {
        result.lines.first { $0.hasPrefix("stored ") } ?? ""
    }

    @Test func `who may read in clear sees the document, and the broker does not`() async throws {
        let result = try await explain("User:fraud")
        #expect(result.code == 0)
        #expect(seen(result) == document)
        for plaintext in plaintexts { #expect(!stored(result).contains(plaintext)) }
        #expect(
            stored(result).contains(
                #"{"id":1,"card":{"number":"wax1:…69 bytes"},"email":"wax1:…69 bytes""#))
    }

    @Test(arguments: [["User:analyst-1"], ["User:x", "--group", "analysts"]])
    func `masks are shown as clients see them`(_ who: [String]) async throws {
        let config = try bench.configure(ExplainCommandTests.rules)
        let result = await bench.run(
            ["explain", "--config", config, "--topic", "customers", "--value", value]
                + ["--principal"] + who)
        #expect(
            seen(result) == #"{"id":1,"card":{"number":"************1111"},"email":"********"}"#)
        let text = result.output
        #expect(text.contains("protect         \(config):7\n"))
        #expect(text.contains("read            \(config):14\n"))
        #expect(text.contains("  $.card.number  masked by keepLast (line 14)\n"))
        #expect(text.contains("  $.email        redacted (no rule says)\n"))
        #expect(text.contains("  $.tel          left out (line 14)\n"))
    }

    @Test(arguments: ["unknown", "User:stranger", "User:ANALYST-1"])
    func `who has no grant sees nothing of what is sealed`(_ principal: String) async throws {
        let result = try await explain(principal)
        #expect(result.code == 0)
        #expect(
            seen(result)
                == #"{"id":1,"card":{"number":"********"},"email":"********","tel":"********"}"#)
        for plaintext in plaintexts { #expect(!result.output.contains(plaintext)) }
        #expect(result.output.contains("no rule names this client and this topic"))
    }

    @Test func `records can pass as they are stored, or not at all`() async throws {
        let backup = try await explain("User:backup")
        #expect(seen(backup) == "as it is stored")
        #expect(backup.output.contains("records pass as they are stored"))
        let nobody = try await explain("User:nobody", "whole", "--key-header", "tenant=customers")
        #expect(seen(nobody) == "the record is not delivered")
    }

    @Test func `a key by header needs the header`() async throws {
        let without = try await explain("User:fraud", "whole")
        #expect(without.code == 0)
        #expect(stored(without).contains(#"the record header "tenant", which names the key"#))
        #expect(seen(without) == nil)
        let with = try await explain("User:fraud", "whole", "--key-header", "tenant=customers")
        #expect(stored(with).contains("sealed whole, "))
        #expect(seen(with) == document)
        let odd = try await explain("User:fraud", "whole", "--key-header", "tenant=../x")
        #expect(stored(odd).contains("makes no key name"))
        let stranger = try await explain("User:x", "whole", "--key-header", "tenant=a")
        #expect(seen(stranger) == "as it is stored")
        for plaintext in plaintexts { #expect(!stranger.output.contains(plaintext)) }
    }

    @Test func `a dry run seals nothing and says so`() async throws {
        let result = try await explain("User:fraud", "tried")
        #expect(result.output.contains("  dry run       nothing is sealed"))
        #expect(stored(result).hasSuffix("as it came: \(document)"))
    }

    @Test func `what no rule protects is stored in clear`() async throws {
        let result = try await explain("User:x", "other")
        #expect(result.output.contains("no rule: what is produced is stored as it is"))
        #expect(stored(result).hasSuffix("as it came: \(document)"))
        #expect(seen(result) == "as it is stored")
    }

    @Test func `what would be refused is, with the reason`() async throws {
        try bench.write("value.json", "no document")
        let result = try await explain("User:fraud")
        #expect(result.code == 0)
        #expect(stored(result).contains("the record is refused: the value is not a JSON document"))
        try bench.write("value.json", #"{"email":"wax1:x"}"#)
        #expect(
            stored(try await explain("User:fraud")).contains(
                "the value has a text that begins as sealed fields do"))
        try bench.write("value.json", [0xff, 0x00, 0x1b])
        let binary = try await explain("User:x", "other")
        #expect(binary.output.contains("3 bytes, not text: ff001b"))
        #expect(!binary.bytes.contains(0x1b))
    }

    @Test func `keyed masks say when their key is not that of clients`() async throws {
        let rules = """
            tokenKey: {key: local/tokens, wrapped: "AAAA"}
            protect: [{topics: [customers], key: local/customers, fields: [$.email]}]
            read: [{principals: ["User:a"], topics: [customers], mask: {$.email: token}}]
            """
        let away = try await explain("User:a", rules: rules)
        #expect(away.output.contains("made with a key that nobody keeps"))
        #expect(away.output.contains("tokenKey: key tokens: corrupt"))
        #expect(!away.output.contains("ann@corp.example"))
        let config = try bench.configure("")
        let made = await bench.run("keys", "token", "--config", config, "local/tokens")
        let good = rules.split(separator: "\n").dropFirst().joined(separator: "\n")
        let first = try await explain("User:a", rules: made.output + good)
        let second = try await explain("User:a", rules: made.output + good)
        #expect(!first.output.contains("note"))
        #expect(seen(first) == seen(second))
        #expect(seen(first)?.contains("ann@corp.example") == false)
        let offline = try await explain("User:a", rules: made.output + good, "--offline")
        #expect(offline.output.contains("--offline was given"))
        #expect(seen(offline) != seen(first))
    }

    @Test func `several rules are put together in their order`() async throws {
        let rules = """
            protect:
              - {topics: [customers], key: local/customers, fields: [$.card, $.email, $..tel]}
            read:
              - {principals: ["User:a"], topics: [customers], mask: {$.email: email, $.tel: clear}}
              - principals: ["*"]
                topics: [customers]
                mask: {$.card: clear}
                others: sealed
              - {principals: ["User:a"], topics: [other], show: clear}
            """
        let result = try await explain("User:a", rules: rules)
        let file = bench.directory + "/waxwing.yaml"
        #expect(result.output.contains("read            \(file):9\n                \(file):10\n"))
        #expect(result.output.contains("  $.card        in clear (line 10)\n"))
        #expect(result.output.contains("  $.email       masked by email (line 9)\n"))
        #expect(
            result.output.contains(
                "  $..tel        what $.tel selects in clear (line 9);"
                    + " all else as stored (line 10)\n"
            ))
        #expect(
            seen(result)?.contains(#""email":"*****@corp.example","tel":"123456789""#) == true)
    }

    @Test func `--json says the same`() async throws {
        let result = try await explain("User:analyst-1", "customers", "--json")
        let object = try #require(try result.objects().first)
        let protect = try #require(object["protect"] as? [String: Any])
        #expect(protect["line"] as? Int == 7)
        #expect(protect["key"] as? String == "customers")
        #expect(protect["fields"] as? [String] == ["$.card.number", "$.email", "$.tel"])
        #expect((object["read"] as? [[String: Any]])?.map { $0["line"] as? Int } == [14])
        let view = try #require(object["view"] as? [String: Any])
        #expect((view["rest"] as? [String: Any])?["show"] as? String == "redact")
        let stored = try #require(object["stored"] as? [String: Any])
        #expect(stored["form"] as? String == "fields")
        let seen = try #require(object["seen"] as? [String: Any])
        #expect(
            seen["value"] as? String
                == #"{"id":1,"card":{"number":"************1111"},"email":"********"}"#)
        for plaintext in plaintexts { #expect(!result.output.contains(plaintext)) }
    }

    @Test func `a sample that is not there ends with 1`() async throws {
        let config = try bench.configure(ExplainCommandTests.rules)
        let result = await bench.run(
            "explain", "--config", config, "--principal", "User:x", "--topic", "t", "--value",
            "/none")
        #expect(result.code == 1)
        #expect(result.error == "waxwing: /none: No such file or directory\n")
    }
}
