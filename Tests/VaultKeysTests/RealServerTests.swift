// RealServerTests: the same calls to a real OpenBao or Vault, when there is one.

import Bytes
import Crypto
import Foundation
import JSON
import KeyService
import Testing

@testable import VaultKeys

/// `WAXWING_TEST_BAO=address,root token[,CA file,client certificate,client key]`
private let realServer = ProcessInfo.processInfo.environment["WAXWING_TEST_BAO"]?
    .split(separator: ",").map(String.init)

@Suite(.enabled(if: realServer != nil, "WAXWING_TEST_BAO names no server"))
struct RealServerTests {
    private let folder: VaultFolder
    private let parts: [String]
    private let mount: String
    private let root: HTTPClient

    init() async throws {
        folder = try VaultFolder()
        parts = try #require(realServer)
        mount = "test/\(UInt32.random(in: 0...UInt32.max))"
        root = HTTPClient(
            HTTPSettings(
                address: try VaultAddress(parts[0]), namespace: nil,
                caFile: parts.dropFirst(2).first,
                clientCertificateFile: parts.dropFirst(3).first,
                clientKeyFile: parts.dropFirst(4).first, serverName: nil,
                connectNanoseconds: 10_000_000_000, usesEnvironmentProxy: false),
            totalNanoseconds: 30_000_000_000)
        _ = try await write("sys/mounts/\(mount)", "{\"type\":\"transit\"}")
        _ = try await write("\(mount)/keys/pay", "{}")
    }

    private func secret(_ text: String) -> SecretBytes {
        let buffer = ByteBuffer()
        buffer.append(text)
        return SecretBytes(copying: buffer.bytes)
    }

    /// A call as root.
    private func write(_ path: String, _ body: String?) async throws -> String {
        let request = HTTPRequest(
            path: "/v1/\(path)", body: body.map(secret), token: secret(parts[1]))
        let answer = await root.send(request) { status, body in
            (200..<300).contains(status) ? body.text : "refused \(status) \(body.text)"
        }
        let text = try answer.get()
        #expect(!text.hasPrefix("refused"), "\(path): \(text)")
        return text
    }

    private func text(_ path: [String], in body: String) throws -> String {
        let buffer = ByteBuffer()
        buffer.append(body)
        let span = buffer.bytes
        let spot = try JSONReader.find(path, in: span)
        return try #require(
            try spot.flatMap { try JSONReader.string($0, in: span, bytesMax: 1_000) })
    }

    private func service(
        _ auth: VaultAuth? = nil, mount: String? = nil,
        change: (inout VaultSettings) -> Void = { _ in }
    ) throws -> VaultKeyService {
        var settings = VaultSettings(
            address: parts[0], mount: mount ?? self.mount,
            auth: try auth ?? .tokenFile(try folder.write(parts[1], "root")),
            caFile: parts.dropFirst(2).first, clientCertificateFile: parts.dropFirst(3).first,
            clientKeyFile: parts.dropFirst(4).first)
        change(&settings)
        return try VaultKeyService(settings)
    }

    private func policy(_ rules: String...) async throws -> String {
        let name = "test-\(UInt32.random(in: 0...UInt32.max))"
        let text = rules.map { "path \\\"\(mount)/\($0)\\\" {capabilities = [\\\"update\\\"]}" }
        _ = try await write(
            "sys/policies/acl/\(name)", "{\"policy\":\"\(text.joined(separator: "\\n"))\"}")
        return name
    }

    private func token(_ policies: String, _ more: String = "") async throws -> String {
        let made = try await write(
            "auth/token/create", "{\"policies\":[\"\(policies)\"],\"ttl\":\"1h\"\(more)}")
        return try text(["auth", "client_token"], in: made)
    }

    @Test func `data keys are made, opened, rotated and stopped`() async throws {
        let service = try service()
        try await service.probe("pay")
        let first = try await service.generateDataKey(under: "pay")
        #expect(first.keyVersion == 1)
        #expect(first.wrapped.count == 61)
        _ = try await write("\(mount)/keys/pay/rotate", "{}")
        let second = try await service.generateDataKey(under: "pay")
        #expect(second.keyVersion == 2)
        for made in [first, second] {
            let opened = try await service.unwrap(made.wrapped, under: "pay")
            #expect(opened.constantTimeEquals(made.plaintext))
        }
        _ = try await write("\(mount)/keys/pay/config", "{\"min_decryption_version\":2}")
        let old = try await failure { _ = try await service.unwrap(first.wrapped, under: "pay") }
        #expect(old.code == .disabled)
        let opened = try await service.unwrap(second.wrapped, under: "pay")
        #expect(opened.constantTimeEquals(second.plaintext))
        var changed = second.wrapped
        changed[20] ^= 1
        let corrupt = try await failure { _ = try await service.unwrap(changed, under: "pay") }
        #expect(corrupt.code == .corrupt)
        let new = try await failure {
            _ = try await service.unwrap([9] + second.wrapped.dropFirst(), under: "pay")
        }
        #expect(new.code == .notFound)
    }

    @Test func `wrong names, mounts and kinds of keys are told`() async throws {
        let missing = try service()
        let none = try await failure { try await missing.probe("none") }
        #expect(none.code == .notFound && none.message.contains("no such key"))
        let elsewhere = try service(mount: "nowhere")
        let nowhere = try await failure { try await elsewhere.probe("pay") }
        #expect(nowhere.code == .notFound && nowhere.message.contains("mounted"))
        let system = try service(mount: "sys")
        #expect(try await failure { try await system.probe("pay") }.code == .notFound)
        for (name, body) in [
            ("small", "{\"type\":\"aes128-gcm96\"}"), ("derived", "{\"derived\":true}"),
            ("signing", "{\"type\":\"ed25519\"}"), ("rsa", "{\"type\":\"rsa-2048\"}"),
        ] {
            _ = try await write("\(mount)/keys/\(name)", body)
            let error = try await failure { try await missing.probe(name) }
            #expect(error.code == .denied, "\(error)")
        }
        for name in ["chacha20-poly1305", "xchacha20-poly1305"] {
            _ = try await write("\(mount)/keys/\(name)", "{\"type\":\"\(name)\"}")
            try await missing.probe(name)
        }
    }

    @Test func `a policy that forbids and a token that ended are told apart`() async throws {
        let allowed = try await token(try await policy("datakey/plaintext/pay", "decrypt/pay"))
        let path = try folder.write(allowed, "token")
        let service = try service(.tokenFile(path))
        try await service.probe("pay")
        let policy = try await failure { try await service.probe("other") }
        #expect(policy.code == .denied && policy.message.contains("policy"))
        _ = try await write("auth/token/revoke", "{\"token\":\"\(allowed)\"}")
        // What was found out about a token is remembered for a second.
        try await Task.sleep(for: .milliseconds(1_100))
        let ended = try await failure { try await service.probe("pay") }
        #expect(ended.code == .unauthenticated && ended.message.contains("token is not valid"))
        _ = try folder.write(parts[1], "token")
        try await Task.sleep(for: .milliseconds(1_100))
        try await service.probe("pay")
    }

    @Test func `an AppRole logs in, outlives its token and is told when it may not`() async throws {
        let method = "role\(UInt32.random(in: 0...UInt32.max))"
        let policy = try await policy("datakey/plaintext/*", "decrypt/*")
        _ = try await write("sys/auth/\(method)", "{\"type\":\"approle\"}")
        _ = try await write(
            "auth/\(method)/role/proxy",
            "{\"token_policies\":[\"\(policy)\"],\"token_ttl\":\"2s\",\"token_max_ttl\":\"4s\"}")
        let role = try text(
            ["data", "role_id"], in: try await write("auth/\(method)/role/proxy/role-id", nil))
        let made = try await write("auth/\(method)/role/proxy/secret-id", "{}")
        let file = try folder.write(try text(["data", "secret_id"], in: made), "secret")
        let service = try service(.appRole(mount: method, roleID: role, secretIDFile: file))
        for _ in 0..<14 {
            _ = try await service.generateDataKey(under: "pay")
            try await Task.sleep(for: .milliseconds(500))
        }
        let wrong = try self.service(
            .appRole(mount: method, roleID: "wrong", secretIDFile: file))
        let error = try await failure { try await wrong.probe("pay") }
        #expect(error.code == .unauthenticated && error.message.contains("log-in"))
    }

    @Test func `a hundred calls at once are answered`() async throws {
        let service = try service()
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<100 {
                group.addTask { try await service.generateDataKey(under: "pay").plaintext.count }
            }
            return try await group.reduce(0, +)
        }
        #expect(count == 3_200)
    }

    @Test(.enabled(if: (realServer?.count ?? 0) > 4, "the server asks for no certificates"))
    func `a server is known by its authority and name, and wants a certificate`() async throws {
        let named = try service { $0.serverName = "vault.test" }
        try await named.probe("pay")
        let other = try service { $0.serverName = "other.test" }
        let name = try await failure { try await other.probe("pay") }
        #expect(name.code == .unavailable && name.message.contains("another name"), "\(name)")
        let unknown = try service { $0.caFile = nil }
        let authority = try await failure { try await unknown.probe("pay") }
        #expect(authority.code == .unavailable && authority.message.contains("not trusted"))
        let missing = try service { $0.caFile = "/nowhere/ca.pem" }
        let file = try await failure { try await missing.probe("pay") }
        #expect(file.message.contains("CA file"), "\(file)")
        let anonymous = try service {
            $0.clientCertificateFile = nil
            $0.clientKeyFile = nil
        }
        let certificate = try await failure { try await anonymous.probe("pay") }
        #expect(certificate.code == .unavailable, "\(certificate)")
    }
}
