// BufferPoolTests: what is given back, what is kept, and what is handed out again.

import Bytes
import Testing

@Suite struct BufferPoolTests {
    @Test func `a buffer that was given back is handed out again, empty`() {
        let pool = BufferPool(bytesMax: 1 << 20)
        let first = pool.take(capacity: 1_000)
        first.append([1, 2, 3])
        let name = ObjectIdentifier(first)
        pool.giveBack(first)
        #expect(pool.bytesKept == first.capacity)
        let second = pool.take(capacity: 500)
        #expect(ObjectIdentifier(second) == name)
        #expect(second.count == 0)
        #expect(pool.bytesKept == 0)
    }

    @Test func `the smallest buffer that fits is taken`() {
        let pool = BufferPool(bytesMax: 1 << 20)
        let buffers = [40_000, 10_000, 20_000].map { ByteBuffer(capacity: $0) }
        for buffer in buffers { pool.giveBack(buffer) }
        #expect(pool.take(capacity: 15_000) === buffers[2])
        #expect(pool.take(capacity: 15_000) === buffers[0])
        #expect(pool.take(capacity: 15_000).capacity == 15_000)
        #expect(pool.bytesKept == 10_000)
    }

    @Test func `a large buffer is not spent on a small frame`() {
        let pool = BufferPool(bytesMax: 1 << 20)
        pool.giveBack(ByteBuffer(capacity: 500_000))
        #expect(pool.take(capacity: 100).capacity == 100)
        #expect(pool.take(capacity: 125_000).capacity == 500_000)
    }

    @Test func `no more is kept than allowed`() {
        let pool = BufferPool(bytesMax: 10_000)
        pool.giveBack(ByteBuffer(capacity: 6_000))
        pool.giveBack(ByteBuffer(capacity: 6_000))
        #expect(pool.bytesKept == 6_000)
        pool.giveBack(ByteBuffer(capacity: 4_000))
        #expect(pool.bytesKept == 10_000)
        for _ in 0..<200 { pool.giveBack(ByteBuffer(capacity: 16)) }
        #expect(pool.bytesKept == 10_000)
    }
}
