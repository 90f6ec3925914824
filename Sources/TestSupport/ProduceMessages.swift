// ProduceMessages: Produce requests and responses as values, for tests.

internal import Bytes
package import KafkaWire

/// A topic as a message names it.
package enum TopicName: Hashable, Sendable {
    case name(String)
    case id(TopicID)

    package func append(to fields: inout WireFields) {
        switch self {
        case .name(let name): fields.string(name)
        case .id(let id):
            fields.int64(Int64(bitPattern: id.high))
            fields.int64(Int64(bitPattern: id.low))
        }
    }

    package static func read(_ reader: inout WireReader, byID: Bool) -> TopicName {
        guard byID else { return .name(reader.string() ?? "") }
        let high = UInt64(bitPattern: reader.int64())
        return .id(TopicID(high: high, low: UInt64(bitPattern: reader.int64())))
    }
}

/// A Produce request, versions 3 to 13.
package struct ProduceMessage: Sendable {
    package struct Partition: Sendable {
        package var topic: TopicName
        package var index: Int32
        package var records: [UInt8]?

        package init(_ topic: TopicName, _ index: Int32, _ records: [UInt8]?) {
            self.topic = topic
            self.index = index
            self.records = records
        }

        package init(_ topic: String, _ index: Int32, _ records: [UInt8]?) {
            self.init(.name(topic), index, records)
        }
    }

    package var version: Int16
    package var correlation: Int32
    package var acks: Int16 = -1
    package var clientID: String? = "test"
    package var transactionalID: String?
    /// In order; partitions of one topic stand together.
    package var partitions: [Partition]

    package init(_ version: Int16, _ correlation: Int32, _ partitions: [Partition]) {
        self.version = version
        self.correlation = correlation
        self.partitions = partitions
    }

    /// The partitions by topic, in order.
    private var topics: [(TopicName, [Partition])] {
        var topics: [(TopicName, [Partition])] = []
        for partition in partitions {
            if topics.last?.0 == partition.topic {
                topics[topics.count - 1].1.append(partition)
            } else {
                topics.append((partition.topic, [partition]))
            }
        }
        return topics
    }

    /// The whole request with its size.
    package var wire: [UInt8] {
        let body = WireFields.of(flexible: version >= 9) { fields in
            fields.string(transactionalID)
            fields.int16(acks)
            fields.int32(30_000)
            fields.array(topics) { fields, topic in
                topic.0.append(to: &fields)
                fields.array(topic.1) { fields, partition in
                    fields.int32(partition.index)
                    fields.data(partition.records)
                    fields.tags()
                }
                fields.tags()
            }
            fields.tags()
        }
        return Wire.request(ApiKey.produce, version, correlation, clientID: clientID, body)
    }

    /// Reads what a broker got.
    package init(_ request: BrokerRequest) {
        var reader = WireReader(
            request.frame, from: request.body, flexible: request.version >= 9)
        version = request.version
        correlation = request.correlation
        transactionalID = reader.string()
        acks = reader.int16()
        _ = reader.int32()
        let byID = request.version >= 13
        partitions = reader.array { reader in
            let topic = TopicName.read(&reader, byID: byID)
            let partitions = reader.array { reader in
                let index = reader.int32()
                let records = reader.data()
                reader.tags()
                return Partition(topic, index, records)
            }
            reader.tags()
            return partitions
        }.flatMap { $0 }
        reader.tags()
        precondition(reader.isAtEnd, "bytes behind a Produce request")
    }
}

/// A Produce response, versions 3 to 13.
package struct ProduceAnswer: Sendable, Equatable {
    package struct Partition: Sendable, Equatable {
        package var topic: TopicName
        package var index: Int32
        package var error: Int16
        package var baseOffset: Int64
        package var recordErrors: [Int32] = []
        package var message: String?

        package init(
            _ topic: TopicName, _ index: Int32, error: Int16 = 0, baseOffset: Int64 = -1
        ) {
            self.topic = topic
            self.index = index
            self.error = error
            self.baseOffset = baseOffset
        }
    }

    package var partitions: [Partition]
    package var throttleMilliseconds: Int32 = 0
    package var endpoints: [NodeEndpoint] = []

    package init(_ partitions: [Partition]) { self.partitions = partitions }

    /// The body for a version.
    package func body(_ version: Int16) -> [UInt8] {
        var topics: [(TopicName, [Partition])] = []
        for partition in partitions {
            if topics.last?.0 == partition.topic {
                topics[topics.count - 1].1.append(partition)
            } else {
                topics.append((partition.topic, [partition]))
            }
        }
        return WireFields.of(flexible: version >= 9) { fields in
            fields.array(topics) { fields, topic in
                topic.0.append(to: &fields)
                fields.array(topic.1) { ProduceAnswer.append($1, version, &$0) }
                fields.tags()
            }
            fields.int32(throttleMilliseconds)
            let hasHints = version >= 10 && !endpoints.isEmpty
            fields.tags(hasHints ? [(0, NodeEndpoint.list(endpoints))] : [])
        }
    }

    private static func append(
        _ partition: Partition, _ version: Int16, _ fields: inout WireFields
    ) {
        fields.int32(partition.index)
        fields.int16(partition.error)
        fields.int64(partition.baseOffset)
        fields.int64(-1)
        if version >= 5 { fields.int64(0) }
        if version >= 8 {
            fields.array(partition.recordErrors) { fields, index in
                fields.int32(index)
                fields.string("planted")
                fields.tags()
            }
            fields.string(partition.message)
        }
        fields.tags()
    }

    /// Reads what a client got.
    /// - Parameter frame: the response without its size.
    package init(_ frame: [UInt8], version: Int16) {
        var reader = WireReader(
            frame, from: Wire.bodyStart(ApiKey.produce, version), flexible: version >= 9)
        let byID = version >= 13
        partitions = reader.array { reader in
            let topic = TopicName.read(&reader, byID: byID)
            let partitions = reader.array { reader in
                ProduceAnswer.read(topic, version, &reader)
            }
            reader.tags()
            return partitions
        }.flatMap { $0 }
        throttleMilliseconds = reader.int32()
        if let list = reader.tags()[0] { endpoints = NodeEndpoint.read(list) }
        precondition(reader.isAtEnd, "bytes behind a Produce response")
    }

    private static func read(
        _ topic: TopicName, _ version: Int16, _ reader: inout WireReader
    ) -> Partition {
        var partition = Partition(topic, reader.int32())
        partition.error = reader.int16()
        partition.baseOffset = reader.int64()
        _ = reader.int64()
        if version >= 5 { _ = reader.int64() }
        if version >= 8 {
            partition.recordErrors = reader.array { reader in
                let index = reader.int32()
                _ = reader.string()
                reader.tags()
                return index
            }
            partition.message = reader.string()
        }
        reader.tags()
        return partition
    }
}

/// A leader hint (KIP-951).
package struct NodeEndpoint: Sendable, Equatable {
    package var node: Int32
    package var host: String
    package var port: Int32
    package var rack: String?

    package init(_ node: Int32, _ host: String, _ port: Int32, rack: String? = nil) {
        self.node = node
        self.host = host
        self.port = port
        self.rack = rack
    }

    /// The content of the tag that holds them.
    package static func list(_ endpoints: [NodeEndpoint]) -> [UInt8] {
        WireFields.of(flexible: true) { fields in
            fields.array(endpoints) { fields, endpoint in
                fields.int32(endpoint.node)
                fields.string(endpoint.host)
                fields.int32(endpoint.port)
                fields.string(endpoint.rack)
                fields.tags()
            }
        }
    }

    package static func read(_ content: [UInt8]) -> [NodeEndpoint] {
        var reader = WireReader(content, flexible: true)
        let endpoints = read(&reader)
        precondition(reader.isAtEnd, "bytes behind a list of node endpoints")
        return endpoints
    }

    internal static func read(_ reader: inout WireReader) -> [NodeEndpoint] {
        reader.array { reader in
            let endpoint = NodeEndpoint(
                reader.int32(), reader.string() ?? "", reader.int32(), rack: reader.string())
            reader.tags()
            return endpoint
        }
    }
}
