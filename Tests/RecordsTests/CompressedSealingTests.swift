// CompressedSealingTests: values are compressed before they are sealed, and never grow by it.

import Bytes
import Compression
import Envelope
import KafkaWire
import TestSupport
import Testing

@testable import Records

@Suite struct CompressedSealingTests {
    let records = SealAndOpen()
    static let codecs: [EnvelopeCompression] = [.zstd, .lz4]

    private func text(_ count: Int) -> [UInt8] {
        let words = [UInt8](#"{"name":"Ada Lovelace","city":"London","name":"Ada"}"#.utf8)
        return (0..<count).map { words[$0 % words.count] }
    }

    /// Values that shrink and values that do not, null and empty ones among them.
    private func sample(_ seed: UInt64) -> [PlainRecord] {
        var random = SeededRandom(seed: seed)
        return (0..<60).map { index in
            let count = Int(random.next() % 600)
            let value: [UInt8]? =
                switch index % 5 {
                case 0: random.bytes(count)
                case 1: index == 31 ? nil : []
                default: text(count)
                }
            return PlainRecord(key: [UInt8(index)], value: value)
        }
    }

    @Test(arguments: codecs)
    func `values come back, and each record says whether it was compressed`(
        _ compression: EnvelopeCompression
    ) throws {
        let pair = try KeyPair()
        for lean in [false, true] {
            let plain = sample(3)
            let plan = try plan(lean: lean, compression: compression)
            let sealed = try records.seal(try batch(plain), plan, .one(pair.sealing))
            #expect(contents(try records.open(sealed.bytes, pair.keys)) == contents(plain))
            let stored = try #require(try read(sealed.bytes).first)
            var isFirst = true
            for (record, original) in zip(stored.records, plain) {
                guard let value = original.value else {
                    #expect(record.wax == nil)
                    continue
                }
                let compressed = try #require(record.waxFlags) & 0x60
                let storedBytes = try #require(record.value).count - 28
                if compressed == 0 {
                    #expect(storedBytes == value.count)
                } else {
                    #expect(compressed == compression.rawValue)
                    #expect(storedBytes < value.count)
                }
                #expect((record.waxFlags ?? 0) & 0x10 == (lean && !isFirst ? 0 : 0x10))
                isFirst = false
            }
            let kinds = Set(stored.records.compactMap(\.waxFlags).map { $0 & 0x60 })
            #expect(kinds == [0, compression.rawValue])
        }
    }

    @Test(arguments: codecs)
    func `no record is larger than without compression, and batches are cut alike`(
        _ compression: EnvelopeCompression
    ) throws {
        let pair = try KeyPair()
        for seed in 1...10 as ClosedRange<UInt64> {
            let original = try batch(sample(seed))
            let without = try records.seal(original, try plan(bytesMax: 6_000), .one(pair.sealing))
            let with = try records.seal(
                original, try plan(compression: compression, bytesMax: 6_000), .one(pair.sealing))
            #expect(with.parts.count > 1)
            #expect(with.bytes.count < without.bytes.count)
            #expect(with.parts.map(\.firstRecordIndex) == without.parts.map(\.firstRecordIndex))
            let sizes = zip(try read(with.bytes), try read(without.bytes)).flatMap { pair in
                zip(pair.0.records, pair.1.records).map { ($0.value?.count, $1.value?.count) }
            }
            #expect(sizes.allSatisfy { ($0 ?? -1) <= ($1 ?? -1) })
        }
    }

    @Test(arguments: codecs)
    func `a record that fits only when it is compressed is not refused`(
        _ compression: EnvelopeCompression
    ) throws {
        let pair = try KeyPair()
        let plain = [PlainRecord(key: nil, value: text(50_000))]
        let original = try batch(plain)
        let small = try plan(bytesMax: 10_000)
        #expect(records.refusal(original, small, .one(pair.sealing))?.code == .tooLarge)
        let compressing = try plan(compression: compression, bytesMax: 10_000)
        let sealed = try records.seal(original, compressing, .one(pair.sealing))
        #expect(contents(try records.open(sealed.bytes, pair.keys)) == contents(plain))
    }

    @Test(arguments: codecs)
    func `the plaintext is what the format says, by other code`(
        _ compression: EnvelopeCompression
    ) throws {
        let pair = try KeyPair()
        let value = text(2_000)
        let sealed = try records.seal(
            try batch([PlainRecord(key: nil, value: value)]),
            try plan(compression: compression), .one(pair.sealing))
        let stored = try #require(try read(sealed.bytes).first?.records.first?.value)
        // Opened as a value whose plaintext is not decompressed.
        let key = try #require(pair.keys.keys[pair.wrapped])
        try key.bind(topic: "orders")
        let inner = ByteBuffer()
        let input = filled(stored)
        try key.open(input.bytes, compression: compression, into: inner)
        let output = ByteBuffer()
        if compression == .zstd {
            #expect(Array(inner.array.prefix(4)) == [0x28, 0xb5, 0x2f, 0xfd])
            // Frame header descriptor: a content size is declared, no dictionary.
            #expect(inner.array[4] & 0xc0 != 0 && inner.array[4] & 0x03 == 0)
            try Codecs().decompress(.zstd, inner.bytes, into: output, outputBytesMax: 2_000)
        } else {
            #expect(Array(inner.array.prefix(2)) == [0xd0, 0x0f])
            try LZ4Block.decompress(inner.bytes, into: output, outputBytesMax: 2_000)
        }
        #expect(output.array == value)
    }

    @Test(arguments: codecs)
    func `a record relabelled as compressed otherwise does not open`(
        _ compression: EnvelopeCompression
    ) throws {
        let pair = try KeyPair()
        let sealed = try records.seal(
            try batch([PlainRecord(key: nil, value: text(500))]),
            try plan(compression: compression), .one(pair.sealing))
        var record = try #require(try read(sealed.bytes).first?.records.first)
        var header = try #require(record.wax)
        let flagsSealed = header[1] & 0xf0
        for flags in [0x10, 0x30, 0x50, 0x90] as [UInt8] where flags != flagsSealed {
            header[1] = flags | 1
            record.headers = [.init("wax", header)]
            let input = try batch([record])
            #expect(throws: RecordError.self) {
                try records.opener.open(
                    records: input.bytes, topic: "orders", keys: pair.keys, into: ByteBuffer())
            }
        }
    }

    @Test func `no plaintext is left in the output`() throws {
        let pair = try KeyPair()
        let marker = [UInt8]("4111111111111111".utf8)
        let plain = (0..<50).map { index in
            PlainRecord(key: nil, value: text(index * 7) + marker + text(index * 3))
        }
        for compression in EnvelopeCompression.allCases {
            for lean in [false, true] {
                let plan = try plan(lean: lean, compression: compression, bytesMax: 5_000)
                let sealed = try records.seal(try batch(plain), plan, .one(pair.sealing))
                #expect(!sealed.bytes.contains(run: marker))
                #expect(!sealed.bytes.contains(run: [UInt8]("Lovelace".utf8)))
            }
        }
    }
}
