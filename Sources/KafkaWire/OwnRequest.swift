// OwnRequest: the requests that Waxwing sends for itself, and the reading of their answers.

package import Bytes

/// Whole frames of requests that no client sent. All take the correlation id by which the session
/// tells their answers from the client's.
package enum OwnRequest {
    /// Appends ApiVersions v0, which every broker answers.
    package static func appendApiVersions(
        correlationID: Int32, clientID: String, into buffer: ByteBuffer
    ) {
        let frame = begin(ApiKey.apiVersions, 0, correlationID, clientID, buffer)
        buffer.endFrame(frame)
    }

    /// The topics that a metadata request asks for.
    package enum Topics: Sendable, Equatable {
        /// None, only the brokers.
        case none
        /// These ids, to learn their names. Needs version 12.
        case ids([TopicID])
    }

    /// The version of a metadata request to send, nil when the broker has none that will do.
    package static func metadataVersion(_ topics: Topics, _ broker: BrokerVersions) -> Int16? {
        // Version 0 cannot ask for no topics; names by id came with 12.
        broker.best(ApiKey.metadata, in: topics == .none ? 1...12 : 12...12)
    }

    /// Appends Metadata, which creates no topic.
    /// - Parameter version: of `metadataVersion`.
    package static func appendMetadata(
        _ topics: Topics, version: Int16, correlationID: Int32, clientID: String,
        into buffer: ByteBuffer
    ) {
        precondition(version >= 1 && (topics == .none || version >= 12), "version lacks the fields")
        let frame = begin(ApiKey.metadata, version, correlationID, clientID, buffer)
        let isFlexible = version >= 9
        switch topics {
        case .none: buffer.append(kafkaCount: 0, isFlexible: isFlexible)
        case .ids(let ids):
            buffer.append(kafkaCount: ids.count, isFlexible: isFlexible)
            for id in ids {
                id.append(to: buffer)
                buffer.append(kafkaString: nil, isFlexible: isFlexible)
                buffer.append(noTagsIf: isFlexible)
            }
        }
        if version >= 4 { buffer.append(0 as UInt8) }  // AllowAutoTopicCreation
        if version >= 8 && version <= 10 { buffer.append(0 as UInt8) }  // cluster operations
        if version >= 8 { buffer.append(0 as UInt8) }  // topic operations
        buffer.append(noTagsIf: isFlexible)
        buffer.endFrame(frame)
    }

    /// The version of a topic-settings request to send, nil when the broker has none.
    package static func topicConfigVersion(_ broker: BrokerVersions) -> Int16? {
        broker.best(ApiKey.describeConfigs, in: 1...4)
    }

    /// Appends DescribeConfigs for one topic's `max.message.bytes` and `cleanup.policy`.
    /// - Parameter topic: the name's bytes, at most 32,767.
    package static func appendTopicConfig(
        _ topic: RawSpan, version: Int16, correlationID: Int32, clientID: String,
        into buffer: ByteBuffer
    ) {
        precondition(version >= 1, "version lacks the fields")
        let frame = begin(ApiKey.describeConfigs, version, correlationID, clientID, buffer)
        let isFlexible = version >= 4
        buffer.append(kafkaCount: 1, isFlexible: isFlexible)
        buffer.append(int8: 2)  // a topic
        buffer.append(kafkaString: topic, isFlexible: isFlexible)
        buffer.append(kafkaCount: 2, isFlexible: isFlexible)
        buffer.append(kafkaString: TopicConfigAnswer.maxMessageBytesName, isFlexible: isFlexible)
        buffer.append(kafkaString: TopicConfigAnswer.cleanupPolicyName, isFlexible: isFlexible)
        buffer.append(noTagsIf: isFlexible)
        buffer.append(0 as UInt8)  // IncludeSynonyms
        if version >= 3 { buffer.append(0 as UInt8) }  // IncludeDocumentation
        buffer.append(noTagsIf: isFlexible)
        buffer.endFrame(frame)
    }

    private static func begin(
        _ apiKey: Int16, _ version: Int16, _ correlationID: Int32, _ clientID: String,
        _ buffer: ByteBuffer
    ) -> Int {
        let frame = buffer.beginFrame()
        buffer.append(int16: apiKey)
        buffer.append(int16: version)
        buffer.append(int32: correlationID)
        buffer.append(kafkaString: clientID, isFlexible: false)
        let api = ApiDefinition.all[Int(apiKey)]
        buffer.append(noTagsIf: version >= api.requestFlexibleFrom)
        return frame
    }
}
