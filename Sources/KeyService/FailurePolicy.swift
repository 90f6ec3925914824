// FailurePolicy: what follows from a failure of a key service; the one place that decides it.

internal import Limits

/// Every decision that a failed call leads to:
///
/// | | `unavailable`, `unauthenticated` | `notFound`, `denied`, `disabled` | `corrupt` |
/// | --- | --- | --- | --- |
/// | the call | again, at pauses that double | again after seconds | again after seconds |
/// | the service | counts as out | counts as answering | says nothing |
/// | a data key that seals | goes on to its limits | is dropped at once | goes on to its limits |
/// | a data key that opens | goes on to its cache time | is dropped at once | is dropped at once |
/// | a partition without key | fails, worth another try | fails for good | fails for good |
/// | the start | is waited for when `unavailable`, then refused | is refused | is refused |
///
/// An outage is nobody's decision, so what is at hand is used up to its limits. Nor are credentials
/// of Waxwing's own that have run out: producers must not lose records over them. A refusal is: the
/// key was disabled, deleted or taken from this process, and data keys under it stop sealing even
/// though they could go on. A *new* data key that comes back damaged says nothing about the one in
/// use; a wrapped key that opened before and is corrupt now does: its key was replaced.
///
/// A disabled *version* of a key refuses what it wrapped and nothing else, so a refused unwrap does
/// not end sealing. The codes that clients are sent are the Proxy's.
extension KeyServiceError {
    /// Whether the same call may succeed later with nothing changed.
    package var isRetriable: Bool { code == .unavailable || code == .unauthenticated }

    /// Whether somebody has taken the key away, after which no data key under it seals.
    package var endsSealing: Bool { [.notFound, .denied, .disabled].contains(code) }

    /// Whether a data key that is held for opening goes at once.
    package var endsOpening: Bool { !isRetriable }

    /// What the failure says about the service as a whole.
    internal var evidence: ServiceEvidence {
        if isRetriable { return .out }
        // Garbage in a record's header is found corrupt without a call, and must not look like a
        // service that works.
        return code == .corrupt ? .none : .answering
    }
}

/// What the outcome of a call says about the service.
internal enum ServiceEvidence {
    case answering, out, none
}

/// The pauses between tries.
internal enum Pauses {
    /// After the `failures`-th failure for one key, from 0: between a half and the whole of what
    /// doubling gives.
    internal static func key(failures: UInt64, random: UInt64) -> UInt64 {
        jittered(
            failures, KeyLimits.retryMillisecondsMin, KeyLimits.retryMillisecondsMax, random)
    }

    /// Before a service that is out is tried for the `trips`-th time, from 0.
    internal static func service(trips: UInt64, random: UInt64) -> UInt64 {
        jittered(
            trips, KeyLimits.breakerMillisecondsMin, KeyLimits.breakerMillisecondsMax, random)
    }

    private static func jittered(
        _ count: UInt64, _ least: UInt64, _ most: UInt64, _ random: UInt64
    ) -> UInt64 {
        let pause = min(least << min(count, 16), most) * 1_000_000
        return pause / 2 + random % (pause / 2 + 1)
    }

    /// How long a refusal is answered from memory.
    internal static var refusal: UInt64 { KeyLimits.refusalMilliseconds * 1_000_000 }

    /// `retryAfterNanoseconds` spread by a tenth, so that not all keys come at the same instant.
    internal static func told(_ nanoseconds: UInt64, random: UInt64) -> UInt64 {
        nanoseconds + random % (nanoseconds / 10 + 1)
    }
}
