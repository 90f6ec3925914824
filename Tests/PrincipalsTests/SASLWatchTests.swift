// SASLWatchTests: the order of log-ins, and what may change a principal.

import Rules
import TestSupport
import Testing

@testable import Principals

struct SASLWatchTests {
    private static let alice = Principal(name: "User:alice")

    private func loggedIn(_ name: String = "alice") -> WatchedClient {
        var client = WatchedClient()
        #expect(
            client.logIn("PLAIN", Login.plain(name)) == .proven(Principal(name: "User:" + name)))
        return client
    }

    // MARK: mechanisms

    @Test(arguments: [
        "GSSAPI", "AWS_MSK_IAM", "plain", "PLAIN ", "PLAINX", "PLAI", "", "SCRAM-SHA-1",
        "SCRAM-SHA-256-PLUS", "scram-sha-256", "OAUTHBEARER2", "\0PLAIN",
    ])
    func `a mechanism that is not known proves nobody by name`(_ mechanism: String) {
        var client = WatchedClient()
        client.handshake(mechanism)
        #expect(client.watch.principal == nil)
        client.send(Login.plain("alice"))
        #expect(client.answer() == .proven(.unknown))
    }

    @Test func `Kerberos ends as unknown after any number of messages`() {
        var client = WatchedClient()
        client.handshake("GSSAPI")
        client.send([0x60, 0x82])
        #expect(client.answer("challenge") == .proven(.unknown))
        client.send([])
        #expect(client.answer("layer") == .nothing)
        client.send([1, 2, 3])
        #expect(client.answer() == .nothing)
        #expect(client.watch.principal == .unknown)
        // And again for the next session.
        #expect(client.logIn("GSSAPI", [0x60]) == .nothing)
    }

    // MARK: order

    @Test func `nothing is known before a log-in`() {
        #expect(WatchedClient().watch.principal == nil)
    }

    @Test func `a refused mechanism proves nothing, and another may follow`() {
        var client = WatchedClient()
        client.handshake("GSSAPI", errorCode: 33)
        #expect(client.watch.principal == nil)
        #expect(client.logIn("PLAIN", Login.plain("alice")) == .proven(Self.alice))
    }

    @Test func `a message after a refused mechanism is not read`() {
        var client = WatchedClient()
        client.handshake("PLAIN", errorCode: 33)
        client.send(Login.plain("alice"))
        #expect(client.answer() == .proven(.unknown))
    }

    @Test func `a message without handshake is not read`() {
        var client = WatchedClient()
        client.send(Login.plain("alice"))
        #expect(client.answer() == .proven(.unknown))
    }

    @Test func `a second message without handshake is not read`() {
        var client = loggedIn()
        client.send(Login.plain("alice"))
        #expect(client.answer() == .changed)
        #expect(client.watch.principal == .unknown)
    }

    @Test func `a message after a failure is not read`() {
        var client = WatchedClient()
        client.handshake("PLAIN")
        client.send(Login.plain("root"))
        #expect(client.answer(errorCode: 58) == .failed)
        client.send(Login.plain("alice"))
        #expect(client.answer() == .proven(.unknown))
    }

    @Test func `two handshakes leave the client unknown`() {
        var client = WatchedClient()
        client.handshake("PLAIN")
        client.handshake("PLAIN")
        client.send(Login.plain("alice"))
        #expect(client.answer() == .proven(.unknown))
    }

    @Test func `a handshake in the middle leaves the client unknown`() {
        var client = WatchedClient()
        client.handshake("SCRAM-SHA-256")
        client.send(Login.scram("root"))
        #expect(client.answer(Login.serverFirst) == .nothing)
        #expect(client.logIn("PLAIN", Login.plain("alice")) == .proven(.unknown))
    }

    @Test func `messages that do not wait for answers leave the client unknown`() {
        var client = WatchedClient()
        client.ask("PLAIN")
        client.send(Login.plain("alice"))
        client.watch.handshakeAnswered(errorCode: 0)
        #expect(client.answer() == .proven(.unknown))
    }

    @Test func `two messages at once leave the client unknown`() {
        var client = WatchedClient()
        client.handshake("PLAIN")
        client.send(Login.plain("alice"))
        client.send(Login.plain("bob"))
        #expect(client.answer() == .proven(.unknown))
        #expect(client.answer() == .nothing)
        #expect(client.watch.principal == .unknown)
    }

    @Test func `a handshake behind a message leaves the client unknown`() {
        var client = WatchedClient()
        client.handshake("PLAIN")
        client.send(Login.plain("alice"))
        client.ask("PLAIN")
        #expect(client.answer() == .proven(.unknown))
        client.watch.handshakeAnswered(errorCode: 0)
        client.send(Login.plain("alice"))
        #expect(client.answer() == .nothing)
        #expect(client.watch.principal == .unknown)
    }

    @Test func `an answer to an earlier handshake does not stand for a later one`() {
        var client = WatchedClient()
        client.send([])
        client.ask("GSSAPI")
        #expect(client.answer() == .proven(.unknown))
        client.ask("PLAIN")
        client.watch.handshakeAnswered(errorCode: 0)
        client.send(Login.plain("alice"))
        client.watch.handshakeAnswered(errorCode: 33)
        #expect(client.answer() == .nothing)
        #expect(client.watch.principal == .unknown)
    }

    @Test(arguments: [0, 58] as [Int16])
    func `an answer that is overtaken does not prove a later message`(_ errorCode: Int16) {
        var client = WatchedClient()
        client.send([])
        client.send([])
        let first = client.answer(errorCode: errorCode)
        #expect(first == (errorCode == 0 ? .proven(.unknown) : .failed))
        client.handshake("PLAIN")
        client.send(Login.plain("alice"))
        // It is the answer to the second message, not to the name.
        #expect(client.answer() == (errorCode == 0 ? .nothing : .proven(.unknown)))
        #expect(client.watch.principal == .unknown)
    }

    @Test func `a failure among several messages at once names nobody later`() {
        var client = WatchedClient()
        client.handshake("PLAIN")
        client.send(Login.plain("root"))
        client.send(Login.plain("alice"))
        #expect(client.answer(errorCode: 58) == .failed)
        #expect(client.answer() == .proven(.unknown))
    }

    @Test func `answers that nobody asked for leave the client unknown`() {
        var client = WatchedClient()
        #expect(client.answer() == .proven(.unknown))
        client = WatchedClient()
        client.watch.handshakeAnswered(errorCode: 0)
        client.send(Login.plain("alice"))
        #expect(client.answer() == .proven(.unknown))
    }

    @Test func `an answer of the other kind leaves the client unknown`() {
        var client = WatchedClient()
        client.ask("PLAIN")
        #expect(client.answer() == .proven(.unknown))
        client = WatchedClient()
        client.handshake("PLAIN")
        client.send(Login.plain("alice"))
        client.watch.handshakeAnswered(errorCode: 0)
        client.send(Login.plain("alice"))
        #expect(client.answer() == .proven(.unknown))
    }

    // MARK: logging in again

    @Test func `the same name again changes nothing`() {
        var client = loggedIn()
        client.handshake("PLAIN")
        #expect(client.watch.principal == Self.alice)
        client.send(Login.plain("alice", password: "newer"))
        #expect(client.watch.principal == Self.alice)
        #expect(client.answer(lifetime: 1_000) == .nothing)
        #expect(client.watch.principal == Self.alice)
    }

    @Test func `another name closes the connection and is known by none`() {
        var client = loggedIn()
        #expect(client.logIn("PLAIN", Login.plain("bob")) == .changed)
        #expect(client.watch.principal == .unknown)
        #expect(client.logIn("PLAIN", Login.plain("alice")) == .changed)
        #expect(client.watch.principal == .unknown)
    }

    @Test func `names that only look the same are others`() {
        var client = loggedIn("\u{e9}")
        #expect(client.logIn("PLAIN", Login.plain("e\u{301}")) == .changed)
        client = loggedIn("K")
        #expect(client.logIn("PLAIN", Login.plain("\u{212a}")) == .changed)
        client = loggedIn("K")
        #expect(client.logIn("PLAIN", Login.plain("k")) == .changed)
    }

    @Test func `a known client that becomes unknown closes the connection`() {
        var client = loggedIn()
        #expect(client.logIn("GSSAPI", [0x60]) == .changed)
        client = loggedIn()
        let token = Login.scram("alice", extensions: ",tokenauth=true")
        #expect(client.logIn("SCRAM-SHA-256", token) == .changed)
        client = loggedIn()
        #expect(client.logIn("PLAIN", Array("alice".utf8)) == .changed)
    }

    @Test func `an unknown client that becomes known closes the connection`() {
        var client = WatchedClient()
        #expect(client.logIn("GSSAPI", [0x60]) == .proven(.unknown))
        #expect(client.logIn("PLAIN", Login.plain("alice")) == .changed)
        #expect(client.watch.principal == .unknown)
    }

    @Test func `a refused second log-in leaves the client who it was`() {
        var client = loggedIn()
        client.handshake("PLAIN")
        client.send(Login.plain("bob"))
        #expect(client.answer(errorCode: 58) == .failed)
        #expect(client.watch.principal == Self.alice)
        // Too soon after the last one.
        client.handshake("PLAIN", errorCode: 34)
        #expect(client.watch.principal == Self.alice)
        #expect(client.logIn("PLAIN", Login.plain("alice")) == .nothing)
    }

    @Test func `a second log-in by SCRAM counts with its second answer`() {
        var client = WatchedClient()
        _ = client.logIn("SCRAM-SHA-512", Login.scram("alice"))
        client.handshake("SCRAM-SHA-512")
        client.send(Login.scram("bob"))
        #expect(client.answer(Login.serverFirst) == .nothing)
        #expect(client.watch.principal == Self.alice)
        client.send(Array(Login.clientFinal.utf8))
        #expect(client.answer(Login.serverFinal) == .changed)
    }

    @Test func `the groups of the newest token count`() {
        var client = WatchedClient(SASLSettings(groupsClaim: "groups"))
        let token = { (groups: String) in
            Login.bearer(Login.token(#"{"sub":"alice","groups":\#(groups)}"#))
        }
        let fraud = Principal(name: "User:alice", groups: ["fraud"])
        #expect(client.logIn("OAUTHBEARER", token(#"["fraud"]"#)) == .proven(fraud))
        #expect(client.logIn("OAUTHBEARER", token(#"["fraud"]"#)) == .nothing)
        let ops = Principal(name: "User:alice", groups: ["ops", "fraud"])
        #expect(client.logIn("OAUTHBEARER", token(#"["ops","fraud"]"#)) == .proven(ops))
        #expect(client.watch.principal == ops)
        #expect(client.logIn("OAUTHBEARER", token("[]")) == .proven(Self.alice))
        // Refused tokens take nothing away and bring nothing.
        client.handshake("OAUTHBEARER")
        client.send(token(#"["admins"]"#))
        #expect(client.answer(#"{"status":"invalid_token"}"#) == .nothing)
        #expect(client.watch.principal == Self.alice)
    }

    // MARK: at random

    private enum Step: Equatable {
        case ask(String), agree(Int16), send([UInt8]), answer(Int16, String)
    }

    private static let messages: [[UInt8]] = [
        Login.plain("alice"), Login.plain("bob"), Login.scram("alice"), Login.scram("bob"),
        Array(Login.clientFinal.utf8), Login.bearer(Login.token(#"{"sub":"alice"}"#)),
        Login.bearer(Login.token(#"{"sub":"bob"}"#)), [1], [],
    ]

    /// Whether the last steps are one clean exchange that proves `name`, with all answers before
    /// them taken.
    private func proves(_ name: String, _ steps: [Step]) -> Bool {
        let plain: [Step] = [
            .ask("PLAIN"), .agree(0), .send(Login.plain(name)), .answer(0, ""),
        ]
        let bearer: [Step] = [
            .ask("OAUTHBEARER"), .agree(0),
            .send(Login.bearer(Login.token(#"{"sub":"\#(name)"}"#))), .answer(0, ""),
        ]
        let scram: [Step] = [
            .ask("SCRAM-SHA-256"), .agree(0), .send(Login.scram(name)),
            .answer(0, Login.serverFirst), .send(Array(Login.clientFinal.utf8)),
            .answer(0, Login.serverFinal),
        ]
        return [plain, bearer, scram].contains { clean in
            guard steps.suffix(clean.count).elementsEqual(clean) else { return false }
            var waiting = 0
            for step in steps.dropLast(clean.count) {
                switch step {
                case .ask, .send: waiting += 1
                case .agree, .answer: waiting = max(waiting - 1, 0)
                }
            }
            return waiting == 0
        }
    }

    private func step(_ random: inout SeededRandom) -> Step {
        let code: Int16 = random.next() % 6 == 0 ? 58 : 0
        switch random.next() % 8 {
        case 0, 1:
            let mechanisms = ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER", "GSSAPI"]
            return .ask(mechanisms[Int(random.next() % 4)])
        case 2, 3: return .agree(code)
        case 4, 5: return .send(Self.messages[Int(random.next() % UInt64(Self.messages.count))])
        default:
            let tokens = ["", "", Login.serverFirst, Login.serverFinal, "{}", "e=x"]
            return .answer(code, tokens[Int(random.next() % 6)])
        }
    }

    /// Most steps go on as the last ones ask for, so that exchanges end.
    private func next(after steps: [Step], _ random: inout SeededRandom) -> Step {
        guard random.next() % 8 > 0, let last = steps.last else { return step(&random) }
        switch last {
        case .ask: return .agree(0)
        case .agree:
            let bob = Int(random.next() % 2)
            switch steps.dropLast().last {
            case .ask("PLAIN"): return .send(Self.messages[bob])
            case .ask("SCRAM-SHA-256"): return .send(Self.messages[2 + bob])
            default: return .send(Self.messages[5 + bob])
            }
        case .send(let message):
            if message.starts(with: Array("c=".utf8)) { return .answer(0, Login.serverFinal) }
            return .answer(0, message.starts(with: Array("n,,n=".utf8)) ? Login.serverFirst : "")
        case .answer(0, Login.serverFirst): return .send(Array(Login.clientFinal.utf8))
        case .answer: return step(&random)
        }
    }

    @Test func `whatever the order, a name is proven by a clean exchange only`() {
        var random = SeededRandom(seed: 0x5a51)
        var named = 0
        var changes = 0
        for _ in 0..<4_000 {
            var client = WatchedClient()
            var steps: [Step] = []
            for _ in 0..<16 {
                let before = client.watch.principal
                let step = next(after: steps, &random)
                steps.append(step)
                var outcome = SASLWatch.Outcome.nothing
                switch step {
                case .ask(let mechanism): client.ask(mechanism)
                case .agree(let code): client.watch.handshakeAnswered(errorCode: code)
                case .send(let message): client.send(message)
                case .answer(let code, let token): outcome = client.answer(token, errorCode: code)
                }
                let after = client.watch.principal
                switch outcome {
                case .proven(let principal):
                    #expect(before == nil && after == principal)
                    guard let name = principal.name else { continue }
                    named += 1
                    #expect(proves(String(name.dropFirst(5)), steps), "\(steps)")
                case .changed:
                    changes += 1
                    #expect(before != nil && after == .unknown)
                case .nothing, .failed: #expect(after == before)
                }
            }
        }
        #expect(named > 200 && changes > 200, "\(named) names, \(changes) changes")
    }
}
