// SegmentDumpTests: segment files, whole, cut, damaged and compressed.

import Bytes
import Compression
import Foundation
import KafkaWire
import TestSupport
import Testing

@testable import App

@Suite struct SegmentDumpTests {
    private let bench: Workbench
    private let some = [
        Plain(key: "a", value: "one", headers: [("h", [1, 255]), ("n", nil)]),
        Plain(key: nil, value: nil), Plain(key: "", value: ""),
    ]

    init() throws { bench = try Workbench() }

    private func items(_ bytes: [UInt8]) throws -> [DumpItem] {
        try Stored.items(try bench.write("0.log", bytes), nil)
    }

    private func offsets(_ items: [DumpItem]) -> [Int64] {
        items.compactMap { if case .record(let record) = $0 { record.offset } else { nil } }
    }

    private func faults(_ items: [DumpItem]) -> [DumpFault] {
        items.compactMap { if case .fault(let fault) = $0 { fault } else { nil } }
    }

    @Test(arguments: CompressionCodec.allCases)
    func `records of each codec are read as they were written`(_ codec: CompressionCodec) throws {
        let first = try Stored.compressed(Stored.batch(some, offset: 10), codec)
        let found = try items(first + Stored.batch(some, offset: 13))
        #expect(offsets(found) == [10, 11, 12, 13, 14, 15])
        #expect(
            found.first
                == .record(
                    StoredRecord(
                        offset: 10, timestamp: 1_000, key: [0x61], value: Array("one".utf8),
                        headers: [
                            .init(key: [0x68], value: [1, 255]), .init(key: [0x6e], value: nil),
                        ])))
        #expect(
            found[1] == .record(StoredRecord(offset: 11, timestamp: 1_001, key: nil, value: nil)))
        #expect(
            found[2] == .record(StoredRecord(offset: 12, timestamp: 1_002, key: [], value: [])))
    }

    @Test func `a file cut anywhere gives the batches before the cut`() throws {
        let batch = Stored.batch(some, offset: 0)
        let segment = batch + Stored.move(batch, to: 3)
        for count in 0..<segment.count {
            let found = try items(Array(segment[..<count]))
            #expect(offsets(found) == (count < batch.count ? [] : [0, 1, 2]))
            let isWhole = count == 0 || count == batch.count
            #expect(faults(found).count == (isWhole ? 0 : 1))
            #expect(faults(found).allSatisfy { $0.records == 0 })
        }
    }

    @Test func `the zeros of a preallocated file are its end`() throws {
        let batch = Stored.batch(some)
        #expect(try items(batch + [UInt8](repeating: 0, count: 100_000)).count == 3)
        #expect(try items([UInt8](repeating: 0, count: 17)) == [])
    }

    @Test func `a damaged batch is named with what is lost, and the next one is read`() throws {
        let batch = Stored.batch(some)
        for place in [17, 30, 61, 70, batch.count - 1] {
            var damaged = batch
            damaged[place] ^= 1
            let found = try items(damaged + Stored.move(batch, to: 3))
            #expect(offsets(found) == [3, 4, 5])
            #expect(
                faults(found) == [
                    DumpFault(
                        place: "offset 0", reason: "the batch's checksum is wrong", records: 3)
                ])
        }
    }

    @Test func `what is no batch ends the reading`() throws {
        let batch = Stored.batch(some)
        let found = try items(batch + Array("not a batch, but a text".utf8))
        #expect(offsets(found) == [0, 1, 2])
        #expect(
            faults(found) == [
                DumpFault(
                    place: "byte \(batch.count)",
                    reason: "no record batch stands here; what follows is not read", records: 1)
            ])
    }

    @Test func `old formats are named, control batches are not records`() throws {
        var old = Stored.batch(some)
        old[RecordBatchHeader.At.magic] = 1
        let control = Stored.batch(some, offset: 3, attributes: 0x20)
        let found = try items(old + control + Stored.batch(some, offset: 6))
        #expect(offsets(found) == [6, 7, 8])
        #expect(faults(found).map(\.reason) == ["message format 1 is not read"])
    }

    @Test func `records of a broker with append times have those`() throws {
        let found = try items(Stored.batch(some, attributes: 0x08))
        let times = found.map { item in
            if case .record(let record) = item { record.timestamp } else { Int64(-1) }
        }
        #expect(times == [1_002, 1_002, 1_002])
    }

    @Test func `records that do not fit their batch are counted as lost`() throws {
        let batch = filled(Stored.batch(some))
        batch.set(int32: 9, at: RecordBatchHeader.At.recordCount)
        RecordBatchWriter.seal(batch, from: 0)
        let found = try items(batch.array)
        #expect(offsets(found) == [0, 1, 2])
        #expect(faults(found).map(\.records) == [6])
    }

    @Test func `changed bytes under a right checksum end in faults, never in a crash`() throws {
        var random = SeededRandom(seed: 3)
        let batch = Stored.batch(some)
        for _ in 0..<500 {
            let changed = filled(batch)
            for _ in 0..<3 {
                let room = UInt64(batch.count - RecordBatchHeader.byteCount)
                let place = RecordBatchHeader.byteCount + Int(random.next() % room)
                changed.set(byte: UInt8(truncatingIfNeeded: random.next()), at: place)
            }
            RecordBatchWriter.seal(changed, from: 0)
            #expect(try items(changed.array).count <= 4)
        }
    }
}
