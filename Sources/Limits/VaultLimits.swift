// VaultLimits: bounds on calls to a Vault or OpenBao server and on what it answers.

/// Bounds of the key service over HTTP. None of them depends on what the server sends.
package enum VaultLimits {
    // MARK: calls

    /// Calls on the network at once, each with a connection of its own.
    package static let callsInFlightMax = 32
    /// Calls that wait for one of these; more are refused, as worth trying again.
    package static let callsWaitingMax = 10_000
    /// Idle connections that are kept: as many, so that a burst of calls makes no more.
    package static let idleConnectionsMax = 32

    /// Time to connect, TLS included.
    package static let connectNanosecondsDefault: UInt64 = 2_000_000_000
    /// Time for one call from asking to the whole answer.
    package static let totalNanosecondsDefault: UInt64 = 5_000_000_000
    /// The longest that may be set for either.
    package static let callNanosecondsMax: UInt64 = 300_000_000_000

    // MARK: answers

    /// Body of an answer. A data key takes 400 bytes, a key's description about 30 bytes a version.
    package static let answerBytesMax = 1 << 20
    /// Its status line and headers.
    package static let answerHeadBytesMax = 65_536
    /// Bytes of a refusal that are searched for known phrases.
    package static let refusalBytesRead = 16_384
    /// Redirects followed for one call: a standby names the active server.
    package static let redirectsMax = 2
    /// Bytes of a redirect's address.
    package static let redirectBytesMax = 4_096

    // MARK: log-in

    /// A file with a token, a secret id or a JWT.
    package static let secretFileBytesMax = 65_536
    /// A token file is looked at for changes at most this often.
    package static let fileCheckNanoseconds: UInt64 = 1_000_000_000
    /// How long a refused log-in is answered from memory, and the least time between two log-ins
    /// that refused calls lead to.
    package static let logInPauseNanoseconds: UInt64 = 1_000_000_000
    /// The same after a log-in that found no server.
    package static let logInRetryNanoseconds: UInt64 = 200_000_000
    /// A token that was found valid is not asked about again for this long.
    package static let validNanoseconds: UInt64 = 1_000_000_000
    /// A call that a token of this age is refused leads to a new log-in although the token is
    /// valid: the rights of its role may have been changed, and a token keeps those of before.
    package static let staleTokenNanoseconds: UInt64 = 60_000_000_000

    /// A token is renewed when this much of its life is over.
    package static let renewalPercent: UInt64 = 66
    /// The renewal comes earlier by up to this many per cent, so that many proxies started
    /// together do not renew together.
    package static let renewalSpreadPercent: UInt64 = 10
    /// Pause after a renewal that found no server, and the least time to a renewal.
    package static let renewalRetryNanoseconds: UInt64 = 1_000_000_000
    /// Token lives above this are taken as this: a year.
    package static let tokenSecondsMax: UInt64 = 366 * 86_400

    // MARK: names

    /// A mount path, a namespace or a role.
    package static let nameBytesMax = 512
    /// The server's address.
    package static let addressBytesMax = 1_024
}
