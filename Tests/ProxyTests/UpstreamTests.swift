// UpstreamTests: a client reaches the broker that it dialled for, or nobody.

import KafkaWire
import Loop
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct UpstreamTests {
        /// Every broker answers with its own number.
        private func answerWithNumbers(_ harness: ProxyHarness) {
            for (number, broker) in harness.brokers.enumerated() {
                broker.on(12) { _ in .body([UInt8(number)]) }
            }
        }

        @Test func `every port leads to its own broker`() throws {
            let harness = try ProxyHarness(nodes: 3, loops: 2)
            defer { harness.stop() }
            answerWithNumbers(harness)
            for node in [2, 0, 1] {
                let client = try harness.connect(node: node)
                #expect(try client.ask(Wire.request(12, 0, 1)) == [0, 0, 0, 1, UInt8(node)])
            }
            let client = try harness.connect(node: nil)
            #expect(try client.ask(Wire.request(12, 0, 1)) == [0, 0, 0, 1, 0])
        }

        @Test func `a node that is dialled before it is known is asked for`() throws {
            let harness = try ProxyHarness(nodes: 2, tellsNodes: false)
            defer { harness.stop() }
            answerWithNumbers(harness)
            // The process's first question is never answered; the next one is.
            _ = harness.broker.wait(ApiKey.metadata, count: 1)
            let port = Int32(harness.brokers[1].port)
            #expect(harness.context.nodes.count == 0)
            harness.context.nodes.learn(0, HostPort(host: "127.0.0.1", port: 1))
            ProxyHarness.tellNodes(harness.brokers)
            harness.broker.connection(0)?.interrupt()
            let client = try harness.connect(node: 1)
            #expect(try client.ask(Wire.request(12, 0, 1)) == [0, 0, 0, 1, 1])
            #expect(
                harness.context.nodes.address(of: 1)
                    == HostPort(host: "127.0.0.1", port: UInt16(port)))
        }

        @Test func `a broker that moved is found again`() throws {
            let harness = try ProxyHarness(nodes: 2)
            defer { harness.stop() }
            answerWithNumbers(harness)
            // Nobody listens where the broker was.
            let gone = try #require(try BlockingListener.freePorts(1).first)
            harness.context.nodes.learn(1, HostPort(host: "127.0.0.1", port: gone))
            let client = try harness.connect(node: 1)
            #expect(try client.ask(Wire.request(12, 0, 1)) == [0, 0, 0, 1, 1])
        }

        @Test func `a node that does not exist is not somebody else`() throws {
            let harness = try ProxyHarness(nodes: 2)
            defer { harness.stop() }
            answerWithNumbers(harness)
            let other = try ProxyHarness(nodes: 2, bootstrap: [harness.broker.port])
            defer { other.stop() }
            // The cluster tells of broker 0 only.
            let only = ClusterNode(0, ProxyHarness.brokerHost, Int32(harness.broker.port))
            harness.broker.on(ApiKey.metadata) {
                .body(ClusterMessage.metadata($0.version, [only]))
            }
            let lost = try ProxyHarness(nodes: 2, bootstrap: [harness.broker.port])
            defer { lost.stop() }
            let client = try lost.connect(node: 1)
            try client.send(Wire.request(12, 0, 1))
            #expect(client.isEndedByPeer())
            #expect(harness.broker.requests(12).isEmpty)
        }

        @Test func `a dead bootstrap server is passed over`() throws {
            let live = try ScriptedBroker()
            defer { live.stop() }
            live.on(12) { _ in .body([7]) }
            ProxyHarness.tellNodes([live])
            let dead = try BlockingListener.freePorts(2)
            let harness = try ProxyHarness(bootstrap: [dead[0], dead[1], live.port])
            defer { harness.stop() }
            for _ in 0..<4 {
                let client = try harness.connect(node: nil)
                #expect(try client.ask(Wire.request(12, 0, 1)) == [0, 0, 0, 1, 7])
            }
            let client = try harness.connect(node: 0)
            #expect(try client.ask(Wire.request(12, 0, 1)) == [0, 0, 0, 1, 7])
        }

        @Test func `without any broker the client is let go`() throws {
            let dead = try BlockingListener.freePorts(1)
            let harness = try ProxyHarness(bootstrap: dead)
            defer { harness.stop() }
            for node in [nil, 0] {
                let client = try harness.connect(node: node)
                try client.send(Wire.request(12, 0, 1))
                #expect(client.isEndedByPeer())
            }
        }

        /// The cluster closes every connection that asks for brokers before it has logged in.
        private func wantsLogin(_ harness: ProxyHarness) {
            for (number, broker) in harness.brokers.enumerated() {
                let loggedIn = Monitor(Set<Int>())
                let nodes = harness.brokers.enumerated().map {
                    ClusterNode(
                        Int32($0.offset), ProxyHarness.brokerHost, Int32($0.element.port))
                }
                broker.on(ApiKey.saslHandshake) { _ in .body([0, 0, 0, 0, 0, 0]) }
                broker.on(ApiKey.saslAuthenticate) { request in
                    loggedIn.with { _ = $0.insert(request.connection) }
                    return .body([0, 0, 255, 255, 0, 0, 0, 0])
                }
                broker.on(ApiKey.metadata) { request in
                    guard loggedIn.with({ $0.contains(request.connection) }) else { return .close }
                    return .body(ClusterMessage.metadata(request.version, nodes))
                }
                broker.on(12) { _ in .body([UInt8(number)]) }
            }
        }

        private func logIn(_ client: BlockingSocket) throws {
            let mechanism = WireFields.of { $0.string("PLAIN") }
            _ = try client.ask(Wire.request(ApiKey.saslHandshake, 1, 1, mechanism))
            _ = try client.ask(
                Wire.request(ApiKey.saslAuthenticate, 0, 2, WireFields.of { $0.data([1]) }))
        }

        @Test func `where only clients may ask, the client's own connection asks`() throws {
            let harness = try ProxyHarness(nodes: 2, tellsNodes: false)
            defer { harness.stop() }
            wantsLogin(harness)
            harness.broker.connection(0)?.interrupt()
            // Node 1 is not known: the login passes to a bootstrap server, then it is found out.
            let early = try harness.connect(node: 1)
            try logIn(early)
            try early.send(Wire.request(12, 0, 3))
            #expect(early.isEndedByPeer())
            #expect(harness.broker.requests(12).isEmpty)
            // The client comes again and is led to its broker.
            let late = try harness.connect(node: 1)
            try logIn(late)
            #expect(try late.ask(Wire.request(12, 0, 3)) == [0, 0, 0, 3, 1])
        }

        @Test func `a bootstrap server that is the wanted broker is kept`() throws {
            let harness = try ProxyHarness(nodes: 2, tellsNodes: false)
            defer { harness.stop() }
            wantsLogin(harness)
            harness.broker.connection(0)?.interrupt()
            let client = try harness.connect(node: 0)
            try logIn(client)
            #expect(try client.ask(Wire.request(12, 0, 3)) == [0, 0, 0, 3, 0])
        }

        /// Whether a connector is let go after `use`, once the loop has gone round.
        private func isFreed(
            _ harness: ProxyHarness, _ use: @escaping @Sendable (UpstreamConnector) -> Void
        ) -> Bool {
            final class Watch { weak var connector: UpstreamConnector? }
            let outcome = Monitor<Bool?>(nil)
            harness.home.submit { loop in
                guard let context = loop.attachment as? LoopContext else { return }
                let entrance = Entrance(
                    addresses: AdvertisedAddresses(
                        listener: "test", host: "h", bootstrapPort: 1, brokerPorts: 2...2,
                        nodePorts: [:]), node: nil)
                let watch = Watch()
                let connector = UpstreamConnector(entrance: entrance, context: context) { _ in }
                watch.connector = connector
                // After the connector's own start.
                loop.schedule(afterNanoseconds: 1_000_000) { loop in
                    if let connector = watch.connector { use(connector) }
                    loop.schedule(afterNanoseconds: 50_000_000) { _ in
                        outcome.with { $0 = watch.connector == nil }
                    }
                }
            }
            return outcome.wait { $0 } ?? false
        }

        @Test func `a connector is let go when it is done, cancelled, or failed at once`() throws {
            let working = try ProxyHarness()
            defer { working.stop() }
            #expect(isFreed(working) { _ in })
            #expect(isFreed(working) { $0.cancel() })
            // Nobody can connect to the broadcast address: the system says so in the same call.
            let failing = try ProxyHarness(tellsNodes: false) {
                $0.bootstrap = [HostPort(host: "255.255.255.255", port: 1)]
            }
            defer { failing.stop() }
            #expect(isFreed(failing) { _ in })
            // It does not answer, so that the attempt is cancelled on its way.
            let waiting = try ProxyHarness(tellsNodes: false) {
                $0.bootstrap = [HostPort(host: "192.0.2.1", port: 1)]
            }
            defer { waiting.stop() }
            #expect(isFreed(waiting) { $0.cancel() })
        }
    }
}
