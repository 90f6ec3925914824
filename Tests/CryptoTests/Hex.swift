// Hex: test bytes from and to hexadecimal text.

import Bytes
import Crypto

/// The bytes of hexadecimal text; spaces are skipped.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { at in
        UInt8(digits[at] << 4 | digits[at + 1])
    }
}

/// A buffer that holds `bytes`.
func buffer(_ bytes: [UInt8]) -> ByteBuffer {
    let result = ByteBuffer(capacity: bytes.count)
    result.append(bytes)
    return result
}

/// A secret that holds `bytes`.
func secret(_ bytes: [UInt8]) -> SecretBytes {
    let content = buffer(bytes)
    return SecretBytes(copying: content.bytes)
}

extension SecretBytes {
    /// The bytes, which only a test may take out.
    var array: [UInt8] { withBytes { $0.array } }
}
