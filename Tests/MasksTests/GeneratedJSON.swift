// GeneratedJSON: seeded JSON values whose secrets can be found again, and another reader's view.

import Foundation
import TestSupport

/// Makes JSON values. No letter of their texts, and no digit, is one that masks write themselves
/// (hexadecimal digits, `x`, `n`, `*`), and names of members have letters of their own, so that
/// what shows of a text can only come from it.
struct GeneratedJSON {
    var random: SeededRandom
    /// The texts of all strings made so far.
    private(set) var texts: [[Unicode.Scalar]] = []

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private static let letters = Array(
        "ghijklmopqrtuvwyzGHIJKLMOPQRTUVWYZßжЩ日本語😀𝒳-/ ".unicodeScalars)
    private static let odd = Array("\"\\\n\u{1}\u{7f}".unicodeScalars)

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    /// A text of 0 to 40 characters, mostly letters.
    mutating func text() -> [Unicode.Scalar] {
        (0..<below(41)).map { _ in
            below(12) == 0
                ? Self.odd[below(Self.odd.count)] : Self.letters[below(Self.letters.count)]
        }
    }

    /// `text` as a JSON string, with some characters escaped that need not be.
    mutating func string(_ text: [Unicode.Scalar]) -> String {
        "\"" + text.map { escaped($0) }.joined() + "\""
    }

    private mutating func escaped(_ scalar: Unicode.Scalar) -> String {
        let choice = below(8)
        if scalar == "\"" || scalar == "\\" || scalar == "/" && choice == 1 {
            return "\\\(scalar)"
        }
        guard scalar.value < 0x20 || choice == 0 else { return String(scalar) }
        if scalar == "\n", choice < 4 { return "\\n" }
        return String(scalar).utf16.map { unit in
            let digits = String(unit, radix: 16, uppercase: choice % 2 == 0)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }

    mutating func leaf() -> String {
        switch below(8) {
        case 0: return "null"
        case 1: return below(2) == 0 ? "true" : "false"
        case 2: return String(below(2_000_000) - 1_000_000)
        case 3: return ["-0.0", "1e400", "52340.5", "1E-7", "0", "-17.25e+3"][below(6)]
        default:
            let text = text()
            texts.append(text)
            return string(text)
        }
    }

    /// A value with objects and arrays up to `depth` levels deep.
    mutating func value(depth: Int = 3) -> String {
        guard depth > 0, below(3) > 0 else { return leaf() }
        let space = ["", " ", "\n\t"][below(3)]
        let count = below(5)
        if below(2) == 0 {
            return "[\(space)"
                + (0..<count).map { _ in value(depth: depth - 1) }.joined(separator: ",\(space)")
                + "]"
        }
        return "{"
            + (0..<count).map { index in
                "\(space)\"NAME_\(index)\"\(space):\(space)\(value(depth: depth - 1))"
            }.joined(separator: ",") + "}"
    }
}

/// JSON as another reader, Foundation's, understands it.
enum ParsedJSON: Decodable, Equatable {
    case null
    case boolean(Bool)
    case number(Double)
    case text(String)
    case array([ParsedJSON])
    case object([String: ParsedJSON])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([ParsedJSON].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: ParsedJSON].self))
        }
    }

    /// The types of all leaves and the names around them, without what the leaves say.
    var shape: ParsedJSON {
        switch self {
        case .null: .null
        case .boolean: .boolean(false)
        case .number: .number(0)
        case .text: .text("")
        case .array(let values): .array(values.map(\.shape))
        case .object(let members): .object(members.mapValues(\.shape))
        }
    }
}
