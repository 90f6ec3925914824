// KeyringFormatTests: which texts are keyrings, and that refusals show no key.

import Bytes
import Crypto
import Testing

@testable import FileKeys

@Suite struct KeyringFormatTests {
    private let folder: KeyringFolder

    init() throws { folder = try KeyringFolder() }

    private func refusal(_ text: String) throws -> KeyringError {
        try folder.write(text)
        let error = try #require(throws: KeyringError.self) { try folder.file.load() }
        #expect(error.path == folder.keyring)
        #expect(!error.description.contains(plantedKey.prefix(12)), "a key in a message")
        return error
    }

    @Test func `a keyring written by hand is read`() throws {
        try folder.write(
            " \n{ \"keys\" : [ " + jwk(more: ", \"created\": 17, \"use\": \"enc\"") + " ,\t"
                + jwk(kid: "pay\\/2", status: "\"retired\"") + ","
                + jwk(kid: "\\u006frders/10", status: "\"disabled\"") + " ] , \"x\" : {} }\r\n")
        let keyring = try folder.file.load()
        #expect(keyring.versions.map(\.kid) == ["pay/1", "pay/2", "orders/10"])
        #expect(keyring.versions.map(\.status) == [.active, .retired, .disabled])
        #expect(keyring.versions.map(\.createdSeconds) == [17, nil, nil])
        let wanted = [UInt8](repeating: 1, count: 32)
        #expect(keyring.versions[1].key.withBytes { $0.array } == wanted)
    }

    @Test func `an empty keyring is a keyring`() throws {
        try folder.write("{\"keys\":[]}")
        #expect(try folder.file.load().versions.isEmpty)
    }

    @Test(arguments: [
        ("", 0), ("[]", 0), ("{", 1), ("{\"keys\": [}", 10), ("{\"keys\": []", 11),
        ("{\"keys\": []} x", 13), ("{\"keys\": [],}", 12), ("{keys: []}", 1),
        ("{\"keys\": [], \"a\": 01}", 18), ("{\"keys\": [], \"a\": tru}", 21),
        ("{\"keys\": [], \"a\": \"\\x\"}", 21), ("{\"keys\": [], \"a\": \"\\u12g4\"}", 24),
        ("{\"keys\": [], \"a\": \"\u{1}\"}", 19), ("{\"keys\": [], \"a\": 1.}", 20),
        ("{\"keys\": [], \"a\": 1e}", 20), ("{\"keys\": [], \"a\": -}", 18),
        ("{\"keys\": [], \"a\"}", 16), ("{\"keys\": [\"pay\"]}", 10),
    ])
    func `bad JSON is refused with its place`(_ text: String, _ offset: Int) throws {
        #expect(try refusal(text).message.hasPrefix("at byte \(offset): expected "))
    }

    @Test func `a text cut short anywhere is refused`() throws {
        let whole = jwkSet(jwk(more: ", \"x\": [1, {\"y\": \"\\u0041\"}]"))
        for count in 0..<whole.count { _ = try refusal(String(whole.prefix(count))) }
        try folder.write(whole)
        #expect(try folder.file.load().versions.count == 1)
    }

    @Test func `deep nesting is refused`() throws {
        let deep = String(repeating: "[", count: 100_000)
        #expect(try refusal("{\"keys\": [], \"x\": \(deep)").message.contains("nesting"))
        #expect(try refusal(jwkSet(jwk(more: ", \"x\": \(deep)"))).message.contains("nesting"))
    }

    @Test(arguments: [
        (jwk(kty: "\"RSA\""), "kty"), (jwk(kty: "\"OCT\""), "kty"), (jwk(alg: "\"dir\""), "alg"),
        (jwk(alg: "\"A128KW\""), "alg"), (jwk(status: "\"primary\""), "status"),
        (jwk(key: ""), "\"k\""), (jwk(key: String(plantedKey.dropLast())), "\"k\""),
        (jwk(key: plantedKey + "="), "\"k\""), (jwk(key: plantedKey + "E"), "\"k\""),
        (jwk(key: plantedKey.dropLast() + "F"), "\"k\""),
        (jwk(key: "+" + plantedKey.dropFirst()), "\"k\""),
        (jwk(key: "\\u0041" + plantedKey.dropFirst()), "\"k\""),
    ])
    func `a key that is not what it should be is refused by name`(
        _ key: String, _ what: String
    ) throws {
        let error = try refusal(jwkSet(jwk(kid: "other/1"), key))
        #expect(error.kid == "pay/1")
        #expect(error.message.contains(what))
    }

    @Test(arguments: [
        "pay", "pay/", "pay/0", "pay/01", "pay/+1", "pay/-1", "pay/4294967296", "/1", "a/b/1",
        "p y/1", "",
    ])
    func `a kid of another form is refused by number`(_ kid: String) throws {
        let error = try refusal(jwkSet(jwk(kid: "other/1"), jwk(kid: kid)))
        #expect(error.kid == "number 2")
        #expect(error.message.contains("NAME/VERSION"))
    }

    @Test func `missing members are refused`() throws {
        for member in ["kty", "alg", "status", "k"] {
            let text = jwkSet(jwk()).replacing("\"\(member)\":", with: "\"x-\(member)\":")
            let error = try refusal(text)
            #expect(error.kid == "pay/1" && error.message.contains("\"\(member)\""))
        }
        #expect(try refusal("{}").message.contains("\"keys\""))
        #expect(try refusal("{\"keys\": [{}]}").kid == "number 1")
    }

    @Test func `members, versions and active versions must not stand there twice`() throws {
        #expect(try refusal(jwkSet(jwk(more: ", \"k\": \"\""))).message.contains("twice"))
        #expect(try refusal("{\"keys\": [], \"keys\": []}").message.contains("twice"))
        let twice = try refusal(jwkSet(jwk(), jwk(status: "\"retired\"")))
        #expect(twice.kid == "pay/1" && twice.message.contains("twice"))
        let active = try refusal(jwkSet(jwk(), jwk(kid: "pay/2")))
        #expect(active.kid == "pay/2" && active.message.contains("second active"))
    }

    @Test func `created must be whole seconds`() throws {
        for value in ["1.5", "-1", "\"2026\"", "1e3", "99999999999999999999"] {
            #expect(
                try refusal(jwkSet(jwk(more: ", \"created\": \(value)")))
                    .message.contains("seconds"))
        }
    }
}
