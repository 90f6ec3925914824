// GuardedKeyService: any key service behind the one gate that all loops of the process share.

package import Crypto
internal import Synchronization

/// Makes the calls of all loops to one key service: as many at once as it may have, equal unwraps
/// once, none while the service is out, and refusals from memory. `ServiceGate` decides; this only
/// waits and calls.
///
/// The service's own time-outs end its calls; while one hangs it holds one of the places.
package final class GuardedKeyService: KeyService {
    private enum Admission: Sendable {
        case start(ServiceGate.Ticket)
        case refused(KeyServiceError)
        /// Another caller's outcome.
        case shared(Result<SecretBytes, KeyServiceError>)
    }

    private typealias Waiter = CheckedContinuation<Admission, Never>

    private struct State {
        var gate: ServiceGate
        var queued: [ServiceGate.Ticket: Waiter] = [:]
        var joined: [ServiceGate.Ticket: [Waiter]] = [:]
        var observers: [@Sendable (String, KeyServiceError) -> Void] = []
        var shown = ServiceStatus.State.closed
    }

    private let service: any KeyService
    private let clock: @Sendable () -> UInt64
    private let random: @Sendable () -> UInt64
    private let changed: @Sendable (ServiceStatus) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - name: the service's in the configuration.
    ///   - clock: monotonic nanoseconds.
    ///   - random: spreads pauses; it makes no key.
    ///   - changed: told when the service is taken to be out and when it answers again, for log
    ///     lines; called on any thread, and not for tries in vain.
    package init(
        _ service: any KeyService, name: String,
        settings: ServiceGateSettings = ServiceGateSettings(),
        clock: @escaping @Sendable () -> UInt64 = MonotonicClock.now,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0...UInt64.max) },
        changed: @escaping @Sendable (ServiceStatus) -> Void = { _ in }
    ) {
        self.service = service
        self.clock = clock
        self.random = random
        self.changed = changed
        state = Mutex(State(gate: ServiceGate(service: name, settings: settings)))
    }

    package func generateDataKey(
        under name: String
    ) async throws(KeyServiceError) -> GeneratedDataKey {
        switch await admit(.generate(name)) {
        case .refused(let error): throw error
        case .shared:
            throw KeyServiceError(.unavailable, key: name, "a data key belongs to one loop")
        case .start(let ticket):
            let error: KeyServiceError
            do throws(KeyServiceError) {
                let made = try await service.generateDataKey(under: name)
                _ = finish(ticket, .success(made.plaintext))
                return made
            } catch let failure {
                error = finish(ticket, .failure(failure)) ?? failure
            }
            if error.endsSealing { tell(name, error) }
            throw error
        }
    }

    package func unwrap(
        _ wrapped: [UInt8], under name: String
    ) async throws(KeyServiceError) -> SecretBytes {
        switch await admit(.unwrap(name, wrapped)) {
        case .refused(let error): throw error
        case .shared(let result): return try result.get()
        case .start(let ticket):
            do throws(KeyServiceError) {
                let key = try await service.unwrap(wrapped, under: name)
                _ = finish(ticket, .success(key))
                return key
            } catch {
                throw finish(ticket, .failure(error)) ?? error
            }
        }
    }

    /// Asks the service itself: a start must not be refused because of another key's failures.
    package func probe(_ name: String) async throws(KeyServiceError) {
        try await service.probe(name)
    }

    // MARK: news

    package func observeRefusals(
        _ body: @escaping @Sendable (String, KeyServiceError) -> Void
    ) {
        state.withLock { $0.observers.append(body) }
    }

    private func tell(_ name: String, _ error: KeyServiceError) {
        for observer in state.withLock({ $0.observers }) { observer(name, error) }
    }

    package var status: ServiceStatus? {
        let now = clock()
        return state.withLock { $0.gate.status(now: now) }
    }

    // MARK: the gate

    private func admit(_ call: ServiceGate.Call) async -> Admission {
        let now = clock()
        return await withCheckedContinuation { (waiter: Waiter) in
            let answer: Admission? = state.withLock { state in
                switch state.gate.enter(call, now: now) {
                case .start(let ticket): return .start(ticket)
                case .refused(let error): return .refused(error)
                case .queued(let ticket):
                    state.queued[ticket] = waiter
                    return nil
                case .joined(let ticket):
                    state.joined[ticket, default: []].append(waiter)
                    return nil
                }
            }
            if let answer { waiter.resume(returning: answer) }
        }
    }

    /// - Returns: the error as the gate tells it.
    private func finish(
        _ ticket: ServiceGate.Ticket, _ result: Result<SecretBytes, KeyServiceError>
    ) -> KeyServiceError? {
        var failure: KeyServiceError?
        if case .failure(let error) = result { failure = error }
        let now = clock()
        let spread = random()
        var woken: [(Waiter, Admission)] = []
        let (told, news) = state.withLock { state in
            let (told, releases) = state.gate.finish(ticket, failure, now: now, random: spread)
            for waiter in state.joined.removeValue(forKey: ticket) ?? [] {
                woken.append((waiter, .shared(told.map { .failure($0) } ?? result)))
            }
            for release in releases {
                switch release {
                case .start(let next):
                    guard let waiter = state.queued.removeValue(forKey: next) else { continue }
                    woken.append((waiter, .start(next)))
                case .refused(let next, let error):
                    let queued = state.queued.removeValue(forKey: next)
                    let joined = state.joined.removeValue(forKey: next) ?? []
                    for waiter in joined + (queued.map { [$0] } ?? []) {
                        woken.append((waiter, .refused(error)))
                    }
                }
            }
            return (told, GuardedKeyService.news(&state, now: now))
        }
        for (waiter, admission) in woken { waiter.resume(returning: admission) }
        if let news { changed(news) }
        return told
    }

    /// The status when it is another than the one told last. Between two tries nothing is told.
    private static func news(_ state: inout State, now: UInt64) -> ServiceStatus? {
        let status = state.gate.status(now: now)
        guard status.state != .trying, status.state != state.shown else { return nil }
        state.shown = status.state
        return status
    }
}

/// Monotonic time without a call of our own to C.
package enum MonotonicClock {
    private static let start = ContinuousClock.now

    /// Nanoseconds since the process first asked, and one second, so that it is never 0.
    package static func now() -> UInt64 {
        let (seconds, attoseconds) = start.duration(to: .now).components
        return UInt64(seconds + 1) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
