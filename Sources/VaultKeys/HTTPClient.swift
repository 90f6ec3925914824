// HTTPClient: calls over HTTP from any thread, made by one thread of its own.

internal import Glibc
internal import Limits
internal import Synchronization

/// Calls a server through libcurl. Callers wait without holding a thread; connections are kept and
/// used again.
internal final class HTTPClient: Sendable {
    private let mailbox = HTTPMailbox()
    private let totalNanoseconds: UInt64

    /// Starts the thread.
    ///
    /// - Parameter totalNanoseconds: time for a call, waiting for its turn included.
    internal init(_ settings: HTTPSettings, totalNanoseconds: UInt64) {
        self.totalNanoseconds = totalNanoseconds
        HTTPThread.start(settings, mailbox)
    }

    deinit { close() }

    /// Makes a call. `read` makes a value of status and body on the client's thread and must be
    /// quick; the body is zeroed after it.
    internal func send<Value: Sendable>(
        _ request: HTTPRequest, read: @escaping @Sendable (Int, RawSpan) -> Value
    ) async -> Result<Value, HTTPFailure> {
        await withCheckedContinuation { continuation in
            let job = HTTPJob(
                request: request, deadline: HTTPClient.monotonic() + totalNanoseconds
            ) { outcome, body in
                continuation.resume(returning: outcome.map { read($0, body) })
            }
            mailbox.post(.call(job))
        }
    }

    /// Runs `body`, which may wait for a disk, on the client's thread; nil when it was closed.
    internal func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) async -> Value? {
        await withCheckedContinuation { continuation in
            mailbox.post(
                .work { isClosed in continuation.resume(returning: isClosed ? nil : body()) })
        }
    }

    /// Ends the thread. Calls that wait or run, and later ones, fail with `closed`.
    internal func close() { mailbox.close() }

    /// Nanoseconds of the clock that never goes back.
    internal static func monotonic() -> UInt64 {
        var now = timespec()
        // SAFETY: the structure lives for the call.
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}

/// What callers hand to the thread.
internal final class HTTPMailbox: Sendable {
    internal enum Item: Sendable {
        case call(HTTPJob)
        /// Told whether it is too late.
        case work(@Sendable (Bool) -> Void)

        internal func fail(_ failure: HTTPFailure) {
            switch self {
            case .call(let job): job.finish(.failure(failure), RawSpan())
            case .work(let body): body(true)
            }
        }
    }

    private struct State {
        var items: [Item] = []
        var isClosed = false
        var wake: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Hands something over, or lets it fail when that cannot be.
    internal func post(_ item: Item) {
        let refusal: HTTPFailure? = state.withLock { state in
            guard !state.isClosed else { return .closed }
            guard state.items.count < VaultLimits.callsWaitingMax else { return .overloaded }
            state.items.append(item)
            state.wake?()
            return nil
        }
        if let refusal { item.fail(refusal) }
    }

    /// - Parameter wake: makes the thread look here; nil when it is gone. It is called under the
    ///   lock, so that after setting nil nobody calls it.
    internal func setWake(_ wake: (@Sendable () -> Void)?) {
        state.withLock { $0.wake = wake }
    }

    internal func close() {
        state.withLock { state in
            state.isClosed = true
            state.wake?()
        }
    }

    /// At most `countMax` items in order; nil once closed. Items whose time is over are given out
    /// too, so that they fail in time although there is no room for others.
    internal func take(_ countMax: Int, now: UInt64) -> [Item]? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            guard !state.items.isEmpty else { return [] }
            let first = Array(state.items.prefix(countMax))
            state.items.removeFirst(first.count)
            guard countMax == 0 else { return first }
            var late: [Item] = []
            state.items.removeAll { item in
                guard case .call(let job) = item, job.deadline <= now else { return false }
                late.append(item)
                return true
            }
            return late
        }
    }

    /// Everything that is left, after closing.
    internal func drain() -> [Item] {
        state.withLock { state in
            defer { state.items = [] }
            return state.items
        }
    }
}
