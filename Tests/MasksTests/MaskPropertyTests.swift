// MaskPropertyTests: what holds for every mask and every value, on generated ones.

import Foundation
import Masks
import TestSupport
import Testing

@Suite struct MaskPropertyTests {
    private let masker = Masker(tokenKey: documentedKey())

    private func parsed(_ text: String) throws -> ParsedJSON {
        try JSONDecoder().decode(ParsedJSON.self, from: Data(text.utf8))
    }

    /// Masks that keep every leaf's type and show nothing of a text.
    private static let closed = [
        "redact", "{constant: 7}", "{type: NAME}", "sha256", "token", "{token: base64url16}",
        "dateShift", "{dateTruncate: day}", "email", "{bucket: 10}", "{maskFirst: 1000}",
        "{keepLast: 1000}",
    ]
    /// Masks that keep types and show something of a text.
    private static let open = [
        "{maskFirst: 3}", "{maskLast: 3}", "{keepFirst: 3}", "{keepLast: 3}",
        "{keepEnds: {first: 2, last: 1}}", "card", "{email: first}", "{email: partial}", "shape",
        "{keepLast: {count: 3, ignore: \"- /\"}}",
    ]

    @Test(arguments: [1, 2, 3])
    func `results are JSON of the same types and names`(seed: UInt64) throws {
        var generated = GeneratedJSON(seed: seed)
        let masks = try (Self.closed + Self.open).map(MaskText.mask)
        for round in 0..<60 {
            let value = generated.value()
            // 1e400 is JSON, but no number for Foundation.
            guard !value.contains("1e400") else { continue }
            let expected = try parsed(value).shape
            for mask in masks {
                let shown = masker.shown(mask, value)
                #expect(
                    try parsed(shown).shape == expected, "\(mask), seed \(seed), round \(round)")
            }
        }
    }

    @Test(arguments: [4, 5, 6])
    func `masks that show nothing show no four bytes of any text`(seed: UInt64) throws {
        let masks = try Self.closed.map(MaskText.mask)
        for round in 0..<300 {
            var generated = GeneratedJSON(seed: seed << 32 | UInt64(round))
            let value = generated.value()
            let secrets = generated.texts.reduce(into: Set()) { $0.formUnion(Windows($1).numbers) }
            for mask in masks {
                let shown = Windows(masker.shown(mask, Array(value.utf8))).numbers
                #expect(shown.isDisjoint(with: secrets), "\(mask), \(seed), \(round)")
            }
        }
    }

    @Test(arguments: [7, 8, 9])
    func `characters are hidden and kept as counting them says`(seed: UInt64) throws {
        var generated = GeneratedJSON(seed: seed)
        let ignored = Set("- /".unicodeScalars)
        for round in 0..<500 {
            let text = generated.text()
            let value = generated.string(text)
            let count = Int.random(in: 1...12, using: &generated.random)
            let other = Int.random(in: 1...12, using: &generated.random)
            let skips = Bool.random(using: &generated.random)
            let counted = text.indices.filter { !skips || !ignored.contains(text[$0]) }
            let total = counted.count
            let kept: [(String, Range<Int>)] = [
                ("maskFirst: {count: \(count)", min(count, total)..<total),
                ("maskLast: {count: \(count)", 0..<max(total - count, 0)),
                ("keepFirst: {count: \(count)", 0..<(count < total ? count : 0)),
                ("keepLast: {count: \(count)", (count < total ? total - count : total)..<total),
            ]
            for (rule, range) in kept {
                let mask = try MaskText.mask("{\(rule)\(skips ? ", ignore: \"- /\"" : "")}}")
                var expected = text
                for (place, index) in counted.enumerated() where !range.contains(place) {
                    expected[index] = "*"
                }
                #expect(
                    try parsed(masker.shown(mask, value))
                        == .text(String(String.UnicodeScalarView(expected))),
                    "\(rule), seed \(seed), round \(round)")
            }
            var expected = text
            for (place, index) in counted.enumerated()
            where count + other >= total || place >= count && place < total - other {
                expected[index] = "*"
            }
            let ends = try MaskText.mask(
                "{keepEnds: {first: \(count), last: \(other)\(skips ? ", ignore: \"- /\"" : "")}}")
            #expect(
                try parsed(masker.shown(ends, value))
                    == .text(String(String.UnicodeScalarView(expected))),
                "keepEnds, seed \(seed), round \(round)")
        }
    }

    @Test func `card numbers show ten digits at most, and only where they stand`() throws {
        let mask = try MaskText.mask("card")
        var random = SeededRandom(seed: 11)
        for _ in 0..<1_000 {
            var text = (0..<Int.random(in: 1...24, using: &random)).map { _ in
                Array("0123456789")[Int.random(in: 0..<10, using: &random)]
            }
            let digits = text.count
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                text.insert(
                    Bool.random(using: &random) ? " " : "-",
                    at: Int.random(in: 0...text.count, using: &random))
            }
            let isCard = (13...19).contains(digits)
            var place = 0
            let expected = text.map { character -> Character in
                guard character.isNumber else { return character }
                defer { place += 1 }
                return isCard && (place < 6 || place >= digits - 4) ? character : "*"
            }
            #expect(masker.shown(mask, "\"\(String(text))\"") == "\"\(String(expected))\"")
        }
    }

    @Test func `addresses show a domain and as many letters as the style says`() throws {
        var random = SeededRandom(seed: 12)
        func word(_ bound: Int) -> String {
            let letters = Array("abcdefghijklmnopqrstuvwyz0123456789é日😀")
            let count = Int.random(in: 1...bound, using: &random)
            return String((0..<count).map { _ in letters[Int.random(in: 0..<35, using: &random)] })
        }
        func start(_ text: String, _ count: Int) -> String {
            text.count > count ? String(text.prefix(count)) : ""
        }
        for _ in 0..<1_000 {
            let (local, host) = (word(12), word(9) + (Bool.random(using: &random) ? ".co" : ""))
            let address = "\"\(local)@\(host).org\""
            let first = start(local, 1)
            #expect(try masker.shown(MaskText.mask("email"), address) == "\"*****@\(host).org\"")
            #expect(
                try masker.shown(MaskText.mask("{email: first}"), address)
                    == "\"\(first)\(first.isEmpty ? "*" : "")****@\(host).org\"")
            #expect(
                try masker.shown(MaskText.mask("{email: partial}"), address)
                    == "\"\(start(local, 2))******@\(start(host, 2))******.org\"")
        }
    }

    @Test(arguments: [
        "@example.com", "a@", "a@b", "a@.com", "a@b.", "a@b..com", "a@-b.com", "a@b-.com",
        "a@b.com.", "a@b.c_m", "a@b.4111", "a@1.2.3.4", "a@b@c.com", "a b@c.com", "a@b.com x",
        "a@b.com,d@e.com", "a@[127.0.0.1]", "a@b.com\\n", "a@😀.com", "a@b.com?card=4111",
    ])
    func `what is no address is redacted under every style`(text: String) throws {
        for rule in ["email", "{email: first}", "{email: partial}"] {
            #expect(masker.shown(try MaskText.mask(rule), "\"\(text)\"") == "\"********\"")
        }
    }

    @Test(arguments: [13, 14, 15, 16])
    func `values with changed bytes are still masked, or hidden as a whole`(seed: UInt64) throws {
        let masks = try Self.closed.map(MaskText.mask)
        var random = SeededRandom(seed: seed)
        for round in 0..<400 {
            var generated = GeneratedJSON(seed: seed << 32 | UInt64(round))
            // An array without objects: a name is not masked, and a change may make one.
            var bytes = Array("[".utf8)
            for _ in 0..<5 { bytes += Array((generated.leaf() + ",").utf8) }
            bytes += Array("0]".utf8)
            let secrets = generated.texts.reduce(into: Set()) { $0.formUnion(Windows($1).numbers) }
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default:
                    bytes.insert(
                        Array(
                            "\"\\[]{},:"
                                .utf8)[Int.random(in: 0..<8, using: &random)], at: at)
                }
            }
            for mask in masks {
                let shown = masker.shown(mask, bytes)
                let text = try #require(String(validating: shown, as: UTF8.self))
                if !text.contains("1e400") { _ = try parsed(text) }
                #expect(
                    Windows(shown).numbers.isDisjoint(with: secrets),
                    "\(mask), \(seed), \(round)")
            }
        }
    }

    @Test func `any bytes give JSON and nothing of themselves`() throws {
        let masks = try Self.closed.map(MaskText.mask)
        var random = SeededRandom(seed: 17)
        for _ in 0..<1_000 {
            let bytes = random.bytes(Int.random(in: 0...60, using: &random))
            for mask in masks {
                let shown = masker.shown(mask, bytes)
                #expect(shown == Array("\"********\"".utf8) || bytes.count < 3)
            }
        }
    }
}

/// All runs of four bytes of some text, each as one number.
private struct Windows {
    let numbers: Set<UInt32>

    init(_ bytes: [UInt8]) {
        var number: UInt32 = 0
        var numbers: Set<UInt32> = []
        for (index, byte) in bytes.enumerated() {
            number = number << 8 | UInt32(byte)
            if index >= 3 { numbers.insert(number) }
        }
        self.numbers = numbers
    }

    init(_ text: [Unicode.Scalar]) {
        self.init(Array(String(String.UnicodeScalarView(text)).utf8))
    }
}
