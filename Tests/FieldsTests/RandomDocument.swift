// RandomDocument: documents in every spelling that JSON allows.

import TestSupport

/// Writes documents with white space anywhere, names that come again, and each string and number
/// in one of its many forms.
struct RandomDocument {
    static let names = [
        "a", "b", "c", "", "name", "customerNumber", "customerNummer", "a'b", "a\"b", "x\\y",
        "\u{e9}t\u{e9}", "\u{1f600}", "\u{20ac}", "tab\tname", "\u{1}", "/", "a.b", "wax1:name",
        "a name of more than sixteen bytes", "a name of more than sixteen bytez",
    ]
    private static let texts = [
        "", "x", "wax1:", "wax1:AAAA", "wax1", "wax2:", "Wax1:", " wax1:", "\u{1f600}\u{10ffff}",
        "\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}", "\n\r\t\u{8}\u{c}\u{0}\u{1f}",
        "a longer text, still plain",
        "\"quoted\"", "\\", "caf\u{e9} cr\u{e8}me br\u{fb}l\u{e9}e", "4111111111111111",
    ]
    private static let numbers = [
        "0", "-0", "1", "-1", "10", "1.5", "-0.0", "0.10", "1e5", "1E+5", "1e-05", "0e0",
        "123456789012345678901234567890", "1.000000000000000000001", "9007199254740993",
        "1e300", "-1.7976931348623157e308", "5e-324",
    ]

    private var random: SeededRandom
    private var text = ""
    private let names: [String]

    /// - Parameter isDeep: the document is an object, with room for more in it.
    static func text(
        seed: UInt64, names: [String] = names, isDeep: Bool = false
    ) -> String {
        var document = RandomDocument(random: SeededRandom(seed: seed), names: names)
        document.space()
        if isDeep {
            document.container("{", "}", 5) { $0.name() }
        } else {
            document.value(depth: Int(document.random.next() % 5))
        }
        document.space()
        return document.text
    }

    private init(random: SeededRandom, names: [String]) {
        self.random = random
        self.names = names
    }

    private mutating func space() {
        switch random.next() % 8 {
        case 0: text += " "
        case 1: text += ["\n", "\r\n", "\t", "\n          ", " \n \t "].random(&random)
        default: break
        }
    }

    private mutating func value(depth: Int) {
        switch random.next() % (depth > 0 ? 12 : 6) {
        case 0: text += ["true", "false"].random(&random)
        case 1: text += "null"
        case 2: text += Self.numbers.random(&random)
        case 3, 4, 5: string(Self.texts.random(&random))
        case 6, 7, 8: container("[", "]", depth) { _ in }
        default: container("{", "}", depth) { $0.name() }
        }
    }

    private mutating func name() {
        string(names.random(&random))
        space()
        text += ":"
        space()
    }

    private mutating func container(
        _ open: String, _ close: String, _ depth: Int, _ item: (inout RandomDocument) -> Void
    ) {
        text += open
        space()
        for index in 0..<random.next() % 6 {
            if index > 0 {
                space()
                text += ","
                space()
            }
            item(&self)
            value(depth: depth - 1)
        }
        space()
        text += close
    }

    private mutating func string(_ plain: String) {
        let isEscaped = random.next() % 3 == 0
        text += "\""
        for scalar in plain.unicodeScalars {
            let short: [Unicode.Scalar: String] = [
                "\"": "\\\"", "\\": "\\\\", "/": "\\/", "\n": "\\n", "\r": "\\r", "\t": "\\t",
                "\u{8}": "\\b", "\u{c}": "\\f",
            ]
            let must = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if let escape = short[scalar], must || isEscaped, random.next() % 2 == 0 {
                text += escape
            } else if must || (isEscaped && random.next() % 2 == 0) {
                for unit in String(Character(scalar)).utf16 {
                    text += ModelPath.hexEscape(unit, &random)
                }
            } else {
                text += String(Character(scalar))
            }
        }
        text += "\""
    }
}
