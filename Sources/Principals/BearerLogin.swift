// BearerLogin: the token in the message of SASL/OAUTHBEARER.

internal import Bytes
internal import Limits
internal import Rules

/// RFC 7628 with Kafka's extensions (KIP-342).
internal enum BearerLogin {
    private static let separator: UInt8 = 1

    /// Who the token says the client is, from `n,[a=authzid],^A auth=Bearer token ^A [key=value
    /// ^A]… ^A`; nil for anything else and for tokens that cannot be read.
    ///
    /// Extensions are taken and change nothing, as in a broker without components of its own.
    internal static func principal(_ message: RawSpan, _ settings: SASLSettings) -> Principal? {
        guard message.byteCount <= PrincipalLimits.messageBytesMax else { return nil }
        var cursor = ByteCursor(message)
        guard let authorization = GS2Header.read(&cursor), let value = authValue(&cursor),
            let place = token(cursor.part(value)),
            let claims = TokenClaims.read(cursor.part(value).extracting(place), settings),
            authorization.allows(claims.name)
        else { return nil }
        return Principal(name: "User:" + claims.name, groups: claims.groups)
    }

    /// Where the value of the one `auth` stands, when all pairs are well-formed.
    private static func authValue(_ cursor: inout ByteCursor) -> Range<Int>? {
        guard cursor.peek() == separator else { return nil }
        cursor.step()
        var found: Range<Int>?
        while let byte = cursor.peek(), byte != separator {
            let key = cursor.run { (0x41...0x5a).contains($0 & 0xdf) && $0 < 0x80 }
            guard !key.isEmpty, cursor.take("=") else { return nil }
            let value = cursor.run { (0x20...0x7e).contains($0) || [9, 10, 13].contains($0) }
            guard !value.isEmpty, cursor.peek() == separator else { return nil }
            cursor.step()
            if cursor.part(key).spells("auth") {
                // Two of them: readers differ in which one they take.
                guard found == nil else { return nil }
                found = value
            }
        }
        guard cursor.peek() == separator else { return nil }
        cursor.step()
        return cursor.isAtEnd ? found : nil
    }

    /// Where the token stands in `Bearer token`.
    private static func token(_ value: RawSpan) -> Range<Int>? {
        var cursor = ByteCursor(value)
        for letter in "bearer".utf8 {
            guard let byte = cursor.peek(), byte | 0x20 == letter else { return nil }
            cursor.step()
        }
        guard !cursor.run({ $0 == UInt8(ascii: " ") }).isEmpty else { return nil }
        let token = cursor.run(isTokenCharacter)
        return cursor.isAtEnd && !token.isEmpty ? token : nil
    }

    /// RFC 6750 section 2.1.
    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: "-._~+/=".utf8.contains(byte)
        }
    }
}
