// PassThroughTests: without rules, bytes pass as they are, however they are cut.

import KafkaWire
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct PassThroughTests {
        /// Requests of many kinds, and the responses that the broker gives to them.
        private func traffic(_ random: inout SeededRandom) -> (sent: [UInt8], back: [[UInt8]]) {
            var sent: [UInt8] = []
            var back: [[UInt8]] = []
            // ListOffsets, Heartbeat, CreateTopics, InitProducerId: nothing here looks into them.
            let kinds: [(Int16, Int16)] = [(2, 7), (12, 4), (19, 7), (22, 4), (12, 0)]
            for correlation in Int32(1)...12 {
                let (key, version) = kinds[Int(correlation) % kinds.count]
                let body = random.bytes(Int.random(in: 0...600, using: &random))
                let clientID = correlation % 3 == 0 ? nil : "client-\(correlation)"
                sent += Wire.request(key, version, correlation, clientID: clientID, body)
                let answer = random.bytes(Int.random(in: 0...900, using: &random))
                back.append(Wire.response(key, version, correlation, answer))
            }
            return (sent, back)
        }

        /// Answers requests in order with whole responses, cut into runs.
        private func answer(
            _ broker: ScriptedBroker, _ back: [[UInt8]], atMost most: Int, seed: UInt64
        ) {
            let left = Monitor((back, SeededRandom(seed: seed)))
            for key in [2, 12, 19, 22] as [Int16] {
                broker.on(key) { _ in
                    left.with { left in
                        let response = left.0.removeFirst()
                        return .runs(response.cut(atMost: most, &left.1))
                    }
                }
            }
        }

        @Test(arguments: [1, 3, 40, 5_000])
        func `every byte passes, both ways, in runs of any size`(most: Int) throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            var random = SeededRandom(seed: UInt64(most))
            let (sent, back) = traffic(&random)
            answer(harness.broker, back, atMost: most, seed: UInt64(most))
            let client = try harness.connect()
            for run in sent.cut(atMost: most, &random) { try client.send(run) }
            let received = try client.receive(back.joined().count)
            #expect(received == Array(back.joined()))
            let arrived = [2, 12, 19, 22].flatMap { harness.broker.requests($0) }
                .sorted { $0.correlation < $1.correlation }
            #expect(Array(arrived.map(\.wire).joined()) == sent)
        }

        @Test func `large frames pass both ways`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            var random = SeededRandom(seed: 7)
            let up = random.bytes(3_000_000)
            let down = random.bytes(5_000_000)
            harness.broker.on(2) { _ in .body(down) }
            let client = try harness.connect()
            try client.send(Wire.request(2, 7, 1, up))
            let response = try #require(try client.receiveFrame())
            #expect(response.count == down.count + Wire.bodyStart(2, 7))
            #expect(response.suffix(down.count).elementsEqual(down))
            let request = try #require(harness.broker.requests(2).first)
            #expect(request.frame[request.body...].elementsEqual(up))
        }

        @Test(arguments: [3, 7, 9, 12] as [Int16], ["test", nil])
        func `a request without acks is not waited for`(
            version: Int16, clientID: String?
        ) throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            harness.broker.on(ApiKey.produce) { request in
                let message = ProduceMessage(request)
                guard message.acks != 0 else { return .nothing }
                let answers = message.partitions.map {
                    ProduceAnswer.Partition($0.topic, $0.index, baseOffset: 42)
                }
                return .body(ProduceAnswer(answers).body(request.version))
            }
            let client = try harness.connect()
            var silent = ProduceMessage(version, 1, [.init("t", 0, [1, 2, 3])])
            silent.acks = 0
            silent.clientID = clientID
            var loud = ProduceMessage(version, 2, [.init("t", 1, [4, 5, 6])])
            loud.clientID = clientID
            loud.transactionalID = "tx"
            // Byte by byte, because `acks` stands behind two strings.
            for byte in silent.wire + silent.wire + loud.wire + silent.wire {
                try client.send([byte])
            }
            let answer = try client.produceAnswer(version)
            #expect(answer.partitions == [.init(.name("t"), 1, baseOffset: 42)])
            #expect(
                harness.broker.wait(ApiKey.produce, count: 4).map(\.wire) == [
                    silent.wire, silent.wire, loud.wire, silent.wire,
                ])
        }

        @Test func `local answers keep their place among the broker's`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            let gate = Gate()
            harness.broker.on(12) { _ in
                gate.wait()
                return .body([])
            }
            let client = try harness.connect()
            try client.send(
                Wire.request(ApiKey.apiVersions, 99, 1) + Wire.request(12, 0, 2)
                    + Wire.request(ApiKey.apiVersions, 99, 3) + Wire.request(12, 0, 4)
                    + Wire.request(ApiKey.apiVersions, 99, 5, [UInt8](repeating: 9, count: 500)))
            let first = try #require(try client.receiveFrame())
            // Error 35 in the shape of version 0, with the versions of ApiVersions itself.
            #expect(first == [0, 0, 0, 1, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4])
            _ = harness.broker.wait(12, count: 1)
            gate.open()
            var order: [Int32] = []
            for _ in 0..<4 {
                order.append(Wire.correlation(try #require(try client.receiveFrame())))
            }
            #expect(order == [2, 3, 4, 5])
            #expect(harness.broker.requests(ApiKey.apiVersions).isEmpty)
        }

        @Test func `a client that finishes sending still gets its answers`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            let gate = Gate()
            harness.broker.on(12) { _ in
                gate.wait()
                return .body([7])
            }
            let client = try harness.connect()
            try client.send(Wire.request(12, 0, 1) + Wire.request(12, 0, 2))
            _ = harness.broker.wait(12, count: 1)
            client.finishSending()
            gate.open()
            #expect(try client.receiveFrame() == [0, 0, 0, 1, 7])
            #expect(try client.receiveFrame() == [0, 0, 0, 2, 7])
            #expect(try client.receiveFrame() == nil)
        }

        @Test func `a broker that breaks the connection breaks the client's`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            harness.broker.on(12) { _ in .close }
            let client = try harness.connect()
            try client.send(Wire.request(12, 0, 1))
            #expect(client.isEndedByPeer())
        }

        @Test func `a response that nobody asked for closes the connection`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            harness.broker.on(12) { _ in .raw(Wire.response(12, 0, 77, [])) }
            let client = try harness.connect()
            try client.send(Wire.request(12, 0, 1))
            #expect(client.isEndedByPeer())
        }
    }
}
