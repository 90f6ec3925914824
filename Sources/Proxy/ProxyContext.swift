// ProxyContext: what all loops share, immutable or behind a lock of its own.

package import Crypto
package import KeyService
internal import Limits
internal import Loop
package import Rules
package import Telemetry

/// A server's name and port.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Numbers of a running proxy, all from its configuration.
package struct ProxySettings: Sendable {
    /// Servers to ask for the cluster's brokers, any of which may be dead.
    package var bootstrap: [HostPort]
    /// For resolving a name, and again for each of its addresses.
    package var connectNanoseconds: UInt64 = 5_000_000_000
    /// How long a request may wait for the key service.
    package var keyWaitNanoseconds: UInt64 = 10_000_000_000
    /// How long a side that has been told to end may take to do so.
    package var lingerNanoseconds: UInt64 = 30_000_000_000
    /// The largest request frame.
    package var requestBytesMax = ProxyLimits.requestBytesMax
    /// The largest response that is held as a whole.
    package var responseBytesMax = ProxyLimits.responseBytesMax
    /// Bytes of held frames, over all connections of a loop.
    package var heldBytesMax = 32 * 1_048_576
    /// How long a held frame may take at least, before its size is looked at, while others wait.
    package var stalledNanoseconds = ProxyLimits.stalledNanoseconds
    /// Client connections over all loops.
    package var connectionsMax = 10_000
    /// How long a connection may say nothing, both ways.
    package var idleNanoseconds: UInt64 = 600_000_000_000
    /// Bounds of data keys.
    package var dataKeys = DataKeySettings()

    package init(bootstrap: [HostPort]) { self.bootstrap = bootstrap }
}

/// What all sessions of the process share.
package final class ProxyContext: Sendable {
    package let settings: ProxySettings
    package let rules: RuleSet
    package let keyServices: [String: any KeyService]
    package let log: Log
    internal let nodes = NodeTable()
    internal let topics = TopicTable()
    internal let resolver = Resolver()
    internal let connections = ConnectionCount()
    internal let servers: BootstrapServers
    /// The secret of keyed masks.
    internal let tokenKey: SecretBytes?
    internal let audit: AuditSink?
    /// Whether records may have to be looked at before they are delivered.
    internal let looksIntoFetches: Bool
    /// Whether it makes a difference who a client is.
    internal let asksWhoReads: Bool

    package init(
        settings: ProxySettings, rules: RuleSet, keyServices: [String: any KeyService], log: Log,
        tokenKey: SecretBytes? = nil, audit: AuditSink? = nil
    ) {
        self.settings = settings
        servers = BootstrapServers(settings.bootstrap)
        self.tokenKey = tokenKey
        self.audit = audit
        looksIntoFetches = rules.looksIntoFetches
        asksWhoReads = audit != nil || rules.read.contains { $0.principals != [.everybody] }
        self.rules = rules
        self.keyServices = keyServices
        self.log = log
    }
}
