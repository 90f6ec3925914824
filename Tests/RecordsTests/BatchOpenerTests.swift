// BatchOpenerTests: fetched batches of every kind, and everything that must not open.

import Bytes
import Compression
import Envelope
import KafkaWire
import TestSupport
import Testing

@testable import Records

@Suite struct BatchOpenerTests {
    let sealer = BatchSealer()
    let opener = BatchOpener()
    typealias At = RecordBatchHeader.At

    private func sealed(
        _ records: [PlainRecord], _ pair: KeyPair, topic: String = "orders"
    ) throws -> [UInt8] {
        let output = ByteBuffer()
        let plain = try batch(records)
        _ = try sealer.seal(
            batch: plain.bytes, topic: topic, key: pair.sealing,
            batchBytesMax: 64 << 20, into: output)
        return output.array
    }

    private func open(_ records: [UInt8], _ keys: KeysAtHand) throws -> Opened {
        let input = filled(records)
        let output = filled([8, 8])
        defer { #expect(output.array.prefix(2) == [8, 8]) }
        do {
            let result = try opener.open(
                records: input.bytes, topic: "orders", keys: keys, into: output)
            guard case .opened(let range) = result else {
                #expect(output.count == 2)
                return Opened(result: result, bytes: [])
            }
            #expect(range == 2..<output.count)
            return Opened(result: result, bytes: output.bytes(in: range).array)
        } catch {
            #expect(output.count == 2)
            throw error
        }
    }

    private struct Opened {
        let result: OpenResult
        let bytes: [UInt8]
    }

    /// Changes a batch and mends its length and checksum.
    private func mended(_ bytes: [UInt8], _ change: (ByteBuffer) -> Void) -> [UInt8] {
        let buffer = filled(bytes)
        change(buffer)
        RecordBatchWriter.seal(buffer, from: 0)
        return buffer.array
    }

    private let plain = [
        PlainRecord(key: [1], value: [10, 11], headers: [.init("h", [1])]),
        PlainRecord(key: [2], value: nil),
        PlainRecord(key: [3], value: [12]),
    ]

    // MARK: what is kept

    @Test func `the broker's fields, append time and delete horizon are kept`() throws {
        let pair = try KeyPair()
        let stored = mended(try sealed(plain, pair)) { buffer in
            buffer.set(int64: 9_000_000_000, at: At.baseOffset)
            buffer.set(int32: 17, at: At.partitionLeaderEpoch)
            buffer.set(int16: 0x58, at: At.attributes)
            buffer.set(int64: 1_800_000_000_000, at: At.maxTimestamp)
            buffer.set(int64: 77, at: At.producerID)
            buffer.set(int32: 5, at: At.baseSequence)
        }
        let opened = try #require(try read(try open(stored, pair.keys).bytes).first)
        let before = try #require(try read(stored).first)
        var expected = before.header
        expected.batchLength = opened.header.batchLength
        expected.crc = opened.header.crc
        #expect(opened.header == expected)
        #expect(opened.checksumHolds)
        #expect(opened.records.map(\.value) == plain.map(\.value))
    }

    @Test func `a compacted batch keeps its gaps and its last offset`() throws {
        let pair = try KeyPair()
        let whole = try #require(
            try read(
                try sealed(
                    (0..<10).map { PlainRecord(key: [$0], value: [$0, $0]) }, pair)
            ).first)
        let kept = [whole.records[2], whole.records[3], whole.records[7]]
        let compacted = try batch(kept, lastOffsetDelta: 9)
        let opened = try #require(try read(try open(compacted.array, pair.keys).bytes).first)
        #expect(opened.header.lastOffsetDelta == 9)
        #expect(opened.header.recordCount == 3)
        #expect(opened.records.map(\.offsetDelta) == [2, 3, 7])
        #expect(opened.records.map(\.value) == [[2, 2], [3, 3], [7, 7]])
    }

    @Test func `empty batches, control batches and old formats are copied as they are`() throws {
        let pair = try KeyPair()
        let empty = mended(try batch([]).array) {
            $0.set(int32: 4, at: At.lastOffsetDelta)
            $0.set(int64: -1, at: At.baseTimestamp)
        }
        let control = mended(
            try batch([PlainRecord(key: [0, 0, 0, 1], value: [0, 0, 0, 0, 0, 5])]).array
        ) { $0.set(int16: 0x30, at: At.attributes) }
        let forgedControl = mended(
            try batch([PlainRecord(key: [0], value: [0], headers: [.init("wax", [1])])]).array
        ) { $0.set(int16: 0x20, at: At.attributes) }
        var legacy = [UInt8](repeating: 0, count: 40)
        legacy[11] = 28
        let plainBatch = try batch(plain, codec: .gzip).array
        let others = [empty, control, forgedControl, legacy, plainBatch]
        for other in others { #expect(try open(other, pair.keys).result == .unchanged) }
        #expect(try open(others.flatMap { $0 }, pair.keys).result == .unchanged)
        let original = try batch(plain).array
        let stored = try sealed(plain, pair)
        for other in others {
            #expect(try open(other + stored + other, pair.keys).bytes == other + original + other)
        }
    }

    @Test(arguments: CompressionCodec.allCases)
    func `a batch that the broker compressed again is opened`(_ codec: CompressionCodec) throws {
        let pair = try KeyPair()
        let stored = try #require(try read(try sealed(plain, pair)).first)
        let again = try batch(stored.records, codec: codec).array
        #expect(try open(again, pair.keys).bytes == (try batch(plain).array))
    }

    @Test func `sealed and plain records may share a batch`() throws {
        let pair = try KeyPair()
        let stored = try #require(try read(try sealed(plain, pair)).first)
        let other = PlainRecord(key: nil, value: [5], headers: [.init("x", nil)])
        for place in 0...3 {
            var mixed = stored.records
            for index in mixed.indices { mixed[index].offsetDelta = nil }
            mixed.insert(other, at: place)
            var expected = plain
            expected.insert(other, at: place)
            let opened = try open(try batch(mixed).array, pair.keys).bytes
            #expect(opened == (try batch(expected).array))
        }
    }

    @Test func `the header is found at any place among the others`() throws {
        let pair = try KeyPair()
        let stored = try #require(try read(try sealed(plain, pair)).first)
        var moved = stored.records
        moved[0].headers.swapAt(0, 1)
        moved[2].headers.insert(.init("before", [1]), at: 0)
        var expected = plain
        expected[2].headers = [.init("before", [1])]
        #expect(try open(try batch(moved).array, pair.keys).bytes == (try batch(expected).array))
    }

    @Test func `a tail that is cut short at any byte is dropped`() throws {
        let pair = try KeyPair()
        let first = try sealed(plain, pair)
        let opened = try batch(plain).array
        for count in 0..<first.count {
            let cut = Array(first.prefix(count))
            #expect(try open(cut, pair.keys).result == .unchanged)
            #expect(try open(first + cut, pair.keys).bytes == opened)
        }
    }

    @Test func `records that name their key by id open with the one named before`() throws {
        let pair = try KeyPair()
        let stored = try #require(try read(try sealed(plain, pair)).first)
        var lean = stored.records
        let header = try #require(lean[2].headers[0].value)
        lean[2].headers[0].value = [1, 0x01] + header[2..<10]
        #expect(try open(try batch(lean).array, pair.keys).bytes == (try batch(plain).array))
        // In a batch of its own nobody named the key.
        lean[2].offsetDelta = 0
        let alone = try batch([lean[2]]).array
        let error = #expect(throws: RecordError.self) { _ = try open(alone, pair.keys) }
        #expect(error?.code == .openFailed)
        // The key may just not be at hand.
        let none = KeysAtHand()
        #expect(try open(try batch(lean).array, none).result == .missingKeys)
    }

    // MARK: keys

    @Test func `all missing keys are noted, each once per run`() throws {
        let pairs = try (1...3).map { try KeyPair(id: UInt64($0), fill: UInt8($0)) }
        let keys = KeysAtHand()
        let stored = try pairs.map { try sealed(plain, $0) }
        let all = stored.flatMap { $0 }
        keys.keys[pairs[1].wrapped] = pairs[1].keys.keys[pairs[1].wrapped]
        #expect(try open(all, keys).result == .missingKeys)
        #expect(keys.misses == [1, 3])
        for pair in pairs { keys.keys[pair.wrapped] = pair.keys.keys[pair.wrapped] }
        let opened = try batch(plain).array
        #expect(try open(all, keys).bytes == opened + opened + opened)
    }

    @Test func `neighbours with the same header ask for the key once`() throws {
        let pair = try KeyPair()
        let many = (0..<50).map { PlainRecord(key: nil, value: [$0]) }
        _ = try open(try sealed(many, pair), pair.keys)
        #expect(pair.keys.questions == 1)
        #expect(opener.counts.opened == 50)
    }

    @Test func `keys may change from record to record`() throws {
        let first = try KeyPair(id: 1, fill: 1)
        let second = try KeyPair(id: 2, fill: 2)
        first.keys.keys[second.wrapped] = second.keys.keys[second.wrapped]
        let one = try #require(try read(try sealed(plain, first)).first)
        let two = try #require(try read(try sealed(plain, second)).first)
        let mixed = [one.records[0], two.records[1], two.records[2], one.records[2]].enumerated()
            .map { index, record in
                var record = record
                record.offsetDelta = Int32(index)
                return record
            }
        let opened = try open(try batch(mixed).array, first.keys).bytes
        #expect(try read(opened).first?.records.map(\.value) == [[10, 11], nil, [12], [12]])
    }
}
