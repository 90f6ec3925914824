// VaultSessionTests: logging in, staying logged in, and what a refused token leads to.

import Crypto
import KeyService
import Synchronization
import TestSupport
import Testing

@testable import VaultKeys

@Suite struct VaultSessionTests {
    private let folder: VaultFolder

    init() throws { folder = try VaultFolder() }

    private func service(
        _ server: ScriptedServer, _ auth: VaultAuth,
        clock: @escaping @Sendable () -> UInt64 = HTTPClient.monotonic
    ) throws -> VaultKeyService {
        try VaultKeyService(
            VaultSettings(
                address: server.address, auth: auth, totalNanoseconds: 20_000_000_000),
            clock: clock)
    }

    /// A server whose log-ins give `s.1`, `s.2` and so on, and that takes the tokens in `good`.
    private final class Gatekeeper: Sendable {
        struct State {
            var good: Set<String> = []
            var logIns = 0
            var seconds = 3_600
            var isRenewable = true
            var renewals = 0
            /// What a log-in gets instead of a token.
            var refusal: ScriptedAnswer?
        }

        let state = Mutex(State())

        func answer(_ request: SeenRequest) -> ScriptedAnswer {
            state.withLock { state in
                if request.path.hasSuffix("/login") {
                    state.logIns += 1
                    if let refusal = state.refusal { return refusal }
                    let token = "s.\(state.logIns)"
                    state.good.insert(token)
                    return .json(
                        200,
                        GoodAnswer.logIn(
                            token, seconds: state.seconds, renewable: state.isRenewable))
                }
                guard let token = request.token, state.good.contains(token) else {
                    return .json(403, GoodAnswer.errors("permission denied"))
                }
                if request.path.hasSuffix("renew-self") {
                    state.renewals += 1
                    return .json(200, GoodAnswer.logIn(token, seconds: state.seconds))
                }
                return GoodAnswer.all(request)
            }
        }

        func revokeAll() { state.withLock { $0.good = [] } }
    }

    private func appRole() throws -> VaultAuth {
        .appRole(
            mount: "approle", roleID: "role-1",
            secretIDFile: try folder.write("se\"cret\n", "secret-id"))
    }

    // MARK: methods

    @Test func `an AppRole logs in with its two ids`() async throws {
        let keeper = Gatekeeper()
        let server = try ScriptedServer(keeper.answer)
        let service = try service(server, try appRole())
        _ = try await service.generateDataKey(under: "pay")
        let logIn = try #require(server.seen.first)
        #expect(logIn.path == "/v1/auth/approle/login")
        #expect(logIn.body == "{\"role_id\":\"role-1\",\"secret_id\":\"se\\\"cret\"}")
        #expect(logIn.token == nil)
        #expect(server.seen.last?.token == "s.1")
    }

    @Test func `Kubernetes and JWT log in with a role and the token of a file`() async throws {
        let file = try folder.write("a.b.c\n", "jwt")
        for auth in [
            VaultAuth.kubernetes(mount: "k8s/eu", role: "proxy", jwtFile: file),
            .jwt(mount: "k8s/eu", role: "proxy", jwtFile: file),
        ] {
            let keeper = Gatekeeper()
            let server = try ScriptedServer(keeper.answer)
            _ = try await service(server, auth).generateDataKey(under: "pay")
            let logIn = try #require(server.seen.first)
            #expect(logIn.path == "/v1/auth/k8s/eu/login")
            #expect(logIn.body == "{\"role\":\"proxy\",\"jwt\":\"a.b.c\"}")
        }
    }

    @Test func `many first calls lead to one log-in`() async throws {
        let keeper = Gatekeeper()
        let gate = Gate()
        let server = try ScriptedServer { request in
            request.path.hasSuffix("/login")
                ? .after(gate, keeper.answer(request)) : keeper.answer(request)
        }
        let service = try service(server, try appRole())
        let opened = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<100 {
                group.addTask { try await service.generateDataKey(under: "pay").plaintext.count }
            }
            _ = await server.wait(for: 1, "/login")
            gate.open()
            return try await group.reduce(0, +)
        }
        #expect(opened == 3_200)
        #expect(server.count("/login") == 1)
        #expect(server.count("/datakey/") == 100)
    }

    @Test(arguments: [
        (400, "invalid role or secret ID", "unauthenticated"),
        (403, "permission denied", "unauthenticated"),
        (404, "no handler for route", "unauthenticated"), (503, "Vault is sealed", "unavailable"),
        (500, "", "unavailable"),
    ])
    func `a refused log-in is told, and remembered for a moment`(
        _ status: Int, _ text: String, _ code: String
    ) async throws {
        let keeper = Gatekeeper()
        keeper.state.withLock { $0.refusal = .json(status, GoodAnswer.errors(text)) }
        let server = try ScriptedServer(keeper.answer)
        let service = try service(server, try appRole())
        let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
        #expect(error.code.description == code)
        #expect(!error.message.contains("role-1"))
        #expect(!error.message.contains("se\"cret"))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { _ = try? await service.generateDataKey(under: "pay") }
            }
        }
        #expect(server.count("/login") < 5)
        #expect(server.count("/datakey/") == 0)
    }

    @Test(arguments: [
        "{}", "{\"auth\": null}", "{\"auth\": {\"client_token\": \"\", \"lease_duration\": 1}}",
        "{\"auth\": {\"client_token\": \"a\\nb\", \"lease_duration\": 1}}",
        "{\"auth\": {\"client_token\": \"a b\", \"lease_duration\": 1}}",
        "{\"auth\": {\"client_token\": \"a\", \"lease_duration\": -1}}",
        "{\"auth\": {\"client_token\": 7, \"lease_duration\": 1}}", "garbage",
    ])
    func `a log-in without a usable token is none`(_ body: String) async throws {
        let server = try ScriptedServer { _ in .json(200, body) }
        let service = try service(server, try appRole())
        let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
        #expect(error.code == .unauthenticated)
        #expect(server.count("/datakey/") == 0)
    }

    // MARK: files

    @Test(arguments: ["", " \n", "two words", "a\nb", "t\u{e9}", "a\u{0}b"])
    func `a file without one word is no token`(_ content: String) async throws {
        let server = try ScriptedServer(GoodAnswer.all)
        let path = try folder.write(content)
        let service = try service(server, .tokenFile(path))
        let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
        #expect(error.code == .unauthenticated)
        #expect(error.message.hasPrefix(path))
        #expect(server.seen.isEmpty)
    }

    @Test func `a missing file, a folder and a file that is too large are named`() async throws {
        let server = try ScriptedServer(GoodAnswer.all)
        let large = try folder.write(String(repeating: "x", count: 65_537), "large")
        for path in [folder.path + "/none", folder.path, large, "/dev/zero"] {
            let service = try service(server, .tokenFile(path))
            let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
            #expect(error.message.hasPrefix(path + " "))
        }
        #expect(server.seen.isEmpty)
    }

    @Test func `a token file that changes is read again, without a refusal`() async throws {
        let server = try ScriptedServer(GoodAnswer.all)
        let path = try folder.write("s.first")
        let service = try service(server, .tokenFile(path))
        _ = try await service.generateDataKey(under: "pay")
        _ = try folder.write("s.second")
        try await Task.sleep(for: .milliseconds(1_100))
        _ = try await service.generateDataKey(under: "pay")
        let used = server.seen.filter { $0.path.contains("/datakey/") }.map(\.token)
        #expect(used == ["s.first", "s.second"])
    }

    @Test func `a refused token is read again from its file at once`() async throws {
        let keeper = Gatekeeper()
        keeper.state.withLock { $0.good = ["s.first"] }
        let server = try ScriptedServer(keeper.answer)
        let service = try service(server, .tokenFile(try folder.write("s.first")))
        _ = try await service.generateDataKey(under: "pay")
        keeper.state.withLock { $0.good = ["s.second"] }
        _ = try folder.write("s.second")
        _ = try await service.generateDataKey(under: "pay")
        let used = server.seen.filter { $0.path.contains("/datakey/") }.map(\.token)
        #expect(used == ["s.first", "s.first", "s.second"])
    }

    @Test func `a file that vanishes leaves the token in use`() async throws {
        let server = try ScriptedServer(GoodAnswer.all)
        let path = try folder.write("s.first")
        let service = try service(server, .tokenFile(path))
        _ = try await service.generateDataKey(under: "pay")
        _ = try folder.write("")
        try await Task.sleep(for: .milliseconds(1_100))
        _ = try await service.generateDataKey(under: "pay")
        #expect(server.seen.last?.token == "s.first")
    }

    // MARK: refused tokens

    @Test func `a token that was revoked is replaced and the call made again`() async throws {
        let keeper = Gatekeeper()
        let server = try ScriptedServer(keeper.answer)
        let service = try service(server, try appRole())
        _ = try await service.generateDataKey(under: "pay")
        keeper.revokeAll()
        // Two log-ins within a second would be one too many.
        try await Task.sleep(for: .milliseconds(1_100))
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask { try await service.generateDataKey(under: "pay").plaintext.count }
            }
            return try await group.reduce(0, +)
        }
        #expect(made == 640)
        #expect(keeper.state.withLock { $0.logIns } == 2)
    }

    @Test func `a refusal by policy is told as such, without logging in again and again`()
        async throws
    {
        let keeper = Gatekeeper()
        let server = try ScriptedServer { request in
            request.path.contains("/datakey/")
                ? .json(403, GoodAnswer.errors("permission denied")) : keeper.answer(request)
        }
        let now = HTTPClient.monotonic()
        // The verdict on the token is remembered for a second, which does not pass here.
        let service = try service(server, try appRole(), clock: { now })
        for _ in 0..<5 {
            let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
            #expect(error.code == .denied)
            #expect(error.message.contains("policy"))
        }
        #expect(server.count("/login") == 1)
        #expect(server.count("lookup-self") == 1)
        #expect(server.count("/datakey/") == 5)
    }

    @Test func `a refusal that cannot be looked into is worth trying again`() async throws {
        let keeper = Gatekeeper()
        let server = try ScriptedServer { request in
            if request.path.hasSuffix("lookup-self") {
                return .json(503, GoodAnswer.errors("Vault is sealed"))
            }
            return request.path.contains("/datakey/")
                ? .json(403, GoodAnswer.errors("permission denied")) : keeper.answer(request)
        }
        let service = try service(server, try appRole())
        let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
        #expect(error.code == .unavailable)
        #expect(server.count("/login") == 1)
    }

    @Test func `an expired token in a file is told as such`() async throws {
        let keeper = Gatekeeper()
        let server = try ScriptedServer(keeper.answer)
        let service = try service(server, .tokenFile(try folder.write("s.old")))
        let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
        #expect(error.code == .unauthenticated)
        #expect(error.message.contains("token"))
        #expect(!error.message.contains("s.old"))
        #expect(server.count("/datakey/") == 1)
    }

    @Test func `a page of something before the server is no reason to log in again`() async throws {
        let keeper = Gatekeeper()
        let server = try ScriptedServer { request in
            request.path.contains("/datakey/") ? .json(403, "<html/>") : keeper.answer(request)
        }
        let service = try service(server, try appRole())
        let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
        #expect(error.code == .unavailable)
        #expect(server.count("/login") == 1)
        #expect(server.count("/datakey/") == 1)
    }

    // MARK: renewing

    @Test func `a token is renewed before it ends, with nobody asking`() async throws {
        let keeper = Gatekeeper()
        keeper.state.withLock { $0.seconds = 1 }
        let server = try ScriptedServer(keeper.answer)
        let service = try service(server, try appRole())
        _ = try await service.generateDataKey(under: "pay")
        #expect(await server.wait(for: 3, "renew-self"))
        _ = try await service.generateDataKey(under: "pay")
        #expect(server.count("/login") == 1)
        #expect(server.seen.allSatisfy { $0.path.hasSuffix("/login") || $0.token == "s.1" })
    }

    @Test func `a token in a file is renewed too`() async throws {
        let server = try ScriptedServer { request in
            if request.path.hasSuffix("lookup-self") {
                return .json(200, GoodAnswer.life(seconds: 1, renewable: true))
            }
            return request.path.hasSuffix("renew-self")
                ? .json(200, GoodAnswer.logIn("s.first", seconds: 1)) : GoodAnswer.all(request)
        }
        let service = try service(server, .tokenFile(try folder.write("s.first")))
        _ = try await service.generateDataKey(under: "pay")
        #expect(await server.wait(for: 2, "renew-self"))
    }

    @Test func `a token in a file is renewed too when its server was sealed at first`()
        async throws
    {
        let isSealed = Atomic(true)
        let server = try ScriptedServer { request in
            if isSealed.load(ordering: .relaxed) {
                return .json(503, GoodAnswer.errors("Vault is sealed"))
            }
            if request.path.hasSuffix("lookup-self") {
                return .json(200, GoodAnswer.life(seconds: 1, renewable: true))
            }
            return request.path.hasSuffix("renew-self")
                ? .json(200, GoodAnswer.logIn("s.first", seconds: 1)) : GoodAnswer.all(request)
        }
        let service = try service(server, .tokenFile(try folder.write("s.first")))
        let error = try await failure { _ = try await service.generateDataKey(under: "pay") }
        #expect(error.code == .unavailable && error.message.contains("sealed"))
        isSealed.store(false, ordering: .relaxed)
        try await Task.sleep(for: .milliseconds(300))
        _ = try await service.generateDataKey(under: "pay")
        #expect(await server.wait(for: 1, "renew-self"))
    }

    @Test func `a token that cannot be renewed is replaced before it ends`() async throws {
        let keeper = Gatekeeper()
        keeper.state.withLock {
            $0.seconds = 1
            $0.isRenewable = false
        }
        let server = try ScriptedServer(keeper.answer)
        let service = try service(server, try appRole())
        _ = try await service.generateDataKey(under: "pay")
        #expect(await server.wait(for: 3, "/login"))
        _ = try await service.generateDataKey(under: "pay")
        #expect(server.count("renew-self") == 0)
        #expect(server.seen.last?.token != "s.1")
    }

    @Test func `a token that is renewed for less and less is replaced`() async throws {
        let keeper = Gatekeeper()
        keeper.state.withLock { $0.seconds = 3 }
        let server = try ScriptedServer { request in
            request.path.hasSuffix("renew-self")
                ? .json(200, GoodAnswer.logIn("s.1", seconds: 1)) : keeper.answer(request)
        }
        let service = try service(server, try appRole())
        _ = try await service.generateDataKey(under: "pay")
        #expect(await server.wait(for: 2, "/login"))
        #expect(server.count("renew-self") == 1)
        withExtendedLifetime(service) {}
    }

    @Test func `a service that is closed or dropped asks nobody any more`() async throws {
        let keeper = Gatekeeper()
        keeper.state.withLock { $0.seconds = 1 }
        let server = try ScriptedServer(keeper.answer)
        do {
            let dropped = try service(server, try appRole())
            _ = try await dropped.generateDataKey(under: "pay")
        }
        let closed = try service(server, try appRole())
        _ = try await closed.generateDataKey(under: "pay")
        closed.close()
        let error = try await failure { _ = try await closed.generateDataKey(under: "pay") }
        #expect(error.code == .unavailable)
        let before = server.seen.count
        try await Task.sleep(for: .milliseconds(1_500))
        #expect(server.seen.count == before)
    }
}
