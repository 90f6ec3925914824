// ByteStreamTests: bytes arrive whole and in order, slow readers are noticed, ends are told.

import Bytes
import Limits
import TestSupport
import Testing

@testable import Loop
@testable import Transport

@Suite struct ByteStreamTests {
    @Test func `what is queued in pieces arrives in order`() throws {
        let pair = try StreamPair()
        let expected = try pair.onLoop { stream -> [UInt8] in
            var random = SeededRandom(seed: 1)
            var expected: [UInt8] = []
            // More pieces than one send takes, some of the same buffer behind each other.
            for _ in 0..<200 {
                let bytes = random.bytes(Int.random(in: 1...900, using: &random))
                let buffer = filled(bytes)
                let middle = bytes.count / 2
                stream.enqueue(buffer, 0..<middle)
                stream.enqueue(buffer, middle..<bytes.count)
                expected += bytes
            }
            stream.enqueue(ByteBuffer(), 0..<0)
            #expect(stream.unsentBytes == expected.count)
            stream.flush()
            return expected
        }
        #expect(try pair.peer.receive(expected.count) == expected)
        #expect(try pair.onLoop { $0.unsentBytes } == 0)
        #expect(try pair.onLoop { $0.bytesSent } == UInt64(expected.count))
    }

    @Test func `a slow reader congests the stream until it reads`() throws {
        let pair = try StreamPair(receiveBytes: 8_192)
        var random = SeededRandom(seed: 2)
        let bytes = random.bytes(12 << 20)
        let isCongested = try pair.onLoop { stream in
            stream.enqueue(filled(bytes))
            stream.flush()
            return stream.isCongested
        }
        #expect(isCongested)
        #expect(pair.log.events.with { $0.drained } == 0)
        #expect(try pair.peer.receive(bytes.count) == bytes)
        // Told when it is short again, and when all of it has left.
        #expect(pair.log.events.wait { $0.drained == 2 ? true : nil } == true)
        #expect(try pair.onLoop { $0.unsentBytes } == 0)
    }

    @Test func `scratch bytes that the kernel does not take are kept before scratch is reused`()
        throws
    {
        let pair = try StreamPair(receiveBytes: 8_192)
        let rounds = 60
        var expected: [UInt8] = []
        for round in 0..<rounds {
            let bytes = [UInt8](repeating: UInt8(round), count: 200_000)
            expected += bytes
            try pair.onLoop { stream in
                let scratch = stream.loop.scratch
                scratch.removeAll()
                scratch.append(bytes)
                stream.enqueueScratch(0..<70_000)
                stream.enqueueScratch(70_000..<200_000)
                stream.flush()
                // The next read overwrites it.
                scratch.removeAll()
                scratch.append([UInt8](repeating: 255, count: 200_000))
            }
        }
        #expect(try pair.onLoop { $0.unsentBytes } > 0)
        #expect(try pair.peer.receive(expected.count) == expected)
    }

    @Test func `reads bring what was sent, then say that they would block`() throws {
        let pair = try StreamPair()
        try pair.peer.send([1, 2, 3, 4, 5])
        _ = pair.log.events.wait { $0.readable > 0 ? true : nil }
        let outcome = try pair.onLoop { stream -> ([UInt8], [String]) in
            let buffer = ByteBuffer()
            var told: [String] = []
            for most in [2, 100, 100, 100] {
                switch stream.read(into: buffer, bytesMax: most) {
                case .bytes(let count): told.append("\(count)")
                case .wouldBlock: told.append("would block")
                case .end: told.append("end")
                case .failed(let error): told.append("\(error)")
                }
            }
            return (buffer.array, told)
        }
        #expect(outcome.0 == [1, 2, 3, 4, 5])
        #expect(outcome.1 == ["2", "3", "would block", "would block"])
        #expect(try pair.onLoop { $0.isReadable } == false)
        let before = pair.log.events.with { $0.readable }
        try pair.peer.send([6])
        #expect(pair.log.events.wait { $0.readable > before ? true : nil } == true)
    }

    @Test func `a reader that stops early is called again when it asks`() throws {
        let pair = try StreamPair()
        try pair.peer.send([1, 2, 3])
        _ = pair.log.events.wait { $0.readable > 0 ? true : nil }
        let before = try pair.onLoop { stream -> Int in
            let buffer = ByteBuffer()
            _ = stream.read(into: buffer, bytesMax: 1)
            return 0
        }
        #expect(before == 0)
        let seen = pair.log.events.with { $0.readable }
        try pair.onLoop { $0.readAgainLater() }
        #expect(pair.log.events.wait { $0.readable > seen ? true : nil } == true)
    }

    @Test func `a peer that finished sending can still be sent to`() throws {
        let pair = try StreamPair()
        try pair.peer.send([9])
        pair.peer.finishSending()
        let isEnd = Monitor(false)
        while !isEnd.with({ $0 }) {
            try pair.onLoop { stream in
                let buffer = ByteBuffer()
                if case .end = stream.read(into: buffer, bytesMax: 100) {
                    isEnd.with { $0 = true }
                }
            }
        }
        try pair.onLoop { stream in
            stream.enqueue(filled([7, 8]))
            stream.flush()
        }
        #expect(try pair.peer.receive(2) == [7, 8])
    }

    @Test func `the end is told behind everything that was queued`() throws {
        let pair = try StreamPair(receiveBytes: 8_192)
        let bytes = [UInt8](repeating: 3, count: 8 << 20)
        let unsent = try pair.onLoop { stream in
            stream.enqueue(filled(bytes))
            stream.finishSending()
            return stream.unsentBytes
        }
        #expect(unsent > 0)
        #expect(try pair.peer.receive(bytes.count) == bytes)
        #expect(try pair.peer.receiveSome().isEmpty)
        // The other direction is still open.
        try pair.peer.send([1])
        #expect(pair.log.events.wait { $0.readable > 0 ? true : nil } == true)
    }

    @Test func `a reset is a failed read, and a broken stream when sending`() throws {
        let pair = try StreamPair()
        pair.peer.reset()
        _ = pair.log.events.wait { $0.readable > 0 ? true : nil }
        let failed = try pair.onLoop { stream -> Bool in
            if case .failed = stream.read(into: ByteBuffer(), bytesMax: 10) { return true }
            return false
        }
        #expect(failed)
        let isDropped = try pair.onLoop { stream -> Bool in
            stream.enqueue(filled([1, 2, 3]))
            stream.flush()
            return stream.unsentBytes == 0
        }
        #expect(isDropped)
        #expect(pair.log.events.with { $0.broken }?.call.description == "send")
    }

    @Test func `a closed stream does nothing and calls nobody`() throws {
        let pair = try StreamPair()
        let unsent = try pair.onLoop { stream -> Int in
            stream.enqueue(filled([1, 2, 3]))
            stream.close()
            stream.close()
            stream.enqueue(filled([4]))
            stream.flush()
            stream.finishSending()
            stream.readAgainLater()
            if case .wouldBlock = stream.read(into: ByteBuffer(), bytesMax: 5) {
                return stream.unsentBytes
            }
            return -1
        }
        #expect(unsent == 0)
        #expect(try pair.onLoop { $0.isClosed })
        #expect(pair.peer.isEndedByPeer())
        #expect(pair.log.events.with { $0.broken } == nil)
    }

    @Test func `sent buffers go back to the pool, but not while somebody has them`() throws {
        let pair = try StreamPair()
        let kept = try pair.onLoop { stream -> [Int] in
            let pool = stream.loop.pool
            let before = pool.bytesKept
            let mine = pool.take(capacity: 100_000)
            mine.append([UInt8](repeating: 1, count: 100_000))
            stream.enqueue(mine)
            stream.flush()
            let held = pool.bytesKept - before
            withExtendedLifetime(mine) {}
            return [held, stream.unsentBytes]
        }
        #expect(kept == [0, 0])
        let pooled = try pair.onLoop { stream -> Int in
            let pool = stream.loop.pool
            let before = pool.bytesKept
            for _ in 0..<3 {
                let buffer = pool.take(capacity: 100_000)
                buffer.append([UInt8](repeating: 1, count: 100_000))
                stream.enqueue(buffer, 0..<50_000)
                stream.enqueue(buffer, 50_000..<100_000)
            }
            stream.flush()
            return pool.bytesKept - before
        }
        #expect(pooled > 0)
        #expect(try pair.peer.receive(400_000).allSatisfy { $0 == 1 })
    }
}
