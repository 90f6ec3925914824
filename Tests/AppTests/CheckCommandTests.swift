// CheckCommandTests: keyrings, samples and views that `waxwing check` looks into.

import FileKeys
import Foundation
import Testing

@testable import App

@Suite struct CheckCommandTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    private func check(_ rules: String, _ more: String...) async throws -> CommandResult {
        await bench.run(["check", "--config", try bench.configure(rules)] + more)
    }

    private let sealed = "protect: [{topics: [customers], key: local/customers}]"

    // MARK: keyrings

    @Test func `keys that are there pass`() async throws {
        let result = try await check(sealed)
        #expect(result.code == 0)
        #expect(result.error == "")
        #expect(try await check(sealed, "--keys").code == 0)
    }

    @Test func `a key that is not there is named with its rule`() async throws {
        let rules = """
            protect:
              - {topics: [customers], key: local/customers}
              - {topics: [orders], key: local/ordres}
              - {topics: ["logs.*"], key: local/$(topic)}
            """
        let file = bench.directory + "/waxwing.yaml"
        let result = try await check(rules)
        #expect(
            result
                == CommandResult(
                    code: 2,
                    error: "\(file):8: key `local/ordres`: there is no such key in"
                        + " \(bench.directory)/keyring.json\n"))
        #expect(try await check(rules, "--offline").code == 0)
    }

    @Test func `a keyring that is missing, or that others can read, is refused`() async throws {
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: bench.keyring)
        let open = try await check(sealed)
        #expect(open.code == 2)
        #expect(open.error.contains("keys `local`: \(bench.keyring): "))
        try FileManager.default.removeItem(atPath: bench.keyring)
        let missing = try await check(sealed)
        #expect(missing.code == 2)
        #expect(missing.error.contains("cannot be opened"))
        #expect(missing.output == "")
        #expect(try await check(sealed, "--offline").code == 0)
    }

    @Test func `a key without an active version seals nothing`() async throws {
        let text = try String(contentsOfFile: bench.keyring, encoding: .utf8)
        try text.replacingOccurrences(of: "\"active\"", with: "\"retired\"").write(
            toFile: bench.keyring, atomically: false, encoding: .utf8)
        let result = try await check(
            sealed + "\ntokenKey: {key: local/tokens, wrapped: \"AAAA\"}\n")
        #expect(result.code == 2)
        #expect(result.error.contains("no version of it is active in"))
        #expect(!result.error.contains("tokenKey"))
    }

    @Test func `--keys tries what the start tries`() async throws {
        let rules = sealed + "\ntokenKey: {key: local/tokens, wrapped: \"AAAA\"}\n"
        #expect(try await check(rules).code == 0)
        let result = try await check(rules, "--keys")
        #expect(result.code == 2)
        #expect(result.error.contains("tokenKey: key tokens: corrupt"))
    }

    // MARK: samples

    private let fields = """
        protect:
          - {topics: [customers], key: local/customers, fields: [$.card, $.mail, "$.to[*].zip"]}
        read:
          - principals: ["User:a"]
            topics: [customers]
            mask: {$.card: {keepLast: 4}, $.mail: email, "$.to[*].zip": {bucket: 10}}
        """

    private func warnings(_ sample: String, rules: String? = nil) async throws -> [String] {
        let path = try bench.write("sample", sample)
        let result = try await check(rules ?? fields, "--sample", "customers=\(path)")
        #expect(result.code == 0, "\(result.error)")
        let mark = "warning: sample \(path) of topic customers: "
        return result.lines.compactMap { line in
            line.range(of: mark).map { found in
                let place = line[..<found.lowerBound].dropFirst(bench.directory.count + 1)
                return String(place + line[found.upperBound...])
            }
        }
    }

    @Test func `samples that fit give no warning`() async throws {
        #expect(
            try await warnings(
                #"{"card":"4111111111111111","mail":"a@b.example","to":[{"zip":12345}]}"#) == [])
    }

    @Test func `paths that select nothing are named`() async throws {
        #expect(
            try await warnings(#"{"card":"4111111111111111","to":[]}"#) == [
                "waxwing.yaml:7: nothing is selected by $.mail",
                "waxwing.yaml:7: nothing is selected by $.to[*].zip",
                "waxwing.yaml:9: nothing is selected by $.mail",
                "waxwing.yaml:9: nothing is selected by $.to[*].zip",
            ])
    }

    @Test func `samples of several lines add up`() async throws {
        #expect(
            try await warnings(
                """
                {"card":"4111111111111111"}

                {"mail":"a@b.example"}
                {"to":[{"zip":1},{"zip":null}]}
                """) == [])
    }

    @Test func `masks that do not fit are named with the kind of value`() async throws {
        #expect(
            try await warnings(
                """
                {"card":4111111111111111,"mail":"nobody","to":[{"zip":"12345"}]}
                {"card":true,"mail":"a@b.example","to":[{"zip":"D-12345"},{"zip":false}]}
                """) == [
                    "waxwing.yaml:9: mask `keepLast` does not fit what $.card selects"
                        + " (a number, a truth value), which is redacted in its place",
                    "waxwing.yaml:9: mask `email` does not fit what $.mail selects"
                        + " (a text that it is not made for), which is redacted in its place",
                    "waxwing.yaml:9: mask `bucket` does not fit what $.to[*].zip selects"
                        + " (a text that it is not made for, a truth value), which is redacted in"
                        + " its place",
                ])
    }

    @Test func `leaves of objects are looked at one by one`() async throws {
        let rules = """
            protect: [{topics: [customers], key: local/customers, fields: [$.to]}]
            read:
              - {principals: ["User:a"], topics: [customers], mask: {$.to: {keepLast: 2}}}
            """
        #expect(try await warnings(#"{"to":{"a":"x","b":["yyy",null]}}"#, rules: rules) == [])
        #expect(
            try await warnings(#"{"to":{"a":"x","b":["yyy",7]}}"#, rules: rules) == [
                "waxwing.yaml:8: mask `keepLast` does not fit what $.to selects (a number), which"
                    + " is redacted in its place"
            ])
    }

    @Test func `samples that would be refused or stored in clear are named`() async throws {
        let found = try await warnings(
            """
            {"card":"4111111111111111","mail":"a@b.example","to":[{"zip":1}]}
            {"other":1}
            not a document
            {"card":"wax1:faked"}
            """)
        #expect(found.count == 3)
        #expect(found[0].hasPrefix("waxwing.yaml: value 2 would be stored in clear"))
        #expect(found[1].hasPrefix("waxwing.yaml: value 3 would be refused: the value is not a"))
        #expect(found[2].hasPrefix("waxwing.yaml: value 4 would be refused: the value has a text"))
        #expect(found.allSatisfy { !$0.contains("4111") && !$0.contains("faked") })
    }

    @Test func `a topic without rules, an empty file and a missing one`() async throws {
        let path = try bench.write("empty", "\n \n")
        let other = try await check(fields, "--sample", "other=\(path)")
        #expect(other.output.contains("no rule names the topic"))
        #expect(try await warnings("\n").first?.hasSuffix("there is no sample in it") == true)
        let missing = try await check(fields, "--sample", "customers=/none")
        #expect(missing.code == 1)
        #expect(missing.error == "waxwing: /none: No such file or directory\n")
    }
}

@Suite struct KeysTokenTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    private let rules = """
        protect: [{topics: [customers], key: local/customers, fields: [$.a]}]
        read: [{principals: ["User:a"], topics: [customers], mask: {$.a: token}}]
        """

    @Test func `the lines that are printed make the configuration whole`() async throws {
        let config = try bench.configure(rules)
        #expect(await bench.run("check", "--config", config).code == 2)
        let made = await bench.run("keys", "token", "--config", config, "local/tokens")
        #expect(made.code == 0, "\(made.error)")
        #expect(made.lines.count == 3)
        #expect(Array(made.lines.prefix(2)) == ["tokenKey:", "  key: local/tokens"])
        let whole = try bench.configure(rules + "\n" + made.output)
        #expect(await bench.run("check", "--keys", "--config", whole).code == 0)
        let again = await bench.run("keys", "token", "--config", whole, "local/tokens")
        #expect(again.code == 0)
        #expect(again.output != made.output)
    }

    @Test func `wrong keys, services and files are told apart`() async throws {
        let config = try bench.configure(rules)
        let service = await bench.run("keys", "token", "--config", config, "lokal/tokens")
        #expect(service.code == 2)
        #expect(
            service.error == "\(config): `key`: there is no key service `lokal`; did you mean"
                + " `local`?\n")
        let key = await bench.run("keys", "token", "--config", config, "local/none")
        #expect(key.code == 1)
        #expect(key.error == "waxwing: key none: notFound: not in the keyring\n")
        #expect(await bench.run("keys", "token", "--config", config, "tokens").code == 2)
        let broken = try bench.configure("protect: 7\n" + rules)
        let refused = await bench.run("keys", "token", "--config", broken, "local/tokens")
        #expect(refused.code == 2)
        #expect(refused.error.contains("waxwing.yaml:6:"))
        #expect(!refused.error.contains("tokenKey"))
        #expect(key.output + service.output + refused.output == "")
    }
}
