// CuttingTests: a batch that outgrows the broker's limit goes out in parts, and is one answer.

import KafkaWire
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct CuttingTests {
        /// Each value takes about a third of the limit sealed, so two fit a part.
        private let limit = 3_000

        private func values(_ count: Int) -> [[UInt8]] {
            (0..<count).map { [UInt8](repeating: UInt8($0), count: 1_000) }
        }

        private func harness(_ store: LogStore) throws -> ProxyHarness {
            let harness = try ProxyHarness(testRules)
            store.serve(harness.broker, batchBytesMax: limit)
            return harness
        }

        private func message(
            _ correlation: Int32, _ count: Int, sequence: Int32? = nil
        ) -> ProduceMessage {
            let producer = sequence.map { TestBatch.Producer(id: 77, sequence: $0) }
            let batch = TestBatch.make(values(count), producer: producer)
            return ProduceMessage(9, correlation, [.init("sealed-1", 0, batch)])
        }

        private func sequences(_ batches: [[UInt8]]) throws -> [ClosedRange<Int32>] {
            try batches.map { batch in
                let header = try TestBatch.header(batch)
                return header.baseSequence...header.baseSequence + header.lastOffsetDelta
            }
        }

        @Test func `parts go out one after another and are answered as one`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            harness.broker.on(12) { _ in .body([]) }
            let gates = [Gate(), Gate(), Gate()]
            let count = Monitor(0)
            harness.broker.on(ApiKey.produce) { request in
                let message = ProduceMessage(request)
                gates[
                    count.with {
                        $0 += 1
                        return $0 - 1
                    }
                ].wait()
                return .body(store.append(message).body(request.version))
            }
            let client = try harness.connect()
            try client.send(message(1, 6, sequence: 40).wire + Wire.request(12, 0, 2))
            for part in 0..<3 {
                // The next part has not left before this one is answered, nor what came later.
                #expect(harness.broker.wait(ApiKey.produce, count: part + 1).count == part + 1)
                #expect(harness.broker.requests(12).isEmpty)
                gates[part].open()
            }
            let answer = try client.produceAnswer(9)
            #expect(answer.partitions == [.init(.name("sealed-1"), 0, baseOffset: 0)])
            #expect(try client.receiveFrame() == [0, 0, 0, 2])
            let stored = store.batches("sealed-1")
            #expect(stored.allSatisfy { $0.count <= limit })
            #expect(try sequences(stored) == [40...41, 42...43, 44...45])
            #expect(try stored.map { try TestBatch.header($0).baseOffset } == [0, 2, 4])
            let fetched = try client.ask(FetchMessage(12, 3, [.init(.name("sealed-1"), 0)]))
            #expect(try TestBatch.values(fetched.partitions[0].records ?? []) == values(6))
        }

        @Test func `the first error is the answer, and nothing goes out behind it`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let count = Monitor(0)
            harness.broker.on(ApiKey.produce) { request in
                var answer = store.append(ProduceMessage(request))
                if count.with({
                    $0 += 1
                    return $0
                }) == 2 {
                    answer.partitions[0].error = 87
                    answer.partitions[0].recordErrors = [0, 1]
                }
                return .body(answer.body(request.version))
            }
            let client = try harness.connect()
            let answer = try client.ask(message(1, 6))
            #expect(answer.partitions.map(\.error) == [87])
            // Counted in the batch as the client sent it.
            #expect(answer.partitions.map(\.recordErrors) == [[2, 3]])
            #expect(count.with { $0 } == 2)
        }

        @Test func `a retry whose first parts are long known succeeds`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            #expect(try client.ask(message(1, 6, sequence: 0)).partitions.map(\.error) == [0])
            store.forgetProducers("sealed-1", allBut: 1)
            let again = try client.ask(message(2, 6, sequence: 0))
            #expect(again.partitions.map(\.error) == [0])
            #expect(again.partitions.map(\.baseOffset) == [-1])
            #expect(store.batches("sealed-1").count == 3)
        }

        @Test func `a retry that is known as a whole succeeds with its offset`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            for correlation in Int32(1)...2 {
                let answer = try client.ask(message(correlation, 6, sequence: 0))
                #expect(answer.partitions == [.init(.name("sealed-1"), 0, baseOffset: 0)])
            }
            #expect(store.batches("sealed-1").count == 3)
            // Cut at the same places, or the broker would not have known them.
            #expect(harness.broker.requests(ApiKey.produce).count == 6)
        }

        @Test func `a sequence that nobody knows is out of order for the client too`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            #expect(try client.ask(message(1, 6, sequence: 0)).partitions.map(\.error) == [0])
            let ahead = try client.ask(message(2, 6, sequence: 60))
            #expect(ahead.partitions.map(\.error) == [45])
            #expect(store.batches("sealed-1").count == 3)
        }

        @Test func `partitions may be cut into different numbers of parts`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            let counts = [1, 5, 3]
            let answer = try client.ask(
                ProduceMessage(
                    9, 1,
                    counts.enumerated().map {
                        .init("sealed-1", Int32($0.offset), TestBatch.make(values($0.element)))
                    } + [.init("plain", 0, TestBatch.make(values(8)))]
                        + [.init("sealed-2", 0, TestBatch.make([[1]], header: "wax"))]))
            #expect(answer.partitions.map(\.error) == [0, 0, 0, 0, 87])
            #expect(answer.partitions.map(\.baseOffset) == [0, 0, 0, 0, -1])
            let requests = harness.broker.requests(ApiKey.produce).map { ProduceMessage($0) }
            #expect(requests.map { $0.partitions.map(\.index) } == [[0, 1, 2, 0], [1, 2], [1]])
            for (partition, count) in counts.enumerated() {
                #expect(store.batches("sealed-1", Int32(partition)).count == (count + 1) / 2)
            }
        }

        @Test func `parts without acks follow each other at once`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            harness.broker.on(12) { _ in .body([]) }
            let client = try harness.connect()
            var silent = message(1, 6, sequence: 0)
            silent.acks = 0
            try client.send(silent.wire)
            #expect(try client.ask(Wire.request(12, 0, 2)) == [0, 0, 0, 2])
            #expect(try sequences(store.batches("sealed-1")) == [0...1, 2...3, 4...5])
        }

        @Test func `a connection that breaks between parts leaves no hole`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let count = Monitor(0)
            harness.broker.on(ApiKey.produce) { request in
                let number = count.with {
                    $0 += 1
                    return $0
                }
                let answer = store.append(ProduceMessage(request))
                return number == 2 ? .close : .body(answer.body(request.version))
            }
            let client = try harness.connect()
            try client.send(message(1, 6, sequence: 0).wire)
            #expect(client.isEndedByPeer())
            #expect(store.batches("sealed-1").count == 2)
            let next = try harness.connect()
            let answer = try next.ask(message(1, 6, sequence: 0))
            #expect(answer.partitions == [.init(.name("sealed-1"), 0, baseOffset: 0)])
            #expect(try sequences(store.batches("sealed-1")) == [0...1, 2...3, 4...5])
        }

        @Test func `one record alone over the limit is too large`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            let batch = TestBatch.make([[UInt8](repeating: 1, count: limit)])
            let answer = try client.ask(ProduceMessage(9, 1, [.init("sealed-1", 0, batch)]))
            #expect(answer.partitions.map(\.error) == [10])
            #expect(harness.broker.requests(ApiKey.produce).isEmpty)
        }

        @Test func `where the cluster does not tell the limit the default is taken`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules)
            defer { harness.stop() }
            store.serve(harness.broker)
            harness.broker.on(ApiKey.describeConfigs) { request in
                .body(
                    ClusterMessage.topicConfig(
                        ClusterMessage.configTopic(request), error: 29, bytesMax: nil))
            }
            let client = try harness.connect()
            let large = [UInt8](repeating: 1, count: 400_000)
            for (correlation, count) in [(Int32(1), 2), (Int32(2), 3)] {
                let batch = TestBatch.make(Array(repeating: large, count: count))
                let answer = try client.ask(
                    ProduceMessage(9, correlation, [.init("sealed-1", 0, batch)]))
                #expect(answer.partitions.map(\.error) == [0])
            }
            // What came was larger than the default, and sealed it is larger still.
            #expect(
                try store.batches("sealed-1").map { try TestBatch.header($0).recordCount } == [
                    2, 2, 1,
                ])
            #expect(harness.broker.requests(ApiKey.describeConfigs).count == 1)
        }

        @Test func `an answer that comes after its request gave up disturbs no other`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules) { $0.keyWaitNanoseconds = 200_000_000 }
            defer { harness.stop() }
            store.serve(harness.broker, batchBytesMax: limit)
            // The limit of one topic is known already.
            let first = try harness.connect()
            #expect(try first.ask(message(1, 1)).partitions.map(\.error) == [0])
            let broker = harness.broker
            broker.on(ApiKey.describeConfigs) { request in
                // By the time the limit is told, its request has given up and the first part of
                // the next one is there.
                broker.connection(request.connection)?.waitForBytes()
                return .body(ClusterMessage.topicConfig("sealed-2", bytesMax: 3_000))
            }
            let client = try harness.connect()
            let batch = TestBatch.make(values(1))
            try client.send(
                ProduceMessage(9, 1, [.init("sealed-2", 0, batch)]).wire
                    + message(2, 6).wire + message(3, 1).wire)
            let answers = try (0..<3).map { _ in try #require(try client.receiveFrame()) }
            #expect(answers.map(Wire.correlation) == [1, 2, 3])
            #expect(
                answers.map { ProduceAnswer($0, version: 9).partitions[0].error } == [19, 0, 0])
            #expect(
                try store.batches("sealed-1").map { try TestBatch.header($0).recordCount } == [
                    1, 2, 2, 2, 1,
                ])
        }
    }
}
