// HeaderKeysTests: records of one batch that a header assigns to different keys.

import Bytes
import Compression
import Envelope
import KafkaWire
import TestSupport
import Testing

@testable import Records

@Suite struct HeaderKeysTests {
    let records = SealAndOpen()

    /// A key for each tenant, and one place where all are found for opening.
    private func keys(
        _ tenants: [String], fill: UInt8 = 1
    ) throws -> (choice: SealingKeyChoice, pairs: [KeyPair], all: KeysAtHand) {
        let all = KeysAtHand()
        var pairs: [KeyPair] = []
        for (index, tenant) in tenants.enumerated() {
            let pair = try KeyPair(
                id: UInt64(index) + UInt64(fill) << 8, fill: fill &+ UInt8(index),
                reference: "corp/kek-\(tenant)",
                wrapped: [UInt8](repeating: fill &+ UInt8(index), count: 33 + index))
            all.keys.merge(pair.keys.keys) { first, _ in first }
            pairs.append(pair)
        }
        let table = zip(tenants, pairs).map { (value: $0, key: $1.sealing) }
        return (.byHeader(HeaderKeys(header: "tenant", keys: table)), pairs, all)
    }

    private func record(_ tenant: String, _ value: [UInt8]?) -> PlainRecord {
        PlainRecord(
            key: nil, value: value,
            headers: [.init("other", nil), .init("tenant", Array(tenant.utf8)), .init("t", [1])])
    }

    private func sample(_ tenants: [String], count: Int, seed: UInt64) -> [PlainRecord] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { index in
            let tenant = tenants[Int(random.next() % UInt64(tenants.count))]
            let value = index % 9 == 0 ? nil : random.bytes(Int(random.next() % 200))
            return record(tenant, value)
        }
    }

    @Test func `each record is sealed with the key that its header names`() throws {
        let tenants = ["a", "b", "acme", "acm"]
        let (choice, pairs, all) = try keys(tenants)
        let plain = sample(tenants, count: 100, seed: 1)
        let sealed = try records.seal(try batch(plain), try plan(), choice)
        #expect(contents(try records.open(sealed.bytes, all)) == contents(plain))
        let stored = try #require(try read(sealed.bytes).first)
        for (record, original) in zip(stored.records, plain) where original.value != nil {
            let tenant = String(decoding: original.headers[1].value ?? [], as: UTF8.self)
            let place = try #require(tenants.firstIndex(of: tenant))
            #expect(record.wax?.contains(run: [UInt8]("corp/kek-\(tenant)".utf8)) == true)
            #expect(record.wax?.suffix(33 + place) == pairs[place].wrapped[...])
        }
    }

    @Test func `lean batches name each key once per part`() throws {
        let tenants = ["a", "b", "c"]
        let (choice, pairs, all) = try keys(tenants)
        let plain = sample(tenants, count: 200, seed: 2)
        for bytesMax in [1 << 20, 4_000] {
            let plan = try plan(lean: true, compression: .lz4, bytesMax: bytesMax)
            let sealed = try records.seal(try batch(plain), plan, choice)
            #expect(contents(try records.open(sealed.bytes, all)) == contents(plain))
            for part in sealed.parts {
                let bytes = Array(sealed.bytes[part.range])
                #expect(bytes.count <= bytesMax)
                let range = part.firstRecordIndex..<part.firstRecordIndex + part.recordCount
                for (tenant, pair) in zip(tenants, pairs) {
                    let isSealed = plain[range].contains { record in
                        record.value != nil && record.headers[1].value == Array(tenant.utf8)
                    }
                    #expect(bytes.count(of: pair.wrapped) == (isSealed ? 1 : 0))
                }
            }
        }
    }

    @Test func `a retry under other keys is cut at the same places`() throws {
        let tenants = ["a", "bcd", "e"]
        let plain = try batch(sample(tenants, count: 200, seed: 3))
        for lean in [false, true] {
            let plan = try plan(lean: lean, bytesMax: 4_000)
            let first = try records.seal(plain, plan, try keys(tenants).choice)
            let other = try records.seal(plain, plan, try keys(tenants, fill: 90).choice)
            #expect(first.bytes != other.bytes && first.parts.count > 5)
            #expect(first.parts.map(\.firstRecordIndex) == other.parts.map(\.firstRecordIndex))
        }
    }

    @Test(arguments: [CompressionCodec.none, .zstd])
    func `the values of a header are told once each, in order`(_ codec: CompressionCodec) throws {
        let plain = ["b", "b", "a", "b", "", "é", "a", "c"].map { record($0, [1]) }
        var withNull = plain
        // What is not sealed needs no key.
        withNull.insert(PlainRecord(key: [1], value: nil), at: 3)
        withNull.insert(record("unseen", nil), at: 0)
        let input = try batch(withNull, codec: codec)
        let values = try records.sealer.headerValues(batch: input.bytes, header: "tenant")
        #expect(values == ["b", "a", "", "é", "c"])
        let none = try batch([PlainRecord(key: [1], value: nil)], codec: codec)
        #expect(try records.sealer.headerValues(batch: none.bytes, header: "tenant") == [])
    }

    @Test func `a record that does not name its key is refused with its index`() throws {
        let good = record("a", [1])
        let name = PlainRecord.Header("tenant", [0x61])
        let bad: [[PlainRecord.Header]] = [
            [], [.init("Tenant", [0x61])], [.init("tenan", [0x61]), .init("tenants", [0x61])],
            [.init("tenant", nil)], [name, name], [name, .init("x", []), .init("tenant", nil)],
        ]
        let choice = try keys(["a"]).choice
        for headers in bad {
            let input = try batch([good, good, PlainRecord(key: nil, value: [], headers: headers)])
            let error = records.refusal(input, try plan(), choice)
            #expect(error?.code == .invalidRecord && error?.recordIndex == 2)
            #expect(throws: RecordError.self) {
                try records.sealer.headerValues(batch: input.bytes, header: "tenant")
            }
            do throws(RecordError) {
                _ = try records.sealer.headerValues(batch: input.bytes, header: "tenant")
            } catch {
                #expect(error.code == .invalidRecord && error.recordIndex == 2)
            }
        }
        let notText = try batch([
            good, PlainRecord(key: nil, value: [1], headers: [.init("tenant", [0xff])]),
        ])
        do throws(RecordError) {
            _ = try records.sealer.headerValues(batch: notText.bytes, header: "tenant")
            Issue.record("a value that is not UTF-8 was taken")
        } catch {
            #expect(error.code == .invalidRecord && error.recordIndex == 1)
        }
    }

    @Test func `a header value without a reserved key seals nothing`() throws {
        let input = try batch([record("a", [1]), record("b", [2])])
        let error = records.refusal(input, try plan(), try keys(["a"]).choice)
        #expect(error?.code == .sealFailed && error?.recordIndex == 1)
    }

    @Test func `batches with null values only need no key at all`() throws {
        let input = try batch([PlainRecord(key: [1], value: nil), record("a", nil)])
        let sealed = try records.seal(input, try plan(lean: true), try keys([]).choice)
        #expect(sealed.parts.sealedCount == 0 && sealed.bytes == input.array)
    }

    @Test func `more keys than one batch may have are refused`() throws {
        let many = try batch((0..<257).map { record("tenant-\($0)", [1]) })
        do throws(RecordError) {
            _ = try records.sealer.headerValues(batch: many.bytes, header: "tenant")
            Issue.record("257 keys were taken")
        } catch {
            #expect(error.code == .limitExceeded && error.recordIndex == 256)
        }
        let most = try batch((0..<256).map { record("tenant-\($0)", [1]) })
        #expect(try records.sealer.headerValues(batch: most.bytes, header: "tenant").count == 256)
        let tenants = (0..<200).map { "tenant-\($0)" }
        let (choice, _, all) = try keys(tenants, fill: 0)
        let plain = sample(tenants, count: 500, seed: 8)
        let sealed = try records.seal(try batch(plain), try plan(lean: true), choice)
        #expect(contents(try records.open(sealed.bytes, all)) == contents(plain))
    }

    @Test func `the batch is checked before its headers are believed`() throws {
        let good = try batch([record("a", [1])])
        for at in RecordBatchHeader.At.crc..<good.count {
            var bytes = good.array
            bytes[at] ^= 0x10
            #expect(throws: RecordError.self) {
                try records.sealer.headerValues(batch: filled(bytes).bytes, header: "tenant")
            }
        }
        for count in 0..<good.count {
            #expect(throws: RecordError.self) {
                try records.sealer.headerValues(
                    batch: filled(Array(good.array.prefix(count))).bytes, header: "tenant")
            }
        }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `seeded garbage never crashes`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let choice = try keys(["a", "b"]).choice
        for _ in 0..<200 {
            let output = try batch(sample(["a", "b"], count: 3, seed: random.next()))
            for _ in 0..<1 + random.next() % 4 {
                let at =
                    RecordBatchHeader.byteCount
                    + Int(random.next() % UInt64(output.count - RecordBatchHeader.byteCount))
                output.set(byte: UInt8(truncatingIfNeeded: random.next()), at: at)
            }
            RecordBatchWriter.seal(output, from: 0)
            _ = try? records.sealer.headerValues(batch: output.bytes, header: "tenant")
            guard let sealed = try? records.seal(output, try plan(lean: true), choice) else {
                continue
            }
            let isWhole = try read(sealed.bytes).allSatisfy(\.checksumHolds)
            #expect(isWhole)
        }
    }
}
