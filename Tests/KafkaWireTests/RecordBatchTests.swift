// RecordBatchTests: batches and records are found, read and written as the protocol says.

import Bytes
import TestSupport
import Testing

@testable import KafkaWire

@Suite struct RecordBatchTests {
    private static let never = RecordHeaderKey("wax")

    /// Two records, made by another implementation: key "k", value "v", header h="1" at a
    /// millisecond of 2023; then null key and null value 5 ms later.
    private static let golden: [UInt8] = bytes(
        "0000000000000000000000450000000002c6ba3d880000000000010000018bcfe568000000018bcfe56805"
            + "ffffffffffffffffffffffffffff00000002"
            + "18000000026b02760202680231" + "0c000a0201010000".prefix(14))

    private static func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).compactMap { at in
            let start = hex.index(hex.startIndex, offsetBy: at)
            return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16)
        }
    }

    private func buffer(_ bytes: [UInt8]) -> ByteBuffer {
        let buffer = ByteBuffer()
        buffer.append(bytes)
        return buffer
    }

    private func layout(_ record: [UInt8]) throws(WireError) -> RecordLayout {
        var layout = RecordLayout()
        let record = buffer(record)
        try layout.read(record.bytes, at: 0, mark: Self.never)
        return layout
    }

    @Test func `the golden batch is read field by field`() throws {
        #expect(Self.golden.count == 81)
        let batch = buffer(Self.golden)
        let frame = try #require(try RecordBatchFrame.next(in: batch.bytes, at: 0))
        #expect(frame == RecordBatchFrame(start: 0, end: 81, magic: 2))
        let header = try RecordBatchHeader(batch.bytes)
        #expect(header.crc == 0xc6ba_3d88)
        #expect(RecordBatchHeader.checksum(of: batch.bytes) == header.crc)
        #expect(header.lastOffsetDelta == 1 && header.recordCount == 2)
        #expect(header.baseTimestamp == 1_700_000_000_000)
        #expect(header.maxTimestamp == 1_700_000_000_005)
        #expect(header.producerID == -1 && header.producerEpoch == -1)
        #expect(header.baseSequence == -1)
        var layout = RecordLayout()
        try layout.read(batch.bytes, at: 61, mark: RecordHeaderKey("h"))
        #expect(layout.valueBytes == 1 && batch.array[layout.valueStart] == 0x76)
        #expect(layout.headerCount == 1 && layout.markCount == 1)
        #expect(batch.array[layout.markValueStart] == 0x31 && layout.markValueBytes == 1)
        #expect(layout.end == 74)
        try layout.read(batch.bytes, at: layout.end, mark: RecordHeaderKey("h"))
        #expect(layout.valueBytes == -1 && layout.headerCount == 0 && layout.markCount == 0)
        #expect(layout.timestampDelta == 5 && layout.offsetDelta == 1)
        #expect(layout.end == 81)
    }

    @Test func `the writer makes the golden batch`() {
        let output = ByteBuffer()
        var writer = RecordBatchWriter(output, baseTimestamp: 1_700_000_000_000)
        writer.append(key: [0x6b], value: [0x76], headers: [("h", [0x31])], into: output)
        writer.append(key: nil, value: nil, timestamp: 1_700_000_000_005, into: output)
        writer.finish(output)
        output.set(int32: 0, at: RecordBatchHeader.At.partitionLeaderEpoch)
        #expect(output.array == Self.golden)
    }

    @Test func `a batch cut at any byte is not there yet`() throws {
        for count in 0..<Self.golden.count {
            let cut = buffer(Array(Self.golden.prefix(count)))
            #expect(try RecordBatchFrame.next(in: cut.bytes, at: 0) == nil)
        }
    }

    @Test func `impossible lengths and unknown formats are refused`() {
        for length in [-1, 0, 13, 48] as [Int32] {
            let batch = buffer(Self.golden)
            batch.set(int32: length, at: RecordBatchHeader.At.batchLength)
            #expect(throws: WireError.self) { try RecordBatchFrame.next(in: batch.bytes, at: 0) }
        }
        for magic in [3, 0x7f, 0xff] as [UInt8] {
            let batch = buffer(Self.golden)
            batch.set(byte: magic, at: RecordBatchHeader.At.magic)
            #expect(throws: WireError.self) { try RecordBatchFrame.next(in: batch.bytes, at: 0) }
        }
    }

    @Test func `old formats are framed like new ones`() throws {
        let old = buffer(
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 0, 0, 1]
                + [UInt8](
                    repeating: 0xff, count: 9))
        let frame = try #require(try RecordBatchFrame.next(in: old.bytes, at: 0))
        #expect(frame == RecordBatchFrame(start: 0, end: 26, magic: 1))
    }

    @Test func `a record that ends elsewhere than its length says is refused`() throws {
        let record: [UInt8] = [0x18, 0, 0, 0, 2, 0x6b, 2, 0x76, 2, 2, 0x68, 2, 0x31]
        #expect(try layout(record).end == 13)
        for length in 0...255 as ClosedRange<UInt8> where length != 0x18 {
            var changed = record
            changed[0] = length
            #expect(throws: WireError.self) { try layout(changed) }
        }
        for count in 0..<record.count {
            #expect(throws: WireError.self) { try layout(Array(record.prefix(count))) }
        }
    }

    @Test func `negative lengths other than null are refused`() throws {
        #expect(throws: WireError.self) { try layout([14, 0, 0, 0, 3, 1, 0, 0]) }
        #expect(throws: WireError.self) { try layout([14, 0, 0, 0, 1, 3, 0, 0]) }
        #expect(throws: WireError.self) { try layout([12, 0, 0, 0, 1, 1, 1]) }
        // A header key may not be null, its value may.
        #expect(throws: WireError.self) { try layout([16, 0, 0, 0, 1, 1, 2, 1, 1]) }
        #expect(try layout([16, 0, 0, 0, 1, 1, 2, 0, 1]).headerCount == 1)
    }

    @Test func `a header count beyond what the record can hold is refused`() {
        #expect(throws: WireError.self) {
            try layout([22, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0])
        }
        #expect(throws: WireError.self) { try layout([16, 0, 0, 0, 1, 1, 4, 0, 1]) }
    }

    @Test func `long numbers are read like short ones`() throws {
        let output = ByteBuffer()
        var writer = RecordBatchWriter(output, baseTimestamp: 0)
        let times = [0, 63, 64, 8191, 8192, -1, -64, -65, 1 << 40, .max / 2, -(1 << 50)] as [Int64]
        for time in times {
            writer.append(
                key: nil, value: [UInt8](repeating: 1, count: 9_000), timestamp: time,
                into: output)
        }
        writer.finish(output)
        var at = 61
        for (index, time) in times.enumerated() {
            var layout = RecordLayout()
            try layout.read(output.bytes, at: at, mark: Self.never)
            #expect(layout.timestampDelta == time && layout.offsetDelta == Int32(index))
            #expect(layout.valueBytes == 9_000)
            at = layout.end
        }
        #expect(at == output.count)
    }

    @Test func `marked headers are counted and the last is told`() throws {
        let output = ByteBuffer()
        var writer = RecordBatchWriter(output)
        writer.append(
            key: nil, value: nil,
            headers: [("wax", [1]), ("wa", nil), ("waxx", nil), ("xaw", nil), ("wax", nil)],
            into: output)
        var layout = RecordLayout()
        try layout.read(output.bytes, at: 61, mark: Self.never)
        #expect(layout.markCount == 2 && layout.headerCount == 5)
        #expect(layout.markValueBytes == -1 && layout.markEnd == layout.end)
        #expect(layout.markEnd - layout.markStart == 5)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `seeded garbage never reads outside the record`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<2_000 {
            let bytes = random.bytes(Int(random.next() % 40)).map { $0 & 0x8f }
            guard let layout = try? layout(bytes) else { continue }
            #expect(layout.end <= bytes.count)
            #expect(layout.valueStart + max(layout.valueBytes, 0) <= layout.end)
        }
    }

    @Test func `sequences wrap after the largest and absent ones stay absent`() {
        #expect(RecordBatchHeader.sequence(5, advancedBy: 3) == 8)
        #expect(RecordBatchHeader.sequence(.max, advancedBy: 0) == .max)
        #expect(RecordBatchHeader.sequence(.max, advancedBy: 1) == 0)
        #expect(RecordBatchHeader.sequence(.max - 1, advancedBy: 10) == 8)
        #expect(RecordBatchHeader.sequence(-1, advancedBy: 10) == -1)
    }
}
