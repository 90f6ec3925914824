// PlainTextTests: texts that are looked at eight bytes at a time against those that are not.

import Bytes
import Foundation
import Masks
import TestSupport
import Testing

@Suite struct PlainTextTests {
    private let masker = Masker(tokenKey: documentedKey())

    /// All kinds, with replacements that need one byte, several bytes, or an escape.
    private static func masks() throws -> [Mask] {
        try MaskerTests.everyMask()
            + [
                "{keepLast: 4}", "{keepFirst: {count: 9, with: é}}",
                "{keepEnds: {first: 1, last: 8, with: 😀}}", "{maskFirst: {count: 8, with: \\}}",
                "{maskLast: {count: 17, with: #}}", "{maskFirst: {count: 1000, with: ~}}",
                "{email: {style: first, with: é}}", "{token: base64url16}",
            ].map(MaskText.mask)
    }

    /// A string whose first character is written as an escape, which is read character by
    /// character.
    private func escaping(_ text: String) -> String {
        guard let first = text.utf8.first else { return "\"\"" }
        let digits = String(first, radix: 16)
        return "\"\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)"
            + "\(text.dropFirst())\""
    }

    @Test(arguments: [0..<12, 12..<24, 24..<42, 254..<258, 4_095..<4_098])
    func `a text is masked alike with an escape in it and without`(counts: Range<Int>) throws {
        let letters = Array("4111-aZ09 ~x.@!")
        var random = SeededRandom(seed: 31)
        let masks = try Self.masks()
        for count in counts {
            for text in [
                String((0..<count).map { letters[$0 % letters.count] }),
                String((0..<count).map { _ in letters[Int.random(in: 0..<15, using: &random)] }),
                String("ab@\(String(repeating: "c", count: count)).example".suffix(count)),
            ] {
                for mask in masks {
                    let plain = masker.shown(mask, "\"\(text)\"")
                    #expect(masker.shown(mask, escaping(text)) == plain, "\(mask): \(text)")
                    #expect(masker.shown(mask, " \"\(text)\"\n") == plain, "\(mask): \(text)")
                    #expect(masker.shown(mask, "[\"\(text)\"]") == containing(plain, mask))
                }
            }
        }
    }

    /// What an array of one value is shown as.
    private func containing(_ shown: String, _ mask: Mask) -> String {
        switch mask.kind {
        case "null": "null"
        case "constant" where mask.allowsTypeChange: shown
        default: "[\(shown)]"
        }
    }

    @Test func `a character that is not plain is found wherever it stands`() throws {
        let mask = try MaskText.mask("{keepLast: 1}")
        // As it is written, and as it is shown where it is kept; nil: no string may hold it.
        let odd: [(String, String?)] = [
            ("\"", nil), ("\\", nil), ("\u{1f}", nil), ("\n", nil), ("\u{0}", nil),
            ("\\\"", "\\\""), ("\\\\", "\\\\"), ("\\n", "\\n"), ("\u{7f}", "\u{7f}"), ("é", "é"),
            ("日", "日"), ("😀", "😀"), ("\\ud83d\\ude00", "😀"),
        ]
        for count in 0..<18 {
            for place in 0...count {
                for (written, shown) in odd {
                    let after = String(repeating: "c", count: count - place)
                    let value = "\"\(String(repeating: "a", count: place))\(written)\(after)\""
                    var expected = "\"********\""
                    if let shown {
                        let last = count == 0 ? "*" : after.isEmpty ? shown : "c"
                        expected = "\"\(String(repeating: "*", count: count))\(last)\""
                    }
                    #expect(masker.shown(mask, value) == expected, "\(value)")
                }
            }
        }
    }

    /// The rule of docs/MASKS.md: labels of letters, digits and inner `-`, two or more of them, the
    /// last of which begins with a letter.
    private func isHost(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count > 1 && labels.last?.first?.isLetter == true
            && labels.allSatisfy { label in
                !label.isEmpty && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.allSatisfy { $0.isLetter || "0123456789-".contains($0) }
            }
    }

    @Test(arguments: [41, 42, 43])
    func `a host is shown when all its labels are right`(seed: UInt64) throws {
        let masks = try ["email", "{email: first}"].map(MaskText.mask)
        let parts = Array("aaaaabbzAZ0099--....é_@ ")
        var random = SeededRandom(seed: seed)
        var shownCount = 0
        for _ in 0..<3_000 {
            let bound = Bool.random(using: &random) ? 19 : parts.count
            let host = String(
                (0..<Int.random(in: 0...26, using: &random)).map { _ in
                    parts[Int.random(in: 0..<bound, using: &random)]
                })
            let isShown = isHost(host)
            shownCount += isShown ? 1 : 0
            let address = "\"me@\(host)\""
            let expected = ["\"*****@\(host)\"", "\"m****@\(host)\""]
            for (mask, text) in zip(masks, expected) {
                #expect(masker.shown(mask, address) == (isShown ? text : "\"********\""))
            }
        }
        #expect(shownCount > 100)
    }

    @Test func `what ends a mailbox is found wherever it stands`() throws {
        let mask = try MaskText.mask("email")
        for count in 1..<20 {
            let local = String(repeating: "?", count: count)
            #expect(masker.shown(mask, "\"\(local)@a.bc\"") == "\"*****@a.bc\"")
            for place in 0..<count {
                for odd in ["@", " ", "\u{7f}", "\\u0000", "\\t"] {
                    let broken = local.prefix(place) + odd + local.dropFirst(place + 1)
                    #expect(masker.shown(mask, "\"\(broken)@a.bc\"") == "\"********\"")
                }
            }
        }
    }

    @Test func `redacting says the same however it is asked for`() throws {
        #expect(try MaskText.mask("{redact: {text: ********}}") == .redact)
        #expect(try MaskText.mask("{redact: {boolean: false}}") == .redact)
        #expect(try MaskText.mask("{redact: {text: *******}}") != .redact)
        #expect(try MaskText.mask("{redact: {number: 0}}") != .redact)
    }
}
