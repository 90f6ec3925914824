// LogStore: what a broker keeps: batches by topic and partition, with offsets and sequences.

import Bytes
import KafkaWire
import TestSupport

/// The log of a scripted broker. It checks sequences as Kafka does: the last five batches of a
/// producer are known, what is older or ahead is OUT_OF_ORDER_SEQUENCE_NUMBER.
final class LogStore: Sendable {
    struct Key: Hashable {
        var topic: TopicName
        var partition: Int32
    }

    struct Known {
        var producer: Int64
        var first: Int32
        var last: Int32
        var baseOffset: Int64
    }

    struct Log {
        var batches: [[UInt8]] = []
        var nextOffset: Int64 = 0
        var known: [Known] = []
    }

    private let logs = Monitor<[Key: Log]>([:])

    /// The stored batches of a partition.
    func batches(_ topic: TopicName, _ partition: Int32 = 0) -> [[UInt8]] {
        logs.with { $0[Key(topic: topic, partition: partition)]?.batches ?? [] }
    }

    func batches(_ topic: String, _ partition: Int32 = 0) -> [[UInt8]] {
        batches(.name(topic), partition)
    }

    /// Blocks until that many batches are stored. A producer without acks is told nothing.
    func waitForBatches(_ count: Int, _ topic: String, _ partition: Int32 = 0) -> Bool {
        let key = Key(topic: .name(topic), partition: partition)
        return logs.wait { ($0[key]?.batches.count ?? 0) >= count ? true : nil } ?? false
    }

    /// Changes a stored batch.
    func change(_ topic: String, _ partition: Int32 = 0, _ body: (inout [[UInt8]]) throws -> Void)
        rethrows
    {
        try logs.with {
            try body(&$0[Key(topic: .name(topic), partition: partition), default: Log()].batches)
        }
    }

    /// Forgets what producers have sent, all but their last `count` batches.
    func forgetProducers(_ topic: String, _ partition: Int32 = 0, allBut count: Int) {
        logs.with { logs in
            let key = Key(topic: .name(topic), partition: partition)
            guard let log = logs[key] else { return }
            logs[key]?.known = Array(log.known.suffix(count))
        }
    }

    /// Appends what a Produce request holds, and gives the answer.
    func append(_ message: ProduceMessage) -> ProduceAnswer {
        ProduceAnswer(
            message.partitions.map { partition in
                var answer = ProduceAnswer.Partition(partition.topic, partition.index)
                let key = Key(topic: partition.topic, partition: partition.index)
                let outcome = logs.with {
                    LogStore.append(partition.records ?? [], to: &$0[key, default: Log()])
                }
                answer.error = outcome.error
                answer.baseOffset = outcome.baseOffset
                return answer
            })
    }

    private static func append(
        _ batch: [UInt8], to log: inout Log
    ) -> (error: Int16, baseOffset: Int64) {
        let buffer = ByteBuffer()
        buffer.append(batch)
        guard let header = try? RecordBatchHeader(buffer.bytes),
            RecordBatchHeader.checksum(of: buffer.bytes) == header.crc
        else { return (2, -1) }
        if header.producerID >= 0 {
            let last = RecordBatchHeader.sequence(
                header.baseSequence, advancedBy: Int(header.lastOffsetDelta))
            let mine = log.known.filter { $0.producer == header.producerID }
            if let seen = mine.first(where: { $0.first == header.baseSequence && $0.last == last })
            {
                return (0, seen.baseOffset)
            }
            if let newest = mine.last,
                RecordBatchHeader.sequence(newest.last, advancedBy: 1) != header.baseSequence
            {
                return (45, -1)
            }
            log.known.append(
                Known(
                    producer: header.producerID, first: header.baseSequence, last: last,
                    baseOffset: log.nextOffset))
        }
        let base = log.nextOffset
        log.nextOffset += Int64(header.lastOffsetDelta) + 1
        buffer.set(int64: base, at: RecordBatchHeader.At.baseOffset)
        log.batches.append(buffer.array)
        return (0, base)
    }

    /// The answer to a Fetch: everything from the offset on.
    func fetch(_ message: FetchMessage) -> FetchAnswer {
        FetchAnswer(
            message.partitions.map {
                FetchAnswer.Partition(
                    $0.topic, $0.index, records: Array(batches($0.topic, $0.index).joined()))
            })
    }

    /// Lets a broker produce and fetch from it.
    func serve(
        _ broker: ScriptedBroker, batchBytesMax: Int? = 1_048_588, cleanupPolicy: String? = nil
    ) {
        broker.on(ApiKey.produce) { [self] request in
            let message = ProduceMessage(request)
            let answer = append(message)
            return message.acks == 0 ? .nothing : .body(answer.body(request.version))
        }
        broker.on(ApiKey.fetch) { [self] request in
            .body(fetch(FetchMessage(request)).body(request.version))
        }
        broker.on(ApiKey.describeConfigs) { request in
            .body(
                ClusterMessage.topicConfig(
                    ClusterMessage.configTopic(request), version: request.version,
                    bytesMax: batchBytesMax, cleanupPolicy: cleanupPolicy))
        }
    }
}

/// Batches as clients make them, and what is in those that come back.
enum TestBatch {
    struct Producer {
        var id: Int64
        var sequence: Int32
    }

    /// One batch of values; a nil value is a tombstone.
    static func make(
        _ values: [[UInt8]?], producer: Producer? = nil, header: String? = nil,
        baseTimestamp: Int64 = 1_000
    ) -> [UInt8] {
        let buffer = ByteBuffer()
        var writer = RecordBatchWriter(buffer, baseTimestamp: baseTimestamp)
        for (index, value) in values.enumerated() {
            let headers: [(key: String, value: [UInt8]?)] = header.map { [($0, [1])] } ?? []
            writer.append(
                key: Array("key-\(index)".utf8), value: value, headers: headers, into: buffer)
        }
        if let producer {
            buffer.set(int64: producer.id, at: RecordBatchHeader.At.producerID)
            buffer.set(int16: 3, at: RecordBatchHeader.At.producerEpoch)
            buffer.set(int32: producer.sequence, at: RecordBatchHeader.At.baseSequence)
        }
        writer.finish(buffer)
        return buffer.array
    }

    static func header(_ batch: [UInt8]) throws -> RecordBatchHeader {
        let buffer = ByteBuffer()
        buffer.append(batch)
        return try RecordBatchHeader(buffer.bytes)
    }

    /// The values in uncompressed batches that lie behind each other.
    static func values(_ records: [UInt8]) throws -> [[UInt8]?] {
        try self.records(records).map(\.value)
    }
}
