// EventLoopTests: timers, jobs of other threads, and events for those who are still there.

import Synchronization
import TestSupport
import Testing

@testable import Loop

@Suite struct EventLoopTests {
    /// Runs a loop for the time of `body`.
    private func withLoop(_ body: (LoopHandle) throws -> Void) throws {
        let group = try LoopGroup(count: 1)
        defer { group.stopAndJoin() }
        try body(group.loops[0])
    }

    // MARK: timers

    @Test func `timers run in the order of their deadlines`() throws {
        try withLoop { handle in
            let order = Monitor<[Int]>([])
            handle.submit { loop in
                for (name, delay) in [(3, 3), (1, 1), (2, 2), (0, 0)] as [(Int, UInt64)] {
                    loop.schedule(afterNanoseconds: delay * 2_000_000) { _ in
                        order.with { $0.append(name) }
                    }
                }
            }
            #expect(order.wait { $0.count == 4 ? $0 : nil } == [0, 1, 2, 3])
        }
    }

    @Test func `a timer does not run early`() throws {
        try withLoop { handle in
            let elapsed = Monitor<UInt64?>(nil)
            handle.submit { loop in
                let start = SystemCalls.monotonicNanoseconds()
                loop.schedule(afterNanoseconds: 20_000_000) { _ in
                    elapsed.with { $0 = SystemCalls.monotonicNanoseconds() - start }
                }
            }
            // Deadlines count from the time of the loop's round, a little before.
            let waited = try #require(elapsed.wait { $0 })
            #expect(waited > 15_000_000)
        }
    }

    @Test func `a cancelled timer does not run and lets go of what it held`() throws {
        try withLoop { handle in
            final class Held: Sendable {}
            let order = Monitor<[Int]>([])
            let isGone = handle.wait { loop -> Bool in
                let held = Monitor<Held?>(Held())
                let timer = loop.schedule(afterNanoseconds: 1_000_000) {
                    [held = held.with { $0 }] _ in
                    _ = held
                    order.with { $0.append(1) }
                }
                weak let left = held.with { $0 }
                held.with { $0 = nil }
                timer.cancel()
                timer.cancel()
                loop.schedule(afterNanoseconds: 5_000_000) { _ in order.with { $0.append(2) } }
                return left == nil
            }
            #expect(isGone)
            #expect(order.wait { $0.isEmpty ? nil : $0 } == [2])
        }
    }

    @Test func `a timer may cancel one that is due with it`() throws {
        try withLoop { handle in
            let order = Monitor<[Int]>([])
            handle.submit { loop in
                var second: LoopTimer?
                loop.schedule(afterNanoseconds: 1_000_000) { _ in
                    order.with { $0.append(1) }
                    second?.cancel()
                }
                second = loop.schedule(afterNanoseconds: 1_000_001) { _ in
                    order.with { $0.append(2) }
                }
                loop.schedule(afterNanoseconds: 4_000_000) { _ in order.with { $0.append(3) } }
            }
            #expect(order.wait { $0.last == 3 ? $0 : nil } == [1, 3])
        }
    }

    @Test func `a timer of an endless delay does not run`() throws {
        try withLoop { handle in
            let order = Monitor<[Int]>([])
            handle.submit { loop in
                loop.schedule(afterNanoseconds: .max) { _ in order.with { $0.append(1) } }
                loop.schedule(afterNanoseconds: 5_000_000) { _ in order.with { $0.append(2) } }
            }
            #expect(order.wait { $0.isEmpty ? nil : $0 } == [2])
        }
    }

    // MARK: jobs

    @Test func `jobs of many threads all run, those of one thread in order`() throws {
        try withLoop { handle in
            let seen = Monitor<[[Int]]>(Array(repeating: [], count: 8))
            for thread in 0..<8 {
                BlockingThread.start {
                    for number in 0..<1_000 {
                        handle.submit { _ in seen.with { $0[thread].append(number) } }
                    }
                }
            }
            let all = seen.wait { $0.allSatisfy { $0.count == 1_000 } ? $0 : nil }
            #expect(all == Array(repeating: Array(0..<1_000), count: 8))
        }
    }

    @Test func `a job may submit another`() throws {
        try withLoop { handle in
            let done = Gate()
            handle.submit { loop in loop.handle.submit { _ in done.open() } }
            #expect(done.wait())
        }
    }

    @Test func `wait gives what the job returns`() throws {
        try withLoop { handle in
            #expect(handle.wait { _ in 42 } == 42)
            #expect(handle.wait { $0.now } > 0)
        }
    }

    @Test func `a reply runs its body on the loop, once`() throws {
        try withLoop { handle in
            let values = Monitor<[Int]>([])
            let reply = handle.wait { loop in
                loop.reply { (value: Int, _) in values.with { $0.append(value) } }
            }
            BlockingThread.start {
                reply(1)
                reply(2)
            }
            #expect(values.wait { $0.isEmpty ? nil : $0 } == [1])
            #expect(handle.wait { _ in values.with { $0 } } == [1])
        }
    }

    @Test func `what a loop holds is let go on its own thread when it ends`() throws {
        final class Attached {
            let gone: Gate
            init(_ gone: Gate) { self.gone = gone }
            deinit { gone.open() }
        }
        let group = try LoopGroup(count: 3)
        let gates = group.loops.map { _ in Gate() }
        for (handle, gate) in zip(group.loops, gates) {
            handle.submit { $0.attachment = Attached(gate) }
        }
        group.stopAndJoin()
        #expect(gates.allSatisfy { $0.isOpen })
    }

    // MARK: descriptors

    private final class Counting: EventHandler {
        let events = Monitor(0)
        func ready(_ readiness: Readiness, on loop: EventLoop) { events.with { $0 += 1 } }
    }

    @Test func `an event for a handler that was removed finds nobody`() throws {
        try withLoop { handle in
            let listener = try BlockingListener()
            let counts = handle.wait { loop -> (Monitor<Int>, Monitor<Int>)? in
                guard let address = SocketAddress(numeric: "127.0.0.1", port: listener.port),
                    let socket = try? Socket.connecting(to: address),
                    let other = try? Socket.connecting(to: address)
                else { return nil }
                let old = Counting()
                let new = Counting()
                guard let registration = try? loop.add(socket, old) else { return nil }
                loop.again(registration, .readable)
                loop.remove(registration, socket)
                socket.close()
                // The slot is used again at once; the old registration must not reach it.
                guard (try? loop.add(other, new)) != nil else { return nil }
                loop.again(registration, .readable)
                loop.remove(registration, socket)
                loop.attachment = other
                return (old.events, new.events)
            }
            let (old, new) = try #require(counts)
            // The connection that is made tells the new one, and only that.
            #expect(new.wait { $0 > 0 ? true : nil } == true)
            #expect(handle.wait { _ in old.with { $0 } } == 0)
        }
    }
}

@Suite struct TimerHeapTests {
    @Test func `timers come out by deadline, whatever the order they went in`() {
        var random = SeededRandom(seed: 11)
        var heap = TimerHeap()
        let deadlines = (0..<500).map { _ in UInt64.random(in: 0..<100, using: &random) }
        for deadline in deadlines { heap.insert(LoopTimer(deadline: deadline) { _ in }) }
        var popped: [UInt64] = []
        for now in 0..<100 as Range<UInt64> {
            while let timer = heap.popDue(now: now) {
                #expect(timer.deadline == now)
                popped.append(timer.deadline)
            }
        }
        #expect(popped == deadlines.sorted())
        #expect(heap.count == 0)
    }

    @Test func `cancelled timers are swept before they outnumber the others`() {
        var heap = TimerHeap()
        let kept = (0..<100).map { LoopTimer(deadline: UInt64($0)) { _ in } }
        for timer in kept { heap.insert(timer) }
        for number in 0..<100_000 as Range<UInt64> {
            let timer = LoopTimer(deadline: 1_000 + number) { _ in }
            heap.insert(timer)
            timer.cancel()
        }
        #expect(heap.count <= 2_048)
        var popped = 0
        while heap.popDue(now: .max) != nil { popped += 1 }
        #expect(popped == kept.count)
    }

    @Test func `the time that is left is rounded up and bounded`() {
        var heap = TimerHeap()
        #expect(heap.millisecondsLeft(now: 0) == -1)
        let late = LoopTimer(deadline: .max) { _ in }
        heap.insert(late)
        #expect(heap.millisecondsLeft(now: 0) == Int32.max)
        let soon = LoopTimer(deadline: 1_000_001) { _ in }
        heap.insert(soon)
        #expect(heap.millisecondsLeft(now: 0) == 2)
        #expect(heap.millisecondsLeft(now: 2_000_000) == 0)
        soon.cancel()
        late.cancel()
        #expect(heap.millisecondsLeft(now: 0) == -1)
    }
}
