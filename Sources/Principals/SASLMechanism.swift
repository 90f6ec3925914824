// SASLMechanism: the mechanisms whose messages can be read.

internal import Bytes

/// How a client logs in, as far as it matters to who it is.
internal enum SASLMechanism: Equatable, Sendable {
    /// RFC 4616.
    case plain
    /// RFC 5802 and 7677, with either hash.
    case scram
    /// RFC 7628.
    case bearer
    /// Says nothing that can be read on the way: GSSAPI, and everything that is not known.
    case other

    /// - Parameter name: as SaslHandshake has it; brokers compare it byte by byte.
    internal init(_ name: RawSpan) {
        self =
            if name.spells("PLAIN") {
                .plain
            } else if name.spells("SCRAM-SHA-256") || name.spells("SCRAM-SHA-512") {
                .scram
            } else if name.spells("OAUTHBEARER") {
                .bearer
            } else {
                .other
            }
    }
}
