// TopicID: the UUID that names a topic on the wire (KIP-516).

package import Bytes

/// A topic's UUID. A deleted topic's id never comes back under another name.
package struct TopicID: Hashable, Sendable {
    package static let byteCount = 16

    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter bytes: exactly 16 of them.
    package init(_ bytes: RawSpan) {
        precondition(bytes.byteCount == Self.byteCount, "a UUID has 16 bytes")
        // SAFETY: the count was checked; every bit pattern is an integer.
        high = unsafe UInt64(bigEndian: bytes.unsafeLoadUnaligned(as: UInt64.self))
        low = unsafe UInt64(
            bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// All zero: no topic.
    package static let zero = TopicID(high: 0, low: 0)

    /// Appends the 16 bytes.
    package func append(to buffer: ByteBuffer) {
        buffer.append(int64: Int64(bitPattern: high))
        buffer.append(int64: Int64(bitPattern: low))
    }
}

extension TopicID: CustomStringConvertible {
    /// 22 letters of URL-safe base64, as Kafka's own tools print it.
    package var description: String {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        let alphabet = Array((letters + "0123456789-_").utf8)
        var text: [UInt8] = []
        // 128 bits in groups of 6 from the top; the last group has 2 bits and is padded with zeros.
        for group in 0..<22 {
            var value = 0
            for bit in group * 6..<group * 6 + 6 {
                let word = bit < 64 ? high : low
                let isSet = bit < 128 && (word >> UInt64(63 - bit % 64)) & 1 == 1
                value = value << 1 | (isSet ? 1 : 0)
            }
            text.append(alphabet[value])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
