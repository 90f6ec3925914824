// ShareFetchMessages: ShareFetch requests and responses, version 1, as values, for tests.

package import KafkaWire

/// A ShareFetch request for partitions of one topic.
package struct ShareFetchMessage: Sendable {
    package var correlation: Int32
    package var topic: TopicID
    package var partitions: [Int32]
    /// 0 opens a share session, more goes on with it.
    package var epoch: Int32 = 0

    package init(_ correlation: Int32, _ topic: TopicID, _ partitions: [Int32] = [0]) {
        self.correlation = correlation
        self.topic = topic
        self.partitions = partitions
    }

    /// The whole request with its size.
    package var wire: [UInt8] {
        let body = WireFields.of(flexible: true) { fields in
            fields.string("group")
            fields.string("member")
            fields.int32(epoch)
            for number in [500, 1, 1 << 20, 500, 500] as [Int32] { fields.int32(number) }
            fields.array(partitions.isEmpty ? [] : [topic]) { fields, topic in
                TopicName.id(topic).append(to: &fields)
                fields.array(partitions) { fields, partition in
                    fields.int32(partition)
                    fields.count(0)
                    fields.tags()
                }
                fields.tags()
            }
            fields.count(0)
            fields.tags()
        }
        return Wire.request(ApiKey.shareFetch, 1, correlation, body)
    }
}

/// A ShareFetch response for partitions of one topic.
package struct ShareFetchAnswer: Sendable, Equatable {
    package struct Partition: Sendable, Equatable {
        package var error: Int16 = 0
        package var records: [UInt8]
        /// Ranges of offsets that the group has acquired.
        package var acquired: [ClosedRange<Int64>]

        package init(_ records: [UInt8], acquired: [ClosedRange<Int64>] = [0...0]) {
            self.records = records
            self.acquired = acquired
        }
    }

    package var topic: TopicID
    package var partitions: [Partition]
    package var endpoints: [NodeEndpoint] = []

    package init(_ topic: TopicID, _ partitions: [Partition]) {
        self.topic = topic
        self.partitions = partitions
    }

    package var body: [UInt8] {
        WireFields.of(flexible: true) { fields in
            fields.int32(0)
            fields.int16(0)
            fields.string(nil)
            fields.int32(30_000)
            fields.array([topic]) { fields, topic in
                TopicName.id(topic).append(to: &fields)
                fields.array(Array(partitions.enumerated())) { fields, partition in
                    fields.int32(Int32(partition.offset))
                    fields.int16(partition.element.error)
                    fields.string(nil)
                    fields.int16(0)
                    fields.string(nil)
                    fields.int32(0)
                    fields.int32(5)
                    fields.tags()
                    fields.data(partition.element.records)
                    fields.array(partition.element.acquired) { fields, range in
                        fields.int64(range.lowerBound)
                        fields.int64(range.upperBound)
                        fields.int16(1)
                        fields.tags()
                    }
                    fields.tags()
                }
                fields.tags()
            }
            fields.raw(NodeEndpoint.list(endpoints))
            fields.tags()
        }
    }

    /// Reads what a client got.
    /// - Parameter frame: the response without its size.
    package init(_ frame: [UInt8]) {
        var reader = WireReader(frame, from: 5, flexible: true)
        _ = reader.raw(6)
        _ = reader.string()
        _ = reader.int32()
        var topic = TopicID.zero
        partitions = reader.array { reader in
            if case .id(let id) = TopicName.read(&reader, byID: true) { topic = id }
            let partitions = reader.array { ShareFetchAnswer.read(&$0) }
            reader.tags()
            return partitions
        }.flatMap { $0 }
        self.topic = topic
        endpoints = NodeEndpoint.read(&reader)
        reader.tags()
        precondition(reader.isAtEnd, "bytes behind a ShareFetch response")
    }

    private static func read(_ reader: inout WireReader) -> Partition {
        _ = reader.int32()
        let error = reader.int16()
        _ = reader.string()
        _ = reader.int16()
        _ = reader.string()
        _ = reader.raw(8)
        reader.tags()
        var partition = Partition(reader.data() ?? [], acquired: [])
        partition.error = error
        partition.acquired = reader.array { reader in
            let first = reader.int64()
            let last = reader.int64()
            _ = reader.int16()
            reader.tags()
            return first...last
        }
        reader.tags()
        return partition
    }
}
