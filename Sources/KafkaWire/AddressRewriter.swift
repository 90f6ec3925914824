// AddressRewriter: replaces the brokers' addresses in responses by the ones Waxwing advertises.

package import Bytes

/// A host and port that clients are told.
package struct AdvertisedAddress: Sendable, Equatable {
    /// At most 32,767 bytes.
    package var host: String
    package var port: Int32

    package init(host: String, port: Int32) {
        self.host = host
        self.port = port
    }
}

/// What the rewriter asks about nodes, and tells about them.
package protocol NodeAddresses: AnyObject {
    /// The address that clients reach a node under; nil for a node that has none.
    func advertised(_ node: Int32) -> AdvertisedAddress?
    /// What is written for a node that has no address of its own.
    var fallback: AdvertisedAddress { get }
    /// A response said where a broker listens. `host` is valid during the call only.
    func learned(node: Int32, host: RawSpan, port: Int32)
}

/// Replaces broker addresses in one response at a time, by patches.
///
/// Node ids are kept. What becomes of each message:
/// - Metadata, FindCoordinator, DescribeCluster (fenced brokers included) and the node endpoints
///   of Produce, Fetch, ShareFetch and ShareAcknowledge get the advertised address of the node.
///   An entry without a host, as errors have it, is kept; one with a host but without a node id
///   loses the host.
/// - DescribeCluster asked for controllers (`EndpointType` 2): the list is emptied, because no
///   controller can be reached through a broker's proxy.
/// - DescribeQuorum: the listeners of every node are emptied, for the same reason.
/// - DescribeConfigs of a broker: values of settings that hold addresses become null.
package final class AddressRewriter {
    private static let controllers: Int64 = 2
    private static let brokerResource: Int64 = 4

    private let walker = MessageWalker()
    private let host = ByteBuffer(capacity: 256)
    private var isFlexible = false
    private var node: Int32 = -1
    private var endpointType: Int64 = 1
    private var resourceType: Int64 = 0
    private var isAddressConfig = false

    package init() {}

    /// Whether responses of this kind can hold addresses.
    package static func concerns(_ apiKey: Int16, version: Int16) -> Bool {
        switch apiKey {
        case ApiKey.metadata, ApiKey.findCoordinator, ApiKey.describeCluster, ApiKey.shareFetch,
            ApiKey.shareAcknowledge, ApiKey.describeConfigs:
            true
        case ApiKey.produce: version >= 10
        case ApiKey.fetch: version >= 16
        case ApiKey.describeQuorum: version >= 2
        default: false
        }
    }

    /// Adds the patches that a whole response needs.
    /// - Parameters:
    ///   - frame: the whole response without its size; patches count from its first byte.
    ///   - body: where the body begins in it.
    /// - Throws: what is wrong with the message. Then the patches must not be used.
    package func rewrite(
        _ apiKey: Int16, version: Int16, frame: RawSpan, body: Int,
        addresses: any NodeAddresses, patches: FramePatches
    ) throws(WireError) {
        guard Self.concerns(apiKey, version: version) else { return }
        guard let program = WalkProgram.find(apiKey, .response, version: version) else {
            throw .invalid(at: 0, "API version")
        }
        begin(program)
        walker.reset(program, body: body..<frame.byteCount, mayGoOn: true)
        while true {
            let event = try walker.next(frame, at: 0)
            switch event.kind {
            case .end: return
            case .needMore:
                // The span ends where the message does, so the walker throws instead.
                throw .truncated(at: event.range.lowerBound, needed: event.range.count)
            default: observe(event, frame, at: 0, addresses: addresses, patches: patches)
            }
        }
    }

    /// Begins a response whose events the caller passes on itself, because it walks the message
    /// for reasons of its own.
    package func begin(_ program: WalkProgram) {
        isFlexible = program.isFlexible
        node = -1
        endpointType = 1
        resourceType = 0
        isAddressConfig = false
    }

    /// Adds the patches that one event needs, among them those of tag sizes.
    /// - Parameters:
    ///   - bytes: the span that the walker was given.
    ///   - base: the offset of its first byte.
    package func observe(
        _ event: WalkEvent, _ bytes: RawSpan, at base: Int,
        addresses: any NodeAddresses, patches: FramePatches
    ) {
        switch event.kind {
        case .beginTag: patches.beginTag(event)
        case .endTag: patches.endTag()
        case .endArray: endArray(event, patches)
        case .field:
            switch event.role {
            case .nodeID: node = Int32(truncatingIfNeeded: event.number)
            case .host: rewriteHost(event, bytes, base, addresses, patches)
            case .port: rewritePort(event, addresses, patches)
            case .endpointType: endpointType = event.number
            case .resourceType: resourceType = event.number
            case .configName: readConfigName(event, bytes, base)
            case .configValue: redact(event, patches)
            default: break
            }
        default: break
        }
    }

    private func address(_ addresses: any NodeAddresses) -> AdvertisedAddress {
        addresses.advertised(node) ?? addresses.fallback
    }

    private func rewriteHost(
        _ event: WalkEvent, _ bytes: RawSpan, _ base: Int, _ addresses: any NodeAddresses,
        _ patches: FramePatches
    ) {
        host.removeAll()
        guard endpointType != Self.controllers, !event.value.isEmpty else { return }
        host.append(bytes.extracting(event.place(from: base)))
        let text = node < 0 ? "" : address(addresses).host
        patches.replace(event.range, string: text, isFlexible: isFlexible)
    }

    private func rewritePort(
        _ event: WalkEvent, _ addresses: any NodeAddresses, _ patches: FramePatches
    ) {
        let host = host
        guard host.count > 0 else { return }
        if node < 0 {
            patches.replace(event.range, int32: -1)
        } else {
            let port = Int32(truncatingIfNeeded: event.number)
            patches.replace(event.range, int32: address(addresses).port)
            addresses.learned(node: node, host: host.bytes, port: port)
        }
        host.removeAll()
    }

    private func endArray(_ event: WalkEvent, _ patches: FramePatches) {
        let isListing = event.role == .brokers && endpointType == Self.controllers
        guard isListing || event.role == .listeners, !event.value.isEmpty else { return }
        patches.replace(event.range, count: 0, isFlexible: isFlexible)
    }

    // MARK: settings of brokers

    private func readConfigName(_ event: WalkEvent, _ bytes: RawSpan, _ base: Int) {
        guard resourceType == Self.brokerResource else { return }
        let name = bytes.extracting(event.place(from: base)).text
        isAddressConfig = Self.holdsAddresses(name)
    }

    private func redact(_ event: WalkEvent, _ patches: FramePatches) {
        guard resourceType == Self.brokerResource, isAddressConfig, !event.isNull else { return }
        patches.replace(event.range, string: nil, isFlexible: isFlexible)
    }

    /// Whether a broker's setting holds addresses of brokers, controllers or ZooKeeper.
    internal static func holdsAddresses(_ name: String) -> Bool {
        switch name {
        case "controller.quorum.voters", "zookeeper.connect", "port", "advertised.port": true
        default:
            name == "listeners" || name.hasSuffix(".listeners")
                || name.hasSuffix("host.name") || name.hasSuffix("bootstrap.servers")
        }
    }
}
