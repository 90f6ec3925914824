// PlainRecordTests: records without seal in topics that are protected.

import Bytes
import Envelope
import KafkaWire
import Masks
import TestSupport
import Testing

@testable import Records

@Suite struct PlainRecordTests {
    let reader = Reader()
    private let document = #"{"card":"4111111111111111","mail":"ada@example.com","open":1}"#
    private let protected = ["$.card", "$.mail"]

    private func texts(_ values: [String?], _ view: RecordView) throws -> [String?] {
        try reader.open(try batch(documents(values)).array, view, KeysAtHand()).texts()
    }

    @Test func `they are delivered and counted`() throws {
        let plain = try batch(documents([document, nil, "text"])).array
        let shown = try reader.open(plain, try view(whole: .drop, rest: .drop), KeysAtHand())
        #expect(shown.result == .unchanged)
        #expect(shown.counts.plain == 2)
    }

    @Test func `they are refused where the rule says so, but not null values`() throws {
        let pair = try KeyPair()
        let sealed = try sealedBatch(documents(["1"]), pair)
        let nulls = try batch(documents([nil, nil])).array
        let plain = filled(try batch(documents([nil, document])).array)
        plain.set(int64: 70, at: RecordBatchHeader.At.baseOffset)
        let refusing = try view(whole: .clear, rest: .clear, plain: .refuse)
        #expect(try reader.open(sealed + nulls, refusing, pair.keys).counts.plain == 0)
        let error = try #require(
            reader.failure(sealed + nulls + plain.array, refusing, pair.keys))
        #expect(error.code == .refused)
        #expect(error.recordIndex == 1)
        #expect(error.offset == 71)
        #expect(reader.opener.readableBytes == sealed.count + nulls.count)
    }

    @Test func `fields are shown as if they had been sealed`() throws {
        let masking = try view(
            [("$.mail", try mask("email"))], plain: .mask, protected: protected)
        #expect(
            try texts([document, nil, #"{"open":2}"#], masking) == [
                #"{"card":"********","mail":"*****@example.com","open":1}"#, nil, #"{"open":2}"#,
            ])
        let clear = try view(rest: .clear, plain: .mask, protected: protected)
        let batch = try batch(documents([document])).array
        #expect(try reader.open(batch, clear, KeysAtHand()).result == .unchanged)
        let dropping = try view(
            [("$.card", .drop), ("$.mail", .clear)], plain: .mask, protected: protected)
        #expect(
            try texts([document], dropping) == [#"{"mail":"ada@example.com","open":1}"#])
    }

    @Test func `what would stay sealed is redacted`() throws {
        let sealed = try view(rest: .sealed, plain: .mask, protected: protected)
        #expect(
            try texts([document, "text"], sealed) == [
                #"{"card":"********","mail":"********","open":1}"#, "********",
            ])
        let whole = try view(whole: .sealed, plain: .mask)
        #expect(try texts([document, "text", nil], whole) == ["********", "********", nil])
    }

    @Test(arguments: [UInt8(0), 1]) func `messages of old formats are plain records`(
        magic: UInt8
    ) throws {
        var old = [UInt8](repeating: 0x61, count: 60)
        old.replaceSubrange(8..<12, with: [0, 0, 0, 48])
        old[16] = magic
        let refusing = [
            try view(plain: .refuse), try view(whole: .clear, rest: .clear, plain: .refuse),
            try view(plain: .mask), try view([("$.a", .clear)], rest: .clear, plain: .mask),
        ]
        for view in refusing {
            let error = try #require(throws: RecordError.self) {
                try reader.open(old, view, KeysAtHand())
            }
            #expect(error.code == .refused)
        }
        for view in [
            try view(), try view(whole: .clear, rest: .clear, plain: .mask, protected: protected),
        ] {
            #expect(try reader.open(old, view, KeysAtHand()).result == .unchanged)
        }
    }

    @Test func `what is no document is shown as a whole value`() throws {
        func shown(_ whole: ViewAction) throws -> [String?] {
            try texts(["text", nil], try view(whole: whole, plain: .mask, protected: protected))
        }
        #expect(try shown(.clear) == ["text", nil])
        #expect(try shown(.mask(.redact)) == ["********", nil])
        #expect(try shown(.mask(.null)) == [nil, nil])
        #expect(try shown(.drop) == [nil])
    }

    @Test func `values of topics that are sealed whole are shown as such`() throws {
        func shown(_ whole: ViewAction) throws -> [String?] {
            try texts([document, "text", nil], try view(whole: whole, plain: .mask))
        }
        #expect(try shown(.clear) == [document, "text", nil])
        #expect(
            try shown(.mask(.redact)) == [
                #"{"card":"********","mail":"********","open":0}"#, "********", nil,
            ])
        #expect(try shown(.drop) == [nil])
    }

    @Test func `the first path that selects a value or something around it counts`() throws {
        let text = #"{"a":{"s":"one","t":"two"},"b":["one"]}"#
        func shown(_ fields: [(String, ViewAction)], _ protected: [String]) throws -> String? {
            try texts([text], try view(fields, plain: .mask, protected: protected))[0]
        }
        #expect(
            try shown([("$.a", .clear)], ["$.a.s", "$.b[0]"])
                == #"{"a":{"s":"one","t":"two"},"b":["********"]}"#)
        #expect(
            try shown([("$.a", .clear), ("$.a.s", .mask(.redact))], ["$.b"])
                == #"{"a":{"s":"one","t":"two"},"b":["********"]}"#)
        #expect(
            try shown([("$.a.s", .mask(.redact)), ("$.a", .clear)], ["$.a", "$.a.t"])
                == #"{"a":{"s":"********","t":"two"},"b":["one"]}"#)
        #expect(
            try shown([("$.a.t", .drop), ("$", .clear)], ["$.b", "$.a"])
                == #"{"a":{"s":"one"},"b":["one"]}"#)
        #expect(try shown([("$.a", .drop)], ["$.a.s"]) == #"{"b":["one"]}"#)
        #expect(
            try shown([("$.a", .sealed)], [])
                == #"{"a":{"s":"********","t":"********"},"b":["one"]}"#)
        #expect(try shown([("$.b", .clear), ("$.b", .drop)], []) == text)
        // Around it is hidden whole what is shown in clear by itself: rather too much than too
        // little.
        #expect(
            try shown([("$.a.s", .clear), ("$.a", .mask(.redact))], [])
                == #"{"a":{"s":"********","t":"********"},"b":["one"]}"#)
    }

    @Test func `a document too deep to look into is hidden, whatever whole values show`() throws {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        for whole in [.clear, .mask(.redact), .sealed] as [ViewAction] {
            let masking = try view(whole: whole, plain: .mask, protected: protected)
            #expect(try texts([deep], masking) == ["********"])
        }
    }

    @Test func `text that looks sealed is text in a record without seal`() throws {
        let text = #"{"card":"wax1:AAAA","open":"wax1:x"}"#
        #expect(
            try texts([text], try view(rest: .clear, plain: .mask, protected: protected)) == [text])
        #expect(
            try texts([text], try view(plain: .mask, protected: protected))
                == [#"{"card":"********","open":"wax1:x"}"#])
    }

    @Test func `a wrong checksum is found before anything is changed`() throws {
        var bytes = try batch(documents([document])).array
        bytes[bytes.count - 1] ^= 1
        let error = try #require(
            reader.failure(bytes, try view(plain: .mask, protected: protected), KeysAtHand()))
        #expect(error.code == .corruptBatch)
    }

    @Test func `plain and sealed records in one batch are shown alike`() throws {
        let pair = try KeyPair()
        let stored = try #require(
            try read(try sealedBatch(documents([document]), pair, fields: protected)).first)
        var other = documents([document])[0]
        other.offsetDelta = 1
        let mixed = try batch(stored.records + [other]).array
        let shown = try reader.open(
            mixed, try view(plain: .mask, protected: protected), pair.keys)
        let texts = try shown.texts()
        #expect(texts[0] == #"{"card":"********","mail":"********","open":1}"#)
        #expect(texts[1] == texts[0])
        #expect(!shown.bytes.contains(run: [UInt8]("4111111111111111".utf8)))
    }
}
