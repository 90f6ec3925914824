// FieldSealingTests: fields of documents are sealed in place, and every rule that goes with it.

import Bytes
import Envelope
import Fields
import KafkaWire
import TestSupport
import Testing

@testable import Records

@Suite struct FieldSealingTests {
    let records = SealAndOpen()
    static let marker = "4111111111111111"

    /// The stored record of one that has this text as its value.
    private func sealed(
        _ text: String, _ fields: [String], _ pair: KeyPair, notJSON: NotJSONChoice = .refuse
    ) throws -> PlainRecord {
        let plan = try plan(fields: fields, notJSON: notJSON)
        let output = try records.seal(
            try batch([PlainRecord(text: text)]), plan, .one(pair.sealing))
        #expect(try records.open(output.bytes, pair.keys).map(\.value) == [Array(text.utf8)])
        return try #require(try read(output.bytes).first?.records.first)
    }

    private func text(_ record: PlainRecord) -> String {
        String(decoding: record.value ?? [], as: UTF8.self)
    }

    @Test func `only the selected values change`() throws {
        let pair = try KeyPair()
        let document = #"{"id": 7, "card": { "number": "\#(Self.marker)" }, "n":[1,2.50,3]}"#
        let stored = try sealed(document, ["$.card.number", "$.n[1]"], pair)
        #expect(stored.waxFlags == 0x90)
        let parts = text(stored).split(separator: "\"wax1:", omittingEmptySubsequences: false)
        try #require(parts.count == 3)
        #expect(parts[0] == #"{"id": 7, "card": { "number": "#)
        #expect(parts[1].dropFirst(FieldText.byteCount(plainBytes: 18) - 6) == #" }, "n":[1,"#)
        #expect(parts[2].dropFirst(FieldText.byteCount(plainBytes: 4) - 6) == ",3]}")
        #expect(!text(stored).contains(Self.marker))
        #expect(pair.sealing.recordsSealed == 2)
    }

    @Test func `a document without the fields is stored as it came`() throws {
        let pair = try KeyPair()
        for document in ["{}", "[1]", "7", #""text""#, "null", #"{"b":{"a":1}}"#, " {\"x\" : 1}\n"]
        {
            let stored = try sealed(document, ["$.a"], pair)
            #expect(stored.headers.isEmpty && text(stored) == document)
        }
        #expect(pair.sealing.recordsSealed == 0)
        let original = try batch([PlainRecord(text: "{}"), PlainRecord(key: [1], value: nil)])
        let output = try records.seal(
            original, try plan(fields: ["$.a"], bytesMax: 70), .one(pair.sealing))
        #expect(output.bytes == original.array && output.parts.sealedCount == 0)
    }

    @Test func `tombstones stay null`() throws {
        let pair = try KeyPair()
        let plain = [PlainRecord(key: [1], value: nil), PlainRecord(text: #"{"a":1}"#)]
        let output = try records.seal(
            try batch(plain), try plan(fields: ["$.a"]), .one(pair.sealing))
        let stored = try #require(try read(output.bytes).first?.records)
        #expect(stored[0].value == nil && stored[0].headers.isEmpty)
        #expect(contents(try records.open(output.bytes, pair.keys)) == contents(plain))
    }

    @Test func `what is not JSON is refused, sealed whole or passed, as the plan says`() throws {
        let pair = try KeyPair()
        let bad = [
            "", " ", "{", "{\"a\":1}}", "{\"a\":\(Self.marker)", Self.marker + "x", "{'a':1}",
            "\u{0}abc", "\u{0}\u{0}\u{0}\u{0}\u{1}", "[1,]",
        ]
        for value in bad {
            let input = try batch([PlainRecord(text: "{}"), PlainRecord(text: value)])
            let error = records.refusal(input, try plan(fields: ["$.a"]), .one(pair.sealing))
            #expect(error?.code == .invalidRecord && error?.recordIndex == 1, "\(value)")
            #expect(error.map { "\($0)" }?.contains(Self.marker) == false)
            let passed = try sealed(value, ["$.a"], pair, notJSON: .pass)
            #expect(passed.headers.isEmpty && text(passed) == value)
            let whole = try sealed(value, ["$.a"], pair, notJSON: .seal)
            #expect(whole.waxFlags == 0x10)
            #expect(whole.value?.count == value.utf8.count + 28)
            #expect(whole.value?.contains(run: Array(Self.marker.utf8)) == false)
        }
        let notText = try batch([PlainRecord(key: nil, value: Array("{\"a\":\"".utf8) + [0xff])])
        let error = records.refusal(notText, try plan(fields: ["$.a"]), .one(pair.sealing))
        #expect(error?.code == .invalidRecord)
    }

    @Test func `sealed text is refused where something would be sealed`() throws {
        let pair = try KeyPair()
        let fields = ["$.a", "$.b"]
        for document in [
            #"{"a":"wax1:AAAA"}"#, #"{"a":1,"c":"wax1:"}"#, #"{"c":["wax1:x"],"b":1}"#,
            #"{"a":1,"c":"\u0077ax1:x"}"#, #"{"a":"w\u0061x1:"}"#,
        ] {
            let input = try batch([PlainRecord(text: "{}"), PlainRecord(text: document)])
            let error = records.refusal(input, try plan(fields: fields), .one(pair.sealing))
            #expect(error?.code == .invalidRecord && error?.kafkaCode == 87, "\(document)")
            #expect(error?.recordIndex == 1)
        }
        // Not sealed text: a name, another beginning, an escape, a text within what is selected.
        for document in [
            #"{"wax1:a":1,"a":2}"#, #"{"a":"wax1","c":" wax1:"}"#, #"{"a":{"x":"wax1:y"}}"#,
        ] {
            #expect(try sealed(document, fields, pair).waxFlags == 0x90)
        }
        // Nothing of it is sealed, so that it is not taken for sealed either.
        #expect(try sealed(#"{"c":"wax1:x"}"#, fields, pair).headers.isEmpty)
    }

    @Test func `what was sealed once is refused when it is produced again`() throws {
        let pair = try KeyPair()
        var again = try sealed(#"{"a":1,"b":2}"#, ["$.a"], pair)
        #expect(
            records.refusal(try batch([again]), try plan(fields: ["$.b"]), .one(pair.sealing))
                .map(\.code) == .invalidRecord)
        again.headers = []
        for fields in ["$.a", "$.b"] {
            let error = records.refusal(
                try batch([again]), try plan(fields: [fields]), .one(pair.sealing))
            #expect(error?.code == .invalidRecord)
        }
    }

    @Test func `a schema registry's prefix stays in front`() throws {
        let pair = try KeyPair()
        let prefix: [UInt8] = [0, 0, 1, 0xff, 2]
        let value = prefix + Array(#"{"a":"\#(Self.marker)"}"#.utf8)
        let output = try records.seal(
            try batch([PlainRecord(key: nil, value: value)]), try plan(fields: ["$.a"]),
            .one(pair.sealing))
        let stored = try #require(try read(output.bytes).first?.records.first?.value)
        #expect(stored.prefix(5) == prefix[...])
        #expect(stored.dropFirst(5).starts(with: Array(#"{"a":"wax1:"#.utf8)))
        #expect(try records.open(output.bytes, pair.keys).map(\.value) == [value])
    }

    @Test func `a sealed field that was moved does not open`() throws {
        let pair = try KeyPair()
        var stored = try sealed(#"{"a":"11","b":"22"}"#, ["$.a", "$.b"], pair)
        let value = text(stored)
        let moved = value.replacing("\"a\"", with: "\"x\"").replacing("\"b\"", with: "\"a\"")
            .replacing("\"x\"", with: "\"b\"")
        for (document, flags) in [(moved, 0x91), (value, 0x11), (value, 0x31)] as [(String, UInt8)]
        {
            stored.value = Array(document.utf8)
            var header = try #require(stored.wax)
            header[1] = flags
            stored.headers = [.init("wax", header)]
            let input = try batch([stored])
            #expect(throws: RecordError.self) {
                try records.opener.open(
                    records: input.bytes, topic: "orders", keys: pair.keys, into: ByteBuffer())
            }
        }
    }

    // MARK: sizes and cuts

    private func documents(_ count: Int, seed: UInt64) -> [PlainRecord] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { index in
            guard index % 10 != 3 else { return PlainRecord(key: [1], value: nil) }
            guard index % 10 != 7 else { return PlainRecord(text: #"{"other":[1,2,3]}"#) }
            let long = String(repeating: "x", count: Int(random.next() % 150))
            let card = #"{"number":"\#(Self.marker)","n":\#(random.next())}"#
            return PlainRecord(
                text: #"{"id":\#(index),"card":\#(card),"mail":["\#(long)@example.org",null]}"#)
        }
    }

    private static let paths = ["$.card", "$.mail[*]"]

    @Test func `documents are cut alike by any key, and each part opens alone`() throws {
        for lean in [false, true] {
            let plan = try plan(lean: lean, fields: Self.paths, bytesMax: 8_000)
            for seed in 1...5 as ClosedRange<UInt64> {
                let plain = documents(150, seed: seed)
                let original = try batch(plain)
                let first = try KeyPair(id: 1, fill: 1, wrapped: [UInt8](repeating: 1, count: 61))
                let second = try KeyPair(
                    id: .max, fill: 2, wrapped: [UInt8](repeating: 2, count: 63), salt: 1)
                let one = try records.seal(original, plan, .one(first.sealing))
                let other = try records.seal(original, plan, .one(second.sealing))
                #expect(one.parts.count > 3)
                #expect(one.parts.allSatisfy { $0.range.count <= 8_000 })
                #expect(one.parts.map(\.firstRecordIndex) == other.parts.map(\.firstRecordIndex))
                #expect(!one.bytes.contains(run: Array(Self.marker.utf8)))
                #expect(!one.bytes.contains(run: Array("@example.org".utf8)))
                for part in one.parts {
                    let opened = try records.open(Array(one.bytes[part.range]), first.keys)
                    let end = part.firstRecordIndex + part.recordCount
                    #expect(contents(opened) == contents(Array(plain[part.firstRecordIndex..<end])))
                }
            }
        }
    }

    @Test func `the bound of a document's growth is exact but for its lengths`() throws {
        let pair = try KeyPair()
        for count in 0..<40 {
            let value = #"{"a":"\#(String(repeating: "x", count: count))"}"#
            let two = try batch([PlainRecord(text: value), PlainRecord(text: value)])
            let growth = FieldText.byteCount(plainBytes: count + 2) - count - 2
            let bound = 2 * (pair.sealing.addedBytesMax - 28 + growth)
            let sealed = try records.seal(two, try plan(fields: ["$.a"]), .one(pair.sealing))
            let added = sealed.bytes.count - two.count
            #expect(added <= bound && bound - added < 2 * (64 + 16))
            let fits = try plan(fields: ["$.a"], bytesMax: two.count + bound)
            let cut = try plan(fields: ["$.a"], bytesMax: two.count + bound - 1)
            #expect(try records.seal(two, fits, .one(pair.sealing)).parts.count == 1)
            #expect(try records.seal(two, cut, .one(pair.sealing)).parts.count == 2)
        }
    }

    @Test func `a small batch of very many fields may not grow beyond all proportion`() throws {
        let pair = try KeyPair()
        let many = "[" + String(repeating: "0,", count: 1_000) + "0]"
        let input = try batch([PlainRecord(text: many)])
        // Another partition of the request has taken the room that there is.
        let output = ByteBuffer()
        output.reserveExactly(256 << 20)
        // SAFETY: nothing reads the bytes, which are only counted.
        unsafe output.appendUninitialized((256 << 20) - 20_000) { _ in (256 << 20) - 20_000 }
        let before = output.count
        let byElement = try plan(fields: ["$[*]"])
        do throws(RecordError) {
            _ = try records.sealer.seal(
                batch: input.bytes, plan: byElement, keys: .one(pair.sealing),
                into: output)
            Issue.record("it grew")
        } catch {
            #expect(error.code == .limitExceeded && error.recordIndex == 0)
        }
        #expect(output.count == before)
        let whole = try records.sealer.seal(
            batch: input.bytes, plan: try plan(), keys: .one(pair.sealing), into: output)
        #expect(whole.sealedCount == 1)
    }

    @Test func `what is too deep to look into is sealed whole or refused, never passed`() throws {
        let pair = try KeyPair()
        let depth = 600
        let text =
            String(repeating: "[", count: depth) + "\"\(Self.marker)\""
            + String(repeating: "]", count: depth)
        let input = try batch([PlainRecord(text: text)])
        for choice in [NotJSONChoice.refuse, .pass] {
            let error = records.refusal(
                input, try plan(fields: ["$..a"], notJSON: choice), .one(pair.sealing))
            #expect(error?.code == .invalidRecord)
        }
        let stored = try sealed(text, ["$..a"], pair, notJSON: .seal)
        #expect(stored.waxFlags == 0x10 && !self.text(stored).contains(Self.marker))
    }

    @Test func `keys by header and fields go together`() throws {
        let pair = try KeyPair()
        let keys = SealingKeyChoice.byHeader(
            HeaderKeys(header: "t", keys: [(value: "a", key: pair.sealing)]))
        let plain = (0..<5).map {
            PlainRecord(text: #"{"a":\#($0)}"#, headers: [.init("t", [0x61])])
        }
        let output = try records.seal(try batch(plain), try plan(lean: true, fields: ["$.a"]), keys)
        let stored = try #require(try read(output.bytes).first?.records)
        #expect(stored.map(\.waxFlags) == [0x90, 0x80, 0x80, 0x80, 0x80])
        #expect(contents(try records.open(output.bytes, pair.keys)) == contents(plain))
    }
}
