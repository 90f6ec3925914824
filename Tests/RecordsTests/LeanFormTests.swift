// LeanFormTests: the wrapped key stands once in each batch that goes out, and in no other record.

import Bytes
import Envelope
import KafkaWire
import TestSupport
import Testing

@testable import Records

@Suite struct LeanFormTests {
    let records = SealAndOpen()

    private func sample(_ count: Int, seed: UInt64 = 1) -> [PlainRecord] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { index in
            PlainRecord(
                key: index % 5 == 0 ? nil : random.bytes(8),
                value: index % 11 == 0 ? nil : random.bytes(Int(random.next() % 400)),
                headers: index % 3 == 0 ? [.init("h", [1])] : [],
                timestamp: baseTime + Int64(random.next() % 9_999))
        }
    }

    /// That the first sealed record of each batch names the key, and the others its id.
    private func checkHeaders(_ bytes: [UInt8], _ pair: KeyPair) throws {
        for stored in try read(bytes) {
            let sealed = stored.records.filter { $0.value != nil }
            for (index, record) in sealed.enumerated() {
                let header = pair.sealing.header(flags: 0, isWrapped: index == 0)
                // Behind the header's own name and lengths.
                let value = Array(header.array.suffix(record.wax?.count ?? 0))
                #expect(record.wax == value)
                #expect(record.waxFlags == (index == 0 ? 0x10 : 0x00))
                #expect(record.wax?.count == (index == 0 ? 66 : 10))
            }
            #expect(stored.records.allSatisfy { ($0.wax == nil) == ($0.value == nil) })
            #expect(stored.checksumHolds)
        }
    }

    @Test func `only the first sealed record of a batch carries the wrapped key`() throws {
        let pair = try KeyPair()
        // The very first has a null value, so that another one has to name the key.
        let plain = sample(120)
        let sealed = try records.seal(try batch(plain), try plan(lean: true), .one(pair.sealing))
        #expect(sealed.parts.count == 1)
        #expect(sealed.parts.sealedCount == plain.count { $0.value != nil })
        try checkHeaders(sealed.bytes, pair)
        #expect(contents(try records.open(sealed.bytes, pair.keys)) == contents(plain))
        #expect(sealed.bytes.count(of: pair.wrapped) == 1)
    }

    @Test func `each part of a cut batch names the key again`() throws {
        let pair = try KeyPair()
        for seed in 1...8 as ClosedRange<UInt64> {
            let plain = sample(300, seed: seed)
            let sealed = try records.seal(
                try batch(plain), try plan(lean: true, bytesMax: 7_000), .one(pair.sealing))
            #expect(sealed.parts.count > 5)
            #expect(sealed.parts.allSatisfy { $0.range.count <= 7_000 })
            try checkHeaders(sealed.bytes, pair)
            #expect(sealed.bytes.count(of: pair.wrapped) == sealed.parts.count)
            #expect(contents(try records.open(sealed.bytes, pair.keys)) == contents(plain))
            // Each part by itself, as a consumer may get it.
            for part in sealed.parts {
                let alone = Array(sealed.bytes[part.range])
                let range = part.firstRecordIndex..<part.firstRecordIndex + part.recordCount
                #expect(
                    contents(try records.open(alone, pair.keys)) == contents(Array(plain[range])))
            }
        }
    }

    @Test func `lean batches hold more records within the same limit`() throws {
        let pair = try KeyPair()
        let original = try batch(
            (0..<1_000).map { PlainRecord(key: nil, value: [UInt8($0 & 255)]) })
        let lean = try records.seal(
            original, try plan(lean: true, bytesMax: 5_000), .one(pair.sealing))
        let full = try records.seal(original, try plan(bytesMax: 5_000), .one(pair.sealing))
        #expect(lean.parts.count * 3 / 2 < full.parts.count)
    }

    @Test func `a retry under another key is cut at the same places`() throws {
        for compression in EnvelopeCompression.allCases {
            let plan = try plan(lean: true, compression: compression, bytesMax: 9_000)
            for seed in 1...5 as ClosedRange<UInt64> {
                let original = try batch(sample(200, seed: seed))
                let first = try KeyPair(id: 1, fill: 1, wrapped: [UInt8](repeating: 1, count: 61))
                let second = try KeyPair(
                    id: .max, fill: 2, wrapped: [UInt8](repeating: 2, count: 63), salt: 1)
                let one = try records.seal(original, plan, .one(first.sealing))
                let other = try records.seal(original, plan, .one(second.sealing))
                #expect(one.bytes != other.bytes)
                #expect(one.parts.count > 1)
                #expect(one.parts.map(\.firstRecordIndex) == other.parts.map(\.firstRecordIndex))
            }
        }
    }

    @Test func `what lean records add stays within the bound that batches are cut by`() throws {
        let pair = try KeyPair()
        for size in [0, 1, 35, 36, 63, 64, 8000, 8191] {
            let value = [UInt8](repeating: 0, count: size)
            let headers = (0..<63).map { PlainRecord.Header("h\($0)", nil) }
            let two = try batch(
                (0..<2).map { _ in PlainRecord(key: nil, value: value, headers: headers) })
            let bound = pair.sealing.addedBytesMax + SealingKey.leanAddedBytesMax
            let sealed = try records.seal(two, try plan(lean: true), .one(pair.sealing))
            #expect(sealed.bytes.count - two.count <= bound)
            // The bound decides, to the byte.
            let fits = try plan(lean: true, bytesMax: two.count + bound)
            let cut = try plan(lean: true, bytesMax: two.count + bound - 1)
            #expect(try records.seal(two, fits, .one(pair.sealing)).parts.count == 1)
            #expect(try records.seal(two, cut, .one(pair.sealing)).parts.count == 2)
        }
    }

    @Test func `a lean record without the one that names its key does not open`() throws {
        let pair = try KeyPair()
        let sealed = try records.seal(
            try batch(sample(10)), try plan(lean: true), .one(pair.sealing))
        let stored = try #require(try read(sealed.bytes).first)
        let later = stored.records.dropFirst(2).map { record in
            var record = record
            record.offsetDelta = nil
            return record
        }
        let input = try batch(later)
        #expect(throws: RecordError.self) {
            try records.opener.open(
                records: input.bytes, topic: "orders", keys: pair.keys, into: ByteBuffer())
        }
    }

    @Test func `the short loops and the general one seal to the same bytes`() throws {
        let plain = sample(150).map { record in
            var record = record
            record.headers.append(.init("tenant", [0x61]))
            return record
        }
        let original = try batch(plain)
        for lean in [false, true] {
            for bytesMax in [1 << 20, 5_000] {
                let plan = try plan(lean: lean, bytesMax: bytesMax)
                let one = try records.seal(original, plan, .one(try KeyPair().sealing))
                let table = HeaderKeys(
                    header: "tenant", keys: [(value: "a", key: try KeyPair().sealing)])
                let other = try records.seal(original, plan, .byHeader(table))
                #expect(one.bytes == other.bytes && one.parts == other.parts)
            }
        }
    }

    @Test func `batches without values are sent as they came`() throws {
        let pair = try KeyPair()
        let original = try batch((0..<5).map { PlainRecord(key: [$0], value: nil) })
        let sealed = try records.seal(
            original, try plan(lean: true, bytesMax: 70), .one(pair.sealing))
        #expect(sealed.parts.count == 1 && sealed.parts.sealedCount == 0)
        #expect(sealed.bytes == original.array)
    }
}

extension Array where Element == UInt8 {
    /// How often `other` occurs, not overlapping.
    func count(of other: [UInt8]) -> Int {
        var (found, at) = (0, 0)
        while at + other.count <= count {
            if self[at] == other[0], self[at..<at + other.count].elementsEqual(other) {
                found += 1
                at += other.count
            } else {
                at += 1
            }
        }
        return found
    }
}
