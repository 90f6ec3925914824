// AddressTests: no client ever sees where a broker really is.

import Bytes
import KafkaWire
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct AddressTests {
        /// Sends a request that the broker answers with `body`, in random runs of bytes.
        private func answer(
            _ apiKey: Int16, _ version: Int16, _ harness: ProxyHarness, _ body: [UInt8],
            seed: UInt64 = 1, atMost most: Int = 30
        ) throws -> [UInt8] {
            harness.broker.on(apiKey) { request in
                var random = SeededRandom(seed: seed)
                return .runs(Wire.response(request, body).cut(atMost: most, &random))
            }
            let client = try harness.connect()
            let frame = try client.ask(Wire.request(apiKey, version, 9))
            #expect(!frame.contains(run: Array(ProxyHarness.brokerHost.utf8)))
            #expect(!frame.contains(run: Array("broker-".utf8)))
            return frame
        }

        /// Broker 0 has a port, broker 77 has none.
        private func nodes(_ harness: ProxyHarness) -> [ClusterNode] {
            [
                ClusterNode(0, ProxyHarness.brokerHost, Int32(harness.broker.port)),
                ClusterNode(77, "broker-77.internal", 9_092),
            ]
        }

        @Test(arguments: [1, 4, 9, 12, 13] as [Int16])
        func `Metadata tells the advertised addresses`(version: Int16) throws {
            let harness = try ProxyHarness(testRules)
            defer { harness.stop() }
            let id = TopicID(high: 1, low: 2)
            let body = ClusterMessage.metadata(
                version, nodes(harness), topics: [(id, "sealed-1")])
            let frame = try answer(ApiKey.metadata, version, harness, body)
            let buffer = ByteBuffer()
            buffer.append(frame)
            let told = try MetadataAnswer(
                frame: buffer.bytes, body: Wire.bodyStart(ApiKey.metadata, version),
                version: version)
            #expect(told.brokers.map(\.node) == [0, 77])
            #expect(
                told.brokers.map(\.host)
                    == [String](
                        repeating: ProxyHarness.advertisedHost, count: 2))
            // Nobody listens on port 0: what has no port must not lead anywhere else.
            #expect(told.brokers.map(\.port) == [Int32(harness.nodePorts[0]), 0])
            // What passed is remembered.
            if version >= 10 { #expect(harness.context.topics.name(of: id) == "sealed-1") }
            #expect(
                harness.context.nodes.address(of: 77)
                    == HostPort(host: "broker-77.internal", port: 9_092))
        }

        @Test(arguments: [1, 9, 12] as [Int16])
        func `bytes behind a Metadata response stay, and addresses are rewritten`(
            version: Int16
        ) throws {
            let harness = try ProxyHarness(testRules)
            defer { harness.stop() }
            let topics: [(TopicID, String?)] = [(TopicID(high: 1, low: 3), "sealed-3")]
            let body = ClusterMessage.metadata(version, nodes(harness), topics: topics)
            let more = Array("what a later broker may say".utf8)
            let frame = try answer(ApiKey.metadata, version, harness, body + more)
            let told = [
                ClusterNode(0, ProxyHarness.advertisedHost, Int32(harness.nodePorts[0])),
                ClusterNode(77, ProxyHarness.advertisedHost, 0),
            ]
            let start = Wire.bodyStart(ApiKey.metadata, version)
            #expect(
                Array(frame[start...])
                    == ClusterMessage.metadata(version, told, topics: topics) + more)
        }

        @Test(arguments: [2, 4] as [Int16])
        func `FindCoordinator tells the advertised address`(version: Int16) throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            let real = ClusterNode(0, ProxyHarness.brokerHost, Int32(harness.broker.port))
            let told = ClusterNode(
                0, ProxyHarness.advertisedHost, Int32(harness.nodePorts[0]))
            let frame = try answer(
                ApiKey.findCoordinator, version, harness,
                ClusterMessage.coordinator(version, real))
            let start = Wire.bodyStart(ApiKey.findCoordinator, version)
            #expect(Array(frame[start...]) == ClusterMessage.coordinator(version, told))
        }

        @Test func `DescribeCluster tells the advertised addresses, of fenced brokers too`() throws
        {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            let frame = try answer(
                ApiKey.describeCluster, 2, harness, ClusterMessage.cluster(nodes(harness)))
            let told = [
                ClusterNode(0, ProxyHarness.advertisedHost, Int32(harness.nodePorts[0])),
                ClusterNode(77, ProxyHarness.advertisedHost, 0),
            ]
            let start = Wire.bodyStart(ApiKey.describeCluster, 2)
            #expect(Array(frame[start...]) == ClusterMessage.cluster(told))
        }

        @Test(arguments: [false, true])
        func `the leader hints of Produce are rewritten`(withRules: Bool) throws {
            let harness = try ProxyHarness(withRules ? testRules : RuleSet())
            defer { harness.stop() }
            let real = Int32(harness.broker.port)
            harness.broker.on(ApiKey.produce) { _ in
                var answer = ProduceAnswer([.init(.name("plain"), 0, error: 6)])
                answer.endpoints = [
                    NodeEndpoint(0, ProxyHarness.brokerHost, real, rack: "r1"),
                    NodeEndpoint(77, "broker-77.internal", 9_092),
                ]
                return .body(answer.body(10))
            }
            let client = try harness.connect()
            let frame = try client.ask(ProduceMessage(10, 5, [.init("plain", 0, [])]).wire)
            #expect(!frame.contains(run: Array("broker-".utf8)))
            let answer = ProduceAnswer(frame, version: 10)
            #expect(answer.partitions.map(\.error) == [6])
            #expect(
                answer.endpoints == [
                    NodeEndpoint(
                        0, ProxyHarness.advertisedHost, Int32(harness.nodePorts[0]), rack: "r1"),
                    NodeEndpoint(77, ProxyHarness.advertisedHost, 0),
                ])
        }

        @Test func `the leader hints of a small Fetch are rewritten exactly`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            var fetched = FetchAnswer([
                .init(.id(TopicID(high: 1, low: 1)), 0, error: 6, records: [])
            ])
            fetched.endpoints = [
                NodeEndpoint(0, "broker-0.internal", 9_092, rack: "a"),
                NodeEndpoint(1, "broker-1.internal", 9_092),
            ]
            let frame = try answer(ApiKey.fetch, 16, harness, fetched.body(16))
            var told = fetched
            told.endpoints = [
                NodeEndpoint(
                    0, ProxyHarness.advertisedHost, Int32(harness.nodePorts[0]), rack: "a"),
                NodeEndpoint(1, ProxyHarness.advertisedHost, 0),
            ]
            #expect(FetchAnswer(frame, version: 16) == told)
        }

        /// Hosts that are shorter, as long, and longer than the advertised one.
        static let hosts = [
            "broker-1", "broker-1.localhost", "broker-1.rack-7.zone-a.internal.example",
            "broker-1." + String(repeating: "long.", count: 60),
        ]

        @Test(arguments: hosts, [1, 90, 5_000, 400_000])
        func `the leader hints of a large Fetch are rewritten in place`(
            host: String, most: Int
        ) throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            var random = SeededRandom(seed: UInt64(most))
            let sizes = most == 1 ? [270_000, 100] : [10, 200_000, 300_000, 0]
            var fetched = FetchAnswer(
                sizes.enumerated().map { index, size in
                    .init(
                        .id(TopicID(high: 1, low: UInt64(index))), Int32(index), error: 6,
                        records: random.bytes(size))
                })
            fetched.endpoints = [
                NodeEndpoint(0, host, 9_092, rack: "a"), NodeEndpoint(1, host, 9_093),
            ]
            fetched.moreTags = [(7, [1, 2, 3])]
            let body = fetched.body(16)
            #expect(body.count > 256 * 1024)
            let client: BlockingSocket
            if most == 1 {
                // One byte at a time where it matters: at the end, with the hints.
                harness.broker.on(ApiKey.fetch) { request in
                    let wire = Wire.response(request, body)
                    let tail = wire.suffix(600).map { [$0] }
                    return .runs([Array(wire.dropLast(600))] + tail)
                }
            } else {
                harness.broker.on(ApiKey.fetch) { request in
                    var random = SeededRandom(seed: 3)
                    return .runs(Wire.response(request, body).cut(atMost: most, &random))
                }
            }
            client = try harness.connect()
            let frame = try client.ask(Wire.request(ApiKey.fetch, 16, 9))
            #expect(!frame.suffix(2_000).contains(run: Array("broker-".utf8)))
            let answer = FetchAnswer(frame, version: 16)
            #expect(answer.partitions == fetched.partitions)
            #expect(answer.moreTags.map(\.content) == [[1, 2, 3]])
            let told = [
                NodeEndpoint(
                    0, ProxyHarness.advertisedHost, Int32(harness.nodePorts[0]), rack: "a"),
                NodeEndpoint(1, ProxyHarness.advertisedHost, 0),
            ]
            if host.count >= ProxyHarness.advertisedHost.count {
                #expect(answer.endpoints == told)
            } else {
                // There is no room: the hints are withheld, and name no node.
                #expect(answer.endpoints.allSatisfy { $0.node == -1 && $0.port == -1 })
            }
        }
    }
}

extension ArraySlice<UInt8> {
    func contains(run other: [UInt8]) -> Bool { Array(self).contains(run: other) }
}
