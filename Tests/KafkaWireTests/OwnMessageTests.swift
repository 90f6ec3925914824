// OwnMessageTests: Waxwing's own requests, the reading of their answers, and refusals.

import Bytes
import Testing

@testable import KafkaWire

struct OwnMessageTests {
    private let trace = WalkTrace()

    /// Checks size and header of a request frame; returns its body.
    private func body(_ buffer: ByteBuffer, _ key: Int16, _ version: Int16) throws -> [UInt8] {
        var cursor = ByteCursor(buffer.bytes)
        #expect(Int(try cursor.int32()) == buffer.count - 4)
        let frame = ByteBuffer.holding(Array(buffer.array.dropFirst(4)))
        let header = try RequestHeader.parse(frame.bytes)
        #expect(header.apiKey == key)
        #expect(header.apiVersion == version)
        #expect(header.correlationID == 42)
        let clientID = try #require(header.clientID)
        #expect(frame.bytes(in: clientID).text == "waxwing")
        return Array(frame.array.dropFirst(header.end))
    }

    private func events(_ key: Int16, _ kind: MessageKind, _ version: Int16, _ bytes: [UInt8])
        throws -> [String]
    {
        let program = try #require(WalkProgram.find(key, kind, version: version))
        return try trace.events(program, bytes) { 1 << 20 }
    }

    // MARK: requests

    @Test func `ApiVersions v0 has no body`() throws {
        let buffer = ByteBuffer()
        OwnRequest.appendApiVersions(correlationID: 42, clientID: "waxwing", into: buffer)
        #expect(try body(buffer, ApiKey.apiVersions, 0).isEmpty)
    }

    @Test func `metadata of the brokers asks for no topics in every version`() throws {
        for version: Int16 in 1...13 {
            let buffer = ByteBuffer()
            OwnRequest.appendMetadata(
                .none, version: version, correlationID: 42, clientID: "waxwing", into: buffer)
            let found = try events(
                ApiKey.metadata, .request, version, body(buffer, ApiKey.metadata, version))
            let creation = version >= 4 ? ["allowAutoTopicCreation=00"] : []
            #expect(found == ["topics[0", "topics]"] + creation, "v\(version)")
        }
    }

    @Test func `metadata by id names the ids and creates nothing`() throws {
        let buffer = ByteBuffer()
        OwnRequest.appendMetadata(
            .ids([TopicID(high: 1, low: 2)]), version: 12, correlationID: 42,
            clientID: "waxwing", into: buffer)
        let found = try events(
            ApiKey.metadata, .request, 12, body(buffer, ApiKey.metadata, 12))
        #expect(
            found == [
                "topics[1", "topics{", "topicID=00000000000000010000000000000002", "topicName!",
                "topics}", "topics]", "allowAutoTopicCreation=00",
            ])
    }

    @Test func `versions are chosen from what the broker offers`() {
        var broker = BrokerVersions()
        #expect(OwnRequest.metadataVersion(.none, broker) == nil)
        broker.record(ApiKey.metadata, min: 0, max: 13)
        #expect(OwnRequest.metadataVersion(.none, broker) == 12)
        #expect(OwnRequest.metadataVersion(.ids([]), broker) == 12)
        broker.record(ApiKey.metadata, min: 0, max: 8)
        #expect(OwnRequest.metadataVersion(.none, broker) == 8)
        #expect(OwnRequest.metadataVersion(.ids([]), broker) == nil)
        broker.record(ApiKey.describeConfigs, min: 0, max: 2)
        #expect(OwnRequest.topicConfigVersion(broker) == 2)
    }

    @Test func `topic settings are asked for one topic in every version`() throws {
        for version: Int16 in 1...4 {
            let buffer = ByteBuffer()
            let topic = ByteBuffer.holding(Array("t.1".utf8))
            OwnRequest.appendTopicConfig(
                topic.bytes, version: version, correlationID: 42, clientID: "waxwing",
                into: buffer)
            let bytes = try body(buffer, ApiKey.describeConfigs, version)
            #expect(
                try events(ApiKey.describeConfigs, .request, version, bytes) == [
                    "resources[1", "resources{", "resourceType=02", "resourceName=742e31",
                    "resources}", "resources]",
                ])
            #expect(Hex.text(bytes).contains(Hex.text("max.message.bytes".utf8)))
            #expect(Hex.text(bytes).contains(Hex.text("cleanup.policy".utf8)))
        }
    }

    // MARK: answers

    @Test func `metadata answers are read in every version`() throws {
        var brokers = 0
        for vector in MessageVector.named(ApiKey.metadata, .response) {
            let frame = ByteBuffer.holding([0, 0, 0, 1] + vector.bytes)
            let answer = try MetadataAnswer(
                frame: frame.bytes, body: 4, version: vector.version)
            let hosts = answer.brokers.map { "host=" + Hex.text($0.host.utf8) }
            #expect(hosts == vector.events.filter { $0.hasPrefix("host=") }, "\(vector)")
            let ports = answer.brokers.map { $0.port }
            let expected = vector.events.filter { $0.hasPrefix("port=") }
                .map { Int32($0.dropFirst(5), radix: 16) }
            #expect(ports == expected, "\(vector)")
            let names = answer.topics.map { $0.name.map { Hex.text($0.utf8) } }
            let topicNames = vector.events.filter { $0.hasPrefix("topicName") }
                .map { $0 == "topicName!" ? nil : String($0.dropFirst(10)) }
            #expect(names == topicNames, "\(vector)")
            brokers += answer.brokers.count
        }
        #expect(brokers > 28)
    }

    @Test func `topic settings are read and synonyms are not taken for them`() throws {
        // Version 1, one topic; the setting has a synonym of the same name and another value.
        let buffer = ByteBuffer()
        buffer.append(int32: 0)
        buffer.append(int32: 1)
        buffer.append(int16: 0)
        buffer.append(kafkaString: nil, isFlexible: false)
        buffer.append(int8: 2)
        buffer.append(kafkaString: "t", isFlexible: false)
        buffer.append(int32: 2)
        for (name, value) in [("max.message.bytes", "2097152"), ("cleanup.policy", "compact")] {
            buffer.append(kafkaString: name, isFlexible: false)
            buffer.append(kafkaString: value, isFlexible: false)
            buffer.append([0, 5, 0] as [UInt8])
            buffer.append(int32: 1)
            buffer.append(kafkaString: name, isFlexible: false)
            buffer.append(kafkaString: "1", isFlexible: false)
            buffer.append(int8: 5)
        }
        let answer = try TopicConfigAnswer(frame: buffer.bytes, body: 0, version: 1)
        #expect(answer.errorCode == 0)
        #expect(answer.maxMessageBytes == 2_097_152)
        #expect(answer.cleanupPolicy == "compact")
    }

    @Test func `the versions of a broker are read, and its refusal is an error`() throws {
        let good = ByteBuffer.holding(Hex.bytes("00000001 0000 00000001 0003 0000 000c"))
        let versions = try BrokerVersions(frame: good.bytes, body: 4, version: 0)
        #expect(versions.range(of: 3) == 0...12)
        let bad = ByteBuffer.holding(Hex.bytes("00000001 0023 00000000"))
        #expect(throws: WireError.self) {
            try BrokerVersions(frame: bad.bytes, body: 4, version: 0)
        }
    }

    @Test func `an answer that is cut short is an error`() {
        for vector in MessageVector.named(ApiKey.metadata, .response) {
            let frame = ByteBuffer.holding(vector.bytes.dropLast())
            #expect(throws: WireError.self) {
                try MetadataAnswer(frame: frame.bytes, body: 0, version: vector.version)
            }
        }
    }

    @Test func `a topic id prints as Kafka prints it`() {
        let bytes = ByteBuffer.holding(Hex.bytes("00112233445566778899aabbccddeeff"))
        let id = TopicID(bytes.bytes)
        #expect(id.description == "ABEiM0RVZneImaq7zN3u_w")
        let copy = ByteBuffer()
        id.append(to: copy)
        #expect(copy.array == bytes.array)
    }

    // MARK: refusals

    @Test func `refusals are grouped by topic in every version`() throws {
        for version: Int16 in 0...13 {
            let topics =
                version >= 13
                ? [[UInt8](repeating: 1, count: 16), [UInt8](repeating: 2, count: 16)]
                : [Array("a".utf8), Array("bc".utf8)]
            let refusals = [
                ProduceRefusal(topic: topics[0], partition: 0, errorCode: 87, message: "no"),
                ProduceRefusal(topic: topics[0], partition: 5, errorCode: 19),
                ProduceRefusal(topic: topics[1], partition: 0, errorCode: 44, message: "key"),
            ]
            let buffer = ByteBuffer()
            ProduceRefusal.appendResponse(
                refusals, version: version, correlationID: 9, into: buffer)
            let frame = ByteBuffer.holding(Array(buffer.array.dropFirst(4)))
            let header = try ResponseHeader.parse(
                frame.bytes, apiKey: ApiKey.produce, version: version)
            #expect(header.correlationID == 9)
            let found = try events(
                ApiKey.produce, .response, version, Array(frame.array.dropFirst(header.end)))
            #expect(found.contains("topics[2"))
            let partitions = found.filter { $0.hasPrefix("partitions[") }
            #expect(partitions == ["partitions[2", "partitions[1"])
            #expect(
                found.filter { $0.hasPrefix("errorCode=") }
                    == ["errorCode=0057", "errorCode=0013", "errorCode=002c"])
            let none = String(repeating: "f", count: 16)
            #expect(found.filter { $0 == "baseOffset=" + none }.count == 3)
            let messages = found.filter { $0.hasPrefix("errorMessage") }
            let expected = ["errorMessage=6e6f", "errorMessage!", "errorMessage=6b6579"]
            #expect(messages == (version >= 8 ? expected : []))
        }
    }

    @Test func `a long message is cut within its bound`() throws {
        let refusal = ProduceRefusal(
            topic: [0x61], partition: 0, errorCode: 87,
            message: String(repeating: "é", count: 40_000))
        let buffer = ByteBuffer()
        ProduceRefusal.appendResponse([refusal], version: 9, correlationID: 1, into: buffer)
        #expect(buffer.count < ProduceRefusal.messageBytesMax + 80)
    }
}
