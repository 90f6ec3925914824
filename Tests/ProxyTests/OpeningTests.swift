// OpeningTests: what is fetched is opened by grant, and delivered as it is stored without one.

import KafkaWire
import KeyService
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct OpeningTests {
        private let secret = Array("a secret that nobody may read".utf8)
        private let topicID = TopicID(high: 9, low: 1)

        /// A proxy and a broker that holds batches of one value per partition.
        private func harness(
            _ store: LogStore, _ topics: [String], batches: Int = 1
        ) throws -> ProxyHarness {
            let harness = try ProxyHarness(testRules)
            store.serve(harness.broker)
            let client = try harness.connect()
            for number in 0..<batches {
                let value = secret + [UInt8(number)]
                let answer = try client.ask(
                    ProduceMessage(
                        9, Int32(number), topics.map { .init($0, 0, TestBatch.make([value])) }))
                #expect(answer.partitions.allSatisfy { $0.error == 0 })
            }
            return harness
        }

        @Test func `without a grant values are delivered as they are stored`() throws {
            let store = LogStore()
            let harness = try harness(store, ["sealed-1", "stored-1", "plain"])
            defer { harness.stop() }
            let client = try harness.connect()
            let answer = try client.ask(
                FetchMessage(
                    12, 1,
                    [
                        .init(.name("stored-1"), 0), .init(.name("sealed-1"), 0),
                        .init(.name("plain"), 0),
                    ]))
            #expect(answer.partitions.map(\.error) == [0, 0, 0])
            #expect(answer.partitions[0].records == store.batches("stored-1").first)
            #expect(try TestBatch.values(answer.partitions[1].records ?? []) == [secret + [0]])
            #expect(answer.partitions[2].records == store.batches("plain").first)
        }

        /// Changes one bit of a stored batch: in the sealed value, or in the record's structure.
        private func damage(_ batch: inout [UInt8], inValue: Bool) throws {
            guard inValue else {
                batch[batch.count - 70] ^= 1
                return
            }
            let sealed = try #require(try TestBatch.values(batch).last ?? nil)
            let at = try #require(
                batch.indices.first { batch[$0...].starts(with: sealed) })
            batch[at + sealed.count / 2] ^= 1
        }

        @Test(arguments: [true, false])
        func `a value that was changed is not delivered`(inValue: Bool) throws {
            let store = LogStore()
            let harness = try harness(store, ["sealed-1", "sealed-2"])
            defer { harness.stop() }
            try store.change("sealed-1") { try damage(&$0[0], inValue: inValue) }
            let client = try harness.connect()
            let answer = try client.ask(
                FetchMessage(
                    12, 1, [.init(.name("sealed-1"), 0), .init(.name("sealed-2"), 0)]))
            #expect(answer.partitions.map(\.error) == [2, 0])
            #expect(answer.partitions[0].records == [])
            #expect(try TestBatch.values(answer.partitions[1].records ?? []) == [secret + [0]])
        }

        @Test func `a value of another topic does not open`() throws {
            let store = LogStore()
            let harness = try harness(store, ["sealed-1", "sealed-2"])
            defer { harness.stop() }
            let moved = store.batches("sealed-2")
            store.change("sealed-1") { $0 = moved }
            let client = try harness.connect()
            let answer = try client.ask(FetchMessage(12, 1, [.init(.name("sealed-1"), 0)]))
            #expect(answer.partitions.map(\.error) == [2])
            #expect(answer.partitions[0].records == [])
        }

        @Test(arguments: [true, false])
        func `what stands before a damaged batch is delivered`(inValue: Bool) throws {
            let store = LogStore()
            let harness = try harness(store, ["sealed-1"], batches: 3)
            defer { harness.stop() }
            try store.change("sealed-1") { try damage(&$0[2], inValue: inValue) }
            let client = try harness.connect()
            let answer = try client.ask(FetchMessage(12, 1, [.init(.name("sealed-1"), 0)]))
            #expect(answer.partitions.map(\.error) == [0])
            #expect(
                try TestBatch.values(answer.partitions[0].records ?? []) == [
                    secret + [0], secret + [1],
                ])
        }

        /// Answers questions for names of ids.
        private func name(_ id: TopicID, _ name: String?, _ harness: ProxyHarness) {
            harness.broker.on(ApiKey.metadata) { request in
                let topics = ClusterMessage.topicIDs(request).map { ($0, $0 == id ? name : nil) }
                return .body(ClusterMessage.metadata(request.version, [], topics: topics))
            }
        }

        /// The broker answers a fetch of the id with what it holds under the name.
        private func serve(
            _ id: TopicID, _ name: String, _ store: LogStore, _ broker: ScriptedBroker
        ) {
            broker.on(ApiKey.fetch) { request in
                let message = FetchMessage(request)
                var answer = FetchAnswer([
                    .init(.id(id), 0, records: Array(store.batches(name).joined()))
                ])
                answer.session = message.session == 0 ? 55 : message.session
                answer.endpoints = [NodeEndpoint(5, "broker-5.internal", 9_092)]
                return .body(answer.body(request.version))
            }
        }

        @Test func `names are asked for before a fetch by id goes out`() throws {
            let store = LogStore()
            let harness = try harness(store, ["sealed-1"])
            defer { harness.stop() }
            name(topicID, "sealed-1", harness)
            serve(topicID, "sealed-1", store, harness.broker)
            let asked = harness.broker.requests(ApiKey.metadata).count
            let client = try harness.connect()
            for correlation in Int32(1)...2 {
                let answer = try client.ask(
                    FetchMessage(16, correlation, [.init(.id(topicID), 0)]))
                #expect(answer.partitions.map(\.error) == [0])
                #expect(
                    try TestBatch.values(answer.partitions[0].records ?? []) == [secret + [0]])
                #expect(answer.endpoints.map(\.host) == [ProxyHarness.advertisedHost])
            }
            #expect(harness.broker.requests(ApiKey.metadata).count == asked + 1)
        }

        @Test func `records of a topic that nobody knows are not delivered`() throws {
            let store = LogStore()
            let harness = try harness(store, ["sealed-1"])
            defer { harness.stop() }
            name(topicID, nil, harness)
            serve(topicID, "sealed-1", store, harness.broker)
            let client = try harness.connect()
            let answer = try client.ask(FetchMessage(16, 1, [.init(.id(topicID), 0)]))
            #expect(answer.partitions.map(\.error) == [100])
            #expect(answer.partitions[0].records == [])
        }

        @Test func `a session that goes on over a new connection is opened too`() throws {
            let store = LogStore()
            let harness = try harness(store, ["sealed-1"])
            defer { harness.stop() }
            name(topicID, "sealed-1", harness)
            serve(topicID, "sealed-1", store, harness.broker)
            let first = try harness.connect()
            _ = try first.ask(FetchMessage(16, 1, [.init(.id(topicID), 0)]))
            first.close()
            let second = try harness.connect()
            var next = FetchMessage(16, 1, [])
            next.session = 55
            next.epoch = 4
            let answer = try second.ask(next)
            #expect(answer.session == 55)
            #expect(try TestBatch.values(answer.partitions[0].records ?? []) == [secret + [0]])
        }

        @Test func `no more is asked for at once than may be held`() throws {
            let store = LogStore()
            let harness = try harness(store, ["sealed-1"])
            defer { harness.stop() }
            let client = try harness.connect()
            var fetch = FetchMessage(12, 1, [.init(.name("sealed-1"), 0)])
            _ = try client.ask(fetch)
            fetch.bytesMax = 1_000
            fetch.correlation = 2
            _ = try client.ask(fetch)
            let asked = harness.broker.requests(ApiKey.fetch).map { FetchMessage($0).bytesMax }
            #expect(asked == [2 << 20, 1_000])
        }

        @Test func `large responses are opened`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules)
            defer { harness.stop() }
            store.serve(harness.broker, batchBytesMax: 3 << 20)
            let client = try harness.connect()
            var random = SeededRandom(seed: 4)
            let values = (0..<900).map { _ in random.bytes(2_000) }
            _ = try client.ask(
                ProduceMessage(9, 1, [.init("sealed-1", 0, TestBatch.make(values))]))
            let fetches = (1...4).map {
                FetchMessage(12, Int32($0), [.init(.name("sealed-1"), 0)]).wire
            }
            try client.send(fetches.joined())
            for correlation in 1...4 {
                let frame = try #require(try client.receiveFrame())
                #expect(Wire.correlation(frame) == Int32(correlation))
                let answer = FetchAnswer(frame, version: 12)
                #expect(try TestBatch.values(answer.partitions[0].records ?? []) == values)
            }
        }

        // MARK: share groups

        @Test func `a share group has not acquired what it is not given`() throws {
            let store = LogStore()
            let harness = try harness(store, ["sealed-1"])
            defer { harness.stop() }
            name(topicID, "sealed-1", harness)
            let good = try #require(store.batches("sealed-1").first)
            var bad = good
            bad[bad.count - 70] ^= 1
            var shared = ShareFetchAnswer(topicID, [.init(bad), .init(good)])
            shared.endpoints = [NodeEndpoint(0, "broker-0.internal", 9_092)]
            let body = shared.body
            harness.broker.on(ApiKey.shareFetch) { _ in .body(body) }
            let client = try harness.connect()
            let frame = try client.ask(ShareFetchMessage(1, topicID).wire)
            let partitions = ShareFetchAnswer(frame).partitions
            #expect(partitions.map(\.error) == [2, 0])
            #expect(partitions.map(\.acquired) == [[], [0...0]])
            #expect(partitions[0].records.isEmpty)
            #expect(try TestBatch.values(partitions[1].records) == [secret + [0]])
            #expect(!frame.contains(run: Array("broker-0".utf8)))
        }
    }
}
