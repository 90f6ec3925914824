// MaskText: masks from the text of a rule, and masked values as text, for tests.

import Bytes
import Crypto
import Masks

/// Reads the few forms in which YAML writes a mask in one line: `word`, `"word"`,
/// `{kind: value}` and `{kind: {name: value, ...}}`.
struct MaskText {
    struct Unreadable: Error { let text: String }

    /// The mask that `text` says.
    static func mask(_ text: String) throws -> Mask {
        guard text.hasPrefix("{"), text.hasSuffix("}") else {
            return try Mask.make(kind: unquoted(text))
        }
        let (kind, rest) = try pair(text.dropFirst().dropLast())
        guard rest.hasPrefix("{"), rest.hasSuffix("}") else {
            return try Mask.make(kind: kind, arguments: [("", argument(rest))])
        }
        let arguments = try rest.dropFirst().dropLast().split(separator: ", ").map { part in
            let (name, value) = try pair(part)
            return (name, argument(value))
        }
        return try Mask.make(kind: kind, arguments: arguments)
    }

    private static func pair(_ text: Substring) throws -> (String, String) {
        guard let colon = text.firstIndex(of: ":") else { throw Unreadable(text: String(text)) }
        let value = text[text.index(after: colon)...].drop { $0 == " " }
        return (String(text[..<colon]), String(value))
    }

    private static func unquoted(_ text: String) -> String {
        text.hasPrefix("\"") ? String(text.dropFirst().dropLast()) : text
    }

    private static func argument(_ text: String) -> MaskArgument {
        if text.hasPrefix("\"") { return .text(unquoted(text)) }
        if text == "true" || text == "false" { return .bool(text == "true") }
        if let integer = Int64(text) { return .integer(integer) }
        return Double(text) == nil ? .text(text) : .number(text)
    }
}

/// A buffer that holds `bytes`.
func buffer(_ bytes: some Sequence<UInt8>) -> ByteBuffer {
    let result = ByteBuffer()
    result.append(Array(bytes))
    return result
}

/// The bytes from 0 to 31.
func documentedKey() -> SecretBytes {
    let bytes = buffer(0..<32)
    return SecretBytes(copying: bytes.bytes)
}

extension Masker {
    /// What is shown for `value`.
    func shown(_ mask: Mask, _ value: some Sequence<UInt8>, entity: String = "") -> [UInt8] {
        let (input, whose, output) = (buffer(value), buffer(entity.utf8), ByteBuffer())
        apply(mask, to: input.bytes, entity: whose.bytes, into: output)
        return output.array
    }

    func shown(_ mask: Mask, _ value: String, entity: String = "") -> String {
        String(decoding: shown(mask, value.utf8, entity: entity), as: UTF8.self)
    }
}
