// KEKReference: the name of a key-encryption key, as rules, headers and log lines write it.

internal import Limits

/// Names a key-encryption key: the configured service that holds it, and its name there.
///
/// The text "service/name" is stored in records and bound to ciphertexts, so its form is fixed:
/// both parts have 1 to 255 bytes of `A-Z a-z 0-9 . _ -`, and the whole fits the stored format.
package struct KEKReference: Hashable, Sendable {
    /// Name of the key service in the configuration.
    package let service: String
    /// Name of the key within the service.
    package let name: String
    /// "service/name".
    package let text: String

    /// Nil when a part is empty, too long, or has another character.
    package init?(service: String, name: String) {
        guard KEKReference.isName(service), KEKReference.isName(name) else { return nil }
        let text = "\(service)/\(name)"
        guard text.utf8.count <= RecordLimits.keyReferenceBytesMax else { return nil }
        self.service = service
        self.name = name
        self.text = text
    }

    /// Reads "service/name"; nil when it is not that.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        self.init(service: String(parts[0]), name: String(parts[1]))
    }

    /// Whether `text` may be the name of a service or of a key.
    package static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...KeyLimits.keyNameBytesMax).contains(bytes.count) else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}

extension KEKReference: CustomStringConvertible {
    package var description: String { text }
}
