// RoundTripTests: what is sealed opens to what it was, byte for byte.

import Bytes
import Compression
import Envelope
import KafkaWire
import TestSupport
import Testing

@testable import Records

@Suite struct RoundTripTests {
    let sealer = BatchSealer()
    let opener = BatchOpener()

    private func seal(
        _ batch: ByteBuffer, _ pair: KeyPair, bytesMax: Int = 64 << 20
    ) throws -> [UInt8] {
        let output = filled([1, 2, 3])
        let sealed = try sealer.seal(
            batch: batch.bytes, topic: "orders", key: pair.sealing, batchBytesMax: bytesMax,
            into: output)
        #expect(output.bytes(in: 0..<3).array == [1, 2, 3])
        #expect(sealed.range == 3..<output.count)
        #expect(sealed.count == 1)
        return output.bytes(in: sealed.range).array
    }

    private func open(_ records: [UInt8], _ pair: KeyPair) throws -> [UInt8]? {
        let output = filled([9])
        let input = filled(records)
        let result = try opener.open(
            records: input.bytes, topic: "orders", keys: pair.keys, into: output)
        guard case .opened(let range) = result else {
            #expect(result == .unchanged)
            #expect(output.array == [9])
            return nil
        }
        #expect(range == 1..<output.count)
        return output.bytes(in: range).array
    }

    @Test(arguments: [0, 1, 100, 1024, 5 << 20])
    func `a value of any size comes back byte for byte`(_ size: Int) throws {
        let pair = try KeyPair()
        let marker = [UInt8]("MARKER-plaintext".utf8)
        let value = [UInt8]((0..<size).map { marker[$0 % marker.count] })
        let original = try batch([
            PlainRecord(key: [1, 2], value: value),
            PlainRecord(key: nil, value: nil),
            PlainRecord(key: [], value: value, timestamp: baseTime + 70_000),
        ])
        let sealed = try seal(original, pair)
        #expect(sealed != original.array)
        if size >= marker.count {
            // Both ends: looking through megabytes takes long in a debug build.
            #expect(!Array(sealed.prefix(50_000)).contains(run: marker))
            #expect(!Array(sealed.suffix(50_000)).contains(run: marker))
        }
        #expect(try open(sealed, pair) == original.array)
    }

    @Test(arguments: [1, 63, 64, 10_000])
    func `a batch of any count comes back byte for byte`(_ count: Int) throws {
        let pair = try KeyPair()
        var random = SeededRandom(seed: UInt64(count))
        let original = try batch(
            (0..<count).map { index in
                PlainRecord(
                    key: index % 3 == 0 ? nil : random.bytes(Int(random.next() % 40)),
                    value: index % 7 == 6 ? nil : random.bytes(Int(random.next() % 300)),
                    timestamp: baseTime + Int64(random.next() % 100_000) - 50_000)
            })
        #expect(try open(try seal(original, pair), pair) == original.array)
    }

    @Test func `headers keep their order, duplicates and null values`() throws {
        let pair = try KeyPair()
        let headers: [PlainRecord.Header] = [
            .init("trace", [1]), .init("trace", nil), .init("", []), .init("wa", [2]),
            .init("waxy", [3]), .init("WAX", [4]), .init("wab", [5]), .init("trace", [1]),
        ]
        let many = (0..<63).map { PlainRecord.Header("h\($0)", [UInt8($0)]) }
        let original = try batch([
            PlainRecord(key: nil, value: [1], headers: headers),
            PlainRecord(key: [1], value: [], headers: many),
            PlainRecord(key: [1], value: nil, headers: headers),
        ])
        let sealed = try seal(original, pair)
        let stored = try #require(try read(sealed).first)
        #expect(stored.records[0].headers.map(\.key) == ["wax"] + headers.map(\.key))
        #expect(stored.records[1].headers.count == 64)
        #expect(stored.records[2].headers == headers)
        #expect(try open(sealed, pair) == original.array)
    }

    @Test(arguments: CompressionCodec.allCases)
    func `every codec gives the same records and header fields`(_ codec: CompressionCodec) throws {
        let pair = try KeyPair()
        let marker = [UInt8]("compressible plaintext ".utf8)
        let records = (0..<200).map { index in
            PlainRecord(
                key: [UInt8](String(index).utf8), value: index == 7 ? nil : marker + [UInt8(index)],
                headers: [.init("a", [1])], timestamp: baseTime + Int64(index))
        }
        let original = try batch(records, codec: codec) { output in
            output.set(int64: 4_711, at: RecordBatchHeader.At.producerID)
            output.set(int16: 3, at: RecordBatchHeader.At.producerEpoch)
            output.set(int32: 100, at: RecordBatchHeader.At.baseSequence)
        }
        let sealed = try seal(original, pair)
        #expect(!sealed.contains(run: marker))
        let opened = try #require(try open(sealed, pair))
        let before = try #require(try read(original.array).first)
        let after = try #require(try read(opened).first)
        #expect(after.checksumHolds)
        #expect(after.records == before.records)
        var expected = before.header
        expected.attributes.codec = 0
        expected.batchLength = after.header.batchLength
        expected.crc = after.header.crc
        #expect(after.header == expected)
        if codec == .none { #expect(opened == original.array) }
    }

    @Test func `attributes other than the codec are kept while sealing`() throws {
        let pair = try KeyPair()
        for attributes in [0x08, 0x10, 0x18, 0x40, 0x58] as [UInt16] {
            let original = try batch(
                [PlainRecord(key: nil, value: [1])], codec: .lz4, attributes: attributes)
            let bytes = try seal(original, pair)
            let sealed = try #require(try read(bytes).first)
            #expect(sealed.header.attributes.rawValue == attributes)
        }
    }

    @Test(arguments: CompressionCodec.allCases)
    func `a batch without values is sent as it came`(_ codec: CompressionCodec) throws {
        let pair = try KeyPair()
        let original = try batch(
            (0..<5).map { PlainRecord(key: [$0], value: nil) }, codec: codec)
        let output = filled([5])
        let sealed = try sealer.seal(
            batch: original.bytes, topic: "orders", key: pair.sealing, batchBytesMax: 70,
            into: output)
        #expect(sealed.sealedCount == 0)
        #expect(sealed.count == 1)
        #expect(output.bytes(in: sealed[0].range).array == original.array)
        #expect(pair.sealing.recordsSealed == 0)
    }

    @Test func `a nonce is never used twice`() throws {
        let pair = try KeyPair()
        let original = try batch((0..<300).map { PlainRecord(key: nil, value: [UInt8($0 & 1)]) })
        var nonces: Set<[UInt8]> = []
        for _ in 0..<3 {
            let bytes = try seal(original, pair)
            let sealed = try #require(try read(bytes).first)
            for record in sealed.records {
                let value = try #require(record.value)
                nonces.insert(Array(value.prefix(12)))
            }
        }
        #expect(nonces.count == 900)
        #expect(pair.sealing.recordsSealed == 900)
        #expect(pair.sealing.bytesSealed == 900)
    }

    @Test func `offset deltas that a producer got wrong are numbered anew`() throws {
        let pair = try KeyPair()
        let original = try batch(
            [
                PlainRecord(key: [1], value: [1], offsetDelta: 0),
                PlainRecord(key: [2], value: [2], offsetDelta: 0),
                PlainRecord(key: [3], value: nil, offsetDelta: 300),
                PlainRecord(key: [4], value: [4], offsetDelta: 3),
            ], lastOffsetDelta: 3)
        let sealed = try seal(original, pair)
        let bytes = try #require(try open(sealed, pair))
        let opened = try #require(try read(bytes).first)
        #expect(opened.records.map(\.offsetDelta) == [0, 1, 2, 3])
        #expect(opened.records.map(\.key) == [[1], [2], [3], [4]])
        #expect(opened.records.map(\.value) == [[1], [2], nil, [4]])
    }

    @Test func `what sealing adds stays within the bound that batches are cut by`() throws {
        for (reference, wrapped) in [("a/b", 1), ("corp/kek-orders", 40), ("x/y", 64), ("z/z", 65)]
        {
            let pair = try KeyPair(
                reference: reference, wrapped: [UInt8](repeating: 1, count: wrapped))
            for size in [0, 1, 35, 36, 63, 64, 8000, 8191] {
                let original = try batch([
                    PlainRecord(
                        key: nil, value: [UInt8](repeating: 0, count: size),
                        headers: (0..<63).map { .init("h\($0)", nil) })
                ])
                let added = try seal(original, pair).count - original.count
                #expect(added > 28 && added <= pair.sealing.addedBytesMax)
                #expect(pair.sealing.addedBytesMax - added < 64 + 16)
            }
        }
    }

    @Test(arguments: [("corp/kek-orders", 40, 100...103), ("vault/kek-orders", 62, 123...126)])
    func `sizes are those of the format's table`(
        _ reference: String, _ wrappedBytes: Int, _ expected: ClosedRange<Int>
    ) throws {
        let pair = try KeyPair(
            reference: reference, wrapped: [UInt8](repeating: 1, count: wrappedBytes))
        for size in [0, 20, 40, 60, 100, 1_000, 8_190] {
            let value = [UInt8](repeating: 1, count: size)
            let original = try batch([PlainRecord(key: nil, value: value)])
            #expect(expected.contains(try seal(original, pair).count - original.count))
        }
    }

    @Test func `sealing with a ten letter Vault key adds at most 130 bytes per record`() throws {
        let pair = try KeyPair(
            reference: "vault/kek-orders", wrapped: [UInt8](repeating: 1, count: 62))
        let original = try batch(
            (0..<100).map { PlainRecord(key: [$0], value: [UInt8](repeating: 1, count: 100)) })
        let added = try seal(original, pair).count - original.count
        #expect(added <= 130 * 100)
    }
}
