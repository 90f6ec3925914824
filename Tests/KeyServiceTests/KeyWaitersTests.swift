// KeyWaitersTests: news wakes those that it is for, once.

import KeyService
import Testing

private final class Waiter {
    let number: Int
    init(_ number: Int) { self.number = number }
}

@Suite struct KeyWaitersTests {
    @Test func `only those who wait for a ticket in the news are woken`() {
        var waiters = KeyWaiters<Waiter>()
        let (first, second) = (Waiter(1), Waiter(2))
        waiters.ask(10, now: 1)
        waiters.ask(11, now: 1)
        waiters.await(first)
        waiters.ask(12, now: 1)
        waiters.await(second)
        #expect(waiters.take([13]).isEmpty)
        #expect(waiters.take([11]).map(\.number) == [1])
        #expect(waiters.take([10, 11]).isEmpty, "woken once")
        #expect(waiters.count == 1)
        #expect(waiters.take([12, 12]).map(\.number) == [2])
        #expect(waiters.count == 0)
    }

    @Test func `a waiter may wait for more while it waits`() {
        var waiters = KeyWaiters<Waiter>()
        let waiter = Waiter(1)
        waiters.ask(10, now: 1)
        waiters.await(waiter)
        waiters.ask(20, now: 2)
        waiters.await(waiter)
        #expect(waiters.count == 1)
        #expect(waiters.take([20]).map(\.number) == [1])
        #expect(waiters.take([10]).isEmpty)
    }

    @Test func `all who wait for the same key are woken`() {
        var waiters = KeyWaiters<Waiter>()
        for number in 0..<1_000 {
            waiters.ask(UInt64(number % 10), now: UInt64(number))
            waiters.await(Waiter(number))
        }
        #expect(waiters.take([3]).count == 100)
        #expect(waiters.count == 900)
    }

    @Test func `questions of an earlier turn that nobody awaited are forgotten`() {
        var waiters = KeyWaiters<Waiter>()
        let waiter = Waiter(1)
        waiters.ask(10, now: 1)
        waiters.ask(20, now: 2)
        waiters.await(waiter)
        #expect(waiters.take([10]).isEmpty)
        #expect(waiters.take([20]).count == 1)
    }

    @Test func `who is forgotten is not woken and not held`() {
        var waiters = KeyWaiters<Waiter>()
        weak var gone: Waiter?
        do {
            let waiter = Waiter(1)
            gone = waiter
            waiters.ask(10, now: 1)
            waiters.await(waiter)
            waiters.forget(waiter)
            waiters.forget(waiter)
        }
        #expect(gone == nil)
        #expect(waiters.take([10]).isEmpty)
    }
}
