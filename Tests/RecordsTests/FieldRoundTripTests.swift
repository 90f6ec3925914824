// FieldRoundTripTests: generated and awkward documents come back byte for byte.

import Bytes
import Envelope
import KafkaWire
import TestSupport
import Testing

@testable import Records

/// Writes JSON in every spelling that the grammar allows. Texts under a member `secret` begin with
/// "hush", the others with "loud".
private struct DocumentMaker {
    var random: SeededRandom
    private(set) var text = ""
    private(set) var secrets = 0

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private mutating func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    mutating func make() -> String {
        text = ""
        secrets = 0
        space()
        value(depth: 0, isSecret: false)
        space()
        return text
    }

    private mutating func space() {
        text += ["", "", "", " ", "\n", "\t", " \r\n"][pick(7)]
    }

    private mutating func value(depth: Int, isSecret: Bool) {
        switch pick(depth > 5 ? 5 : 8) {
        case 0: text += ["true", "false", "null"][pick(3)]
        case 1:
            text +=
                ["0", "-0", "1.50", "-12e+3", "1E400", "0.1e-07", "12345678901234567890"][pick(7)]
        case 2...4: string(isSecret)
        case 5...6: object(depth, isSecret)
        default: array(depth, isSecret)
        }
    }

    private mutating func string(_ isSecret: Bool) {
        text += isSecret ? "\"hush" : "\"loud"
        for _ in 0..<pick(12) {
            text +=
                [
                    "a", "é", "✓", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\uD83D\\uDE00",
                    "\\ud800", " ", "wax1:", "'", "\u{7f}",
                ][pick(15)]
        }
        text += "\""
    }

    private mutating func object(_ depth: Int, _ isSecret: Bool) {
        text += "{"
        let count = pick(5)
        for index in 0..<count {
            space()
            let names = ["secret", "a", "it's", "\\u00e9", "a\\\\b", "", "wax1:x", "s\\u0065cret"]
            let name = names[pick(names.count)]
            let hides = name == "secret" || name == "s\\u0065cret"
            if hides { secrets += 1 }
            text += "\"\(name)\""
            space()
            text += ":"
            space()
            value(depth: depth + 1, isSecret: isSecret || hides)
            space()
            if index < count - 1 { text += "," }
        }
        if count == 0 { space() }
        text += "}"
    }

    private mutating func array(_ depth: Int, _ isSecret: Bool) {
        text += "["
        let count = pick(4)
        for index in 0..<count {
            space()
            value(depth: depth + 1, isSecret: isSecret)
            space()
            if index < count - 1 { text += "," }
        }
        if count == 0 { space() }
        text += "]"
    }
}

@Suite struct FieldRoundTripTests {
    let records = SealAndOpen()

    private func text(_ record: PlainRecord) -> String {
        String(decoding: record.value ?? [], as: UTF8.self)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `generated documents come back, and nothing secret is left in them`(
        _ seed: UInt64
    ) throws {
        var maker = DocumentMaker(seed: seed)
        let pair = try KeyPair()
        let plain = (0..<100).map { _ in PlainRecord(text: maker.make()) }
        let plan = try plan(lean: seed % 2 == 0, fields: ["$..secret"], bytesMax: 20_000)
        let output = try records.seal(try batch(plain), plan, .one(pair.sealing))
        #expect(!output.bytes.contains(run: Array("hush".utf8)))
        let stored = try read(output.bytes).flatMap(\.records)
        for (record, original) in zip(stored, plain) {
            let hasSecret =
                text(original).contains("\"secret\"") || text(original).contains("s\\u0065cret")
            #expect((record.wax != nil) == hasSecret)
            #expect(hasSecret || record.value == original.value)
            let count = { (record: PlainRecord) in
                record.value.map { $0.count(of: Array("\"loud".utf8)) }
            }
            #expect(count(record) == count(original))
        }
        #expect(contents(try records.open(output.bytes, pair.keys)) == contents(plain))
    }

    @Test func `many paths at once come back too`() throws {
        let pair = try KeyPair()
        let sets = [
            ["$"], ["$.*"], ["$[*]"], ["$..*"], ["$..a", "$.secret"],
            ["$[0]", "$[1].a", "$['it\\'s']"], ["$..['\u{e9}']", "$..[2]", "$.a[*].a"],
        ]
        for (index, paths) in sets.enumerated() {
            var maker = DocumentMaker(seed: UInt64(100 + index))
            let plain = (0..<150).map { _ in PlainRecord(text: maker.make()) }
            let plan = try plan(fields: paths, bytesMax: 50_000)
            let output = try records.seal(try batch(plain), plan, .one(pair.sealing))
            #expect(output.parts.sealedCount > 10)
            #expect(contents(try records.open(output.bytes, pair.keys)) == contents(plain))
        }
    }

    @Test func `awkward documents come back`() throws {
        let pair = try KeyPair()
        let huge = String(repeating: "x\\u00e9\u{e9}", count: 20_000)
        let deep =
            String(repeating: #"{"d":["#, count: 200) + #"{"secret":1}"#
            + String(repeating: "]}", count: 200)
        let documents = [
            #"{"secret":"\#(huge)","a":"\#(huge)"}"#, deep, #"{"secret":{}}"#, #"{"secret":[]}"#,
            #"{"secret":""}"#, #"{"":{"secret":null}}"#, #"[[[{"secret":[[]]}]]]"#,
            "\n\n{\t\"secret\"\r\n:\t0 }  ", #"{"secret":1,"secret":{"secret":2},"secret":[3]}"#,
            #"{"secret":"wax1:already"}"#.replacing("wax1", with: "wax0"),
        ]
        for document in documents {
            let plan = try plan(fields: ["$..secret"], bytesMax: 1 << 20)
            let plain = [PlainRecord(text: document)]
            let output = try records.seal(try batch(plain), plan, .one(pair.sealing))
            #expect(output.parts.sealedCount == 1)
            #expect(contents(try records.open(output.bytes, pair.keys)) == contents(plain))
        }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `documents with a changed byte never crash and never leak`(_ seed: UInt64) throws {
        var maker = DocumentMaker(seed: seed)
        var random = SeededRandom(seed: seed)
        let pair = try KeyPair()
        for _ in 0..<200 {
            var value = Array(maker.make().utf8)
            for _ in 0..<1 + random.next() % 3 {
                value[Int(random.next() % UInt64(value.count))] = UInt8(
                    truncatingIfNeeded: random.next())
            }
            let plain = [PlainRecord(key: nil, value: value)]
            let input = try batch(plain)
            let sealed = try? records.seal(
                input, try plan(fields: ["$..secret"]), .one(pair.sealing))
            guard let sealed else { continue }
            #expect(contents(try records.open(sealed.bytes, pair.keys)) == contents(plain))
        }
    }
}
