// MessageWalkerTests: walks of the golden messages in every cut, and of broken ones.

import Bytes
import TestSupport
import Testing

@testable import KafkaWire

struct MessageWalkerTests {
    private let trace = WalkTrace()

    @Test func `every message and version of the tables has golden messages`() {
        for layout in MessageLayout.requests + MessageLayout.responses {
            for version in layout.versions {
                let found = MessageVector.named(layout.apiKey, layout.kind)
                    .filter { $0.version == version }
                #expect(found.count == 2, "\(layout.apiKey) \(layout.kind) v\(version)")
            }
        }
    }

    @Test func `a whole message reports every field that has a role`() throws {
        #expect(MessageVector.all.count > 300)
        for vector in MessageVector.all {
            let events = try trace.events(vector.program, vector.bytes) { vector.bytes.count }
            #expect(events == vector.events, "\(vector)")
        }
    }

    @Test func `a message that arrives byte by byte reports the same`() throws {
        for vector in MessageVector.all {
            let events = try trace.events(vector.program, vector.bytes) { 1 }
            #expect(events == vector.events, "\(vector)")
        }
    }

    @Test func `a message that arrives in random pieces reports the same`() throws {
        var random = SeededRandom(seed: 7)
        for vector in MessageVector.all {
            for _ in 0..<3 {
                let events = try trace.events(vector.program, vector.bytes) {
                    Int.random(in: 1...60, using: &random)
                }
                #expect(events == vector.events, "\(vector)")
            }
        }
    }

    @Test func `a message whose end is missing is no error, whatever is missing`() throws {
        var random = SeededRandom(seed: 8)
        var asked = 0
        for vector in MessageVector.all where !vector.bytes.isEmpty {
            for _ in 0..<20 {
                let cut = Int.random(in: 0..<vector.bytes.count, using: &random)
                do {
                    let events = try trace.events(
                        vector.program, vector.bytes, arrived: cut
                    ) { 1 << 20 }
                    // Nobody looks at what is missing, so the walk is complete without it.
                    #expect(events == vector.events, "\(vector) cut at \(cut)")
                } catch is WalkFault {
                    asked += 1
                }
            }
        }
        #expect(asked > 5_000)
    }

    @Test func `a message that ends early is an error at every length`() {
        for vector in MessageVector.all where vector.bytes.count < 300 {
            for cut in 0..<vector.bytes.count {
                #expect(throws: WireError.self, "\(vector) cut at \(cut)") {
                    try trace.events(vector.program, Array(vector.bytes[..<cut])) { 1 << 20 }
                }
            }
        }
    }

    @Test func `bytes after the message are an error`() {
        for vector in MessageVector.all {
            #expect(throws: WireError.self, "\(vector)") {
                try trace.events(vector.program, vector.bytes + [0]) { 1 << 20 }
            }
        }
    }

    @Test func `a message with changed bytes is walked or refused, in pieces as in whole`() {
        var random = SeededRandom(seed: 9)
        var refused = 0
        for vector in MessageVector.all where !vector.bytes.isEmpty {
            for _ in 0..<8 {
                var bytes = vector.bytes
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let at = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[at] = UInt8.random(in: 0...255, using: &random)
                }
                let whole = outcome(vector.program, bytes) { bytes.count }
                let pieces = outcome(vector.program, bytes) { 3 }
                #expect(whole == pieces, "\(vector) \(Hex.text(bytes))")
                if whole == nil { refused += 1 }
            }
        }
        #expect(refused > 500)
    }

    @Test func `noise is walked or refused, in pieces as in whole`() {
        var random = SeededRandom(seed: 10)
        for vector in MessageVector.all {
            let bytes = random.bytes(Int.random(in: 0...80, using: &random))
            let whole = outcome(vector.program, bytes) { bytes.count }
            #expect(whole == outcome(vector.program, bytes) { 1 }, "\(vector) \(Hex.text(bytes))")
        }
    }

    /// The events, or nil for a refused message.
    private func outcome(
        _ program: WalkProgram, _ bytes: [UInt8], step: () -> Int
    ) -> [String]? {
        do {
            return try trace.events(program, bytes, step: step)
        } catch is WireError {
            return nil
        } catch {
            Issue.record(error)
            return nil
        }
    }

    // MARK: single rules

    private func walk(_ key: Int16, _ kind: MessageKind, _ version: Int16, _ text: String) throws
        -> [String]
    {
        let program = try #require(WalkProgram.find(key, kind, version: version))
        let bytes = Hex.bytes(text)
        return try trace.events(program, bytes) { bytes.count }
    }

    @Test func `null is refused where the definition does not allow it`() throws {
        // SaslHandshake v0: a mechanism, with a length of -1.
        #expect(throws: WireError.invalid(at: 1_000, "null")) {
            try walk(ApiKey.saslHandshake, .request, 0, "ffff")
        }
        // Metadata v1 may ask with null for all topics, version 0 may not.
        #expect(try walk(ApiKey.metadata, .request, 1, "ffffffff") == ["topics[-1", "topics]"])
        #expect(throws: WireError.self) { try walk(ApiKey.metadata, .request, 0, "ffffffff") }
    }

    @Test func `tags out of order or doubled are refused`() throws {
        // SaslAuthenticate v2: empty bytes, then tags.
        #expect(try walk(ApiKey.saslAuthenticate, .request, 2, "01 02 0100 0201aa").count == 1)
        for tags in ["02 0200 0100", "02 0100 0100"] {
            #expect(throws: WireError.self) {
                try walk(ApiKey.saslAuthenticate, .request, 2, "01" + tags)
            }
        }
    }

    @Test func `a tag's content must have the size that the tag says`() throws {
        // Produce response v10 without topics: throttle time, tag 0 with no node endpoints.
        let empty = try walk(ApiKey.produce, .response, 10, "01 00000000 01 00 01 01")
        #expect(
            empty == [
                "topics[0", "topics]", "throttleTimeMilliseconds=00000000", "<0",
                "nodeEndpoints[0", "nodeEndpoints]", ">0",
            ])
        for tag in ["00 02 01 00", "00 00"] {
            #expect(throws: WireError.self) {
                try walk(ApiKey.produce, .response, 10, "01 00000000 01" + tag)
            }
        }
    }

    @Test func `a string above Kafka's bound is refused although its length is compact`() {
        let count = 32_768
        let head = ByteBuffer()
        head.append(uvarint: UInt32(count + 1))
        let bytes = head.array + [UInt8](repeating: 0x61, count: count) + [0, 1, 0]
        // ApiVersions request v3: software name and version.
        #expect(throws: WireError.badLength(at: WalkTrace.origin, count)) {
            let program = try #require(
                WalkProgram.find(ApiKey.apiVersions, .request, version: 3))
            return try trace.events(program, bytes) { bytes.count }
        }
    }

    @Test func `a count above the bytes that are left is refused at once`() {
        // FindCoordinator response v4: throttle time, then 2^31 - 2 coordinators.
        #expect(throws: WireError.badLength(at: 1_004, 0x7fff_fffe)) {
            try walk(ApiKey.findCoordinator, .response, 4, "00000000 ffffffff07")
        }
    }

    @Test func `records are stepped over without being seen`() throws {
        let records = 100_000
        let head = ByteBuffer()
        head.append(int32: 0)  // ThrottleTimeMs
        head.append(int32: 1)
        head.append(kafkaString: "t", isFlexible: false)
        head.append(int32: 1)
        head.append(int32: 5)
        head.append(int16: 0)
        head.append(int64: 9)  // HighWatermark
        head.append(int32: Int32(records))
        let walker = MessageWalker()
        let program = try #require(WalkProgram.find(ApiKey.fetch, .response, version: 3))
        let end = head.count + records
        walker.reset(program, body: 0..<end)
        var seen = try walker.next(head.bytes, at: 0)
        while seen.kind != .records { seen = try walker.next(head.bytes, at: 0) }
        #expect(seen.range == head.count - 4..<head.count)
        #expect(seen.value == head.count..<end)
        #expect(walker.position == end)
        let nothing = ByteBuffer()
        #expect(try walker.next(nothing.bytes, at: end).kind == .endElement)
        #expect(try walker.next(nothing.bytes, at: end).range == head.count - 22..<end)
    }

    @Test func `ranges of arrays and elements span their encoding`() throws {
        for vector in MessageVector.all {
            let source = ByteBuffer.holding(vector.bytes)
            let walker = MessageWalker()
            walker.reset(vector.program, body: 0..<vector.bytes.count)
            var starts: [Int] = []
            var event = try walker.next(source.bytes, at: 0)
            while event.kind != .end {
                switch event.kind {
                case .beginArray, .beginElement: starts.append(event.range.lowerBound)
                case .beginTag: starts.append(event.value.lowerBound)
                case .endArray, .endElement, .endTag:
                    #expect(starts.popLast() == event.range.lowerBound, "\(vector)")
                    #expect(event.range.upperBound == walker.position, "\(vector)")
                default: break
                }
                event = try walker.next(source.bytes, at: 0)
            }
            #expect(starts.isEmpty, "\(vector)")
        }
    }

    @Test func `numbers are read with their sign`() throws {
        let source = ByteBuffer.holding(Hex.bytes("ffff8001"))
        let walker = MessageWalker()
        // ApiVersions v0 as far as its error code.
        walker.reset(
            try #require(WalkProgram.find(ApiKey.apiVersions, .response, version: 0)), body: 0..<6)
        #expect(try walker.next(source.bytes, at: 0).number == -1)
    }
}
