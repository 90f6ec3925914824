// TamperTests: what was changed, moved or forged does not open.

import Bytes
import Compression
import Envelope
import KafkaWire
import TestSupport
import Testing

@testable import Records

@Suite struct TamperTests {
    let sealer = BatchSealer()
    let opener = BatchOpener()
    typealias At = RecordBatchHeader.At

    private func sealed(_ records: [PlainRecord], _ pair: KeyPair) throws -> [UInt8] {
        let output = ByteBuffer()
        let plain = try batch(records)
        _ = try sealer.seal(
            batch: plain.bytes, topic: "orders", key: pair.sealing,
            batchBytesMax: 64 << 20, into: output)
        return output.array
    }

    private func open(
        _ records: [UInt8], _ keys: KeysAtHand, topic: String = "orders"
    ) throws(RecordError) -> OpenResult {
        let input = filled(records)
        return try opener.open(
            records: input.bytes, topic: topic, keys: keys, into: ByteBuffer())
    }

    private func failure(
        _ records: [UInt8], _ keys: KeysAtHand, topic: String = "orders"
    ) -> RecordError? {
        do throws(RecordError) {
            _ = try open(records, keys, topic: topic)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a value moved to another topic does not open`() throws {
        let pair = try KeyPair()
        let stored = filled(try sealed([PlainRecord(key: nil, value: [1])], pair))
        stored.set(int64: 500, at: At.baseOffset)
        for topic in ["order", "orders2", "Orders", "ordert", "orders.dlq"] {
            let error = try #require(failure(stored.array, pair.keys, topic: topic))
            #expect(error.code == .openFailed)
            #expect(error.offset == 500)
            #expect(error.recordIndex == 0)
            #expect(error.kafkaCode == 2)
        }
        #expect(failure(stored.array, pair.keys) == nil)
    }

    @Test func `a header or value changed in any bit does not open`() throws {
        let pair = try KeyPair()
        let stored = try #require(
            try read(try sealed([PlainRecord(key: nil, value: [1, 2, 3])], pair)).first)
        let record = stored.records[0]
        let header = try #require(record.headers[0].value)
        let value = try #require(record.value)
        // A wrapped key changed in storage unwraps to nothing, or to another key.
        let keys = AnyWrappedKey(try #require(pair.keys.keys[pair.wrapped]))
        for at in 0..<header.count - pair.wrapped.count {
            for bit in 0..<8 {
                var changed = record
                changed.headers[0].value?[at] ^= 1 << bit
                let input = try batch([changed])
                #expect(throws: RecordError.self) {
                    try opener.open(
                        records: input.bytes, topic: "orders", keys: keys,
                        into: ByteBuffer())
                }
            }
        }
        for at in value.indices {
            for bit in 0..<8 {
                var changed = record
                changed.value?[at] ^= 1 << bit
                #expect(failure(try batch([changed]).array, pair.keys)?.code == .openFailed)
            }
        }
        for count in 0..<value.count {
            var changed = record
            changed.value = Array(value.prefix(count))
            #expect(failure(try batch([changed]).array, pair.keys)?.code == .openFailed)
        }
    }

    /// Gives the same key whatever wrapped bytes it is asked for, as a careless cache would.
    private final class AnyWrappedKey: OpeningKeys {
        let key: OpeningKey
        init(_ key: OpeningKey) { self.key = key }
        func openingKey(reference: RawSpan, wrapped: RawSpan, id: UInt64) -> OpeningKey? { key }
    }

    @Test func `forms that this version does not know are refused, never passed on`() throws {
        let pair = try KeyPair()
        let stored = try #require(
            try read(try sealed([PlainRecord(key: nil, value: [1])], pair)).first)
        let record = stored.records[0]
        let header = try #require(record.headers[0].value)
        var forms: [PlainRecord] = []
        func form(_ change: (inout PlainRecord) -> Void) {
            var copy = record
            change(&copy)
            forms.append(copy)
        }
        form { $0.headers[0].value = nil }
        form { $0.headers[0].value = [] }
        form { $0.headers[0].value = [2] + header.dropFirst() }
        form { $0.headers[0].value = [1, 0x12] + header.dropFirst(2) }
        for flags in [0x71, 0xb1, 0xd1, 0xf1] as [UInt8] {
            form { $0.headers[0].value = [1, flags] + header.dropFirst(2) }
        }
        form { $0.headers[0].value = Array(header.prefix(11)) }
        form { $0.headers.append($0.headers[0]) }
        form { $0.headers.append(.init("wax", nil)) }
        form { $0.value = nil }
        for form in forms {
            let first = PlainRecord(key: nil, value: [1])
            var second = form
            second.offsetDelta = 1
            let error = try #require(failure(try batch([first, second]).array, pair.keys))
            #expect(error.code == .unsupportedFormat)
            #expect(error.recordIndex == 1)
            #expect(error.offset == 1)
        }
    }

    @Test func `a wrong checksum of a sealed batch is found before anything is opened`() throws {
        let pair = try KeyPair()
        let good = try sealed([PlainRecord(key: [1], value: [2])], pair)
        for at in [At.crc, At.baseTimestamp, At.producerID, good.count - 1] {
            var bytes = good
            bytes[at] ^= 1
            let error = try #require(failure(bytes, pair.keys))
            #expect(error.code == .corruptBatch)
            #expect(error.offset == 0)
        }
        var unchecked = good
        unchecked[At.partitionLeaderEpoch] ^= 1
        #expect(failure(unchecked, pair.keys) == nil)
    }

    @Test func `lengths and counts that lie are refused`() throws {
        let pair = try KeyPair()
        let good = try sealed(
            [PlainRecord(key: [1], value: [2]), PlainRecord(key: [1], value: [2])], pair)
        for count in [1, 3, 1 << 30] as [Int32] {
            let lying = filled(good)
            lying.set(int32: count, at: At.recordCount)
            RecordBatchWriter.seal(lying, from: 0)
            #expect(failure(lying.array, pair.keys)?.code == .corruptBatch)
        }
        for length in [-1, 0, 13, 20, 48] as [Int32] {
            let lying = filled(good)
            lying.set(int32: length, at: At.batchLength)
            #expect(failure(lying.array, pair.keys)?.code == .corruptBatch)
        }
        for length in [Int32(good.count), .max] {
            let lying = filled(good)
            lying.set(int32: length, at: At.batchLength)
            #expect(try open(lying.array, pair.keys) == .unchanged)
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `seeded garbage never crashes and never opens to something else`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pair = try KeyPair()
        let plain = (0..<3).map { PlainRecord(key: [UInt8($0)], value: random.bytes(40)) }
        let values = Set(plain.map(\.value))
        let good = try sealed(plain, pair)
        for _ in 0..<500 {
            let buffer = filled(good + good)
            for _ in 0...random.next() % 3 {
                let at = Int(random.next() % UInt64(buffer.count))
                buffer.set(byte: UInt8(truncatingIfNeeded: random.next()), at: at)
            }
            if random.next() % 4 != 0 {
                let sum = RecordBatchHeader.checksum(of: buffer.bytes(in: 0..<good.count))
                buffer.set(uint32: sum, at: At.crc)
            }
            let output = ByteBuffer()
            let result = try? opener.open(
                records: buffer.bytes, topic: "orders", keys: pair.keys, into: output)
            guard case .opened(let range)? = result else { continue }
            for record in try recordsOpened(output.bytes(in: range).array) {
                guard record.headers.isEmpty, record.value?.count == 40 else { continue }
                #expect(values.contains(record.value))
            }
        }
    }

    /// The records of those batches that were looked into: others are passed on as they are.
    private func recordsOpened(_ bytes: [UInt8]) throws -> [PlainRecord] {
        let buffer = filled(bytes)
        var records: [PlainRecord] = []
        var at = 0
        while let frame = try RecordBatchFrame.next(in: buffer.bytes, at: at) {
            at = frame.end
            guard frame.magic == 2 else { continue }
            let header = try RecordBatchHeader(buffer.bytes(in: frame.range))
            guard !header.attributes.isControl, header.recordCount > 0 else { continue }
            #expect(header.attributes.codec == 0)
            records += try read(buffer.bytes(in: frame.range).array).flatMap(\.records)
        }
        return records
    }
}
