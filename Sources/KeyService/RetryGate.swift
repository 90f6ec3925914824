// RetryGate: lets one call for a key be under way, and spaces calls that fail.

internal import Limits

/// Says whether a key may be asked for now. One call at a time; after a failure that may pass, a
/// pause that doubles, with jitter; after a refusal, the same answer for some seconds.
internal struct RetryGate {
    internal enum Answer {
        /// Call now; the gate counts the call as under way.
        case start
        /// A call is under way, or is due at `retryAt`.
        case wait
        /// The service refused a moment ago.
        case refused(KeyServiceError)
    }

    /// A call is under way.
    internal private(set) var isInFlight = false
    /// Somebody waits for the next call.
    internal private(set) var isWanted = false
    private var failures: UInt64 = 0
    private var notBefore: UInt64 = 0
    private var refusal: KeyServiceError?

    /// When the next call is due (monotonic nanoseconds), if somebody waits for it.
    internal var retryAt: UInt64? { isWanted && !isInFlight ? notBefore : nil }

    /// Whether nothing is known that would be lost by forgetting this gate.
    internal func isIdle(now: UInt64) -> Bool { !isInFlight && now >= notBefore }

    /// For a caller that cannot go on without the key.
    internal mutating func ask(now: UInt64) -> Answer {
        if isInFlight { return .wait }
        if now >= notBefore {
            isInFlight = true
            isWanted = false
            refusal = nil
            return .start
        }
        if let refusal { return .refused(refusal) }
        isWanted = true
        return .wait
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

    /// The call under way failed. `random` moves the pause to between a half and the whole.
    internal mutating func fail(_ error: KeyServiceError, now: UInt64, random: UInt64) {
        isInFlight = false
        isWanted = false
        guard error.isRetriable else {
            failures = 0
            refusal = error
            notBefore = now + KeyLimits.refusalMilliseconds * 1_000_000
            return
        }
        refusal = nil
        let doubled = KeyLimits.retryMillisecondsMin << min(failures, 16)
        let pause = min(doubled, KeyLimits.retryMillisecondsMax) * 1_000_000
        failures += 1
        notBefore = now + pause / 2 + random % (pause / 2 + 1)
    }
}
