// Monitor: a value that one thread changes and another waits for.

internal import Glibc

/// A value behind a lock, with a way to wait for what another thread makes of it.
// SENDABLE: the value is touched under the lock only.
@safe
package final class Monitor<Value>: @unchecked Sendable {
    private var value: Value
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    // SAFETY: both are made here, never moved, and freed when nobody can use them any more.
    package init(_ value: Value) {
        self.value = value
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    // SAFETY: nobody holds a reference, so nobody waits.
    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Looks at the value or changes it, and wakes all who wait for it.
    // SAFETY: the lock's memory lives as long as this object.
    package func with<R>(_ body: (inout Value) throws -> R) rethrows -> R {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(condition)
            unsafe pthread_mutex_unlock(mutex)
        }
        return try body(&value)
    }

    /// Blocks the calling thread until `body` has a result.
    /// - Parameter seconds: a guard against hangs; what is waited for should come at once.
    /// - Returns: nil when the time is over.
    // SAFETY: the lock's memory lives as long as this object; the time is a local.
    package func wait<R>(seconds: Int = 30, _ body: (inout Value) -> R?) -> R? {
        var deadline = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += seconds
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&value) {
                unsafe pthread_cond_broadcast(condition)
                return result
            }
            guard unsafe pthread_cond_timedwait(condition, mutex, &deadline) == 0 else {
                return body(&value)
            }
        }
    }
}

/// Something that happens once, and that others wait for.
package final class Gate: Sendable {
    private let state = Monitor(false)

    package init() {}

    package func open() { state.with { $0 = true } }

    package var isOpen: Bool { state.with { $0 } }

    /// - Returns: false when it was not opened in time.
    @discardableResult
    package func wait(seconds: Int = 30) -> Bool {
        state.wait(seconds: seconds) { $0 ? true : nil } ?? false
    }
}
