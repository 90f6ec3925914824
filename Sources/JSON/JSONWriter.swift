// JSONWriter: writes strings as JSON.

package import Bytes

/// Writes what `JSONReader` reads.
package enum JSONWriter {
    /// Appends a string with its quotes. The characters must be UTF-8; they may be a secret, which
    /// is copied into the buffer only.
    package static func append(string characters: RawSpan, to output: ByteBuffer) {
        output.append(UInt8(ascii: "\""))
        var cursor = ByteCursor(characters)
        while let byte = try? cursor.uint8() {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0..<0x20, 0x7f:
                output.append("\\u00")
                output.append(hexDigit(byte >> 4))
                output.append(hexDigit(byte & 15))
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// The same for a string that is no secret.
    package static func append(string: String, to output: ByteBuffer) {
        let bytes = Array(string.utf8)
        // SAFETY: UInt8 has no padding; the array outlives the call.
        append(string: unsafe bytes.span.bytes, to: output)
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
