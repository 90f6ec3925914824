// SessionAddresses: what one session tells its client about brokers, and learns of them.

internal import Bytes
internal import KafkaWire
internal import Telemetry

/// Answers the rewriting of responses for one entrance.
internal final class SessionAddresses: NodeAddresses {
    private let addresses: AdvertisedAddresses
    private let shared: ProxyContext
    /// Addresses that were replaced since `begin`.
    private(set) var rewritten = 0

    init(_ addresses: AdvertisedAddresses, shared: ProxyContext) {
        self.addresses = addresses
        self.shared = shared
    }

    func begin() { rewritten = 0 }

    func advertised(_ node: Int32) -> AdvertisedAddress? {
        rewritten += 1
        if let port = addresses.port(of: node) {
            return AdvertisedAddress(host: addresses.host, port: Int32(port))
        }
        shared.log.error(
            "a broker has no port here: widen ports.brokers or name it under ports.nodes",
            [.init("listener", addresses.listener), .init("node", "\(node)")])
        return nil
    }

    /// A node without a port cannot be reached, but where it really is must not be told: nobody
    /// listens on port 0, so clients fail to connect instead of going round.
    var fallback: AdvertisedAddress { AdvertisedAddress(host: addresses.host, port: 0) }

    func learned(node: Int32, host: RawSpan, port: Int32) {
        guard host.byteCount > 0, port > 0, port <= UInt16.max else { return }
        let address = HostPort(host: host.text, port: UInt16(port))
        if shared.nodes.learn(node, address) {
            shared.log.info(
                "broker found", [.init("node", "\(node)"), .init("address", "\(address)")])
        }
    }
}
