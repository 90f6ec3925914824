// SealingTests: values of protected topics are sealed on their way in, or not forwarded.

import KafkaWire
import KeyService
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct SealingTests {
        private let secret = Array("a secret that nobody may read".utf8)

        private func harness(
            _ store: LogStore, _ change: (inout ProxySettings) -> Void = { _ in }
        ) throws -> ProxyHarness {
            let harness = try ProxyHarness(testRules, change)
            store.serve(harness.broker)
            return harness
        }

        @Test(arguments: [3, 7, 9, 10, 12] as [Int16])
        func `values are stored sealed and come back in clear`(version: Int16) throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            let batch = TestBatch.make([secret, nil, [], secret])
            let answer = try client.ask(
                ProduceMessage(version, 1, [.init("sealed-1", 0, batch)]))
            #expect(answer.partitions == [.init(.name("sealed-1"), 0, baseOffset: 0)])
            let stored = try #require(store.batches("sealed-1").first)
            #expect(!stored.contains(run: secret))
            #expect(try TestBatch.values(stored).map { $0 == nil } == [false, true, false, false])
            let fetched = try client.ask(FetchMessage(12, 2, [.init(.name("sealed-1"), 0)]))
            let records = try #require(fetched.partitions.first?.records)
            #expect(try TestBatch.values(records) == [secret, nil, [], secret])
            #expect(fetched.partitions.map(\.error) == [0])
        }

        @Test func `the request goes out as it came but for the records`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            var message = ProduceMessage(
                9, 1,
                [
                    .init("plain", 3, TestBatch.make([secret])),
                    .init("sealed-1", 0, TestBatch.make([secret])),
                    .init("sealed-1", 7, TestBatch.make([secret])),
                ])
            message.transactionalID = "tx"
            message.clientID = nil
            _ = try client.ask(message)
            let request = try #require(harness.broker.requests(ApiKey.produce).first)
            let sent = ProduceMessage(request)
            #expect(sent.transactionalID == "tx")
            #expect(sent.correlation == 1)
            #expect(sent.partitions.map(\.topic) == message.partitions.map(\.topic))
            #expect(sent.partitions.map(\.index) == [3, 0, 7])
            #expect(sent.partitions[0].records == message.partitions[0].records)
            #expect(sent.partitions[1].records != message.partitions[1].records)
            var whole = message
            whole.partitions = sent.partitions
            #expect(request.wire == whole.wire)
        }

        @Test(arguments: [3, 8, 9, 12] as [Int16])
        func `one refused partition does not stop the others`(version: Int16) throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            let good = TestBatch.make([secret])
            var corrupt = good
            corrupt[corrupt.count - 1] ^= 1
            let answer = try client.ask(
                ProduceMessage(
                    version, 1,
                    [
                        .init("plain", 0, good),
                        .init("sealed-1", 0, TestBatch.make([secret], header: "wax")),
                        .init("sealed-1", 1, good), .init("sealed-1", 2, corrupt),
                        .init("sealed-1", 3, good + good),
                        .init("stored-1", 5, good),
                    ]))
            #expect(answer.partitions.map(\.index) == [0, 0, 1, 2, 3, 5])
            #expect(answer.partitions.map(\.error) == [0, 87, 0, 2, 87, 0])
            #expect(answer.partitions.map(\.baseOffset) == [0, -1, 0, -1, -1, 0])
            if version >= 8 {
                #expect(answer.partitions[1].message?.contains("sealed-1") == true)
                #expect(answer.partitions[2].message == nil)
            }
            let sent = ProduceMessage(try #require(harness.broker.requests(ApiKey.produce).first))
            #expect(sent.partitions.map(\.index) == [0, 1, 5])
        }

        @Test func `a reserved header is refused on topics that are only read`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            let forged = TestBatch.make([secret], header: "wax")
            // The topic has no rule, so nothing on it is ever opened: it passes.
            let answer = try client.ask(
                ProduceMessage(9, 1, [.init("plain", 0, forged), .init("sealed-1", 0, forged)]))
            #expect(answer.partitions.map(\.error) == [0, 87])
        }

        @Test func `a request that is refused as a whole is answered in its place`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let gate = Gate()
            harness.broker.on(12) { _ in
                gate.wait()
                return .body([])
            }
            let client = try harness.connect()
            let forged = ProduceMessage(
                9, 2, [.init("sealed-1", 0, TestBatch.make([secret], header: "wax"))])
            let good = ProduceMessage(9, 3, [.init("sealed-1", 1, TestBatch.make([secret]))])
            try client.send(Wire.request(12, 0, 1) + forged.wire + good.wire)
            _ = harness.broker.wait(12, count: 1)
            gate.open()
            #expect(try client.receiveFrame() == [0, 0, 0, 1])
            let refused = try #require(try client.receiveFrame())
            #expect(Wire.correlation(refused) == 2)
            #expect(ProduceAnswer(refused, version: 9).partitions.map(\.error) == [87])
            let accepted = try #require(try client.receiveFrame())
            #expect(Wire.correlation(accepted) == 3)
            #expect(harness.broker.requests(ApiKey.produce).count == 1)
        }

        @Test func `a refusal without acks closes the connection`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            var good = ProduceMessage(9, 1, [.init("sealed-1", 1, TestBatch.make([secret]))])
            good.acks = 0
            var forged = ProduceMessage(
                9, 2, [.init("sealed-1", 0, TestBatch.make([secret], header: "wax"))])
            forged.acks = 0
            try client.send(good.wire)
            _ = harness.broker.wait(ApiKey.produce, count: 1)
            try client.send(forged.wire)
            #expect(client.isEndedByPeer())
            #expect(harness.broker.requests(ApiKey.produce).count == 1)
            #expect(store.waitForBatches(1, "sealed-1", 1))
        }

        @Test func `topic ids are asked for once, hidden from the client`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let known = TopicID(high: 7, low: 1)
            let unknown = TopicID(high: 7, low: 2)
            harness.broker.on(ApiKey.metadata) { request in
                let names = ClusterMessage.topicIDs(request).map {
                    ($0, $0 == known ? "sealed-1" : nil)
                }
                return .body(ClusterMessage.metadata(request.version, [], topics: names))
            }
            let asked = harness.broker.requests(ApiKey.metadata).count
            let client = try harness.connect()
            for round in Int32(1)...2 {
                let answer = try client.ask(
                    ProduceMessage(
                        13, round,
                        [
                            .init(.id(known), 0, TestBatch.make([secret])),
                            .init(.id(unknown), 0, TestBatch.make([secret])),
                        ]))
                #expect(answer.partitions.map(\.error) == [0, 100])
            }
            let stored = store.batches(.id(known))
            #expect(stored.count == 2)
            #expect(stored.allSatisfy { !$0.contains(run: secret) })
            #expect(store.batches(.id(unknown)).isEmpty)
            let questions = harness.broker.requests(ApiKey.metadata).dropFirst(asked)
            #expect(
                questions.map { ClusterMessage.topicIDs($0).sorted { $0.low < $1.low } } == [
                    [known, unknown], [unknown],
                ])
        }

        @Test func `every kind of batch that cannot be sealed is refused`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            var oldFormat = TestBatch.make([secret])
            oldFormat[RecordBatchHeader.At.magic] = 1
            let answer = try client.ask(
                ProduceMessage(
                    9, 1,
                    [
                        .init("sealed-1", 0, nil), .init("sealed-1", 1, []),
                        .init("sealed-1", 2, Array(TestBatch.make([secret]).dropLast())),
                        .init("sealed-1", 3, oldFormat),
                    ]))
            #expect(answer.partitions.map(\.error).allSatisfy { $0 != 0 })
            #expect(answer.partitions.map(\.index) == [0, 1, 2, 3])
            #expect(harness.broker.requests(ApiKey.produce).isEmpty)
        }
    }
}
