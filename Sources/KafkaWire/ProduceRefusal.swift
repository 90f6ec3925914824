// ProduceRefusal: the answer for partitions of a Produce request that Waxwing does not forward.

package import Bytes

/// One partition that is refused. A retry of the client meets the same rule again, so the error
/// code decides whether it retries.
package struct ProduceRefusal: Sendable, Equatable {
    /// The topic's name, or from version 13 on the 16 bytes of its id.
    package var topic: [UInt8]
    package var partition: Int32
    /// Kafka's error code, never 0.
    package var errorCode: Int16
    /// Told to the client from version 8 on; cut at `messageBytesMax`.
    package var message: String?

    package static let messageBytesMax = 1_024

    package init(topic: [UInt8], partition: Int32, errorCode: Int16, message: String? = nil) {
        self.topic = topic
        self.partition = partition
        self.errorCode = errorCode
        self.message = message
    }

    /// The first version whose answer names topics by id.
    private static let topicIDsFrom: Int16 = 13

    /// Appends the whole frame of an answer that holds nothing but refusals.
    /// - Parameters:
    ///   - refusals: those of one topic must follow each other.
    ///   - version: the request's, in the tables' range.
    package static func appendResponse(
        _ refusals: [ProduceRefusal], version: Int16, correlationID: Int32,
        into buffer: ByteBuffer
    ) {
        let isFlexible = isFlexible(version)
        let frame = buffer.beginFrame()
        buffer.append(int32: correlationID)
        buffer.append(noTagsIf: isFlexible)
        buffer.append(kafkaCount: topicCount(refusals), isFlexible: isFlexible)
        appendTopics(refusals, version: version, into: buffer)
        if version >= 1 { buffer.append(int32: 0) }  // ThrottleTimeMs
        buffer.append(noTagsIf: isFlexible)
        buffer.endFrame(frame)
    }

    /// Topics that `appendTopics` writes.
    package static func topicCount(_ refusals: [ProduceRefusal]) -> Int {
        var count = 0
        for index in refusals.indices where startsTopic(refusals, index) { count += 1 }
        return count
    }

    /// Appends only the elements of the `Responses` array, to be added to a broker's answer.
    package static func appendTopics(
        _ refusals: [ProduceRefusal], version: Int16, into buffer: ByteBuffer
    ) {
        let isFlexible = isFlexible(version)
        var index = 0
        while index < refusals.count {
            var end = index + 1
            while end < refusals.count && !startsTopic(refusals, end) { end += 1 }
            let topic = refusals[index].topic
            if version < topicIDsFrom {
                buffer.append(kafkaLength: topic.count, isFlexible: isFlexible)
            } else {
                precondition(topic.count == TopicID.byteCount, "version 13 names topics by id")
            }
            buffer.append(topic)
            buffer.append(kafkaCount: end - index, isFlexible: isFlexible)
            while index < end {
                refusals[index].appendPartition(version: version, isFlexible, buffer)
                index += 1
            }
            buffer.append(noTagsIf: isFlexible)
        }
    }

    private func appendPartition(version: Int16, _ isFlexible: Bool, _ buffer: ByteBuffer) {
        buffer.append(int32: partition)
        buffer.append(int16: errorCode)
        buffer.append(int64: -1)  // BaseOffset
        if version >= 2 { buffer.append(int64: -1) }  // LogAppendTimeMs
        if version >= 5 { buffer.append(int64: -1) }  // LogStartOffset
        if version >= 8 {
            buffer.append(kafkaCount: 0, isFlexible: isFlexible)  // RecordErrors
            buffer.append(kafkaString: shortMessage, isFlexible: isFlexible)
        }
        buffer.append(noTagsIf: isFlexible)
    }

    private var shortMessage: String? {
        guard let message, message.utf8.count > Self.messageBytesMax else { return message }
        // A letter cut in half at the end is replaced by a mark of three bytes, still in bounds.
        return String(decoding: message.utf8.prefix(Self.messageBytesMax - 2), as: UTF8.self)
    }

    private static func startsTopic(_ refusals: [ProduceRefusal], _ index: Int) -> Bool {
        index == 0 || refusals[index].topic != refusals[index - 1].topic
    }

    private static func isFlexible(_ version: Int16) -> Bool {
        version >= ApiDefinition.all[Int(ApiKey.produce)].responseFlexibleFrom
    }
}
