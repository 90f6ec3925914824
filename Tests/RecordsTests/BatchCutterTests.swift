// BatchCutterTests: a batch that outgrows the broker's limit becomes several, always the same.

import Bytes
import Compression
import Envelope
import KafkaWire
import TestSupport
import Testing

@testable import Records

@Suite struct BatchCutterTests {
    let sealer = BatchSealer()
    let opener = BatchOpener()
    typealias At = RecordBatchHeader.At

    private func seal(
        _ batch: ByteBuffer, _ pair: KeyPair, bytesMax: Int
    ) throws -> (parts: SealedBatch, bytes: [UInt8]) {
        let output = ByteBuffer()
        let parts = try sealer.seal(
            batch: batch.bytes, topic: "orders", key: pair.sealing, batchBytesMax: bytesMax,
            into: output)
        return (parts, output.array)
    }

    private func records(_ count: Int, seed: UInt64 = 1) -> [PlainRecord] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { index in
            PlainRecord(
                key: index % 5 == 0 ? nil : random.bytes(8),
                value: index % 11 == 0 ? nil : random.bytes(Int(random.next() % 400)),
                headers: index % 3 == 0 ? [.init("h", [1])] : [],
                timestamp: baseTime + Int64(random.next() % 9_999))
        }
    }

    private func idempotent(
        _ records: [PlainRecord], sequence: Int32, attributes: UInt16 = 0x10
    ) throws -> ByteBuffer {
        try batch(records, attributes: attributes) { output in
            output.set(int64: 42, at: At.producerID)
            output.set(int16: 7, at: At.producerEpoch)
            output.set(int32: sequence, at: At.baseSequence)
        }
    }

    @Test func `parts are whole batches in a row that hold all records`() throws {
        let pair = try KeyPair()
        let plain = records(300)
        let original = try idempotent(plain, sequence: 1000)
        let (parts, bytes) = try seal(original, pair, bytesMax: 10_000)
        #expect(parts.count > 5)
        #expect(parts.range == 0..<bytes.count)
        let stored = try read(bytes)
        #expect(stored.count == parts.count)
        var next = 0
        for (part, batch) in zip(parts, stored) {
            #expect(part.firstRecordIndex == next)
            #expect(part.range.count <= 10_000)
            #expect(batch.checksumHolds)
            #expect(batch.header.baseOffset == 0)
            #expect(batch.header.recordCount == Int32(part.recordCount))
            #expect(batch.header.lastOffsetDelta == Int32(part.recordCount) - 1)
            #expect(batch.records.map(\.offsetDelta) == (0..<Int32(part.recordCount)).map { $0 })
            #expect(batch.header.baseSequence == 1000 + Int32(next))
            #expect(batch.header.producerID == 42 && batch.header.producerEpoch == 7)
            #expect(batch.header.attributes.rawValue == 0x10)
            #expect(batch.header.maxTimestamp == batch.records.map(\.timestamp).max())
            next += part.recordCount
        }
        #expect(next == plain.count)
        try checkOpens(bytes, to: plain, pair)
    }

    private func checkOpens(_ bytes: [UInt8], to plain: [PlainRecord], _ pair: KeyPair) throws {
        let output = ByteBuffer()
        let input = filled(bytes)
        let result = try opener.open(
            records: input.bytes, topic: "orders", keys: pair.keys, into: output)
        guard case .opened(let range) = result else {
            Issue.record("nothing was opened")
            return
        }
        let opened = try read(output.bytes(in: range).array).flatMap(\.records)
        #expect(opened.map(\.value) == plain.map(\.value))
        #expect(opened.map(\.key) == plain.map(\.key))
        #expect(opened.map(\.headers) == plain.map(\.headers))
        #expect(opened.map(\.timestamp) == plain.map(\.timestamp))
    }

    @Test func `a retry under another key is cut at the same places`() throws {
        for seed in 1...10 as ClosedRange<UInt64> {
            let original = try idempotent(records(200, seed: seed), sequence: 0)
            let first = try KeyPair(id: 1, fill: 1, wrapped: [UInt8](repeating: 1, count: 61))
            let second = try KeyPair(
                id: .max, fill: 2, wrapped: [UInt8](repeating: 2, count: 63), salt: 1)
            let one = try seal(original, first, bytesMax: 9_000)
            let other = try seal(original, second, bytesMax: 9_000)
            #expect(one.bytes != other.bytes)
            #expect(one.parts.count > 1)
            #expect(one.parts.map(\.firstRecordIndex) == other.parts.map(\.firstRecordIndex))
            #expect(one.parts.map(\.recordCount) == other.parts.map(\.recordCount))
        }
    }

    @Test func `sequences wrap to zero after the largest`() throws {
        let pair = try KeyPair()
        let original = try idempotent(records(100), sequence: .max - 10)
        let (parts, bytes) = try seal(original, pair, bytesMax: 4_000)
        for (part, batch) in zip(parts, try read(bytes)) {
            let sequence = Int64(Int32.max - 10) + Int64(part.firstRecordIndex)
            let wrapped = sequence > Int64(Int32.max) ? sequence - Int64(Int32.max) - 1 : sequence
            #expect(Int64(batch.header.baseSequence) == wrapped)
        }
        #expect(parts.contains { $0.firstRecordIndex > 11 })
    }

    @Test func `without a producer id there is no sequence to advance`() throws {
        let pair = try KeyPair()
        let (parts, bytes) = try seal(try batch(records(100)), pair, bytesMax: 4_000)
        #expect(parts.count > 1)
        #expect(try read(bytes).allSatisfy { $0.header.baseSequence == -1 })
    }

    @Test func `one record that is over the limit alone is refused with its index`() throws {
        let pair = try KeyPair()
        var plain = records(20)
        plain[13].value = [UInt8](repeating: 1, count: 5_000)
        let original = try batch(plain)
        let output = filled([1])
        do throws(RecordError) {
            _ = try sealer.seal(
                batch: original.bytes, topic: "orders", key: pair.sealing, batchBytesMax: 5_000,
                into: output)
            Issue.record("the record was not refused")
        } catch {
            #expect(error.code == .tooLarge)
            #expect(error.recordIndex == 13)
            #expect(error.kafkaCode == 10)
            #expect(output.array == [1])
        }
        let parts = try seal(original, pair, bytesMax: 5_300).parts
        #expect(parts.contains { $0.firstRecordIndex == 13 && $0.recordCount == 1 })
    }

    @Test func `a batch that just fits stays whole, one byte less cuts it`() throws {
        let pair = try KeyPair()
        let plain = (0..<10).map { PlainRecord(key: [$0], value: [UInt8](repeating: 1, count: 50)) }
        let original = try batch(plain)
        let fits = original.count + 10 * pair.sealing.addedBytesMax
        #expect(try seal(original, pair, bytesMax: fits).parts.count == 1)
        let (parts, _) = try seal(original, pair, bytesMax: fits - 1)
        #expect(parts.map(\.recordCount) == [9, 1])
    }

    @Test func `a compressed batch that grows manyfold is cut`() throws {
        let pair = try KeyPair()
        let plain = (0..<2_000).map { index in
            PlainRecord(key: nil, value: [UInt8](repeating: UInt8(index % 7), count: 1_000))
        }
        let original = try batch(plain, codec: .zstd)
        #expect(original.count < 100_000)
        let (parts, bytes) = try seal(original, pair, bytesMax: 1_048_588)
        #expect(parts.count == 3)
        #expect(parts.allSatisfy { $0.range.count <= 1_048_588 })
        try checkOpens(bytes, to: plain, pair)
    }
}
