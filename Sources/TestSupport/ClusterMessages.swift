// ClusterMessages: what a broker says about the cluster, for tests.

package import KafkaWire

/// A broker as Metadata tells of it.
package struct ClusterNode: Sendable, Equatable {
    package var node: Int32
    package var host: String
    package var port: Int32

    package init(_ node: Int32, _ host: String, _ port: Int32) {
        self.node = node
        self.host = host
        self.port = port
    }
}

/// Bodies of responses about brokers and topics.
package enum ClusterMessage {
    /// Metadata, versions 1 to 13.
    /// - Parameter topics: ids and names; a nil name is answered as an unknown id.
    package static func metadata(
        _ version: Int16, _ nodes: [ClusterNode], topics: [(TopicID, String?)] = []
    ) -> [UInt8] {
        WireFields.of(flexible: version >= 9) { fields in
            if version >= 3 { fields.int32(0) }
            fields.array(nodes) { fields, node in
                fields.int32(node.node)
                fields.string(node.host)
                fields.int32(node.port)
                fields.string(nil)
                fields.tags()
            }
            if version >= 2 { fields.string("cluster") }
            fields.int32(nodes.first?.node ?? -1)
            fields.array(topics) { fields, topic in
                fields.int16(topic.1 == nil ? 100 : 0)
                if version >= 12 { fields.string(topic.1) } else { fields.string(topic.1 ?? "") }
                if version >= 10 { TopicName.id(topic.0).append(to: &fields) }
                fields.bool(false)
                fields.count(0)
                if version >= 8 { fields.int32(Int32.min) }
                fields.tags()
            }
            if version >= 8, version <= 10 { fields.int32(Int32.min) }
            if version >= 13 { fields.int16(0) }
            fields.tags()
        }
    }

    /// The topic ids that a Metadata request, version 12, asks for.
    package static func topicIDs(_ request: BrokerRequest) -> [TopicID] {
        guard request.version >= 10 else { return [] }
        var reader = WireReader(request.frame, from: request.body, flexible: true)
        return reader.array { reader in
            let topic = TopicName.read(&reader, byID: true)
            _ = reader.string()
            reader.tags()
            if case .id(let id) = topic { return id }
            return .zero
        }
    }

    /// DescribeConfigs, versions 2 and 4, for one topic.
    /// - Parameters:
    ///   - error: 0, or why nothing is told.
    ///   - bytesMax: its `max.message.bytes`.
    ///   - cleanupPolicy: its `cleanup.policy`.
    package static func topicConfig(
        _ topic: String, version: Int16 = 2, error: Int16 = 0, bytesMax: Int?,
        cleanupPolicy: String? = nil
    ) -> [UInt8] {
        var settings: [(name: String, value: String)] = []
        if let bytesMax { settings.append(("max.message.bytes", "\(bytesMax)")) }
        if let cleanupPolicy { settings.append(("cleanup.policy", cleanupPolicy)) }
        return WireFields.of(flexible: version >= 4) { fields in
            fields.int32(0)
            fields.array([0]) { fields, _ in
                fields.int16(error)
                fields.string(nil)
                fields.int8(2)
                fields.string(topic)
                fields.array(settings) { fields, setting in
                    fields.string(setting.name)
                    fields.string(setting.value)
                    fields.bool(false)
                    fields.int8(1)
                    fields.bool(false)
                    fields.count(0)
                    if version >= 3 {
                        fields.int8(2)
                        fields.string(nil)
                    }
                    fields.tags()
                }
                fields.tags()
            }
            fields.tags()
        }
    }

    /// The topic that a DescribeConfigs request, versions 1 to 4, asks about.
    package static func configTopic(_ request: BrokerRequest) -> String {
        var reader = WireReader(
            request.frame, from: request.body, flexible: request.version >= 4)
        let names = reader.array { reader in
            _ = reader.int8()
            let name = reader.string()
            _ = reader.array { $0.string() }
            reader.tags()
            return name
        }
        return names.first.flatMap { $0 } ?? ""
    }

    /// ApiVersions, version 0: what a broker offers.
    package static func apiVersions(_ offered: [(key: Int16, versions: ClosedRange<Int16>)])
        -> [UInt8]
    {
        WireFields.of { fields in
            fields.int16(0)
            fields.array(offered) { fields, api in
                fields.int16(api.key)
                fields.int16(api.versions.lowerBound)
                fields.int16(api.versions.upperBound)
            }
        }
    }

    /// FindCoordinator: version 2 names one coordinator, version 4 several.
    package static func coordinator(_ version: Int16, _ node: ClusterNode) -> [UInt8] {
        WireFields.of(flexible: version >= 3) { fields in
            fields.int32(0)
            if version >= 4 {
                fields.array([node, node]) { fields, node in
                    fields.string("group-\(node.node)")
                    fields.int32(node.node)
                    fields.string(node.host)
                    fields.int32(node.port)
                    fields.int16(0)
                    fields.string(nil)
                    fields.tags()
                }
            } else {
                fields.int16(0)
                fields.string(nil)
                fields.int32(node.node)
                fields.string(node.host)
                fields.int32(node.port)
            }
            fields.tags()
        }
    }

    /// DescribeCluster, version 2, whose last node is fenced.
    package static func cluster(_ nodes: [ClusterNode]) -> [UInt8] {
        WireFields.of(flexible: true) { fields in
            fields.int32(0)
            fields.int16(0)
            fields.string(nil)
            fields.int8(1)
            fields.string("cluster")
            fields.int32(nodes.first?.node ?? -1)
            fields.array(Array(nodes.enumerated())) { fields, node in
                fields.int32(node.element.node)
                fields.string(node.element.host)
                fields.int32(node.element.port)
                fields.string(nil)
                fields.bool(node.offset == nodes.count - 1)
                fields.tags()
            }
            fields.int32(Int32.min)
            fields.tags()
        }
    }
}
