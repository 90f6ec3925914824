// WrappedKey: Vault's text form of a wrapped data key, in binary and back.

internal import Bytes
internal import Crypto
internal import JSON
internal import Limits

/// `vault:v3:BASE64` is stored as the version in unsigned LEB128 and the bytes that the base64
/// stands for, a third shorter; the text can be made again exactly.
internal enum WrappedKey {
    private static let prefix = "vault:v"

    /// The binary form; nil when the text is of another form, or longer than records may hold.
    internal static func binary(_ text: RawSpan) -> (bytes: [UInt8], version: UInt32)? {
        var cursor = ByteCursor(text)
        for byte in prefix.utf8 {
            guard let next = try? cursor.uint8(), next == byte else { return nil }
        }
        var version: UInt32 = 0
        var digits = 0
        while let byte = try? cursor.uint8(), byte != UInt8(ascii: ":") {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits < 9,
                digits > 0 || byte != UInt8(ascii: "0")
            else { return nil }
            version = version * 10 + UInt32(byte - UInt8(ascii: "0"))
            digits += 1
        }
        let room = RecordLimits.wrappedKeyBytesMax
        guard digits > 0,
            let raw = Base64.bytes(cursor.rest(), .standard, bytesMax: room), !raw.isEmpty
        else { return nil }
        let output = ByteBuffer(capacity: raw.count + 5)
        output.append(uvarint: version)
        output.append(raw)
        guard output.count <= room else { return nil }
        return (output.array, version)
    }

    /// Appends the text form and returns the version; nil when the bytes are of another form.
    internal static func appendText(_ wrapped: [UInt8], to output: ByteBuffer) -> UInt32? {
        // SAFETY: UInt8 has no padding; the array outlives the cursor.
        var cursor = ByteCursor(unsafe wrapped.span.bytes)
        guard wrapped.count <= RecordLimits.wrappedKeyBytesMax,
            let version = try? cursor.uvarint(), version > 0, !cursor.isAtEnd
        else { return nil }
        output.append("\(prefix)\(version):")
        Base64.append(cursor.rest(), .standard, to: output)
        return version
    }
}
