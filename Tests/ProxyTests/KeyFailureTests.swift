// KeyFailureTests: what clients see while the key service hangs, fails or refuses.

import KafkaWire
import KeyService
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct KeyFailureTests {
        private let secret = Array("a secret that nobody may read".utf8)

        private func produce(_ correlation: Int32, _ topic: String) -> ProduceMessage {
            ProduceMessage(9, correlation, [.init(topic, 0, TestBatch.make([secret]))])
        }

        @Test func `a hanging key service holds up only those who need the key`() throws {
            let store = LogStore()
            let keys = TestKeys()
            keys.become(.hang, for: "kek-sealed-slow")
            let harness = try ProxyHarness(testRules, keys: keys)
            defer { harness.stop() }
            store.serve(harness.broker)
            harness.broker.on(12) { _ in .body([]) }
            let slow = try harness.connect()
            try slow.send(produce(1, "sealed-slow").wire + Wire.request(12, 0, 2))
            #expect(keys.waitForCalls(1))
            // Another key, another connection, same loop.
            let quick = try harness.connect()
            #expect(try quick.ask(produce(1, "sealed-1")).partitions.map(\.error) == [0])
            #expect(try quick.ask(Wire.request(12, 0, 2)) == [0, 0, 0, 2])
            #expect(store.batches("sealed-slow").isEmpty)
            // What came behind has not overtaken.
            #expect(harness.broker.requests(12).count == 1)
            keys.become(.work, for: "kek-sealed-slow")
            #expect(try slow.produceAnswer(9).partitions.map(\.error) == [0])
            #expect(try slow.receiveFrame() == [0, 0, 0, 2])
        }

        @Test func `a request waits for its key only so long`() throws {
            let store = LogStore()
            let keys = TestKeys()
            keys.become(.hang)
            let harness = try ProxyHarness(testRules, keys: keys) {
                $0.keyWaitNanoseconds = 200_000_000
            }
            defer { harness.stop() }
            store.serve(harness.broker)
            let client = try harness.connect()
            let answer = try client.ask(
                ProduceMessage(
                    9, 1,
                    [
                        .init("sealed-1", 0, TestBatch.make([secret])),
                        .init("plain", 0, TestBatch.make([secret])),
                    ]))
            #expect(answer.partitions.map(\.error) == [19, 0])
            #expect(store.batches("sealed-1").isEmpty)
            #expect(store.batches("plain").count == 1)
            // The client tries again, and by then the key is there.
            keys.become(.work)
            #expect(try client.ask(produce(2, "sealed-1")).partitions.map(\.error) == [0])
        }

        @Test func `an outage is answered as worth trying again, a refusal is not`() throws {
            let store = LogStore()
            let keys = TestKeys()
            keys.become(.fail(.unavailable), for: "kek-sealed-1")
            keys.become(.fail(.denied), for: "kek-sealed-2")
            keys.become(.fail(.notFound), for: "kek-sealed-3")
            keys.become(.fail(.disabled), for: "kek-sealed-4")
            let harness = try ProxyHarness(testRules, keys: keys) {
                $0.keyWaitNanoseconds = 300_000_000
            }
            defer { harness.stop() }
            store.serve(harness.broker)
            let client = try harness.connect()
            let answer = try client.ask(
                ProduceMessage(
                    9, 1,
                    (1...4).map { .init("sealed-\($0)", 0, TestBatch.make([secret])) }))
            #expect(answer.partitions.map(\.error) == [19, 44, 44, 44])
            let denied = try #require(answer.partitions[1].message)
            #expect(denied.contains("sealed-2") && denied.contains("kek-sealed-2"))
            #expect(harness.broker.requests(ApiKey.produce).isEmpty)
        }

        @Test func `a client that goes while it waits leaves nothing behind`() throws {
            let store = LogStore()
            let keys = TestKeys()
            keys.become(.hang)
            let harness = try ProxyHarness(testRules, keys: keys)
            defer { harness.stop() }
            store.serve(harness.broker)
            let client = try harness.connect()
            try client.send(produce(1, "sealed-1").wire)
            #expect(keys.waitForCalls(1))
            client.reset()
            keys.become(.work)
            // Nobody is read while it waits; then the end of the connection is seen.
            #expect(harness.broker.waitForEnds(2))
            harness.settle()
            #expect(harness.context.connections.value == 0)
        }

        /// Seals with keys of its own, and gives what the broker holds.
        private func sealed(_ keys: TestKeys, _ topics: [String]) throws -> LogStore {
            let store = LogStore()
            let harness = try ProxyHarness(testRules, keys: keys)
            defer { harness.stop() }
            store.serve(harness.broker)
            let client = try harness.connect()
            let answer = try client.ask(
                ProduceMessage(9, 1, topics.map { .init($0, 0, TestBatch.make([secret])) }))
            #expect(answer.partitions.allSatisfy { $0.error == 0 })
            return store
        }

        @Test func `a partition whose key is not to be had does not stop the others`() throws {
            let keys = TestKeys()
            let topics = ["sealed-1", "sealed-2", "sealed-3", "plain"]
            let store = try sealed(keys, topics)
            keys.become(.fail(.unavailable), for: "kek-sealed-1")
            keys.become(.fail(.denied), for: "kek-sealed-2")
            let harness = try ProxyHarness(testRules, keys: keys) {
                $0.keyWaitNanoseconds = 300_000_000
            }
            defer { harness.stop() }
            store.serve(harness.broker)
            let client = try harness.connect()
            let answer = try client.ask(
                FetchMessage(12, 1, topics.map { .init(.name($0), 0) }))
            #expect(answer.partitions.map(\.error) == [56, 29, 0, 0])
            #expect(answer.partitions.map { $0.records?.isEmpty } == [true, true, false, false])
            #expect(answer.partitions.map(\.highWatermark) == [1_000, 1_000, 1_000, 1_000])
            #expect(try TestBatch.values(answer.partitions[2].records ?? []) == [secret])
            #expect(try TestBatch.values(answer.partitions[3].records ?? []) == [secret])
        }

        @Test func `a response waits for its keys only so long`() throws {
            let keys = TestKeys()
            let store = try sealed(keys, ["sealed-1", "plain"])
            keys.become(.hang)
            let harness = try ProxyHarness(testRules, keys: keys) {
                $0.keyWaitNanoseconds = 200_000_000
            }
            defer { harness.stop() }
            store.serve(harness.broker)
            let client = try harness.connect()
            let fetch = FetchMessage(
                12, 1, [.init(.name("sealed-1"), 0), .init(.name("plain"), 0)])
            let answer = try client.ask(fetch)
            #expect(answer.partitions.map(\.error) == [56, 0])
            #expect(answer.partitions[0].records?.isEmpty == true)
            #expect(try TestBatch.values(answer.partitions[1].records ?? []) == [secret])
            keys.become(.work)
            // The call that hung has its answer now.
            let next = try client.ask(fetch)
            #expect(next.partitions.map(\.error) == [0, 0])
        }

        @Test func `a fetch that waits holds up nobody else`() throws {
            let keys = TestKeys()
            let store = try sealed(keys, ["sealed-1", "sealed-2"])
            keys.become(.hang, for: "kek-sealed-1")
            let harness = try ProxyHarness(testRules, keys: keys)
            defer { harness.stop() }
            store.serve(harness.broker)
            let before = keys.calls
            let slow = try harness.connect()
            try slow.send(FetchMessage(12, 1, [.init(.name("sealed-1"), 0)]).wire)
            #expect(keys.waitForCalls(before + 1))
            let quick = try harness.connect()
            let answer = try quick.ask(FetchMessage(12, 1, [.init(.name("sealed-2"), 0)]))
            #expect(try TestBatch.values(answer.partitions[0].records ?? []) == [secret])
            keys.become(.work, for: "kek-sealed-1")
            let late = FetchAnswer(try #require(try slow.receiveFrame()), version: 12)
            #expect(try TestBatch.values(late.partitions[0].records ?? []) == [secret])
        }
    }
}
