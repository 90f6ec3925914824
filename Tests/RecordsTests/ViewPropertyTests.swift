// ViewPropertyTests: generated documents, sealed in every form, shown to readers of every kind.

import Bytes
import Envelope
import KafkaWire
import Masks
import TestSupport
import Testing

@testable import Records

@Suite struct ViewPropertyTests {
    let reader = Reader()

    /// Makes documents whose values under protected names are marked, so that a leak shows.
    private struct Documents {
        var random: SeededRandom

        mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

        private mutating func space() -> String { ["", "", " ", "\n\t ", "  "][below(5)] }

        mutating func value(depth: Int, secret: Bool) -> String {
            switch below(depth > 4 ? 5 : 8) {
            case 0: return secret ? "\"LEAK\(below(1000))\"" : "\"t\(below(1000)) \\u00e9\\n日\""
            case 1: return secret ? "7770\(below(100))" : "-\(below(100)).5e+\(below(9))"
            case 2: return secret ? "\"\\u004cEAK\"" : "true"
            case 3: return secret ? "\"LEAK 日本 \\\" \\\\\"" : "null"
            case 4: return secret ? "\"LEAK\"" : "\"\""
            case 5:
                let items = (0..<below(4)).map { _ in value(depth: depth + 1, secret: secret) }
                return "[\(space())\(items.joined(separator: space() + "," + space()))\(space())]"
            default: return object(depth: depth + 1, secret: secret)
            }
        }

        mutating func object(depth: Int, secret: Bool) -> String {
            let members = (0..<below(6)).map { _ -> String in
                let name = ["id", "card", "mail", "a", "b", "\\u0063ard", "x y"][below(7)]
                let isSecret = secret || ["card", "mail", "\\u0063ard"].contains(name)
                return
                    "\"\(name)\"\(space()):\(space())\(value(depth: depth, secret: isSecret))"
            }
            return "{\(space())\(members.joined(separator: space() + "," + space()))\(space())}"
        }

        mutating func records(_ count: Int) -> [PlainRecord] {
            documents(
                (0..<count).map { _ in below(9) == 0 ? nil : object(depth: 0, secret: false) })
        }
    }

    private let fields = ["$..card", "$..mail"]

    private func expectHidden(_ bytes: [UInt8], _ comment: Comment) {
        #expect(!bytes.contains(run: [UInt8]("LEAK".utf8)), comment)
        #expect(!bytes.contains(run: [UInt8]("u004cEAK".utf8)), comment)
        #expect(!bytes.contains(run: [UInt8]("7770".utf8)), comment)
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `sealed and opened documents are the same, and hidden from all others`(
        _ seed: UInt64
    ) throws {
        var made = Documents(random: SeededRandom(seed: seed))
        let pair = try KeyPair()
        let records = made.records(30)
        let stored = try sealedBatch(records, pair, fields: fields, lean: seed % 2 == 0)
        expectHidden(stored, "at rest")
        let original = try batch(records).array
        let clear = try reader.open(stored, try view(rest: .clear), pair.keys)
        #expect(clear.bytes == original)
        let hiding: [(Comment, RecordView)] = [
            ("redacted", try view()), ("left out", try view(rest: .drop)),
            ("sealed", try view(rest: .sealed)), ("null", try view(rest: .mask(.null))),
            ("mixed", try view([("$..card", .sealed), ("$.a", .drop)])),
            ("around", try view([("$.a", .sealed), ("$.*", .mask(.redact))], rest: .drop)),
            (
                "with plain ones",
                try view([("$..mail", .drop)], plain: .mask, protected: fields)
            ),
        ]
        let everything = try view(rest: .clear)
        for (name, hidden) in hiding {
            let shown = try reader.open(stored, hidden, pair.keys)
            expectHidden(shown.bytes, name)
            #expect(try read(shown.bytes).allSatisfy { $0.checksumHolds })
            let values = try shown.records()
            #expect(values.count == records.count, name)
            #expect(values.map(\.key) == records.map(\.key), name)
            #expect(values.map { $0.value == nil } == records.map { $0.value == nil }, name)
            // What one reader may not see, the next may still open.
            _ = try reader.open(shown.bytes, everything, pair.keys)
        }
        let partial = try reader.open(
            stored, try view([("$..card", .clear)], rest: .sealed), pair.keys)
        let rest = try reader.open(partial.bytes, try view(rest: .clear), pair.keys)
        #expect(rest.bytes == original)
    }

    /// Plain values must be shown as their sealed forms are.
    @Test(arguments: 41...60 as ClosedRange<UInt64>)
    func `plain documents are shown as sealed ones`(_ seed: UInt64) throws {
        var made = Documents(random: SeededRandom(seed: seed))
        let pair = try KeyPair()
        let records = made.records(30)
        let plain = try batch(records).array
        let stored = try sealedBatch(records, pair, fields: fields)
        let views = [
            try view(plain: .mask, protected: fields),
            try view(rest: .drop, plain: .mask, protected: fields),
            try view([("$..mail", .clear)], plain: .mask, protected: fields),
            try view([("$..mail", .drop)], plain: .mask, protected: fields),
        ]
        for view in views {
            let fromPlain = try reader.open(plain, view, pair.keys).records()
            let fromSealed = try reader.open(stored, view, pair.keys).records()
            #expect(fromPlain.map(\.value) == fromSealed.map(\.value))
        }
        expectHidden(try reader.open(plain, views[0], pair.keys).bytes, "redacted")
    }

    @Test(arguments: Form.allCases)
    func `whole values of all kinds come back, and are hidden from others`(_ form: Form) throws {
        for seed in 1...10 as ClosedRange<UInt64> {
            var made = Documents(random: SeededRandom(seed: seed))
            let pair = try KeyPair()
            let records = documents(
                (0..<20).map { index in
                    switch index % 4 {
                    case 0: made.object(depth: 0, secret: true)
                    case 1: String(repeating: "LEAK 7770 ", count: made.below(50))
                    case 2: nil
                    default: made.value(depth: 0, secret: true)
                    }
                })
            let stored = try form.stored(records, pair)
            expectHidden(stored, "at rest")
            let clear = try reader.open(stored, try view(whole: .clear), pair.keys)
            #expect(clear.bytes == (try batch(records).array))
            for action in [.sealed, .drop, .mask(.redact), .mask(.null)] as [ViewAction] {
                let shown = try reader.open(
                    stored, try view(whole: action), pair.keys)
                expectHidden(shown.bytes, "\(action)")
            }
        }
    }
}
