// Base64URL: bytes as letters that JSON, URLs and file names take as they are.

internal import CLinux

/// Base64url without padding (RFC 4648 section 5), in its one canonical spelling. The sizes are
/// `public`, so that they are computed without a call.
public enum Base64URL {
    /// Letters for so many bytes.
    @inlinable
    public static func letterCount(bytes: Int) -> Int {
        bytes / 3 * 4 + (bytes % 3 == 0 ? 0 : bytes % 3 + 1)
    }

    /// Bytes that so many letters stand for; nil when no bytes have so many.
    @inlinable
    public static func byteCount(letters: Int) -> Int? {
        letters % 4 == 1 ? nil : letters / 4 * 3 + max(letters % 4 - 1, 0)
    }

    /// Appends the letters for `bytes`, which may not lie in `output`.
    package static func append(_ bytes: RawSpan, to output: ByteBuffer) {
        let letters = letterCount(bytes: bytes.byteCount)
        // SAFETY: the room has as many bytes as letters are written.
        unsafe output.appendUninitialized(letters) { room in
            unsafe bytes.withUnsafeBytes { source in
                unsafe wax_base64url_encode(source.baseAddress, source.count, room.baseAddress)
            }
            return letters
        }
    }

    /// Appends the bytes that `letters` stand for.
    ///
    /// - Parameter letters: may not lie in `output`.
    /// - Returns: false, with `output` as it was, when there is any other character, a count of
    ///   letters that no bytes have, or a bit behind the last byte.
    package static func decode(_ letters: RawSpan, into output: ByteBuffer) -> Bool {
        guard let count = byteCount(letters: letters.byteCount) else { return false }
        var isWhole = false
        // SAFETY: the room has as many bytes as may be written; those of a failure are dropped.
        unsafe output.appendUninitialized(count) { room in
            isWhole =
                unsafe letters.withUnsafeBytes { source in
                    unsafe wax_base64url_decode(source.baseAddress, source.count, room.baseAddress)
                } == 1
            return isWhole ? count : 0
        }
        return isWhole
    }
}
