// ApiVersionsClampTests: what clients are told of the versions that a broker offers.

import Bytes
import Testing

@testable import KafkaWire

struct ApiVersionsClampTests {
    private struct Row: Equatable {
        var key: Int16
        var min: Int16
        var max: Int16

        init(_ key: Int16, _ min: Int16, _ max: Int16) {
            (self.key, self.min, self.max) = (key, min, max)
        }
    }

    /// A response of version 3 with `transaction.version` finalized at `level` and an unknown tag.
    private func response(_ rows: [Row], level: Int16 = 2) -> [UInt8] {
        let buffer = ByteBuffer()
        buffer.append(int16: 0)
        buffer.append(kafkaCount: rows.count, isFlexible: true)
        for row in rows {
            buffer.append(int16: row.key)
            buffer.append(int16: row.min)
            buffer.append(int16: row.max)
            buffer.append(noTagsIf: true)
        }
        buffer.append(int32: 7)  // ThrottleTimeMs
        let feature = ByteBuffer()
        feature.append(kafkaCount: 1, isFlexible: true)
        feature.append(kafkaString: "transaction.version", isFlexible: true)
        feature.append(int16: level)
        feature.append(int16: level)
        feature.append(noTagsIf: true)
        buffer.append(uvarint: 2)
        buffer.append(uvarint: 2)
        buffer.append(uvarint: UInt32(feature.count))
        buffer.append(feature.bytes)
        buffer.append([99, 1, 0xee] as [UInt8])
        return buffer.array
    }

    private func clamped(
        _ clamp: ApiVersionsClamp, _ body: [UInt8], version: Int16 = 3
    ) throws -> [UInt8] {
        let patches = FramePatches()
        let frame = ByteBuffer.holding([0, 0, 0, 9] + body)
        try clamp.clamp(frame: frame.bytes, body: 4, version: version, patches: patches)
        let output = ByteBuffer()
        patches.apply(to: frame.bytes, into: output)
        #expect(output.array.prefix(4) == [0, 0, 0, 9])
        return Array(output.array.dropFirst(4))
    }

    @Test func `unknown and denied keys go, maximums fall, minimums stay`() throws {
        let offered = [
            Row(0, 0, 14), Row(1, 4, 18), Row(3, 0, 12), Row(18, 0, 5), Row(22, 0, 6),
            Row(27, 1, 2), Row(80, 0, 1), Row(94, 0, 0), Row(500, 0, 3), Row(-4, 0, 0),
            Row(2, 12, 13),
        ]
        let told = [
            Row(0, 0, 13), Row(1, 4, 18), Row(3, 0, 12), Row(18, 0, 4), Row(22, 0, 5),
        ]
        let clamp = ApiVersionsClamp()
        #expect(try clamped(clamp, response(offered)) == response(told))
        #expect(clamp.offered.range(of: 0) == 0...14)
        #expect(clamp.offered.range(of: 27) == 1...2)
        #expect(clamp.offered.range(of: 500) == nil)
    }

    @Test func `further keys can be denied`() throws {
        let clamp = ApiVersionsClamp(denied: [71, 72])
        let output = try clamped(clamp, response([Row(71, 0, 0), Row(72, 0, 0), Row(3, 0, 13)]))
        #expect(output == response([Row(3, 0, 13)]))
    }

    @Test func `what the tables know passes unchanged`() throws {
        let rows = ApiDefinition.all.filter { $0.policy == .relay }.map {
            Row($0.key, $0.versions.lowerBound, $0.versions.upperBound)
        }
        let body = response(rows)
        #expect(try clamped(ApiVersionsClamp(), body) == body)
    }

    @Test func `the tables keep the versions that transactions of version 2 need`() throws {
        // Otherwise the feature would have to be lowered for every client.
        #expect(try #require(ApiDefinition.find(ApiKey.produce)).versions.upperBound >= 12)
        #expect(try #require(ApiDefinition.find(ApiKey.endTransaction)).versions.upperBound >= 5)
        #expect(
            try #require(ApiDefinition.find(ApiKey.transactionOffsetCommit)).versions.upperBound
                >= 5)
    }

    @Test func `a client that loses such a version is told of transactions of version 1`() throws {
        let tables = ApiDefinition.all.map { api in
            guard api.key == ApiKey.produce else { return api }
            return ApiDefinition(
                key: api.key, name: api.name, versions: 0...11,
                requestFlexibleFrom: api.requestFlexibleFrom,
                responseFlexibleFrom: api.responseFlexibleFrom, listeners: api.listeners,
                policy: .relay)
        }
        let clamp = ApiVersionsClamp(definitions: tables)
        let output = try clamped(clamp, response([Row(0, 0, 13)]))
        #expect(output == response([Row(0, 0, 11)], level: 1))
        // A broker that never had it decides for itself.
        let old = response([Row(0, 0, 9)])
        #expect(try clamped(clamp, old) == old)
    }

    @Test func `every golden response is clamped to a message that can be walked`() throws {
        for vector in MessageVector.named(ApiKey.apiVersions, .response) {
            let output = try clamped(ApiVersionsClamp(), vector.bytes, version: vector.version)
            let events = try WalkTrace().events(vector.program, output) { 1 << 20 }
            #expect(
                events.filter { $0.contains("eature") }.count
                    == vector.events.filter { $0.contains("eature") }.count)
        }
    }

    @Test func `an answer with error 35 has the shape of version 0`() throws {
        let body = Hex.bytes("0023 00000001 0012 0000 0005")
        #expect(try clamped(ApiVersionsClamp(), body) == Hex.bytes("0023 00000001 0012 0000 0004"))
        let empty = Hex.bytes("0023 00000000")
        #expect(try clamped(ApiVersionsClamp(), empty) == empty)
    }

    @Test func `a request newer than the tables is answered with error 35`() {
        let buffer = ByteBuffer()
        ApiVersionsClamp.appendTooNew(correlationID: 77, into: buffer)
        #expect(
            buffer.array == Hex.bytes("00000010 0000004d 0023 00000001 0012 0000 0004"))
    }

    @Test func `a broken response is an error`() {
        #expect(throws: WireError.self) { try clamped(ApiVersionsClamp(), [0]) }
        #expect(throws: WireError.self) { try clamped(ApiVersionsClamp(), [0, 0, 5, 1]) }
    }

    @Test func `the best common version is found`() {
        var versions = BrokerVersions()
        versions.record(3, min: 4, max: 9)
        versions.record(-1, min: 0, max: 0)
        versions.record(5, min: 2, max: 1)
        #expect(versions.best(3, in: 1...12) == 9)
        #expect(versions.best(3, in: 1...6) == 6)
        #expect(versions.best(3, in: 10...12) == nil)
        #expect(versions.best(3, in: 0...3) == nil)
        #expect(versions.range(of: -1) == nil)
        #expect(versions.range(of: 5) == nil)
        #expect(versions.range(of: 9_999) == nil)
    }
}
