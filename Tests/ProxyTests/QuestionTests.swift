// QuestionTests: Waxwing's own questions, and answers that come after their asker has gone.

import KafkaWire
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct QuestionTests {
        private let secret = Array("a secret that nobody may read".utf8)
        private let first = TopicID(high: 3, low: 1)
        private let second = TopicID(high: 3, low: 2)

        private func message(_ correlation: Int32, _ id: TopicID) -> ProduceMessage {
            ProduceMessage(13, correlation, [.init(.id(id), 0, TestBatch.make([secret]))])
        }

        @Test func `names that come after their request gave up refuse no other`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules) { $0.keyWaitNanoseconds = 200_000_000 }
            defer { harness.stop() }
            store.serve(harness.broker)
            let broker = harness.broker
            let (first, second) = (first, second)
            broker.on(ApiKey.metadata) { request in
                let ids = ClusterMessage.topicIDs(request)
                // By the time the first question is answered its request has given up, and the
                // next one has asked its own.
                if ids == [first] { broker.connection(request.connection)?.waitForBytes() }
                let topics = ids.map { ($0, $0 == second ? "sealed-2" : nil) }
                return .body(ClusterMessage.metadata(request.version, [], topics: topics))
            }
            let client = try harness.connect()
            try client.send(message(1, first).wire + message(2, second).wire)
            let answers = try (0..<2).map { _ in try #require(try client.receiveFrame()) }
            #expect(answers.map(Wire.correlation) == [1, 2])
            #expect(
                answers.map { ProduceAnswer($0, version: 13).partitions.map(\.error) }
                    == [[100], [0]])
            #expect(store.batches(.id(first)).isEmpty)
            let stored = store.batches(.id(second))
            #expect(stored.count == 1)
            #expect(stored.allSatisfy { !$0.contains(run: secret) })
        }

        @Test func `a late name serves the next request that needs it`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules) { $0.keyWaitNanoseconds = 200_000_000 }
            defer { harness.stop() }
            store.serve(harness.broker)
            let broker = harness.broker
            broker.on(ApiKey.metadata) { request in
                // The next request comes when the first has given up.
                broker.connection(request.connection)?.waitForBytes()
                let topics = ClusterMessage.topicIDs(request).map { ($0, Optional("sealed-1")) }
                return .body(ClusterMessage.metadata(request.version, [], topics: topics))
            }
            let asked = harness.broker.requests(ApiKey.metadata).count
            let client = try harness.connect()
            try client.send(
                message(1, first).wire
                    + ProduceMessage(9, 2, [.init("plain", 0, TestBatch.make([secret]))]).wire)
            let answers = try (0..<2).map { _ in try #require(try client.receiveFrame()) }
            #expect(answers.map(Wire.correlation) == [1, 2])
            #expect(
                answers.map { ProduceAnswer($0, version: Wire.correlation($0) == 1 ? 13 : 9) }
                    .map { $0.partitions.map(\.error) } == [[100], [0]])
            #expect(try client.ask(message(3, first)).partitions.map(\.error) == [0])
            #expect(harness.broker.requests(ApiKey.metadata).count == asked + 1)
            #expect(store.batches(.id(first)).allSatisfy { !$0.contains(run: secret) })
        }
    }
}
