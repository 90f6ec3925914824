// BlockingThread: threads for test code that blocks.

internal import Glibc

/// Threads beside those of the tests' own tasks: whoever blocks one of those holds up every other
/// test in the process, and what the tested code does in tasks of its own.
package enum BlockingThread {
    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a thread of its own.
    // SAFETY: the retain made here is balanced by takeRetainedValue on the new thread.
    package static func start(_ body: @escaping @Sendable () -> Void) {
        let context = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, context)
        precondition(code == 0, "no thread left for a test")
        _ = pthread_detach(thread)
    }
}

/// Runs the jobs of one task on one thread, which they may block.
package final class BlockingExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isStopping = false
    }

    private enum Next {
        case run(UnownedJob)
        case stop
    }

    private let state = Monitor(State())

    package init() {
        let state = state
        BlockingThread.start { [weak self] in
            while true {
                let next = state.wait(seconds: 3_600) { state -> Next? in
                    if !state.jobs.isEmpty { return .run(state.jobs.removeFirst()) }
                    return state.isStopping ? .stop : nil
                }
                guard case .run(let job)? = next, let self else { return }
                // SAFETY: the job was given to this executor and is run once.
                unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
            }
        }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.with { $0.jobs.append(job) }
    }

    /// Ends the thread once its jobs are done.
    package func stop() { state.with { $0.isStopping = true } }
}
