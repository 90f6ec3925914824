// InspectCommandTests: `waxwing inspect`, which needs no key.

import Bytes
import Crypto
import Envelope
import Fields
import Foundation
import Records
import TestSupport
import Testing

@testable import App

@Suite struct InspectCommandTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    private func inspect(_ segment: [UInt8], _ more: String...) async throws -> CommandResult {
        let path = try bench.write("0.log", segment)
        switch more.count {
        case 0: return await bench.run("inspect", path)
        case 1: return await bench.run("inspect", more[0], path)
        default: return await bench.run("inspect", more[0], more[1], path)
        }
    }

    private func facts(_ segment: [UInt8]) throws -> [SealFacts] {
        var inspector = SealInspector()
        return try Stored.records(segment, bench).map { inspector.facts($0) }
    }

    @Test(arguments: [0, 1, 100, 5_000])
    func `sizes are those of the plaintext and of what was added`(_ count: Int) async throws {
        let records = [Plain(value: String(repeating: "x", count: count))]
        let key = try await bench.dataKey()
        for isLean in [false, true] {
            let sealed = try Stored.sealed(records + records, key) { $0.leanForm = isLean }
            let plain = Stored.batch(records + records)
            let found = try facts(sealed)
            #expect(found.map(\.form) == [.whole, .whole])
            #expect(found.map(\.plainBytes) == [count, count])
            #expect(found.map(\.isLean) == [false, isLean])
            #expect(found.map(\.reference) == ["local/customers", "local/customers"])
            #expect(found.map(\.dataKey) == ["00000000000000ab", "00000000000000ab"])
            // Only the records' own lengths may grow beside it.
            let added = found.map(\.addedBytes).reduce(0, +)
            #expect((0...6).contains(sealed.count - plain.count - added))
        }
    }

    @Test func `fields are counted, and documents sized`() async throws {
        let document = #"{"a":"secret","b":[1,2],"c":3}"#
        let fields = try FieldPathSet([FieldPath("$.a"), FieldPath("$.b")])
        let sealed = try Stored.sealed([Plain(value: document)], try await bench.dataKey()) {
            $0.fields = fields
        }
        let found = try #require(try facts(sealed).first)
        #expect(found.form == .fields)
        #expect(found.sealedValues == 2)
        #expect(found.plainBytes == document.utf8.count)
        let plain = Stored.batch([Plain(value: document)])
        #expect((0...4).contains(sealed.count - plain.count - found.addedBytes))
    }

    @Test func `each record is a row`() async throws {
        let key = try await bench.dataKey()
        let records = [Plain(value: "plaintext"), Plain(value: nil), Plain(value: "plaintext")]
        let sealed = try Stored.sealed(records, key, offset: 1_000) { $0.leanForm = true }
        let result = try await inspect(sealed + Stored.batch([Plain(value: "abc")], offset: 1_003))
        #expect(result.code == 0)
        #expect(
            result.output == """
                PARTITION OFFSET     FORM     VERSION SUITE COMPRESSION PLAIN      ADDED      \
                FIELDS   DATA KEY          KEK
                -         1000       whole    1       1     -           9          101        \
                -        00000000000000ab  local/customers
                -         1001       null     -       -     -           -          -          \
                -        -                 -
                -         1002       whole    1       1     -           9          43         \
                -        00000000000000ab  local/customers (by id)
                -         1003       plain    -       -     -           3          -          \
                -        -                 -

                """)
        #expect(!result.output.contains("plaintext"))
    }

    @Test func `--json has an object per record`() async throws {
        let long = Plain(value: String(repeating: "plaintext ", count: 100))
        let sealed = try Stored.sealed([long], try await bench.dataKey()) {
            $0.compression = .zstd
        }
        let result = try await inspect(sealed, "--json")
        let object = try #require(try result.objects().first)
        #expect(object["form"] as? String == "whole")
        #expect(object["compression"] as? String == "zstd")
        #expect(object["kek"] as? String == "local/customers")
        #expect(object["dataKey"] as? String == "00000000000000ab")
        #expect(object["wrappedKey"] as? Bool == true)
        #expect((object["plainBytes"] as? Int ?? 1_000) < 100)
    }

    @Test func `--summary adds up by key`() async throws {
        let one = try await bench.dataKey("customers", id: 1)
        let two = try await bench.dataKey("customers", id: 2)
        let other = try await bench.dataKey("tokens", id: 3)
        let records = [Plain(value: "0123456789"), Plain(value: nil), Plain(value: "")]
        let segment =
            try Stored.sealed(records, one) { $0.leanForm = true }
            + Stored.sealed(records, two, offset: 3)
            + Stored.sealed(records, other, offset: 6)
            + Stored.batch(records, offset: 9)
        let text = try await inspect(segment, "--summary")
        #expect(
            text.output == """
                12 records: 6 sealed whole, 2 not sealed, 4 without value

                KEK              RECORDS  BY ID  DATA KEYS  FIELDS  COMPRESSED  PLAIN BYTES  \
                ADDED BYTES  ADDED PER RECORD
                local/customers  4        1      2          0       0           20           \
                346          86.5
                local/tokens     2        0      1          0       0           10           \
                196          98.0

                """)
        let objects = try await inspect(segment, "--summary", "--json").objects()
        #expect(objects.count == 3)
        #expect(objects[0]["records"] as? Int == 12)
        #expect(objects[1]["kek"] as? String == "local/customers")
        #expect(objects[1]["dataKeys"] as? Int == 2)
    }

    @Test func `unknown forms are named and end with 1`() async throws {
        let key = try await bench.dataKey()
        let records = try Stored.records(try Stored.sealed([Plain(value: "x")], key), bench)
        let changes: [(inout StoredRecord) -> Void] = [
            { $0.headers[0].value?[0] = 2 }, { $0.headers[0].value?[1] = 0x12 },
            { $0.headers[0].value = nil }, { $0.headers.append($0.headers[0]) },
            { $0.value = nil }, { $0.value = [1, 2] }, { $0.headers[0].value = [1] },
            { $0.headers[0].value?[1] |= 0x80 },
        ]
        for change in changes {
            var record = records[0]
            change(&record)
            var inspector = SealInspector()
            let facts = inspector.facts(record)
            #expect(facts.form == .invalid)
            #expect(facts.problem != nil)
            let path = try bench.write("dump", Stored.kcatLine(record, topic: "t"))
            let result = await bench.run("inspect", path)
            #expect(result.code == 1)
            #expect(result.error.hasPrefix("waxwing: partition 0, offset 0: "))
        }
    }

    @Test func `headers of seeded garbage never crash`() throws {
        var random = SeededRandom(seed: 9)
        var inspector = SealInspector()
        for _ in 0..<2_000 {
            var header = random.bytes(Int(random.next() % 80))
            if header.count > 1, random.next() % 2 == 0 { header[0] = 1 }
            let facts = inspector.facts(
                StoredRecord(
                    offset: 0, timestamp: 0, key: nil, value: random.bytes(40),
                    headers: [.init(key: Array("wax".utf8), value: header)]))
            #expect(facts.form != .plain && facts.form != .null)
        }
    }
}
