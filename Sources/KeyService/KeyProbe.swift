// KeyProbe: tries every configured key at the start, and names all that are wrong.

internal import Limits

/// A key that cannot be used.
package struct KeyProbeFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let reference: KEKReference
    package let error: KeyServiceError
    /// Tries that were made; 0 when the service was out before this key had its turn.
    package let tries: Int

    package var description: String {
        "\(reference): \(error.code): \(error.message)"
            + (tries > 1 ? " (after \(tries) tries)" : "")
    }
}

/// Time, for waiting between tries.
package struct ProbeClock: Sendable {
    /// Monotonic nanoseconds.
    package let now: @Sendable () -> UInt64
    /// Returns after so many nanoseconds.
    package let sleep: @Sendable (UInt64) async -> Void

    package init(
        now: @escaping @Sendable () -> UInt64, sleep: @escaping @Sendable (UInt64) async -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    package static var system: ProbeClock {
        ProbeClock(now: MonotonicClock.now) { nanoseconds in
            try? await Task.sleep(nanoseconds: nanoseconds)
        }
    }
}

/// Makes and opens a data key under each of `keys`, some at once, so that a wrong name, mount,
/// policy or credential stops the start and not the first producer.
///
/// A refusal is final. A service that does not answer may be starting too: it is tried again, at
/// the pauses of `Pauses`, until `startWaitNanoseconds` after the first try; then the start is
/// refused with its reason. With a wait of 0 each key is tried once.
///
/// - Parameters:
///   - services: by name; a key of a service that is not there is reported as not found.
///   - startWaitNanoseconds: for all keys together; at most `KeyLimits.startWaitMillisecondsMax`.
///   - retrying: told of each try that failed and will be repeated.
/// - Returns: what is wrong, in the order of `keys`; empty when all is well.
package func probe(
    keys: [KEKReference], services: [String: any KeyService],
    startWaitNanoseconds: UInt64 = KeyLimits.startWaitMillisecondsDefault * 1_000_000,
    clock: ProbeClock = .system,
    retrying: @escaping @Sendable (KeyProbeFailure) -> Void = { _ in }
) async -> [KeyProbeFailure] {
    let wait = min(startWaitNanoseconds, KeyLimits.startWaitMillisecondsMax * 1_000_000)
    let prober = Prober(
        services: services, deadline: clock.now() + wait, clock: clock, retrying: retrying)
    var seen: Set<KEKReference> = []
    let distinct = keys.filter { seen.insert($0).inserted }
    return await withTaskGroup(of: (Int, KeyProbeFailure?).self) { group in
        var failures: [(Int, KeyProbeFailure)] = []
        var out: [String: KeyServiceError] = [:]
        var next = 0
        var running = 0
        while next < distinct.count || running > 0 {
            while next < distinct.count, running < KeyLimits.probesAtOnceMax {
                let (place, reference) = (next, distinct[next])
                next += 1
                // Once a service was waited for in vain, each further key would wait for its
                // time-outs again, to say the same.
                if let error = out[reference.service] {
                    failures.append((place, .init(reference: reference, error: error, tries: 0)))
                    continue
                }
                running += 1
                group.addTask { (place, await prober.probe(reference)) }
            }
            guard running > 0, let (place, failure) = await group.next() else { continue }
            running -= 1
            guard let failure else { continue }
            failures.append((place, failure))
            if failure.error.isRetriable { out[failure.reference.service] = failure.error }
        }
        return failures.sorted { $0.0 < $1.0 }.map(\.1)
    }
}

private struct Prober: Sendable {
    let services: [String: any KeyService]
    let deadline: UInt64
    let clock: ProbeClock
    let retrying: @Sendable (KeyProbeFailure) -> Void

    func probe(_ reference: KEKReference) async -> KeyProbeFailure? {
        guard let service = services[reference.service] else {
            let error = KeyServiceError(
                .notFound, key: reference.text, "there is no key service of that name")
            return KeyProbeFailure(reference: reference, error: error, tries: 0)
        }
        var tries = 0
        while true {
            do throws(KeyServiceError) {
                try await service.probe(reference.name)
                return nil
            } catch {
                tries += 1
                let failure = KeyProbeFailure(reference: reference, error: error, tries: tries)
                let pause = Pauses.key(
                    failures: UInt64(tries - 1), random: UInt64.random(in: 0...UInt64.max))
                let now = clock.now()
                guard error.code == .unavailable, now < deadline else { return failure }
                retrying(failure)
                await clock.sleep(min(pause, deadline - now))
            }
        }
    }
}
