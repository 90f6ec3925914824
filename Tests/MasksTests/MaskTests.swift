// MaskTests: masks from rules, and every way in which a rule may be wrong.

import Masks
import Testing

@Suite struct MaskTests {
    /// What making the mask says.
    private func refusal(
        _ kind: String, _ arguments: [(name: String, value: MaskArgument)] = []
    ) -> String? {
        do {
            _ = try Mask.make(kind: kind, arguments: arguments)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `a mask without settings is its name alone`() throws {
        #expect(try Mask.make(kind: "redact") == .redact)
        #expect(try Mask.make(kind: "null") == .null)
        for kind in ["card", "email", "shape", "sha256", "token", "dateShift"] {
            #expect(try Mask.make(kind: kind).kind == kind)
        }
    }

    @Test func `a bare value is the main setting`() throws {
        #expect(
            try Mask.make(kind: "keepLast", arguments: [("", .integer(4))])
                == Mask.make(kind: "keepLast", arguments: [("count", .integer(4))]))
        #expect(
            try Mask.make(kind: "keepLast", arguments: [("", .integer(4))])
                != Mask.make(kind: "keepLast", arguments: [("count", .integer(5))]))
        #expect(
            try Mask.make(kind: "keepLast", arguments: [("", .integer(4))])
                != Mask.make(kind: "maskLast", arguments: [("count", .integer(4))]))
    }

    @Test func `a list of ignored characters is the same as a text of them`() throws {
        #expect(
            try Mask.make(
                kind: "keepLast", arguments: [("", .integer(4)), ("ignore", .list(["-", " "]))])
                == Mask.make(
                    kind: "keepLast", arguments: [("", .integer(4)), ("ignore", .text(" -"))]))
    }

    @Test func `a digit may stand for hidden characters without quotes`() throws {
        #expect(
            try Mask.make(kind: "keepLast", arguments: [("", .integer(4)), ("with", .integer(0))])
                == Mask.make(
                    kind: "keepLast", arguments: [("", .integer(4)), ("with", .text("0"))]))
    }

    @Test func `only masks that compute with a key need one`() throws {
        let keyed = try Mask.kinds.filter { kind in
            let main: [(name: String, value: MaskArgument)] =
                switch kind {
                case "constant": [("", .text("x"))]
                case "type": [("", .text("NAME"))]
                case "dateTruncate": [("", .text("year"))]
                case "keepEnds": [("first", .integer(1)), ("last", .integer(1))]
                case "maskFirst", "maskLast", "keepFirst", "keepLast", "bucket":
                    [("", .integer(10))]
                default: []
                }
            return try Mask.make(kind: kind, arguments: main).needsKey
        }
        #expect(keyed == ["token", "dateShift"])
    }

    @Test func `an unknown kind is refused, with the kinds that there are`() {
        #expect(throws: MaskError.self) { try Mask.make(kind: "kepLast") }
        do {
            _ = try Mask.make(kind: "kepLast")
        } catch {
            #expect(error.description == "unknown mask `kepLast`")
            #expect(error.unknownWord == "kepLast")
            #expect(error.knownWords == Mask.kinds)
        }
        #expect(
            refusal("a\nb\u{1b}[2J" + String(repeating: "c", count: 60))
                == "unknown mask `a?b?[2J\(String(repeating: "c", count: 33))...`")
    }

    @Test func `an unknown setting is refused, with the settings that there are`() {
        do {
            _ = try Mask.make(kind: "keepLast", arguments: [("cuont", .integer(4))])
        } catch {
            #expect(error.description == "mask `keepLast` has no setting `cuont`")
            #expect(error.unknownWord == "cuont")
            #expect(error.knownWords == Mask.settings(of: "keepLast"))
            #expect(error.knownWords == ["count", "with", "ignore", "allowTypeChange"])
        }
        #expect(refusal("null", [("x", .integer(1))]) == "mask `null` has no settings")
        #expect(refusal("null", [("", .integer(1))]) == "mask `null` has no settings")
        #expect(
            refusal("redact", [("allowTypeChange", .bool(true))])
                == "mask `redact` has no setting `allowTypeChange`")
        #expect(
            refusal("card", [("", .integer(4))])
                == "mask `card` takes its settings by name, as in `{first: ...}`")
    }

    @Test func `a setting that stands twice is refused`() {
        #expect(
            refusal("keepLast", [("", .integer(4)), ("count", .integer(5))])
                == "`count` of mask `keepLast` is given twice")
    }

    @Test func `a setting that is missing is refused`() {
        for kind in ["maskFirst", "maskLast", "keepFirst", "keepLast"] {
            #expect(refusal(kind) == "mask `\(kind)` needs `count`")
        }
        #expect(refusal("keepEnds", [("first", .integer(1))]) == "mask `keepEnds` needs `last`")
        #expect(refusal("constant") == "mask `constant` needs `value`")
        #expect(refusal("type") == "mask `type` needs `name`")
        #expect(refusal("dateTruncate") == "mask `dateTruncate` needs `unit`")
        #expect(refusal("bucket") == "mask `bucket` needs `step`")
    }

    @Test(arguments: [
        MaskArgument.integer(0), .integer(-1), .integer(1_001), .integer(.max), .integer(.min),
        .text("4"), .number("4.0"), .bool(true), .list(["4"]),
    ])
    func `a count out of bounds is refused`(value: MaskArgument) {
        #expect(
            refusal("keepLast", [("", value)])
                == "`count` of mask `keepLast` must be a whole number from 1 to 1000")
    }

    @Test(arguments: ["", "**", "\n", "e\u{301}", "👨‍👩‍👧"])
    func `what hides a character is one character`(text: String) {
        #expect(
            refusal("card", [("with", .text(text))])
                == "`with` of mask `card` must be one character")
    }

    @Test(arguments: ["a", "-1", "é", "- 日", "\u{301}", "٣"])
    func `letters, digits and marks are not ignored`(text: String) {
        #expect(
            refusal("keepLast", [("", .integer(4)), ("ignore", .text(text))])
                == "`ignore` of mask `keepLast` must be punctuation, signs or spaces: "
                + "others would be shown")
        #expect(
            refusal("keepLast", [("", .integer(4)), ("ignore", .text(""))])
                == "`ignore` of mask `keepLast` must be 1 to 16 characters")
    }

    @Test func `a word that is not among the choices is refused`() {
        #expect(
            refusal("email", [("", .text("frist"))])
                == "`style` of mask `email` must be `domain` or `first` or `partial`")
        #expect(
            refusal("token", [("", .bool(true))])
                == "`form` of mask `token` must be `hex` or `base64` or `base64url16`")
        #expect(
            refusal("dateTruncate", [("", .text("week"))])
                == "`unit` of mask `dateTruncate` must be `day` or `month` or `year` or `decade`")
    }

    @Test(arguments: [
        MaskArgument.integer(0), .integer(-5), .number("-0.5"), .number("1e3"), .number("0.0"),
        .integer(1_000_000_000_000_000_000), .number("1."), .number(".5"), .number("1.2.3"),
        .text("1000"), .number("nan"), .number(""),
    ])
    func `a step that is no width is refused`(value: MaskArgument) {
        #expect(
            refusal("bucket", [("", value)])
                == "`step` of mask `bucket` must be a number above 0 of at most 18 digits, "
                + "as in `1000` or `0.05`")
    }

    @Test func `numbers and texts that JSON cannot hold, or that are too long, are refused`() {
        for text in ["+1", ".5", "0x10", "1_000", "Infinity", "01"] {
            #expect(
                refusal("redact", [("number", .number(text))])
                    == "`number` of mask `redact` must be a number as JSON writes it")
        }
        let long = MaskArgument.text(String(repeating: "é", count: 129))
        #expect(
            refusal("constant", [("", long)])
                == "`value` of mask `constant` must be a text of at most 256 bytes")
        #expect(
            refusal("constant", [("", .list(["a"]))])
                == "`value` of mask `constant` must be a text, a number, true or false")
        #expect(
            refusal("dateShift", [("entity", .integer(42))])
                == "`entity` of mask `dateShift` must be a text of at most 256 bytes")
        #expect(
            refusal("dateShift", [("", .integer(36_501))])
                == "`days` of mask `dateShift` must be a whole number from 1 to 36500")
        #expect(
            refusal("type", [("", .text("E-MAIL \""))])
                == "`name` of mask `type` must be 1 to 64 of the characters "
                + "A-Z, a-z, 0-9, `_` and `-`")
        #expect(
            refusal("shape", [("allowTypeChange", .text("yes"))])
                == "`allowTypeChange` of mask `shape` must be true or false")
    }
}
