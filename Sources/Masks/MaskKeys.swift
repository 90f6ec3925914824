// MaskKeys: what keyed masks compute: tokens, and by how much dates move.

internal import Bytes
internal import Crypto
internal import Limits

/// The keys of keyed masks. Every function fails without one, and the caller redacts.
internal final class MaskKeys {
    private let tokens: HMACSHA256?
    private let shifts: HMACSHA256?
    private let whose = ByteBuffer(capacity: MaskLimits.textBytesMax)
    private let digest = ByteBuffer(capacity: HMACSHA256.authenticatorBytes)

    internal init(tokenKey: SecretBytes?, shiftKey: SecretBytes?) {
        tokens = tokenKey.flatMap(MaskKeys.authenticator)
        shifts = shiftKey.flatMap(MaskKeys.authenticator)
    }

    private static func authenticator(_ key: SecretBytes) -> HMACSHA256? {
        MaskLimits.keyBytes.contains(key.count) ? try? HMACSHA256(key: key) : nil
    }

    /// The key for moving dates: HMAC-SHA256 of the words `waxwing date shift` under `tokenKey`.
    internal static func shiftKey(_ tokenKey: SecretBytes) -> SecretBytes? {
        let derived = ByteBuffer(capacity: HMACSHA256.authenticatorBytes)
        let label = ByteBuffer()
        label.append("waxwing date shift")
        guard let tokens = authenticator(tokenKey),
            (try? tokens.append(authenticatorOf: label.bytes, to: derived)) != nil
        else { return nil }
        let key = SecretBytes(copying: derived.bytes)
        wipe(derived)
        return key
    }

    /// Appends the 32 bytes that stand for `text`.
    internal func token(_ text: RawSpan, into digest: ByteBuffer) -> Bool {
        guard let tokens else { return false }
        return (try? tokens.append(authenticatorOf: text, to: digest)) != nil
    }

    /// How many days the dates of an entity move, from minus `shift.days` to plus: the first eight
    /// bytes of the entity's HMAC, modulo the number of choices.
    ///
    /// - Parameters:
    ///   - entity: counts when the rule names none.
    ///   - date: its first ten bytes are the entity when there is no other.
    internal func days(_ shift: DateShift, _ entity: RawSpan, date: RawSpan) -> Int? {
        guard let shifts else { return nil }
        let (whose, digest) = (whose, digest)
        whose.removeAll()
        digest.removeAll()
        if !shift.entity.isEmpty {
            whose.append(shift.entity)
        } else if entity.byteCount > 0 {
            whose.append(entity)
        } else {
            whose.append(date.extracting(0..<min(date.byteCount, 10)))
        }
        guard (try? shifts.append(authenticatorOf: whose.bytes, to: digest)) != nil else {
            return nil
        }
        var choice: UInt64 = 0
        for index in 0..<8 { choice = choice << 8 | UInt64(JSONText.byte(digest.bytes, index)) }
        return Int(choice % UInt64(2 * shift.days + 1)) - shift.days
    }
}
