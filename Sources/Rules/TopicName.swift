// TopicName: which names Kafka gives to topics.

/// Kafka's rule for names of topics.
package enum TopicName {
    /// Longest name in bytes.
    package static let bytesMax = 249

    /// Whether `byte` may stand in a name: `A-Z a-z 0-9 . _ -`. Names of keys have the same.
    package static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Whether a broker would let a topic have this name.
    package static func isValid(_ name: String) -> Bool {
        (1...bytesMax).contains(name.utf8.count) && name.utf8.allSatisfy(allows)
            && name != "." && name != ".."
    }
}
