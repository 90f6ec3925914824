// AddressRewriterTests: no broker's address passes, and nothing else changes.

import Bytes
import Testing

@testable import KafkaWire

/// Addresses by rule: node n is at port 9100 + n, nodes above 3 have none.
private final class RuleAddresses: NodeAddresses {
    var seen: [String] = []
    let fallback = AdvertisedAddress(host: "waxwing.internal", port: 9_092)

    func advertised(_ node: Int32) -> AdvertisedAddress? {
        node > 3 ? nil : AdvertisedAddress(host: "b\(node).waxwing.internal", port: 9_100 + node)
    }

    func learned(node: Int32, host: RawSpan, port: Int32) {
        seen.append("\(node) \(host.text):\(port)")
    }
}

/// Answers with the addresses that the message has already, in its order.
private final class SameAddresses: NodeAddresses {
    var hosts: [String] = []
    var ports: [Int32] = []
    private var index = 0
    private var isPort = false
    let fallback = AdvertisedAddress(host: "unused", port: 0)

    func advertised(_ node: Int32) -> AdvertisedAddress? {
        let address = AdvertisedAddress(host: hosts[index], port: ports[index])
        if isPort { index += 1 }
        isPort.toggle()
        return address
    }

    func learned(node: Int32, host: RawSpan, port: Int32) {}
}

struct AddressRewriterTests {
    private let rewriter = AddressRewriter()
    private let patches = FramePatches()
    private let trace = WalkTrace()

    private static let vectors = MessageVector.all.filter {
        $0.kind == .response && AddressRewriter.concerns($0.apiKey, version: $0.version)
    }

    private func rewritten(
        _ apiKey: Int16, _ version: Int16, _ bytes: [UInt8], _ addresses: any NodeAddresses
    ) throws -> [UInt8] {
        patches.removeAll()
        // Some bytes of header in front, to catch offsets that forget it.
        let frame = ByteBuffer.holding([1, 2, 3, 4, 0] + bytes)
        try rewriter.rewrite(
            apiKey, version: version, frame: frame.bytes, body: 5, addresses: addresses,
            patches: patches)
        let output = ByteBuffer()
        patches.apply(to: frame.bytes, into: output)
        #expect(output.count == frame.count + patches.growth)
        #expect(output.array.prefix(5) == [1, 2, 3, 4, 0])
        return Array(output.array.dropFirst(5))
    }

    private func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        Hex.text(bytes).contains(Hex.text(text.utf8))
    }

    @Test func `no address of the cluster is left in any message and version`() throws {
        #expect(Self.vectors.count > 60)
        var concerned = 0
        for vector in Self.vectors {
            let output = try rewritten(
                vector.apiKey, vector.version, vector.bytes, RuleAddresses())
            if contains(vector.bytes, "upstream") { concerned += 1 }
            #expect(!contains(output, "upstream"), "\(vector)")
            #expect(throws: Never.self, "\(vector)") {
                try trace.events(vector.program, output) { 1 << 20 }
            }
        }
        #expect(concerned > 50)
    }

    @Test func `hosts and ports are those that are advertised for the node`() throws {
        for vector in Self.vectors where vector.apiKey != ApiKey.describeConfigs {
            let addresses = RuleAddresses()
            let output = try rewritten(vector.apiKey, vector.version, vector.bytes, addresses)
            let events = try trace.events(vector.program, output) { 1 << 20 }
            guard !isControllerListing(vector), vector.apiKey != ApiKey.describeQuorum else {
                continue
            }
            #expect(events == expected(vector, addresses), "\(vector)")
            let hosts = vector.events.count { $0.hasPrefix("host=") }
            #expect(addresses.seen.count == hosts, "\(vector)")
        }
    }

    private func isControllerListing(_ vector: MessageVector) -> Bool {
        vector.apiKey == ApiKey.describeCluster && vector.events.contains("endpointType=02")
    }

    /// The vector's events with the addresses replaced.
    private func expected(_ vector: MessageVector, _ addresses: RuleAddresses) -> [String] {
        var address = addresses.fallback
        return vector.events.map { event in
            if event.hasPrefix("nodeID=") {
                let node = Int32(event.dropFirst(7), radix: 16) ?? -1
                address = addresses.advertised(node) ?? addresses.fallback
            }
            if event.hasPrefix("host=") { return "host=" + Hex.text(address.host.utf8) }
            if event.hasPrefix("port=") {
                let digits = String(address.port, radix: 16)
                return "port=" + String(repeating: "0", count: 8 - digits.count) + digits
            }
            return event
        }
    }

    @Test func `with the addresses it has already, a message stays the same bytes`() throws {
        for vector in Self.vectors {
            guard vector.apiKey != ApiKey.describeConfigs,
                vector.apiKey != ApiKey.describeQuorum, !isControllerListing(vector)
            else { continue }
            let addresses = SameAddresses()
            for event in vector.events where event.hasPrefix("host=") {
                addresses.hosts.append(
                    String(decoding: Hex.bytes(event.dropFirst(5)), as: UTF8.self))
            }
            for event in vector.events where event.hasPrefix("port=") {
                addresses.ports.append(Int32(event.dropFirst(5), radix: 16) ?? -1)
            }
            let output = try rewritten(vector.apiKey, vector.version, vector.bytes, addresses)
            #expect(output == vector.bytes, "\(vector)")
        }
    }

    @Test func `unknown tags survive beside addresses of another length`() throws {
        // Metadata v9: throttle, one broker with an unknown tag, cluster id null, controller,
        // no topics, an unknown tag at the end.
        let before = Hex.bytes(
            "00000000 02 00000001 02 61 00000005 00 01 63 03 aabbcc 00 00000001 01 80000000 "
                + "01 64 01 dd")
        // The cluster-operations field is in versions 8 to 10.
        let after = try rewritten(ApiKey.metadata, 9, before, RuleAddresses())
        let host = Hex.text("b1.waxwing.internal".utf8)
        #expect(
            after
                == Hex.bytes(
                    "00000000 02 00000001 14" + host + "0000238d 00 01 63 03 aabbcc 00 00000001 01 "
                        + "80000000 01 64 01 dd"))
    }

    @Test func `the size of a tag follows the addresses inside it`() throws {
        // Fetch response v16: throttle, error, session, no topics; tag 0 with one endpoint.
        let before = Hex.bytes(
            "00000000 0000 00000000 01 01 00 0d 02 00000001 02 61 00000005 00 00")
        let after = try rewritten(ApiKey.fetch, 16, before, RuleAddresses())
        let host = Hex.text("b1.waxwing.internal".utf8)
        #expect(
            after
                == Hex.bytes(
                    "00000000 0000 00000000 01 01 00 1f 02 00000001 14" + host + "0000238d 00 00"))
    }

    @Test func `a coordinator that was not found is left as it is`() throws {
        let old = Hex.bytes("000f ffffffff 0000 ffffffff")
        #expect(try rewritten(ApiKey.findCoordinator, 0, old, RuleAddresses()) == old)
        let new = Hex.bytes("00000000 02 02 67 ffffffff 01 ffffffff 000f 00 00 00")
        let addresses = RuleAddresses()
        #expect(try rewritten(ApiKey.findCoordinator, 4, new, addresses) == new)
        #expect(addresses.seen.isEmpty)
    }

    @Test func `a host without a node id is blanked`() throws {
        let before = Hex.bytes("0000 ffffffff 0003 616263 00000005")
        let after = try rewritten(ApiKey.findCoordinator, 0, before, RuleAddresses())
        #expect(after == Hex.bytes("0000 ffffffff 0000 ffffffff"))
    }

    @Test func `a listing of controllers is emptied`() throws {
        // DescribeCluster v1: throttle, error, message null, endpoint type 2, cluster id, one node.
        let before = Hex.bytes(
            "00000000 0000 00 02 02 63 00000003 02 00000003 02 61 00000005 00 00 80000000 00")
        let addresses = RuleAddresses()
        let after = try rewritten(ApiKey.describeCluster, 1, before, addresses)
        #expect(after == Hex.bytes("00000000 0000 00 02 02 63 00000003 01 80000000 00"))
        #expect(addresses.seen.isEmpty)
    }

    @Test func `the listeners of controllers are emptied`() throws {
        // DescribeQuorum v2: error, message, no topics, one node with one listener.
        let before = Hex.bytes("0000 00 01 02 00000003 02 02 43 02 61 1f90 00 00 00")
        let after = try rewritten(ApiKey.describeQuorum, 2, before, RuleAddresses())
        #expect(after == Hex.bytes("0000 00 01 02 00000003 01 00 00"))
    }

    @Test func `settings of brokers that hold addresses become null, others stay`() throws {
        for vector in MessageVector.named(ApiKey.describeConfigs, .response) {
            let output = try rewritten(
                vector.apiKey, vector.version, vector.bytes, RuleAddresses())
            let events = try trace.events(vector.program, output) { 1 << 20 }
            var type = ""
            var name = ""
            let expected = vector.events.map { event in
                if event.hasPrefix("resourceType=") { type = event }
                if event.hasPrefix("configName=") {
                    name = String(decoding: Hex.bytes(event.dropFirst(11)), as: UTF8.self)
                }
                let isRedacted =
                    event.hasPrefix("configValue") && type == "resourceType=04"
                    && AddressRewriter.holdsAddresses(name)
                return isRedacted ? "configValue!" : event
            }
            #expect(events == expected, "\(vector)")
        }
    }

    @Test(arguments: [
        "listeners", "advertised.listeners", "listener.name.inside.listeners",
        "controller.quorum.voters", "controller.quorum.bootstrap.servers", "zookeeper.connect",
        "advertised.host.name", "confluent.metadata.bootstrap.servers",
    ])
    func `this setting holds addresses`(_ name: String) {
        #expect(AddressRewriter.holdsAddresses(name))
    }

    @Test(arguments: ["log.dirs", "controller.listener.names", "socket.request.max.bytes", ""])
    func `this setting holds none`(_ name: String) {
        #expect(!AddressRewriter.holdsAddresses(name))
    }

    @Test func `a broken message is an error`() {
        #expect(throws: WireError.self) {
            try rewritten(ApiKey.metadata, 9, [0, 0, 0], RuleAddresses())
        }
        #expect(throws: WireError.invalid(at: 0, "API version")) {
            try rewritten(ApiKey.metadata, 99, [], RuleAddresses())
        }
    }
}
