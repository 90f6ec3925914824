// VaultKeyServiceTests: what is asked of the server, and what its answers become.

import Bytes
import Crypto
import KeyService
import TestSupport
import Testing

@testable import VaultKeys

@Suite struct VaultKeyServiceTests {
    private let folder: VaultFolder

    init() throws { folder = try VaultFolder() }

    private func service(
        _ server: ScriptedServer, mount: String = "transit", namespace: String? = nil,
        totalNanoseconds: UInt64 = 20_000_000_000, prefix: String = ""
    ) throws -> VaultKeyService {
        try VaultKeyService(
            VaultSettings(
                address: server.address + prefix, mount: mount, namespace: namespace,
                auth: .tokenFile(try folder.write("s.planted\n")),
                totalNanoseconds: totalNanoseconds))
    }

    // MARK: good answers

    @Test func `a data key is made, stored in binary and sent back exactly`() async throws {
        let server = try ScriptedServer(GoodAnswer.all)
        let service = try service(server)
        let made = try await service.generateDataKey(under: "pay")
        #expect(made.plaintext.withBytes { $0.array } == GoodAnswer.plaintext)
        #expect(made.keyVersion == 3)
        #expect(made.wrapped.count == 61)
        #expect(made.wrapped[0] == 3)
        let opened = try await service.unwrap(made.wrapped, under: "pay")
        #expect(opened.constantTimeEquals(made.plaintext))
        let asked = try #require(server.seen.first { $0.path.contains("datakey") })
        #expect(asked.method == "POST")
        #expect(asked.path == "/v1/transit/datakey/plaintext/pay")
        #expect(asked.body == "{}")
        #expect(asked.token == "s.planted")
        #expect(asked.headers["x-vault-request"] == "true")
        let sent = try #require(server.seen.first { $0.path == "/v1/transit/decrypt/pay" })
        #expect(sent.body == "{\"ciphertext\":\"vault:v3:\(GoodAnswer.wrappedText)\"}")
    }

    @Test func `mounts, namespaces and prefixes are as they are configured`() async throws {
        let server = try ScriptedServer(GoodAnswer.all)
        let service = try service(
            server, mount: "teams/pay ments".replacing(" ", with: "+"), namespace: "corp/eu",
            prefix: "/vault/")
        _ = try await service.generateDataKey(under: "a.b_c-1")
        let asked = try #require(server.seen.first { $0.path.contains("datakey") })
        #expect(asked.path == "/vault/v1/teams/pay%2Bments/datakey/plaintext/a.b_c-1")
        #expect(server.seen.allSatisfy { $0.headers["x-vault-namespace"] == "corp/eu" })
    }

    @Test func `a probe makes a key, opens it and looks at its type`() async throws {
        let server = try ScriptedServer(GoodAnswer.all)
        try await service(server).probe("pay")
        #expect(server.count("/datakey/") == 1)
        #expect(server.count("/decrypt/") == 1)
        #expect(server.count("/keys/") == 1)
    }

    @Test func `a probe does without the type when the policy hides it`() async throws {
        let server = try ScriptedServer { request in
            request.path.contains("/keys/")
                ? .json(403, GoodAnswer.errors("permission denied")) : GoodAnswer.all(request)
        }
        try await service(server).probe("pay")
        #expect(server.count("/keys/") == 1)
    }

    @Test(arguments: [
        ("aes128-gcm96", false), ("rsa-4096", false), ("aes256-gcm96", true), ("hmac", false),
    ])
    func `a probe refuses keys of another type`(_ type: String, _ isDerived: Bool) async throws {
        let server = try ScriptedServer { request in
            request.path.contains("/keys/")
                ? .json(200, "{\"data\": {\"type\": \"\(type)\", \"derived\": \(isDerived)}}")
                : GoodAnswer.all(request)
        }
        let service = try service(server)
        let error = try await failure { try await service.probe("pay") }
        #expect(error.code == .denied)
        #expect(error.message.contains("type"))
    }

    @Test func `a probe sees a key that comes back changed`() async throws {
        let server = try ScriptedServer { request in
            request.path.contains("/decrypt/")
                ? .json(200, "{\"data\":{\"plaintext\":\"\(String(repeating: "A", count: 43))=\"}}")
                : GoodAnswer.all(request)
        }
        let service = try service(server)
        #expect(try await failure { try await service.probe("pay") }.code == .corrupt)
    }

    // MARK: refusals

    @Test(arguments: [
        (400, "encryption key not found", "notFound", "no such key"),
        (404, "no handler for route \\\"transit/datakey\\\"", "notFound", "mounted"),
        (404, "1 error occurred: unsupported path", "notFound", "not a transit"),
        (405, "1 error occurred: unsupported operation", "notFound", "not a transit"),
        (400, "missing data fields", "notFound", "not a transit"),
        (404, "namespace not found", "notFound", "namespace"),
        (404, "", "notFound", "no transit engine"),
        (400, "ciphertext or signature version is disallowed by policy (too old)", "disabled", "7"),
        (400, "invalid ciphertext: version is too new", "notFound", "version 7"),
        (400, "cipher: message authentication failed", "corrupt", "version 7"),
        (400, "invalid ciphertext: no prefix", "corrupt", "version 7"),
        (500, "failed to RSA decrypt: crypto/rsa: decryption error", "corrupt", "version 7"),
        (400, "refusing to use soft-deleted key", "disabled", "deleted"),
        (400, "message decryption not supported for key type ed25519", "denied", "type"),
        (400, "missing 'context' for key derivation; the key was created", "denied", "derived"),
        (403, "1 error occurred:\\n\\t* permission denied\\n", "denied", "policy"),
        (400, "something else", "corrupt", "400"),
        (500, "internal error", "unavailable", "500"),
        (503, "Vault is sealed", "unavailable", "sealed"),
        (503, "OpenBao is Sealed", "unavailable", "sealed"),
        (503, "", "unavailable", "not ready"),
        (429, "", "unavailable", "standby"),
        (429, "request path: rate limit quota exceeded", "unavailable", "rate"),
        (472, "", "unavailable", "standby"), (473, "", "unavailable", "standby"),
        (412, "required index state not present", "unavailable", "caught up"),
    ])
    func `a refusal is told by kind, in our own words`(
        _ status: Int, _ text: String, _ code: String, _ part: String
    ) async throws {
        let server = try ScriptedServer { request in
            request.path.contains("/decrypt/")
                ? .json(status, GoodAnswer.errors(text + " SECRET-PATH"))
                : GoodAnswer.all(request)
        }
        let service = try service(server)
        let error = try await failure { _ = try await service.unwrap([7, 1, 2, 3], under: "pay") }
        #expect(error.code.description == code)
        #expect(error.key == "pay")
        #expect(error.message.contains(part), "\(error)")
        #expect(!"\(error)".contains("SECRET-PATH"))
        #expect(!"\(error)".contains("s.planted"))
    }

    @Test(arguments: [403, 404, 400, 405, 502])
    func `a page of something before the server is worth trying again`(
        _ status: Int
    ) async throws {
        let server = try ScriptedServer { request in
            request.path.contains("/datakey/")
                ? .json(status, "<html>PAGE errors</html>") : GoodAnswer.all(request)
        }
        let service = try service(server)
        let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
        #expect(error.code == .unavailable)
        #expect(!error.message.contains("PAGE"))
    }

    @Test(arguments: [
        "", "{}", "[]", "null", "not JSON", "{\"data\": null}", "{\"data\": {}}",
        "{\"data\": {\"plaintext\": \"AAAA\", \"ciphertext\": \"vault:v1:AAAA\"}}",
        "{\"data\": {\"plaintext\": 7, \"ciphertext\": \"vault:v1:AAAA\"}}",
        GoodAnswer.dataKey.replacing("vault:v3:", with: "vault:v0:"),
        GoodAnswer.dataKey.replacing("vault:v3:", with: "vault:v03:"),
        GoodAnswer.dataKey.replacing("vault:v3:", with: "vault:v9999999999:"),
        GoodAnswer.dataKey.replacing("vault:v3:", with: "vault:v:"),
        GoodAnswer.dataKey.replacing("vault:v3:", with: "other:v3:"),
        GoodAnswer.dataKey.replacing("abCDabCD", with: "ab#D"),
        GoodAnswer.dataKey + "x", String(GoodAnswer.dataKey.dropLast(4)),
        String(repeating: "[", count: 100_000),
    ])
    func `a success without a data key in it is none`(_ body: String) async throws {
        let server = try ScriptedServer { request in
            request.path.contains("/datakey/") ? .json(200, body) : GoodAnswer.all(request)
        }
        let service = try service(server)
        let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
        #expect(error.code == .unavailable)
    }

    @Test(arguments: ["..", ".", "", "a/b", "a b", "a?b", "a%2fb", "a\r\nb"])
    func `names that would lead elsewhere are not sent`(_ name: String) async throws {
        let server = try ScriptedServer(GoodAnswer.all)
        let service = try service(server)
        let made = try await failure { _ = try await service.generateDataKey(under: name) }
        let opened = try await failure { _ = try await service.unwrap([1, 2], under: name) }
        #expect(made.code == .notFound)
        #expect(opened.code == .notFound)
        #expect(server.seen.isEmpty)
    }

    @Test(arguments: [
        [], [1], [0, 1, 2], [0x80], [0xff, 0xff, 0xff, 0xff, 0xff, 1],
        [UInt8](repeating: 1, count: 1_025),
    ])
    func `bytes that are no wrapped key are not sent`(_ wrapped: [UInt8]) async throws {
        let server = try ScriptedServer(GoodAnswer.all)
        let service = try service(server)
        let error = try await failure { _ = try await service.unwrap(wrapped, under: "pay") }
        #expect(error.code == .corrupt)
        #expect(server.seen.isEmpty)
    }
}
