// LoopHandle: the thread-safe half of an event loop, and the threads that run loops.

internal import CLinux
internal import Glibc
internal import Synchronization

/// Work for a loop's thread. It may not carry anything that belongs to another thread.
package typealias LoopJob = @Sendable (EventLoop) -> Void

/// The way into an event loop from other threads.
package final class LoopHandle: Sendable {
    private struct Inbox {
        var jobs: [LoopJob] = []
        var isStopping = false
        var isWoken = false
    }

    private let inbox = Mutex(Inbox())
    internal let eventDescriptor: Int32

    internal init(eventDescriptor: Int32) { self.eventDescriptor = eventDescriptor }

    deinit { _ = close(eventDescriptor) }

    /// Runs `job` on the loop's thread soon. Jobs of one thread run in the order they came.
    package func submit(_ job: @escaping LoopJob) {
        let mustWake = inbox.withLock { inbox in
            inbox.jobs.append(job)
            defer { inbox.isWoken = true }
            return !inbox.isWoken
        }
        if mustWake { wake() }
    }

    /// Runs `job` on the loop's thread and waits for what it returns. Never called from a loop.
    package func wait<Value: Sendable>(_ job: @escaping @Sendable (EventLoop) -> Value) -> Value {
        let result = LateValue<Value>()
        submit { loop in result.set(job(loop)) }
        return result.wait()
    }

    /// Ends the loop after the jobs that are waiting.
    package func stop() {
        inbox.withLock { $0.isStopping = true }
        wake()
    }

    private func wake() {
        var one: UInt64 = 1
        // SAFETY: eight bytes are read from a local. A full counter means it is woken already.
        _ = unsafe write(eventDescriptor, &one, 8)
    }

    /// Takes all jobs in one grab of the lock.
    internal func take() -> (jobs: [LoopJob], stop: Bool) {
        var count: UInt64 = 0
        // SAFETY: eight bytes are written to a local.
        _ = unsafe read(eventDescriptor, &count, 8)
        return inbox.withLock { inbox in
            defer {
                inbox.jobs = []
                inbox.isWoken = false
            }
            return (inbox.jobs, inbox.isStopping)
        }
    }
}

/// A value that one thread will have and another waits for; for start and stop, not for traffic.
package final class LateValue<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let readEnd: Int32
    private let writeEnd: Int32

    package init() {
        var ends: [Int32] = [0, 0]
        // SAFETY: the kernel fills two ints.
        precondition(unsafe pipe(&ends) == 0, "no descriptors left to wait with")
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit { _ = close(readEnd) }

    /// Gives the value, once.
    package func set(_ value: Value) {
        self.value.withLock { $0 = value }
        _ = close(writeEnd)
    }

    /// Blocks the calling thread until the value is there.
    package func wait() -> Value {
        var byte: UInt8 = 0
        // SAFETY: one byte of a local; the end of the pipe says that the value is there.
        while unsafe read(readEnd, &byte, 1) < 0, errno == EINTR {}
        guard let value = value.withLock({ $0 }) else {
            preconditionFailure("the end of a pipe came before its value")
        }
        return value
    }
}

/// Waiting without work, for threads that are not loops.
package enum Pause {
    package static func milliseconds(_ count: UInt32) { usleep(count * 1000) }
}

/// Loops, each on a thread of its own.
package final class LoopGroup: Sendable {
    package let loops: [LoopHandle]
    private let threads: [LoopThread]

    /// Starts `count` loops.
    package init(count: Int) throws(SystemError) {
        precondition(count >= 1, "a group needs a loop")
        var threads: [LoopThread] = []
        for index in 0..<count { threads.append(try LoopThread(name: "loop-\(index)")) }
        self.threads = threads
        loops = threads.map { $0.handle }
    }

    /// Ends all loops and waits for their threads.
    package func stopAndJoin() {
        for loop in loops { loop.stop() }
        for thread in threads { thread.join() }
    }
}

/// A POSIX thread that runs one loop.
internal final class LoopThread: Sendable {
    let handle: LoopHandle
    private let thread: pthread_t

    init(name: String) throws(SystemError) {
        let loop = try EventLoop()
        handle = loop.handle
        thread = try startThread(name: name, LoopThread.runner(loop))
    }

    /// Moves the loop into the closure that its thread runs: nobody else keeps it.
    private static func runner(_ loop: sending EventLoop) -> @Sendable () -> Void {
        let box = Mutex<EventLoop?>(loop)
        return {
            let loop = box.withLock { $0.take() }
            loop?.run()
        }
    }

    func join() { _ = pthread_join(thread, nil) }
}

/// Starts a thread with a name that debuggers and `top` show.
internal func startThread(
    name: String, _ body: @escaping @Sendable () -> Void
) throws(SystemError) -> pthread_t {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    // SAFETY: the retain made here is balanced by takeRetainedValue on the new thread.
    let context = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
    var thread = pthread_t()
    let code = unsafe pthread_create(
        &thread, nil,
        { argument in
            guard let argument = unsafe argument else { return nil }
            unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        }, context)
    guard code == 0 else {
        unsafe Unmanaged<Box>.fromOpaque(context).release()
        throw SystemError("pthread_create", code: code)
    }
    _ = unsafe wax_thread_name(thread, name)
    return thread
}
