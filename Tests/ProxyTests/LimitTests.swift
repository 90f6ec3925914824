// LimitTests: what peers send or do not read does not grow memory, and everything comes to an end.

import Bytes
import KafkaWire
import Limits
import Loop
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct LimitTests {
        @Test func `a client that never reads stops the broker from being read`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            let chunk = [UInt8](repeating: 1, count: 1 << 20)
            let total = 400
            let sent = Monitor(0)
            let done = Gate()
            let broker = harness.broker
            broker.on(12) { request in
                guard let socket = broker.connection(request.connection) else { return .close }
                let head = Wire.response(12, 0, request.correlation, []).dropFirst(4)
                let size = head.count + total * chunk.count
                var count = socket.sendUntilStuck(
                    WireFields.of { $0.int32(Int32(size)) } + head, milliseconds: 1_000)
                for _ in 0..<total {
                    let taken = socket.sendUntilStuck(chunk, milliseconds: 1_000)
                    count += taken
                    if taken < chunk.count { break }
                }
                sent.with { $0 = count }
                done.open()
                return .close
            }
            let client = try harness.connect(receiveBytes: 65_536)
            let before = try residentBytes()
            try client.send(Wire.request(12, 0, 1))
            #expect(done.wait(seconds: 60))
            // Kernel buffers on four sides, and the proxy's own: far from the whole.
            #expect(sent.with { $0 } < 60 << 20)
            #expect(try residentBytes() - before < 40 << 20)
        }

        @Test func `a broker that never reads stops the client from being read`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            let gate = Gate()
            harness.broker.on(12) { _ in
                gate.wait()
                return .close
            }
            let client = try harness.connect()
            try client.send(Wire.request(12, 0, 1))
            #expect(harness.broker.wait(12, count: 1).count == 1)
            let large = Wire.request(19, 7, 2, [UInt8](repeating: 1, count: 90 << 20))
            let taken = client.sendUntilStuck(large, milliseconds: 1_000)
            #expect(taken < 60 << 20)
            gate.open()
        }

        @Test func `requests in flight are bounded`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            harness.broker.on(12) { _ in .nothing }
            let client = try harness.connect()
            // Without answers only so many leave, however many come.
            let one = Wire.request(12, 0, 1, [UInt8](repeating: 0, count: 8_000))
            var many: [UInt8] = []
            for _ in 0..<4_000 { many += one }
            let taken = client.sendUntilStuck(many, milliseconds: 1_000)
            #expect(taken < many.count)
            let most = ProxyLimits.requestsInFlightMax
            let passed = harness.broker.wait(12, count: most).count
            // The last of them may be on its way in part when reading stops.
            #expect(passed >= most - 1)
            #expect(passed <= most + TransportLimits.readBytes / one.count + 1)
        }

        /// A Produce request of that many bytes.
        private func produce(_ correlation: Int32, bytes: Int) -> [UInt8] {
            let batch = TestBatch.make([[UInt8](repeating: 1, count: bytes)])
            return ProduceMessage(9, correlation, [.init("sealed-1", 0, batch)]).wire
        }

        @Test func `a frame that is only begun takes no more than what has come of it`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules) { $0.heldBytesMax = 1_000_000 }
            defer { harness.stop() }
            store.serve(harness.broker)
            harness.broker.on(12) { _ in .body([]) }
            // Many announce more than there is for all together.
            let idle = try (0..<20).map { _ in try harness.connect() }
            for client in idle { try client.send(produce(1, bytes: 900_000).prefix(40_000)) }
            let busy = try harness.connect()
            try busy.send(produce(1, bytes: 900_000))
            #expect(try busy.produceAnswer(9).partitions.map(\.error) == [0])
        }

        @Test func `large frames wait for each other's memory`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules) { $0.heldBytesMax = 800_000 }
            defer { harness.stop() }
            store.serve(harness.broker)
            harness.broker.on(12) { _ in .body([]) }
            let whole = produce(1, bytes: 1_000_000)
            // The first takes what there is, the second goes on all the same, the third waits.
            let clients = try (0..<3).map { _ in try harness.connect() }
            for client in clients[..<2] {
                try client.send(whole.prefix(700_000))
                #expect(try client.isConnected(through: harness))
            }
            try clients[2].send(whole)
            let small = try harness.connect()
            try small.send(produce(1, bytes: 1_000))
            #expect(try small.produceAnswer(9).partitions.map(\.error) == [0])
            #expect(harness.broker.requests(ApiKey.produce).count == 1)
            // Which of the two goes on first is not said.
            for client in clients[..<2] { try client.send(whole.dropFirst(700_000)) }
            for client in clients {
                #expect(try client.produceAnswer(9).partitions.map(\.error) == [0])
            }
            #expect(store.batches("sealed-1").count == 4)
        }

        @Test func `one frame is admitted however large it is`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules) { $0.heldBytesMax = 100_000 }
            defer { harness.stop() }
            store.serve(harness.broker)
            let clients = try (0..<4).map { _ in try harness.connect() }
            for client in clients { try client.send(produce(1, bytes: 200_000)) }
            for client in clients {
                #expect(try client.produceAnswer(9).partitions.map(\.error) == [0])
            }
            let fetches = try clients.map { client in
                try client.send(FetchMessage(12, 2, [.init(.name("sealed-1"), 0)]).wire)
                return try #require(try client.receiveFrame())
            }
            for frame in fetches {
                let records = FetchAnswer(frame, version: 12).partitions[0].records
                #expect(try TestBatch.values(records ?? []).count == 4)
            }
        }

        @Test func `a peer that goes gives back the memory of its frame`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules) { $0.heldBytesMax = 100_000 }
            defer { harness.stop() }
            store.serve(harness.broker)
            let dribbling = try harness.connect()
            try dribbling.send(produce(1, bytes: 500_000).prefix(100_000))
            #expect(try dribbling.isConnected(through: harness))
            let waiting = try harness.connect()
            try waiting.send(produce(1, bytes: 500_000))
            #expect(try waiting.isConnected(through: harness))
            #expect(store.batches("sealed-1").isEmpty)
            dribbling.reset()
            #expect(try waiting.produceAnswer(9).partitions.map(\.error) == [0])
        }

        @Test func `a sender that dribbles loses the memory that others wait for`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules) {
                $0.heldBytesMax = 100_000
                $0.stalledNanoseconds = 100_000_000
                $0.idleNanoseconds = 4_000_000_000  // Sessions are looked at every second.
            }
            defer { harness.stop() }
            store.serve(harness.broker)
            let dribbling = try harness.connect()
            let frame = produce(1, bytes: 500_000)
            try dribbling.send(frame.prefix(70_000))
            #expect(try dribbling.isConnected(through: harness))
            let waiting = try harness.connect()
            try waiting.send(produce(1, bytes: 500_000))
            // Always something, so it is never idle, and yet it never comes to an end.
            var at = 70_000
            while (try? dribbling.send([frame[at]])) != nil, at < 90_000 {
                at += 1
                _ = try harness.connect().ask(Wire.request(19, 0, 1))
            }
            #expect(at < 90_000)
            #expect(try waiting.produceAnswer(9).partitions.map(\.error) == [0])
        }

        @Test func `connections over the limit are let go`() throws {
            let harness = try ProxyHarness { $0.connectionsMax = 2 }
            defer { harness.stop() }
            harness.broker.on(12) { _ in .body([]) }
            let kept = try (0..<2).map { _ in try harness.connect() }
            for client in kept { #expect(try client.ask(Wire.request(12, 0, 1)).count == 4) }
            let tooMany = try harness.connect()
            #expect(tooMany.isEndedByPeer())
            kept[0].close()
            // Its place is free as soon as its end was seen.
            #expect(harness.broker.waitForEnds(2))
            harness.settle()
            let next = try harness.connect()
            #expect(try next.ask(Wire.request(12, 0, 1)).count == 4)
        }

        @Test func `a thousand connections are served`() throws {
            let harness = try ProxyHarness(loops: 2)
            defer { harness.stop() }
            harness.broker.on(12) { _ in .body([5]) }
            let count = 1_000
            let clients = try (0..<count).map { _ in try harness.connect() }
            for client in clients { try client.send(Wire.request(12, 0, 1)) }
            for client in clients { #expect(try client.receiveFrame() == [0, 0, 0, 1, 5]) }
            #expect(harness.context.connections.value == count)
            for client in clients { client.close() }
            #expect(harness.broker.waitForEnds(count + 1))
        }

        @Test func `an idle connection is closed`() throws {
            let harness = try ProxyHarness { $0.idleNanoseconds = 1_000_000_000 }
            defer { harness.stop() }
            harness.broker.on(12) { _ in .body([]) }
            let client = try harness.connect()
            #expect(try client.ask(Wire.request(12, 0, 1)).count == 4)
            #expect(try client.receiveFrame() == nil)
        }

        @Test func `a connection whose request the broker never answers is idle too`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(testRules) {
                $0.idleNanoseconds = 1_000_000_000
                $0.keyWaitNanoseconds = 100_000_000
            }
            defer { harness.stop() }
            store.serve(harness.broker, batchBytesMax: 3_000)
            harness.broker.on(ApiKey.produce) { _ in .nothing }
            let client = try harness.connect()
            let values = (0..<6).map { _ in [UInt8](repeating: 1, count: 1_000) as [UInt8]? }
            try client.send(
                ProduceMessage(9, 1, [.init("sealed-1", 0, TestBatch.make(values))]).wire)
            #expect(harness.broker.wait(ApiKey.produce, count: 1).count == 1)
            #expect(client.isEndedByPeer())
        }

        @Test func `draining waits for what is in flight and takes nothing new`() throws {
            let harness = try ProxyHarness(loops: 2)
            defer { harness.stop() }
            let gate = Gate()
            harness.broker.on(12) { _ in
                gate.wait()
                return .body([])
            }
            harness.broker.on(19) { _ in .body([]) }
            let idle = try harness.connect()
            #expect(try idle.ask(Wire.request(19, 0, 1)).count == 4)
            let busy = try harness.connect()
            try busy.send(Wire.request(12, 0, 1))
            #expect(harness.broker.wait(12, count: 1).count == 1)
            let proxy = harness.proxy
            let drained = Monitor<Bool?>(nil)
            BlockingThread.start {
                let isClean = proxy.drain(seconds: 30)
                drained.with { $0 = isClean }
            }
            #expect(try idle.receiveFrame() == nil)
            #expect(throws: SocketFailure.self) { try harness.connect() }
            #expect(drained.with { $0 } == nil)
            gate.open()
            #expect(try busy.receiveFrame() == [0, 0, 0, 1])
            #expect(try busy.receiveFrame() == nil)
            #expect(drained.wait { $0 } == true)
        }

        @Test func `draining does not wait for ever`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            harness.broker.on(12) { _ in .nothing }
            let busy = try harness.connect()
            try busy.send(Wire.request(12, 0, 1))
            #expect(harness.broker.wait(12, count: 1).count == 1)
            #expect(!harness.proxy.drain(seconds: 0.05))
            #expect(busy.isEndedByPeer())
            #expect(harness.context.connections.value == 0)
        }
    }
}

extension BlockingSocket {
    /// Waits until the proxy has looked at all that was sent before: everything that has come to
    /// a loop is read before what comes later on another connection is answered.
    func isConnected(through harness: ProxyHarness) throws -> Bool {
        harness.broker.on(19) { _ in .body([]) }
        let other = try harness.connect()
        return try other.ask(Wire.request(19, 0, 1)).count == 4
    }
}
