// FieldTamperTests: sealed fields that were changed, moved or forged do not open.

import Bytes
import Envelope
import KafkaWire
import Masks
import TestSupport
import Testing

@testable import Records

@Suite struct FieldTamperTests {
    let reader = Reader()
    private let document = #"{"a":"first","b":"other","c":["first"],"n":1}"#
    private let fields = ["$.a", "$.b", "$.c[*]"]

    /// The one record of a sealed batch.
    private func record(_ pair: KeyPair, topic: String = "orders") throws -> PlainRecord {
        let bytes = try sealedBatch(documents([document]), pair, fields: fields, topic: topic)
        return try #require(try read(bytes).first?.records.first)
    }

    /// The sealed texts in a document, quotes not included.
    private func sealedTexts(_ record: PlainRecord) throws -> [String] {
        let value = String(decoding: try #require(record.value), as: UTF8.self)
        return value.split(separator: "\"").filter { $0.hasPrefix("wax1:") }.map(String.init)
    }

    private func replacing(
        _ record: PlainRecord, _ changes: [(old: String, new: String)]
    ) throws -> [UInt8] {
        var copy = record
        var value = String(decoding: try #require(record.value), as: UTF8.self)
        for (index, change) in changes.enumerated() {
            value = value.split(separator: change.old, omittingEmptySubsequences: false)
                .joined(separator: "<\(index)>")
        }
        for (index, change) in changes.enumerated() {
            value = value.split(separator: "<\(index)>", omittingEmptySubsequences: false)
                .joined(separator: change.new)
        }
        copy.value = [UInt8](value.utf8)
        return try batch([copy]).array
    }

    private func failure(_ bytes: [UInt8], _ pair: KeyPair, topic: String = "orders") throws
        -> RecordError?
    {
        reader.failure(bytes, try view(rest: .clear), pair.keys, topic: topic)
    }

    @Test func `a field moved to another path does not open`() throws {
        let pair = try KeyPair()
        let record = try record(pair)
        let texts = try sealedTexts(record)
        #expect(texts.count == 3)
        #expect(try failure(try batch([record]).array, pair) == nil)
        for (one, two) in [(0, 1), (0, 2), (1, 2)] {
            let swapped = try replacing(
                record, [(texts[one], texts[two]), (texts[two], texts[one])])
            let error = try #require(try failure(swapped, pair))
            #expect(error.code == .openFailed)
            #expect(error.recordIndex == 0)
            #expect(error.kafkaCode == 2)
        }
        let renamed = try replacing(record, [("\"a\"", "\"A\"")])
        #expect(try failure(renamed, pair)?.code == .openFailed)
        // The same name spelled otherwise is the same path.
        let escaped = try replacing(record, [("\"a\"", "\"\\u0061\"")])
        #expect(try failure(escaped, pair) == nil)
    }

    @Test func `a field in a document of another kind or topic does not open`() throws {
        let pair = try KeyPair()
        let record = try record(pair)
        let bytes = try batch([record]).array
        for topic in ["order", "orders2", "Orders"] {
            #expect(try failure(bytes, pair, topic: topic)?.code == .openFailed)
        }
        let text = try sealedTexts(record)[0]
        let inner = try batch([
            PlainRecord(
                key: nil, value: [UInt8]("{\"x\":{\"a\":\"\(text)\"}}".utf8),
                headers: record.headers)
        ]).array
        #expect(try failure(inner, pair)?.code == .openFailed)
        let array = try batch([
            PlainRecord(key: nil, value: [UInt8]("[\"\(text)\"]".utf8), headers: record.headers)
        ]).array
        #expect(try failure(array, pair)?.code == .openFailed)
    }

    @Test func `a sealed text with any letter changed does not open`() throws {
        let pair = try KeyPair()
        let record = try record(pair)
        let text = try sealedTexts(record)[1]
        let letters = Array(text)
        for at in letters.indices {
            var changed = letters
            changed[at] = letters[at] == "A" ? "B" : "A"
            let bytes = try replacing(record, [(text, String(changed))])
            if at < 5 {
                // No longer a sealed field, but a text of its own.
                let shown = try reader.open(bytes, try view(rest: .clear), pair.keys)
                #expect(try shown.texts()[0]?.contains(String(changed)) == true)
            } else {
                #expect(try failure(bytes, pair)?.code == .openFailed)
            }
        }
        for count in 5..<letters.count {
            let bytes = try replacing(record, [(text, String(letters.prefix(count)))])
            #expect(try failure(bytes, pair)?.code == .openFailed)
        }
        for longer in [text + "A", text + "=", text + "\\u0041", " " + text.dropFirst(0)] {
            let bytes = try replacing(record, [(text, longer)])
            if longer.hasPrefix("wax1:") {
                #expect(try failure(bytes, pair)?.code == .openFailed)
            } else {
                #expect(try failure(bytes, pair) == nil)
            }
        }
    }

    @Test func `a header with any bit changed does not open fields`() throws {
        let pair = try KeyPair()
        let record = try record(pair)
        let header = try #require(record.headers[0].value)
        let keys = AnyKey(try #require(pair.keys.keys[pair.wrapped]))
        let view = try view(whole: .clear, rest: .clear)
        for at in 0..<header.count - pair.wrapped.count {
            for bit in 0..<8 {
                var changed = record
                changed.headers[0].value?[at] ^= 1 << bit
                let input = filled(try batch([changed]).array)
                #expect(throws: RecordError.self, "byte \(at) bit \(bit)") {
                    try reader.opener.open(
                        records: input.bytes, topic: "orders", view: view, keys: keys,
                        mayDrop: true, into: ByteBuffer())
                }
            }
        }
    }

    /// Gives the same key whatever it is asked for, as a careless cache would.
    private final class AnyKey: OpeningKeys {
        let key: OpeningKey
        init(_ key: OpeningKey) { self.key = key }
        func openingKey(reference: RawSpan, wrapped: RawSpan, id: UInt64) -> OpeningKey? { key }
    }

    @Test func `what is no document does not open`() throws {
        let pair = try KeyPair()
        let record = try record(pair)
        let value = try #require(record.value)
        for count in 0..<value.count {
            var cut = record
            cut.value = Array(value.prefix(count))
            #expect(try failure(try batch([cut]).array, pair)?.code == .openFailed)
        }
        var other = record
        other.value = value + [0x7d]
        #expect(try failure(try batch([other]).array, pair)?.code == .openFailed)
        other.value = nil
        #expect(try failure(try batch([other]).array, pair)?.code == .unsupportedFormat)
    }

    @Test func `an unopenable document is delivered as stored where the view says so`() throws {
        let pair = try KeyPair()
        let good = try record(pair)
        var bad = good
        // Within the first sealed text.
        bad.value?[40] ^= 1
        bad.offsetDelta = 1
        var last = good
        last.offsetDelta = 2
        let bytes = try batch([good, bad, last]).array
        for rest in [.clear, .mask(.redact)] as [ViewAction] {
            let shown = try reader.open(
                bytes, try view(rest: rest, unopenable: .deliver), pair.keys)
            #expect(shown.counts.unopenable == 1)
            let records = try shown.records()
            #expect(records[1] == bad)
            #expect(records[0].value == records[2].value)
            #expect(records[0].headers.map(\.key) == ["trace"])
            #expect(try read(shown.bytes).allSatisfy { $0.checksumHolds })
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `seeded garbage never crashes and never shows what is hidden`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pair = try KeyPair()
        let secret = "topsecretvalue"
        let text = "{\"a\":\"\(secret)\",\"b\":{\"c\":[\"\(secret)\",1]},\"s\":\"\(secret)\"}"
        let good = try sealedBatch(
            documents([text, text]), pair, fields: ["$.a", "$.b.c[0]", "$.s"], lean: true)
        let views = [
            try view(), try view(rest: .drop), try view([("$.b", .drop)], unopenable: .deliver),
            try view(rest: .sealed), try view(plain: .mask, protected: ["$.a", "$.b", "$.s"]),
        ]
        for _ in 0..<200 {
            let buffer = filled(good)
            for _ in 0...random.next() % 3 {
                let at = Int(random.next() % UInt64(buffer.count))
                buffer.set(byte: UInt8(truncatingIfNeeded: random.next()), at: at)
            }
            let sum = RecordBatchHeader.checksum(of: buffer.bytes)
            buffer.set(uint32: sum, at: RecordBatchHeader.At.crc)
            let view = views[Int(random.next() % UInt64(views.count))]
            do throws(RecordError) {
                let shown = try reader.open(buffer.array, view, pair.keys)
                #expect(!shown.bytes.contains(run: [UInt8](secret.utf8)))
            } catch {
                #expect(!error.description.contains(secret))
            }
        }
    }
}
