// Configuration: everything that a configuration file says, checked and immutable.

package import Rules

/// What one file says. docs/CONFIG.md describes every key.
package struct Configuration: Sendable, Equatable {
    package let cluster: ClusterSettings
    /// At least one.
    package let listeners: [ListenerSettings]
    /// In the order of the file; names are unique.
    package let keyServices: [KeyServiceSettings]
    package let rules: RuleSet
    package let limits: LimitSettings
    package let dataKeys: DataKeyPolicy
    package let log: LogSettings
    /// Event loops, each with a thread of its own.
    package let threads: Int
    /// The secret of keyed masks; there whenever a rule has such a mask.
    package internal(set) var tokenKey: TokenKeySettings?
    /// The path of the Unix socket that answers operators; nil when nobody asked for one.
    package internal(set) var adminSocket: String?
    package internal(set) var audit: AuditSettings?
    /// Where `rules.protect` and `rules.read` stand in the file, one position per rule.
    package internal(set) var protectPositions: [Position] = []
    package internal(set) var readPositions: [Position] = []
    /// What is not wrong but may not be meant, in the order of the file.
    package internal(set) var warnings: [ConfigurationWarning] = []
}

/// A host and a port. The host is a name or a numeric address without brackets.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// `cluster`: the Kafka cluster behind the proxy.
package struct ClusterSettings: Sendable, Equatable {
    /// How clients' credentials reach the brokers.
    package enum SASL: Sendable, Equatable {
        /// As the client sends them.
        case passthrough
    }

    /// Any of these may be dead.
    package let bootstrap: [Endpoint]
    package let sasl: SASL
    /// For looking up a name, and again for connecting to each of its addresses.
    package let connectNanoseconds: UInt64
}

/// `listeners[]`: addresses that clients dial.
package struct ListenerSettings: Sendable, Equatable {
    /// Where the name of a client comes from.
    package enum PrincipalSource: Sendable, Equatable {
        /// What SASL proves to the broker. Of a token of OAUTHBEARER, these claims are the name
        /// and the groups; without a claim for groups there are none.
        case sasl(subjectClaim: String = "sub", groupsClaim: String? = nil)
        /// Nobody logs in; everybody is `User:ANONYMOUS`, as Kafka calls it.
        case anonymous
        /// Everybody on this listener is this one.
        case fixed(String)
    }

    package let name: String
    /// A numeric address without brackets.
    package let bind: String
    /// The host that clients are told.
    package let advertise: String
    package let bootstrapPort: UInt16
    /// Node n has the port `lowerBound + n`, unless `nodePorts` has another.
    package let brokerPorts: ClosedRange<UInt16>
    package let nodePorts: [Int32: UInt16]
    package let principal: PrincipalSource
}

/// One entry of `keys`: a key service.
package struct KeyServiceSettings: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        /// A keyring file. Relative paths have been resolved against the configuration file's own
        /// directory.
        case file(path: String)
        case vault(VaultSource)
    }

    package let name: String
    package let source: Source
}

/// `limits`: what clients and brokers may cost.
package struct LimitSettings: Sendable, Equatable {
    /// The largest request frame.
    package var requestBytesMax: Int
    /// The largest response that has to be held as a whole.
    package var responseBytesMax: Int
    /// Bytes of held frames in the process, over all threads.
    package var heldBytesMax: Int
    /// Client connections in the process.
    package var connectionsMax: Int
    /// How long a connection may say nothing, both ways.
    package var idleNanoseconds: UInt64
    /// How long a request may wait for a key service.
    package var keyWaitNanoseconds: UInt64
    /// How long requests in flight may take when the process is told to stop.
    package var drainNanoseconds: UInt64
}

/// `dataKeys`: how far one data key may be used.
package struct DataKeyPolicy: Sendable, Equatable {
    /// Records sealed under one data key.
    package var recordsMax: UInt64
    /// Bytes sealed under one data key.
    package var bytesMax: UInt64
    /// Age at which a data key stops sealing.
    package var ageSecondsMax: UInt64
    /// How long an unwrapped data key is held for opening.
    package var cacheAgeSecondsMax: UInt64
    /// How long the start waits for a key service that does not answer.
    package var startWaitNanoseconds: UInt64 = Bounds.startWaitDefault
}

/// `tokenKey`: a data key, wrapped by a key service, that keyed masks have for their secret.
package struct TokenKeySettings: Sendable, Equatable {
    /// The key service, by its name in the file.
    package let service: String
    /// The name of the wrapping key there.
    package let key: String
    /// 1 to `RecordLimits.wrappedKeyBytesMax` bytes.
    package let wrapped: [UInt8]
}

/// `audit`: who read what, as a stream of events.
package struct AuditSettings: Sendable, Equatable {
    package enum Destination: Sendable, Equatable {
        case standardError
        case file(path: String)
    }

    package var destination = Destination.standardError
    /// How often counts are written.
    package var intervalNanoseconds: UInt64 = Bounds.auditIntervalDefault
}

/// `log`: what is written to standard error, and how.
package struct LogSettings: Sendable, Equatable {
    package enum Level: String, Sendable, CaseIterable {
        case error, warn, info, debug
    }

    package enum Format: String, Sendable, CaseIterable {
        case text, json
    }

    package var level: Level
    package var format: Format
}
