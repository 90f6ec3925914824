// RetryGate: lets one call for a key be under way, and spaces calls that fail.

internal import Limits

/// Says whether a key may be asked for now. One call at a time; after a failure that may pass, a
/// pause that doubles, with jitter; after a refusal, the same answer for some seconds. How long is
/// `Pauses`' to say, or the error's own when it knows.
internal struct RetryGate {
    internal enum Answer {
        /// A call is under way, or is due at `retryAt`.
        case wait
        /// The service refused a moment ago, or is known to be out.
        case refused(KeyServiceError)
    }

    /// A call is under way.
    internal private(set) var isInFlight = false
    /// Somebody waits for the next call.
    internal private(set) var isWanted = false
    private var failures: UInt64 = 0
    private var notBefore: UInt64 = 0
    private var refusal: KeyServiceError?
    /// Set while the service is known to be out: nobody need wait for calls made meanwhile.
    private var outage: KeyServiceError?

    /// When the next call is due (monotonic nanoseconds), if somebody waits for it.
    internal var retryAt: UInt64? { isWanted && !isInFlight ? notBefore : nil }

    /// Whether the service is known to be out.
    internal var isOut: Bool { outage != nil }

    /// Whether nothing is known that would be lost by forgetting this gate.
    internal func isIdle(now: UInt64) -> Bool { !isInFlight && now >= notBefore }

    /// For a caller that cannot go on without the key. With `starts` the call is to be made, and
    /// the gate counts it as under way.
    internal mutating func ask(now: UInt64) -> (answer: Answer, starts: Bool) {
        if !isInFlight, now < notBefore, let refusal { return (.refused(refusal), false) }
        let starts = askAhead(now: now)
        if !isInFlight { isWanted = true }
        return (outage.map { .refused($0) } ?? .wait, starts)
    }

    /// For a caller that has a key and would like the next one: whether to call.
    internal mutating func askAhead(now: UInt64) -> Bool {
        guard !isInFlight, now >= notBefore else { return false }
        isInFlight = true
        isWanted = false
        refusal = nil
        return true
    }

    /// The call under way brought the key.
    internal mutating func succeed() { self = RetryGate() }

    /// The call under way failed, or another one showed that this one would. `random` spreads the
    /// pause.
    internal mutating func fail(_ error: KeyServiceError, now: UInt64, random: UInt64) {
        isInFlight = false
        isWanted = false
        refusal = nil
        outage = nil
        guard error.isRetriable else {
            failures = 0
            refusal = error
            notBefore = now + (error.retryAfterNanoseconds ?? Pauses.refusal)
            return
        }
        if let told = error.retryAfterNanoseconds {
            outage = error
            notBefore = now + Pauses.told(told, random: random)
        } else {
            notBefore = now + Pauses.key(failures: failures, random: random)
            failures += 1
        }
    }
}
