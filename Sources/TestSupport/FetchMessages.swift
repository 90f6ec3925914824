// FetchMessages: Fetch requests and responses as values, for tests.

internal import Bytes
internal import KafkaWire

/// A Fetch request, versions 7 to 17.
package struct FetchMessage: Sendable {
    package struct Partition: Sendable {
        package var topic: TopicName
        package var index: Int32
        package var offset: Int64

        package init(_ topic: TopicName, _ index: Int32, offset: Int64 = 0) {
            self.topic = topic
            self.index = index
            self.offset = offset
        }
    }

    package var version: Int16
    package var correlation: Int32
    package var bytesMax: Int32 = 50 << 20
    package var session: Int32 = 0
    package var epoch: Int32 = -1
    package var partitions: [Partition]
    package var forgotten: [Partition] = []

    package init(_ version: Int16, _ correlation: Int32, _ partitions: [Partition]) {
        self.version = version
        self.correlation = correlation
        self.partitions = partitions
    }

    /// The whole request with its size.
    package var wire: [UInt8] {
        let body = WireFields.of(flexible: version >= 12) { fields in
            if version < 15 { fields.int32(-1) }
            fields.int32(500)
            fields.int32(1)
            fields.int32(bytesMax)
            fields.int8(0)
            fields.int32(session)
            fields.int32(epoch)
            fields.array(partitions) { fields, partition in
                partition.topic.append(to: &fields)
                fields.array([partition]) { FetchMessage.append($1, version, &$0) }
                fields.tags()
            }
            fields.array(forgotten) { fields, partition in
                partition.topic.append(to: &fields)
                fields.array([partition.index]) { $0.int32($1) }
                fields.tags()
            }
            if version >= 11 { fields.string("") }
            fields.tags()
        }
        return Wire.request(ApiKey.fetch, version, correlation, body)
    }

    private static func append(
        _ partition: Partition, _ version: Int16, _ fields: inout WireFields
    ) {
        fields.int32(partition.index)
        if version >= 9 { fields.int32(-1) }
        fields.int64(partition.offset)
        if version >= 12 { fields.int32(-1) }
        if version >= 5 { fields.int64(-1) }
        fields.int32(1 << 20)
        fields.tags()
    }

    /// Reads what a broker got.
    package init(_ request: BrokerRequest) {
        let version = request.version
        var reader = WireReader(request.frame, from: request.body, flexible: version >= 12)
        self.version = version
        correlation = request.correlation
        if version < 15 { _ = reader.int32() }
        _ = reader.int32()
        _ = reader.int32()
        bytesMax = reader.int32()
        _ = reader.int8()
        session = reader.int32()
        epoch = reader.int32()
        let byID = version >= 13
        partitions = reader.array { reader in
            let topic = TopicName.read(&reader, byID: byID)
            let partitions = reader.array { reader in
                let index = reader.int32()
                if version >= 9 { _ = reader.int32() }
                let partition = Partition(topic, index, offset: reader.int64())
                if version >= 12 { _ = reader.int32() }
                if version >= 5 { _ = reader.int64() }
                _ = reader.int32()
                reader.tags()
                return partition
            }
            reader.tags()
            return partitions
        }.flatMap { $0 }
    }
}

/// A Fetch response, versions 7 to 18.
package struct FetchAnswer: Sendable, Equatable {
    package struct Partition: Sendable, Equatable {
        package var topic: TopicName
        package var index: Int32
        package var error: Int16
        package var highWatermark: Int64
        package var records: [UInt8]?

        package init(
            _ topic: TopicName, _ index: Int32, error: Int16 = 0, records: [UInt8]?,
            highWatermark: Int64 = 1_000
        ) {
            self.topic = topic
            self.index = index
            self.error = error
            self.records = records
            self.highWatermark = highWatermark
        }
    }

    package var session: Int32 = 0
    package var partitions: [Partition]
    package var endpoints: [NodeEndpoint] = []
    /// What stands behind the hints: unknown tagged fields (tag, content).
    package var moreTags: [(tag: Int, content: [UInt8])] = []

    package init(_ partitions: [Partition]) { self.partitions = partitions }

    package static func == (left: FetchAnswer, right: FetchAnswer) -> Bool {
        left.session == right.session && left.partitions == right.partitions
            && left.endpoints == right.endpoints
            && left.moreTags.map(\.content) == right.moreTags.map(\.content)
    }

    /// The body for a version.
    package func body(_ version: Int16) -> [UInt8] {
        WireFields.of(flexible: version >= 12) { fields in
            fields.int32(0)
            fields.int16(0)
            fields.int32(session)
            fields.array(partitions) { fields, partition in
                partition.topic.append(to: &fields)
                fields.array([partition]) { fields, partition in
                    fields.int32(partition.index)
                    fields.int16(partition.error)
                    fields.int64(partition.highWatermark)
                    fields.int64(-1)
                    fields.int64(0)
                    fields.count(0)
                    if version >= 11 { fields.int32(-1) }
                    fields.data(partition.records)
                    fields.tags()
                }
                fields.tags()
            }
            let hints: [(tag: Int, content: [UInt8])] =
                endpoints.isEmpty ? [] : [(0, NodeEndpoint.list(endpoints))]
            fields.tags(hints + moreTags)
        }
    }

    /// Reads what a client got.
    /// - Parameter frame: the response without its size.
    package init(_ frame: [UInt8], version: Int16) {
        var reader = WireReader(
            frame, from: Wire.bodyStart(ApiKey.fetch, version), flexible: version >= 12)
        _ = reader.int32()
        _ = reader.int16()
        session = reader.int32()
        let byID = version >= 13
        partitions = reader.array { reader in
            let topic = TopicName.read(&reader, byID: byID)
            let partitions = reader.array { reader in
                FetchAnswer.read(topic, version, &reader)
            }
            reader.tags()
            return partitions
        }.flatMap { $0 }
        let found = reader.tags()
        if let list = found[0] { endpoints = NodeEndpoint.read(list) }
        moreTags = found.filter { $0.key != 0 }.sorted { $0.key < $1.key }
            .map { ($0.key, $0.value) }
        precondition(reader.isAtEnd, "bytes behind a Fetch response")
    }

    private static func read(
        _ topic: TopicName, _ version: Int16, _ reader: inout WireReader
    ) -> Partition {
        let index = reader.int32()
        let error = reader.int16()
        let highWatermark = reader.int64()
        _ = reader.int64()
        _ = reader.int64()
        _ = reader.array { reader in
            _ = reader.int64()
            _ = reader.int64()
            reader.tags()
        }
        if version >= 11 { _ = reader.int32() }
        let records = reader.data()
        reader.tags()
        return Partition(
            topic, index, error: error, records: records, highWatermark: highWatermark)
    }
}
