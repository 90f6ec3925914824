// PrincipalLimits: how much of a log-in is looked at, and what is kept of it.

/// Bounds of what is learnt from SASL. A log-in beyond one of them is not read: the client stays
/// unknown, because half a list of groups would be a wrong one.
package enum PrincipalLimits {
    /// A SASL message. Brokers take half a MiB unless they were told otherwise
    /// (sasl.server.max.receive.size).
    package static let messageBytesMax = 524_288

    /// The header of a token, decoded. Real ones take about 100 bytes; certificates may be in it.
    package static let tokenHeaderBytesMax = 65_536

    /// A name in UTF-8, as it is after "User:". RFC 4616 asks for 255 bytes at least.
    package static let nameBytesMax = 512

    /// Groups of one client. Identity services stop at about 200.
    package static let groupsMax = 512

    /// A group's name in UTF-8.
    package static let groupBytesMax = 256

    /// Names of all groups of a client together: what a connection keeps at most.
    package static let groupsBytesMax = 32_768
}
