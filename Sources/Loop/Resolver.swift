// Resolver: turns names into addresses on a thread of its own, so that no loop blocks.

internal import CLinux
internal import Glibc
internal import Synchronization

/// Resolves host names by the system's resolver (files, DNS, whatever it is set up for).
///
/// One thread serves all loops. Questions for the same name at the same time are asked once, and
/// answers are kept for a short time, so that a burst of connections asks one question.
package final class Resolver: Sendable {
    /// The addresses in the order of preference, or why there are none.
    package typealias Answer = Result<[SocketAddress], ResolveError>
    /// Called once, on any thread; `EventLoop.reply` makes one that comes back to a loop.
    package typealias Waiter = @Sendable (Answer) -> Void

    private struct Question: Hashable {
        let host: String
        let port: UInt16
    }

    private struct State {
        var queue: [Question] = []
        var waiters: [Question: [Waiter]] = [:]
        var answers: [Question: (answer: Answer, until: UInt64)] = [:]
        var isIdle = true
    }

    private static let keptNanoseconds: UInt64 = 5_000_000_000
    private static let keptMax = 1024

    private let state = Mutex(State())

    package init() {}

    /// Resolves `host` and calls `waiter` with the answer.
    package func resolve(_ host: String, port: UInt16, _ waiter: @escaping Waiter) {
        let question = Question(host: host, port: port)
        let now = SystemCalls.monotonicNanoseconds()
        let (known, mustStart) = state.withLock { state -> (Answer?, Bool) in
            if let kept = state.answers[question], kept.until > now { return (kept.answer, false) }
            state.waiters[question, default: []].append(waiter)
            if state.waiters[question]?.count == 1 { state.queue.append(question) }
            defer { state.isIdle = false }
            return (nil, state.isIdle)
        }
        if let known {
            waiter(known)
        } else if mustStart {
            start()
        }
    }

    /// Starts the thread; it ends when the queue is empty, so an idle process has none.
    private func start() {
        do {
            let thread = try startThread(name: "resolver") { [self] in work() }
            _ = pthread_detach(thread)
        } catch {
            let waiting = state.withLock { state -> [Question: [Waiter]] in
                state.queue = []
                state.isIdle = true
                defer { state.waiters = [:] }
                return state.waiters
            }
            for (question, waiters) in waiting {
                let failure = ResolveError(host: question.host, reason: error.description)
                for waiter in waiters { waiter(.failure(failure)) }
            }
        }
    }

    private func work() {
        while true {
            let question = state.withLock { state -> Question? in
                guard !state.queue.isEmpty else {
                    state.isIdle = true
                    return nil
                }
                return state.queue.removeFirst()
            }
            guard let question else { return }
            let answer = look(question)
            let until = SystemCalls.monotonicNanoseconds() &+ Resolver.keptNanoseconds
            let waiters = state.withLock { state -> [Waiter] in
                if state.answers.count >= Resolver.keptMax { state.answers.removeAll() }
                if case .success = answer { state.answers[question] = (answer, until) }
                return state.waiters.removeValue(forKey: question) ?? []
            }
            for waiter in waiters { waiter(answer) }
        }
    }

    private func look(_ question: Question) -> Answer {
        do {
            let found = try SocketAddress.look(
                question.host, port: question.port, flags: AI_ADDRCONFIG)
            if !found.isEmpty { return .success(found) }
            return .failure(ResolveError(host: question.host, reason: "no IPv4 or IPv6 address"))
        } catch {
            // A machine with only a loopback interface has no "configured" family at all.
            do {
                return .success(
                    try SocketAddress.look(question.host, port: question.port, flags: 0))
            } catch {
                return .failure(error)
            }
        }
    }
}
