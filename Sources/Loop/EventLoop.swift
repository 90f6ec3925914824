// EventLoop: one thread's epoll set, timers and inbox.

package import Bytes
internal import CLinux
internal import Glibc
internal import Limits

/// What a descriptor is ready for.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let readable = Readiness(rawValue: 1)
    package static let writable = Readiness(rawValue: 2)
    /// The peer has finished sending or is gone, or the socket failed: reading on says which.
    package static let ended = Readiness(rawValue: 4)
}

/// Somebody who waits for a descriptor.
package protocol EventHandler: AnyObject {
    /// Called on the loop's thread. Readiness is edge-triggered: it is told once, and stays true
    /// until a call answers that it would block.
    func ready(_ readiness: Readiness, on loop: EventLoop)
}

/// Where a handler is registered: a slot of the loop and the slot's use count, so that an event
/// for a descriptor that was closed in the meantime finds nobody.
package struct Registration: Equatable, Sendable {
    internal let slot: UInt32
    internal let use: UInt32
}

/// One thread that waits for descriptors, timers and jobs, and runs their handlers.
///
/// Everything here belongs to that thread: the class is not `Sendable`, and other threads reach it
/// through `handle`. Handlers are synchronous and must not block.
package final class EventLoop {
    /// The way in for other threads.
    package let handle: LoopHandle
    /// Room for one read, shared by all connections of this loop; empty between handlers.
    package let scratch = ByteBuffer(capacity: TransportLimits.readBytes)
    /// Buffers to use again.
    package let pool = BufferPool(bytesMax: TransportLimits.pooledBytes)

    /// What the user of the loop keeps with it; touched on the loop's thread only.
    package var attachment: AnyObject?

    private struct Slot {
        var handler: (any EventHandler)?
        var use: UInt32
    }

    private let epoll: Int32
    private var slots: [Slot] = []
    private var freeSlots: [UInt32] = []
    private var timers = TimerHeap()
    private var turns: [(Registration, Readiness)] = []
    private var waiting: [UInt64: AnyObject] = [:]
    private var waitingCount: UInt64 = 0
    private var running = true

    /// Monotonic time in nanoseconds, read once per round of the loop.
    package private(set) var now: UInt64

    internal init() throws(SystemError) {
        epoll = try SystemCalls.retry("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        handle = LoopHandle(eventDescriptor: try SystemCalls.retry("eventfd") { wax_eventfd() })
        now = SystemCalls.monotonicNanoseconds()
        let wake = EventLoop.wakeToken
        _ = try SystemCalls.retry("epoll_ctl") {
            wax_epoll_set(epoll, EPOLL_CTL_ADD, handle.eventDescriptor, WAX_EPOLLIN, wake)
        }
    }

    deinit { _ = close(epoll) }

    private static let wakeToken = UInt64.max

    // MARK: descriptors

    /// Watches a socket for reading and writing, edge-triggered, until `remove`.
    package func add(
        _ socket: Socket, _ handler: any EventHandler
    ) throws(SystemError) -> Registration {
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = UInt32(slots.count)
            slots.append(Slot(handler: nil, use: 0))
        }
        slots[Int(slot)].handler = handler
        let use = slots[Int(slot)].use
        let events = WAX_EPOLLIN | WAX_EPOLLOUT | WAX_EPOLLRDHUP | WAX_EPOLLET
        do {
            _ = try SystemCalls.retry("epoll_ctl") {
                wax_epoll_set(
                    epoll, EPOLL_CTL_ADD, socket.fd, events, UInt64(use) << 32 | UInt64(slot))
            }
        } catch {
            release(slot)
            throw error
        }
        return Registration(slot: slot, use: use)
    }

    /// Stops watching; call it before the socket is closed.
    package func remove(_ registration: Registration, _ socket: Socket) {
        guard slots[Int(registration.slot)].use == registration.use else { return }
        release(registration.slot)
        if !socket.isClosed { _ = wax_epoll_set(epoll, EPOLL_CTL_DEL, socket.fd, 0, 0) }
    }

    private func release(_ slot: UInt32) {
        slots[Int(slot)].handler = nil
        slots[Int(slot)].use &+= 1
        freeSlots.append(slot)
    }

    /// Calls the handler again in the next round, after everybody else had a turn.
    package func again(_ registration: Registration, _ readiness: Readiness) {
        turns.append((registration, readiness))
    }

    private func deliver(_ registration: Registration, _ readiness: Readiness) {
        let slot = slots[Int(registration.slot)]
        guard slot.use == registration.use, let handler = slot.handler else { return }
        handler.ready(readiness, on: self)
    }

    // MARK: timers

    /// Runs `body` once after `nanoseconds`, unless the timer is cancelled first. A delay beyond
    /// the end of the clock is for ever.
    @discardableResult
    package func schedule(
        afterNanoseconds nanoseconds: UInt64, _ body: @escaping (EventLoop) -> Void
    ) -> LoopTimer {
        let (deadline, isBeyond) = now.addingReportingOverflow(nanoseconds)
        let timer = LoopTimer(deadline: isBeyond ? .max : deadline, body: body)
        timers.insert(timer)
        return timer
    }

    // MARK: answers from elsewhere

    /// Something on this loop that waits for a value from another thread.
    private final class Waiting<Value: Sendable> {
        let body: (Value, EventLoop) -> Void
        init(body: @escaping (Value, EventLoop) -> Void) { self.body = body }
    }

    /// Makes a function that any thread may call once with a value; `body`, which stays here with
    /// all it refers to, then runs on this loop's thread.
    package func reply<Value: Sendable>(
        _ body: @escaping (Value, EventLoop) -> Void
    ) -> @Sendable (Value) -> Void {
        waitingCount &+= 1
        let ticket = waitingCount
        waiting[ticket] = Waiting(body: body)
        let handle = handle
        return { value in
            handle.submit { loop in
                let waiting = loop.waiting.removeValue(forKey: ticket) as? Waiting<Value>
                waiting?.body(value, loop)
            }
        }
    }

    // MARK: running

    /// Runs until `LoopHandle.stop`.
    internal func run() {
        let capacity = TransportLimits.eventsPerPoll
        let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: capacity)
        defer { unsafe events.deallocate() }
        while running {
            let timeout = turns.isEmpty ? timers.millisecondsLeft(now: now) : 0
            // SAFETY: the kernel fills at most `capacity` entries.
            let count = unsafe epoll_wait(epoll, events.baseAddress, Int32(capacity), timeout)
            now = SystemCalls.monotonicNanoseconds()
            for index in 0..<max(0, Int(count)) {
                let event = unsafe events[index]
                unsafe dispatch(token: event.data.u64, flags: event.events)
            }
            runTurns()
            while let timer = timers.popDue(now: now) { timer.fire(self) }
        }
        // What is left holds connections: dropping it here, on the loop's thread, closes them.
        slots.removeAll()
        timers.removeAll()
        waiting.removeAll()
        attachment = nil
    }

    private func dispatch(token: UInt64, flags: UInt32) {
        if token == EventLoop.wakeToken {
            runJobs()
            return
        }
        var readiness: Readiness = []
        if flags & (WAX_EPOLLIN | WAX_EPOLLRDHUP) != 0 { readiness.insert(.readable) }
        if flags & WAX_EPOLLOUT != 0 { readiness.insert(.writable) }
        if flags & (WAX_EPOLLHUP | WAX_EPOLLERR) != 0 {
            readiness.formUnion([.readable, .writable])
        }
        if flags & (WAX_EPOLLRDHUP | WAX_EPOLLHUP | WAX_EPOLLERR) != 0 {
            readiness.insert(.ended)
        }
        deliver(
            Registration(
                slot: UInt32(truncatingIfNeeded: token),
                use: UInt32(truncatingIfNeeded: token >> 32)
            ), readiness)
    }

    private func runTurns() {
        guard !turns.isEmpty else { return }
        let now = turns
        turns.removeAll(keepingCapacity: true)
        for (registration, readiness) in now { deliver(registration, readiness) }
    }

    private func runJobs() {
        let (jobs, stop) = handle.take()
        for job in jobs { job(self) }
        if stop { running = false }
    }
}
