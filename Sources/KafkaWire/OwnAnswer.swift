// OwnAnswer: what the answers to Waxwing's own requests say.

package import Bytes

/// What a Metadata response says about brokers and topics.
package struct MetadataAnswer: Sendable, Equatable {
    package struct Broker: Sendable, Equatable {
        package var node: Int32 = -1
        package var host = ""
        package var port: Int32 = -1
    }

    package struct Topic: Sendable, Equatable {
        /// 0, or Kafka's error code for this topic.
        package var errorCode: Int16 = 0
        /// nil when the broker does not tell it, as with an unknown id.
        package var name: String?
        package var id = TopicID.zero
    }

    package var brokers: [Broker] = []
    package var topics: [Topic] = []
    package var clusterID: String?
    /// Error of the whole answer, 0 before version 13.
    package var errorCode: Int16 = 0

    /// - Parameters:
    ///   - frame: the whole response without its size.
    ///   - body: where the body begins in it.
    package init(frame: RawSpan, body: Int, version: Int16) throws(WireError) {
        let walker = MessageWalker()
        try walker.start(ApiKey.metadata, version: version, frame: frame, body: body)
        while let event = try walker.nextInWhole(frame) {
            switch (event.kind, event.role) {
            case (.beginElement, .brokers): brokers.append(Broker())
            case (.beginElement, .topics): topics.append(Topic())
            case (.field, .nodeID): brokers[brokers.count - 1].node = Int32(event.number)
            case (.field, .host):
                brokers[brokers.count - 1].host = frame.extracting(event.value).text
            case (.field, .port): brokers[brokers.count - 1].port = Int32(event.number)
            case (.field, .topicErrorCode):
                topics[topics.count - 1].errorCode = Int16(event.number)
            case (.field, .topicName) where !event.isNull:
                topics[topics.count - 1].name = frame.extracting(event.value).text
            case (.field, .topicID):
                topics[topics.count - 1].id = TopicID(frame.extracting(event.value))
            case (.field, .clusterID) where !event.isNull:
                clusterID = frame.extracting(event.value).text
            case (.field, .responseErrorCode): errorCode = Int16(event.number)
            default: break
            }
        }
    }
}

/// What a DescribeConfigs response says about one topic.
package struct TopicConfigAnswer: Sendable, Equatable {
    package static let maxMessageBytesName = "max.message.bytes"
    package static let cleanupPolicyName = "cleanup.policy"

    /// 0, or Kafka's error code.
    package var errorCode: Int16 = 0
    /// The largest batch that the topic takes, in bytes; nil when the broker did not tell.
    package var maxMessageBytes: Int?
    /// "delete", "compact" or both with a comma; nil when the broker did not tell.
    package var cleanupPolicy: String?

    /// - Parameters:
    ///   - frame: the whole response without its size.
    ///   - body: where the body begins in it.
    package init(frame: RawSpan, body: Int, version: Int16) throws(WireError) {
        let walker = MessageWalker()
        try walker.start(ApiKey.describeConfigs, version: version, frame: frame, body: body)
        var name = ""
        var isSynonym = false
        while let event = try walker.nextInWhole(frame) {
            switch (event.kind, event.role) {
            case (.beginArray, .synonyms): isSynonym = true
            case (.endArray, .synonyms): isSynonym = false
            case (.field, .errorCode): errorCode = Int16(event.number)
            case (.field, .configName): name = frame.extracting(event.value).text
            case (.field, .configValue) where !event.isNull && !isSynonym:
                let value = frame.extracting(event.value).text
                if name == Self.maxMessageBytesName { maxMessageBytes = Int(value) }
                if name == Self.cleanupPolicyName { cleanupPolicy = value }
            default: break
            }
        }
    }
}

extension BrokerVersions {
    /// Reads an ApiVersions response.
    /// - Parameters:
    ///   - frame: the whole response without its size.
    ///   - body: where the body begins in it.
    /// - Throws: `invalid` when the broker answered with an error.
    package init(frame: RawSpan, body: Int, version: Int16) throws(WireError) {
        self.init()
        let walker = MessageWalker()
        try walker.start(ApiKey.apiVersions, version: version, frame: frame, body: body)
        var key: Int16 = 0
        var min: Int16 = 0
        while let event = try walker.nextInWhole(frame) {
            switch (event.kind, event.role) {
            case (.field, .responseErrorCode) where event.number != 0:
                throw .invalid(at: body, "answer: the broker refused ApiVersions")
            case (.field, .apiKey): key = Int16(event.number)
            case (.field, .versionMin): min = Int16(event.number)
            case (.field, .versionMax): record(key, min: min, max: Int16(event.number))
            default: break
            }
        }
    }
}

extension MessageWalker {
    /// Begins a response that is whole in memory.
    internal func start(
        _ apiKey: Int16, version: Int16, frame: RawSpan, body: Int
    ) throws(WireError) {
        guard let program = WalkProgram.find(apiKey, .response, version: version) else {
            throw .invalid(at: 0, "API version")
        }
        guard body <= frame.byteCount else {
            throw .truncated(at: body, needed: body - frame.byteCount)
        }
        reset(program, body: body..<frame.byteCount, mayGoOn: true)
    }

    /// Goes on in a message that is whole in the span; nil at its end.
    internal func nextInWhole(_ frame: RawSpan) throws(WireError) -> WalkEvent? {
        let event = try next(frame, at: 0)
        // A whole message never asks for more: the walker throws where it is cut short.
        return event.kind == .end || event.kind == .needMore ? nil : event
    }
}
