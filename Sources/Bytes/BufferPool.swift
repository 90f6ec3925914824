// BufferPool: emptied buffers, kept to be used again.

/// Keeps emptied buffers of one thread up to a number of bytes, so that frames of every size are
/// handled without asking the system for fresh (zeroed, unmapped) pages each time.
package final class BufferPool {
    private var idle: [ByteBuffer] = []
    private let bytesMax: Int
    /// Bytes of storage in buffers that wait here.
    package private(set) var bytesKept = 0

    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// An empty buffer with room for at least `bytesMin` bytes, and if one is at hand for
    /// `bytesLikely`: what is likely needed costs nothing when it is there, but is not asked of the
    /// system on a peer's word.
    package func take(bytesMin: Int, bytesLikely: Int) -> ByteBuffer {
        var best = -1
        for (index, buffer) in idle.enumerated() where buffer.capacity >= bytesLikely {
            if best < 0 || buffer.capacity < idle[best].capacity { best = index }
        }
        guard best >= 0 else { return take(capacity: bytesMin) }
        return takeOut(best)
    }

    private func takeOut(_ index: Int) -> ByteBuffer {
        idle.swapAt(index, idle.count - 1)
        let buffer = idle.removeLast()
        bytesKept -= buffer.capacity
        return buffer
    }

    /// An empty buffer with room for `capacity` bytes.
    package func take(capacity: Int) -> ByteBuffer {
        // The smallest that fits, or else a new one: growing a kept one would copy nothing but
        // would leave the pool without its small buffers.
        var best = -1
        for (index, buffer) in idle.enumerated() where buffer.capacity >= capacity {
            if best < 0 || buffer.capacity < idle[best].capacity { best = index }
        }
        // A much larger one would be wasted on a small frame.
        if best >= 0, idle[best].capacity <= max(4 * capacity, 64 * 1024) {
            return takeOut(best)
        }
        return ByteBuffer(capacity: capacity)
    }

    /// Takes back a buffer that nobody uses any more. Too many bytes at rest are freed.
    package func giveBack(_ buffer: consuming ByteBuffer) {
        guard bytesKept + buffer.capacity <= bytesMax, idle.count < 64 else { return }
        buffer.removeAll()
        bytesKept += buffer.capacity
        idle.append(buffer)
    }
}
