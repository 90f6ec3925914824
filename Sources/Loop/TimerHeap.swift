// TimerHeap: deadlines in order, cheapest to look at the next one.

/// A deadline with something to do at it. It belongs to one loop.
package final class LoopTimer {
    internal let deadline: UInt64
    private var body: ((EventLoop) -> Void)?

    internal init(deadline: UInt64, body: @escaping (EventLoop) -> Void) {
        self.deadline = deadline
        self.body = body
    }

    internal var isCancelled: Bool { body == nil }

    /// Makes sure that nothing runs; what the timer held is let go at once.
    package func cancel() { body = nil }

    internal func fire(_ loop: EventLoop) {
        let body = self.body
        self.body = nil
        body?(loop)
    }
}

/// A binary heap of timers. Cancelled ones stay until they come to the top, or until they are the
/// larger half: then the heap is rebuilt, so that it is bounded by the timers in use.
internal struct TimerHeap {
    private var heap: [LoopTimer] = []
    private var sweepAt = 1024

    var count: Int { heap.count }

    mutating func insert(_ timer: LoopTimer) {
        if heap.count >= sweepAt { sweep() }
        heap.append(timer)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The next timer whose deadline has come.
    mutating func popDue(now: UInt64) -> LoopTimer? {
        dropCancelled()
        guard let first = heap.first, first.deadline <= now else { return nil }
        removeFirst()
        return first
    }

    /// Milliseconds to the next deadline, rounded up; -1 when there is none.
    mutating func millisecondsLeft(now: UInt64) -> Int32 {
        dropCancelled()
        guard let first = heap.first else { return -1 }
        guard first.deadline > now else { return 0 }
        return Int32(clamping: (first.deadline - now - 1) / 1_000_000 + 1)
    }

    mutating func removeAll() { heap.removeAll() }

    private mutating func dropCancelled() {
        while let first = heap.first, first.isCancelled { removeFirst() }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].deadline < heap[smallest].deadline { smallest = child }
            }
            guard smallest != parent else { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }

    private mutating func sweep() {
        let alive = heap.filter { !$0.isCancelled }.sorted { $0.deadline < $1.deadline }
        heap = alive  // a sorted array is a heap
        sweepAt = max(1024, alive.count * 2)
    }
}
