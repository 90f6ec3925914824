// LogInTests: who a client is, learnt from its log-in as it passes, decides what it sees.

import KafkaWire
import Principals
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct LogInTests {
        private let document = TestDocument.make()

        /// `ada` reads in clear, and so does whoever has no name to log in with.
        private func rules() throws -> RuleSet {
            RuleSet(
                protect: [try TestRules.protect("docs", fields: TestDocument.fields)],
                read: [
                    try TestRules.read("User:ada", "docs", show: .clear),
                    try TestRules.read("User:o,=k", "docs", show: .clear),
                    try TestRules.read("User:ANONYMOUS", "docs", show: .clear),
                ])
        }

        /// A proxy, and a broker that takes log-ins and holds one document.
        private func harness(
            _ store: LogStore = LogStore(), principal: PrincipalSource = .sasl(SASLSettings()),
            rules: RuleSet? = nil
        ) throws -> ProxyHarness {
            let harness = try ProxyHarness(try rules ?? self.rules(), principal: principal)
            store.serve(harness.broker)
            harness.broker.takeLogIns()
            let client = try harness.connect()
            let batch = TestBatch.make(texts: [document])
            #expect(
                try client.ask(ProduceMessage(9, 1, [.init("docs", 0, batch)])).partitions.map(
                    \.error) == [0])
            return harness
        }

        private func fetch(_ correlation: Int32) -> FetchMessage {
            FetchMessage(12, correlation, [.init(.name("docs"), 0)])
        }

        private func read(_ client: BlockingSocket, _ correlation: Int32 = 9) throws -> [String] {
            let answer = try client.ask(fetch(correlation))
            #expect(answer.partitions.map(\.error) == [0])
            return try TestBatch.texts(answer.partitions.first?.records)
        }

        // MARK: bytes

        @Test(arguments: [0, 1, 2] as [Int16], [1, 7, 10_000])
        func `log-ins pass byte for byte`(version: Int16, most: Int) throws {
            let harness = try harness()
            defer { harness.stop() }
            let token = SASLMessage.plain("ada", password: "pässword")
            let requests = [
                SASLMessage.handshake(1, "PLAIN"),
                SASLMessage.authenticate(2, token, version: version),
            ]
            let bodies = [
                SASLMessage.handshakeAnswer(),
                SASLMessage.answer(version, token: [], lifetime: 77),
            ]
            let keys = [ApiKey.saslHandshake, ApiKey.saslAuthenticate]
            let versions = [1, version]
            for (key, body) in zip(keys, bodies) {
                harness.broker.on(key) { request in
                    var random = SeededRandom(seed: 5)
                    return .runs(Wire.response(request, body).cut(atMost: most, &random))
                }
            }
            let client = try harness.connect()
            var random = SeededRandom(seed: 6)
            for index in 0..<2 {
                for run in requests[index].cut(atMost: most, &random) { try client.send(run) }
                let frame = try #require(try client.receiveFrame())
                let told = Wire.response(
                    keys[index], versions[index], Int32(index + 1), bodies[index])
                #expect(Wire.framed(frame) == told)
                #expect(harness.broker.requests(keys[index]).map(\.wire) == [requests[index]])
            }
            #expect(try read(client) == [document])
        }

        @Test func `what comes behind a log-in waits for its answer`() throws {
            let harness = try harness()
            defer { harness.stop() }
            let gate = Gate()
            harness.broker.on(ApiKey.saslAuthenticate) { request in
                gate.wait()
                return .body(SASLMessage.answer(request.version))
            }
            harness.broker.on(12) { _ in .body([]) }
            let client = try harness.connect()
            let before = harness.broker.requests(ApiKey.fetch).count
            try client.send(
                SASLMessage.handshake(1, "PLAIN")
                    + SASLMessage.authenticate(2, SASLMessage.plain("ada"))
                    + fetch(3).wire + Wire.request(12, 0, 4))
            #expect(harness.broker.wait(ApiKey.saslAuthenticate, count: 1).count == 1)
            // Whatever the proxy had sent on by itself would be there before this.
            let other = try harness.connect()
            #expect(try other.ask(Wire.request(12, 0, 1)) == [0, 0, 0, 1])
            #expect(harness.broker.requests(ApiKey.fetch).count == before)
            #expect(harness.broker.requests(12).count == 1)
            gate.open()
            let frames = try (0..<4).map { _ in try #require(try client.receiveFrame()) }
            #expect(frames.map(Wire.correlation) == [1, 2, 3, 4])
            // And it belongs to who the client is by then.
            let answer = FetchAnswer(frames[2], version: 12)
            #expect(try TestBatch.texts(answer.partitions[0].records) == [document])
        }

        @Test func `a log-in message that is too large closes the connection`() throws {
            let harness = try harness()
            defer { harness.stop() }
            let client = try harness.connect()
            _ = try client.ask(SASLMessage.handshake(1, "PLAIN"))
            let token = [UInt8](repeating: 0x61, count: 524_288)
            try? client.send(SASLMessage.authenticate(2, token))
            #expect(client.isEndedByPeer())
            #expect(harness.broker.requests(ApiKey.saslAuthenticate).isEmpty)
        }

        @Test func `a log-in that cannot be read closes the connection`() throws {
            let harness = try harness()
            defer { harness.stop() }
            let malformed = [
                Wire.request(ApiKey.saslHandshake, 1, 1, [0x7f, 0xff]),
                Wire.request(ApiKey.saslAuthenticate, 0, 1, [0, 0, 0, 9, 1]),
                Wire.request(ApiKey.saslAuthenticate, 2, 1, [2, 1, 0, 0]),
            ]
            for request in malformed {
                let client = try harness.connect()
                try client.send(request)
                #expect(client.isEndedByPeer())
            }
            #expect(harness.broker.requests(ApiKey.saslHandshake).isEmpty)
            #expect(harness.broker.requests(ApiKey.saslAuthenticate).isEmpty)
            harness.broker.on(ApiKey.saslHandshake) { _ in .body([0]) }
            let client = try harness.connect()
            try client.send(SASLMessage.handshake(1, "PLAIN"))
            #expect(client.isEndedByPeer())
        }

        // MARK: who it is

        @Test func `PLAIN says who reads`() throws {
            let harness = try harness()
            defer { harness.stop() }
            #expect(try read(harness.connect(as: "ada")) == [document])
            #expect(try read(harness.connect(as: "bob")) == [TestDocument.redacted])
            // Names are the same byte by byte only.
            #expect(try read(harness.connect(as: "Ada")) == [TestDocument.redacted])
        }

        @Test func `a client that has not logged in is anonymous`() throws {
            let harness = try harness()
            defer { harness.stop() }
            #expect(try read(harness.connect()) == [document])
        }

        /// - Returns: the last answer.
        private func scram(
            _ client: BlockingSocket, _ name: String, proof: String = "cHJvb2Y="
        ) throws -> [UInt8] {
            _ = try client.ask(SASLMessage.handshake(1, "SCRAM-SHA-256"))
            _ = try client.ask(SASLMessage.authenticate(2, SASLMessage.scramFirst(name)))
            return try client.ask(
                SASLMessage.authenticate(3, SASLMessage.scramFinal(proof: proof)))
        }

        @Test func `SCRAM says who reads, when its proof was taken`() throws {
            let harness = try harness()
            defer { harness.stop() }
            let client = try harness.connect()
            _ = try scram(client, "ada")
            #expect(try read(client) == [document])
            let escaped = try harness.connect()
            _ = try scram(escaped, "o=2C=3Dk")
            #expect(try read(escaped) == [document])
            let other = try harness.connect()
            _ = try scram(other, "ad=3Da")
            #expect(try read(other) == [TestDocument.redacted])
        }

        @Test func `a challenge is no proof`() throws {
            let harness = try harness(
                rules: RuleSet(
                    protect: [try TestRules.protect("docs", fields: TestDocument.fields)],
                    read: [try TestRules.read("User:ada", "docs", show: .clear)]))
            defer { harness.stop() }
            let client = try harness.connect()
            _ = try client.ask(SASLMessage.handshake(1, "SCRAM-SHA-256"))
            _ = try client.ask(SASLMessage.authenticate(2, SASLMessage.scramFirst("ada")))
            #expect(try read(client) == [TestDocument.redacted])
            let refused = try harness.connect()
            _ = try scram(refused, "ada", proof: "wrong")
            #expect(try read(refused) == [TestDocument.redacted])
            let wrong = try harness.connect()
            #expect(try wrong.logIn("ada", password: "wrong") == 58)
            #expect(try read(wrong) == [TestDocument.redacted])
            // The broker has let it try again.
            #expect(try wrong.logIn("ada") == 0)
            #expect(try read(wrong) == [document])
        }

        @Test func `a mechanism that hides the name makes nobody`() throws {
            let harness = try harness()
            defer { harness.stop() }
            let client = try harness.connect()
            _ = try client.ask(SASLMessage.handshake(1, "GSSAPI"))
            _ = try client.ask(SASLMessage.authenticate(2, SASLMessage.plain("ada")))
            #expect(try read(client) == [TestDocument.redacted])
        }

        @Test func `a group of a token says who reads`() throws {
            let rules = RuleSet(
                protect: [try TestRules.protect("docs", fields: TestDocument.fields)],
                read: [try TestRules.read("group:cleared", "docs", show: .clear)])
            let harness = try harness(
                principal: .sasl(SASLSettings(groupsClaim: "groups")), rules: rules)
            defer { harness.stop() }
            // {"sub":"ada","groups":["cleared"]} and the same without the group.
            let tokens = [
                "eyJzdWIiOiJhZGEiLCJncm91cHMiOlsiY2xlYXJlZCJdfQ", "eyJzdWIiOiJhZGEifQ",
            ]
            let client = try harness.connect()
            for (token, text) in zip(tokens, [document, TestDocument.redacted]) {
                // The second time it is a log-in anew: the group was taken away.
                _ = try client.ask(SASLMessage.handshake(1, "OAUTHBEARER"))
                _ = try client.ask(SASLMessage.authenticate(2, SASLMessage.bearer(token)))
                #expect(try read(client) == [text])
            }
        }

        @Test func `a client may log in again as itself, and not as another`() throws {
            let harness = try harness()
            defer { harness.stop() }
            let client = try harness.connect(as: "ada")
            #expect(try client.logIn("ada") == 0)
            #expect(try read(client) == [document])
            // A refusal leaves it who it was; whether the connection goes on is the broker's.
            #expect(try client.logIn("bob", password: "wrong") == 58)
            #expect(try read(client) == [document])
            _ = try client.ask(SASLMessage.handshake(1, "PLAIN"))
            try client.send(
                SASLMessage.authenticate(2, SASLMessage.plain("bob")) + fetch(3).wire)
            let fetches = harness.broker.requests(ApiKey.fetch).count
            #expect(try client.receiveFrame() == nil)
            #expect(harness.broker.requests(ApiKey.fetch).count == fetches)
        }

        // MARK: entrances

        @Test func `without rules for principals log-ins pass unread`() throws {
            let harness = try harness(rules: testRules)
            defer { harness.stop() }
            harness.broker.on(ApiKey.saslHandshake) { _ in .body([1, 2, 3]) }
            harness.broker.on(ApiKey.saslAuthenticate) { _ in .nothing }
            let client = try harness.connect()
            // Nonsense, larger than a log-in may be, and nothing waits for its answer.
            let token = [UInt8](repeating: 1, count: 600_000)
            try client.send(
                Wire.request(ApiKey.saslHandshake, 1, 1, [9, 9, 9])
                    + Wire.request(ApiKey.saslAuthenticate, 2, 2, token)
                    + Wire.request(12, 0, 3))
            #expect(try client.receiveFrame() == [0, 0, 0, 1, 1, 2, 3])
            #expect(harness.broker.wait(12, count: 1).count == 1)
            #expect(
                harness.broker.requests(ApiKey.saslAuthenticate).map(\.frame.count) == [
                    600_000 + 15
                ])
        }

        @Test(arguments: ["User:ada", "User:bob"])
        func `everybody who comes in where the name is fixed is that one`(name: String) throws {
            let harness = try harness(principal: .fixed(Principal(name: name)))
            defer { harness.stop() }
            let expected = name == "User:ada" ? document : TestDocument.redacted
            #expect(try read(harness.connect()) == [expected])
            // Logging in as another changes nothing: it is not even looked at.
            #expect(try read(harness.connect(as: "ada")) == [expected])
            #expect(try read(harness.connect(as: "bob")) == [expected])
        }

        @Test func `where everybody is anonymous a log-in proves nothing`() throws {
            let rules = RuleSet(
                protect: [try TestRules.protect("docs", fields: TestDocument.fields)],
                read: [try TestRules.read("User:ada", "docs", show: .clear)])
            let harness = try harness(principal: .fixed(.anonymous), rules: rules)
            defer { harness.stop() }
            #expect(try read(harness.connect(as: "ada")) == [TestDocument.redacted])
        }

        @Test(arguments: ["ada", "bob"])
        func `a log-in is watched before the nodes are known`(name: String) throws {
            let store = LogStore()
            let first = try harness(store)
            let keys = first.keys
            first.stop()
            let harness = try ProxyHarness(try rules(), keys: keys, tellsNodes: false)
            defer { harness.stop() }
            store.serve(harness.broker)
            harness.broker.takeLogIns()
            let nodes = [
                ClusterNode(0, ProxyHarness.brokerHost, Int32(harness.broker.port))
            ]
            let loggedIn = Monitor(Set<Int>())
            harness.broker.on(ApiKey.saslAuthenticate) { request in
                loggedIn.with { _ = $0.insert(request.connection) }
                return .body(SASLMessage.answer(request.version))
            }
            // The cluster tells its brokers to whom it knows.
            harness.broker.on(ApiKey.metadata) { request in
                guard loggedIn.with({ $0.contains(request.connection) }) else { return .close }
                return .body(ClusterMessage.metadata(request.version, nodes))
            }
            harness.broker.connection(0)?.interrupt()
            #expect(harness.context.nodes.count == 0)
            let client = try harness.connect(as: name)
            #expect(try read(client) == [name == "ada" ? document : TestDocument.redacted])
            #expect(harness.context.nodes.count == 1)
        }
    }
}
