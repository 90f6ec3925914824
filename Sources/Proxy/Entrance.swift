// Entrance: one port that clients dial, and the addresses that they are told.

internal import Bytes
package import Principals
package import Rules

/// Where the name of a client comes from.
package enum PrincipalSource: Sendable, Hashable {
    /// What it proves to the broker with SASL.
    case sasl(SASLSettings)
    /// Everybody who comes in here is this one.
    case fixed(Principal)
}

/// The addresses that one listener advertises. They depend on the configuration and the node id
/// alone, so every instance with the same configuration tells the same.
package struct AdvertisedAddresses: Sendable {
    /// The listener's name, for log lines.
    package let listener: String
    /// The host that clients dial.
    package let host: String
    package let bootstrapPort: UInt16
    /// Node `n` has port `brokerPorts.lowerBound + n`, unless `nodePorts` says otherwise.
    package let brokerPorts: ClosedRange<UInt16>
    package let nodePorts: [Int32: UInt16]

    package init(
        listener: String, host: String, bootstrapPort: UInt16, brokerPorts: ClosedRange<UInt16>,
        nodePorts: [Int32: UInt16]
    ) {
        self.listener = listener
        self.host = host
        self.bootstrapPort = bootstrapPort
        self.brokerPorts = brokerPorts
        self.nodePorts = nodePorts
    }

    /// The port for a node, or nil when the configuration has none for it.
    package func port(of node: Int32) -> UInt16? {
        if let port = nodePorts[node] { return port }
        guard node >= 0, Int(node) < brokerPorts.count else { return nil }
        let port = brokerPorts.lowerBound + UInt16(node)
        // A port that the map gives to another node is not this one's too.
        return nodePorts.values.contains(port) ? nil : port
    }

    /// Every port to listen on, and the node behind it; nil is the bootstrap port.
    package var ports: [(port: UInt16, node: Int32?)] {
        var ports: [(port: UInt16, node: Int32?)] = [(bootstrapPort, nil)]
        for (node, port) in nodePorts.sorted(by: { $0.key < $1.key }) { ports.append((port, node)) }
        for node in 0..<Int32(brokerPorts.count) where nodePorts[node] == nil {
            if let port = port(of: node) { ports.append((port, node)) }
        }
        return ports
    }
}

/// Where a client came in.
internal struct Entrance: Sendable {
    let addresses: AdvertisedAddresses
    /// The broker that the client wants, or nil on the bootstrap port.
    let node: Int32?
    var principal = PrincipalSource.fixed(.anonymous)
}
