// BatchSealerTests: what a producer may not send, and how large batches are cut.

import Bytes
import Compression
import Envelope
import KafkaWire
import TestSupport
import Testing

@testable import Records

@Suite struct BatchSealerTests {
    let sealer = BatchSealer()
    typealias At = RecordBatchHeader.At

    private func seal(
        _ batch: ByteBuffer, _ pair: KeyPair, bytesMax: Int = 1 << 20
    ) throws -> (parts: SealedBatch, bytes: [UInt8]) {
        let output = ByteBuffer()
        let parts = try sealer.seal(
            batch: batch.bytes, topic: "orders", key: pair.sealing, batchBytesMax: bytesMax,
            into: output)
        return (parts, output.array)
    }

    /// The error of sealing `batch`, after checking that the output was left alone.
    private func refusal(_ batch: ByteBuffer, bytesMax: Int = 1 << 20) throws -> RecordError? {
        let pair = try KeyPair()
        let output = filled([1])
        do throws(RecordError) {
            _ = try sealer.seal(
                batch: batch.bytes, topic: "orders", key: pair.sealing, batchBytesMax: bytesMax,
                into: output)
            return nil
        } catch {
            #expect(output.array == [1])
            return error
        }
    }

    private func changed(
        _ records: [PlainRecord] = [PlainRecord(key: [1], value: [2])],
        _ change: (ByteBuffer) -> Void
    ) throws -> ByteBuffer {
        let output = try batch(records)
        change(output)
        RecordBatchWriter.seal(output, from: 0)
        return output
    }

    // MARK: refusals

    @Test(arguments: [CompressionCodec.none, .zstd])
    func `the reserved header is refused with the record's index`(
        _ codec: CompressionCodec
    ) throws {
        let forged = try batch(
            [
                PlainRecord(key: nil, value: [1]),
                PlainRecord(key: nil, value: nil, headers: [.init("a", nil), .init("wax", nil)]),
            ], codec: codec)
        let error = try #require(try refusal(forged))
        #expect(error.code == .invalidRecord)
        #expect(error.recordIndex == 1)
        #expect(error.kafkaCode == 87)
        #expect(throws: error) { try sealer.refuseReserved(batch: forged.bytes) }
        let plain = try batch([PlainRecord(key: nil, value: [1])], codec: codec)
        try sealer.refuseReserved(batch: plain.bytes)
    }

    @Test func `what the broker would refuse is refused the same way`() throws {
        let good = try batch([PlainRecord(key: [1], value: [2])])
        let cases: [(ByteBuffer, Int16)] = [
            (try changed { $0.set(int64: 1, at: At.baseOffset) }, 87),
            (try changed { $0.set(int16: 0x20, at: At.attributes) }, 87),
            (try changed { $0.set(int32: 1, at: At.lastOffsetDelta) }, 87),
            (try changed { $0.set(int32: 0, at: At.recordCount) }, 87),
            (filled(good.array + good.array), 87),
            (try batch([]), 87),
            (try changed { $0.set(int16: 5, at: At.attributes) }, 76),
            (try changed { $0.set(int16: 7, at: At.attributes) }, 76),
            (try changed { $0.set(byte: 3, at: At.magic) }, 2),
            (filled([]), 2),
        ]
        for (batch, code) in cases { #expect(try refusal(batch)?.kafkaCode == code) }
        for magic in [0, 1] as [UInt8] {
            #expect(try refusal(try changed { $0.set(byte: magic, at: At.magic) })?.kafkaCode == 87)
        }
        let inspected = try sealer.inspect(batch: good.bytes)
        #expect(inspected == BatchInspection(records: 1, bytes: good.count))
    }

    @Test func `a wrong checksum is refused wherever it is wrong`() throws {
        let good = try batch([PlainRecord(key: [1], value: [2, 3, 4])])
        for at in At.crc..<good.count {
            var bytes = good.array
            bytes[at] ^= 0x40
            let error = try #require(try refusal(filled(bytes)))
            #expect([.corruptBatch, .invalidRecord, .unsupportedCompression].contains(error.code))
        }
    }

    @Test func `a batch cut at any byte is refused`() throws {
        let good = try batch([PlainRecord(key: [1], value: [2, 3, 4])])
        for count in 0..<good.count {
            #expect(try refusal(filled(Array(good.array.prefix(count))))?.code == .corruptBatch)
        }
    }

    @Test func `counts that the records do not bear out are refused`() throws {
        for (count, last) in [(1, 0), (3, 2), (1 << 30, (1 << 30) - 1)] as [(Int32, Int32)] {
            let records = [PlainRecord(key: [1], value: [2]), PlainRecord(key: [3], value: [4])]
            let lying = try changed(records) {
                $0.set(int32: count, at: At.recordCount)
                $0.set(int32: last, at: At.lastOffsetDelta)
            }
            #expect(try refusal(lying)?.code == .corruptBatch)
        }
    }

    @Test func `a record changed in any byte never crashes and never seals to garbage`() throws {
        let records = [
            PlainRecord(
                key: [1, 2], value: [3, 4, 5], headers: [.init("h", [6]), .init("i", nil)]),
            PlainRecord(key: nil, value: [7]),
        ]
        let good = try batch(records)
        for at in RecordBatchHeader.byteCount..<good.count {
            for bits in 1...255 as ClosedRange<UInt8> {
                let lying = try changed(records) { output in
                    output.set(byte: output.array[at] ^ bits, at: at)
                }
                let pair = try KeyPair()
                guard let sealed = try? seal(lying, pair) else { continue }
                let stored = try read(sealed.bytes)
                #expect(stored.count == 1 && stored[0].checksumHolds)
                #expect(stored[0].records.count == 2)
            }
        }
    }

    @Test func `a decompression bomb is refused`() throws {
        let bomb = ByteBuffer()
        let body = ByteBuffer()
        body.append([UInt8](repeating: 0, count: 129 << 20))
        let writer = RecordBatchWriter(bomb, attributes: 4)
        try Codecs().compress(.zstd, body.bytes, into: bomb)
        writer.finish(bomb, lastOffsetDelta: 0)
        bomb.set(int32: 1, at: At.recordCount)
        RecordBatchWriter.seal(bomb, from: 0)
        #expect(bomb.count < 1 << 20)
        #expect(try refusal(bomb)?.code == .limitExceeded)
    }

    @Test func `a small batch of very many records may not grow beyond all proportion`() throws {
        let count: Int32 = 4 << 20
        let bomb = ByteBuffer()
        _ = RecordBatchWriter(bomb, attributes: 4)
        let body = ByteBuffer(capacity: 7 * Int(count))
        for _ in 0..<count { body.append([12, 0, 0, 0, 1, 0, 0]) }
        try Codecs().compress(.zstd, body.bytes, into: bomb)
        bomb.set(int32: count, at: At.recordCount)
        bomb.set(int32: count - 1, at: At.lastOffsetDelta)
        RecordBatchWriter.seal(bomb, from: 0)
        #expect(try refusal(bomb)?.code == .limitExceeded)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `seeded garbage never crashes`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pair = try KeyPair()
        for _ in 0..<300 {
            let records = (0..<Int32(random.next() % 4)).map { _ in
                PlainRecord(key: random.bytes(3), value: random.bytes(Int(random.next() % 90)))
            }
            let codec = CompressionCodec(rawValue: UInt8(random.next() % 5)) ?? .none
            let output = try batch(records, codec: codec)
            for _ in 0..<random.next() % 4 {
                let at = Int(random.next() % UInt64(output.count))
                output.set(byte: UInt8(truncatingIfNeeded: random.next()), at: at)
            }
            if random.next() % 2 == 0, output.count > 61 {
                let sum = RecordBatchHeader.checksum(of: output.bytes)
                output.set(uint32: sum, at: At.crc)
            }
            guard let sealed = try? seal(output, pair) else { continue }
            #expect(try read(sealed.bytes).allSatisfy(\.checksumHolds))
        }
    }
}
