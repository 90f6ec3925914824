// ApiDefinition: what Waxwing knows of one API key, and the lookup of it.

/// One kind of request, and what becomes of it.
package struct ApiDefinition: Sendable {
    /// Who serves the API, by the definitions' `listeners`.
    package enum Listener: Sendable { case broker, controller, zooKeeperBroker }

    /// What becomes of a request.
    package enum Policy: Sendable {
        /// It may pass.
        case relay
        /// It is left out of what clients are told, and a client that sends it is cut off.
        case deny
    }

    /// Stands for "and every later version".
    package static let last = Int16.max

    package let key: Int16
    package let name: String
    /// The versions that may be relayed: those of any broker back to 3.9's, never one that is
    /// newer than the tables or still unstable.
    package let versions: ClosedRange<Int16>
    /// The first version with compact lengths and tag buffers (KIP-482); `last` if there is none.
    package let requestFlexibleFrom: Int16
    package let responseFlexibleFrom: Int16
    package let listeners: [Listener]
    package let policy: Policy

    /// - Returns: nil for a key that the tables do not have.
    package static func find(_ key: Int16) -> ApiDefinition? {
        key >= 0 && key < all.count ? all[Int(key)] : nil
    }

    /// Whether a request may pass: a known key, not denied, in a known version.
    package static func mayRelay(_ key: Int16, version: Int16) -> Bool {
        guard let api = find(key), api.policy == .relay else { return false }
        return api.versions.contains(version)
    }
}

/// API keys that Waxwing treats in its own way.
package enum ApiKey {
    package static let produce: Int16 = 0
    package static let fetch: Int16 = 1
    package static let metadata: Int16 = 3
    package static let controlledShutdown: Int16 = 7
    package static let findCoordinator: Int16 = 10
    package static let saslHandshake: Int16 = 17
    package static let apiVersions: Int16 = 18
    package static let createTopics: Int16 = 19
    package static let endTransaction: Int16 = 26
    package static let transactionOffsetCommit: Int16 = 28
    package static let describeConfigs: Int16 = 32
    package static let saslAuthenticate: Int16 = 36
    package static let describeQuorum: Int16 = 55
    package static let describeCluster: Int16 = 60
    package static let describeTopicPartitions: Int16 = 75
    package static let shareFetch: Int16 = 78
    package static let shareAcknowledge: Int16 = 79
}
