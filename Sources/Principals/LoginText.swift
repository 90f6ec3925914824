// LoginText: names in log-ins, and what the readers of all mechanisms need.

internal import Bytes
internal import Limits

/// Names that a client may be known by.
internal enum LoginName {
    /// The name in UTF-8; nil when it is not one.
    internal static func checked(_ bytes: [UInt8]) -> String? {
        guard bytes.count <= PrincipalLimits.nameBytesMax else { return nil }
        return String(validating: bytes, as: UTF8.self).flatMap { checked($0) }
    }

    /// The name; nil when it is empty, too long, or has control characters, with which it could
    /// look like another in a log.
    internal static func checked(
        _ name: String, bytesMax: Int = PrincipalLimits.nameBytesMax
    ) -> String? {
        guard !name.isEmpty, name.utf8.count <= bytesMax else { return nil }
        let isPlain = name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        return isPlain ? name : nil
    }
}

extension String {
    /// Whether two names have the same bytes, as brokers compare them. Equality of strings takes
    /// two spellings of a letter for one.
    internal func isSpelled(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension RawSpan {
    /// Whether the bytes are exactly this ASCII text.
    internal func spells(_ text: String) -> Bool {
        byteCount == text.utf8.count && begins(with: text)
    }

    /// Whether the first bytes are this ASCII text.
    internal func begins(with text: String) -> Bool {
        var cursor = ByteCursor(self)
        return cursor.take(text)
    }
}

extension ByteCursor {
    /// Steps over this ASCII text.
    /// - Returns: whether it stood there; if not, some of it may have been stepped over.
    internal mutating func take(_ text: String) -> Bool {
        for byte in text.utf8 {
            guard peek() == byte else { return false }
            step()
        }
        return true
    }

    /// Steps over bytes up to the first that does not belong.
    /// - Returns: where they stand.
    internal mutating func run(_ belongs: (UInt8) -> Bool) -> Range<Int> {
        let start = offset
        while let byte = peek(), belongs(byte) { step() }
        return start..<offset
    }
}

/// The start of messages of SCRAM and OAUTHBEARER (RFC 5801 section 4).
internal enum GS2Header {
    /// The name that a client wants to act under.
    internal enum Authorization {
        /// Under its own.
        case own
        case named([UInt8])
    }

    /// Reads `n,,` or `n,a=name,`. Kafka takes nothing else: it knows no channel binding.
    /// - Returns: nil for anything else.
    internal static func read(_ cursor: inout ByteCursor) -> Authorization? {
        guard cursor.take("n,") else { return nil }
        var authorization = Authorization.own
        if cursor.peek() == UInt8(ascii: "a") {
            guard cursor.take("a="), let name = saslName(&cursor) else { return nil }
            authorization = .named(name)
        }
        return cursor.take(",") ? authorization : nil
    }

    /// Reads a name up to a comma or the end, with `=2C` for a comma in it and `=3D` for `=`.
    ///
    /// Only ASCII is taken. Kafka refuses everything else here, and other servers may normalise it
    /// (RFC 4013), after which the name would not be the one on the wire.
    /// - Returns: nil when it is empty, too long or has other escapes.
    internal static func saslName(_ cursor: inout ByteCursor) -> [UInt8]? {
        var name: [UInt8] = []
        while let byte = cursor.peek(), byte != UInt8(ascii: ",") {
            guard byte > 0, byte < 0x80, name.count < PrincipalLimits.nameBytesMax else {
                return nil
            }
            cursor.step()
            guard byte == UInt8(ascii: "=") else {
                name.append(byte)
                continue
            }
            switch cursor.peek() {
            case UInt8(ascii: "2"):
                guard cursor.take("2C") else { return nil }
                name.append(UInt8(ascii: ","))
            case UInt8(ascii: "3"):
                guard cursor.take("3D") else { return nil }
                name.append(UInt8(ascii: "="))
            default: return nil
            }
        }
        return name.isEmpty ? nil : name
    }
}

extension GS2Header.Authorization {
    /// Whether it leaves a client that is `name` under that name. Brokers refuse others; one that
    /// does not would know the client by the other name.
    internal func allows(_ name: String) -> Bool {
        switch self {
        case .own: true
        case .named(let other): name.utf8.elementsEqual(other)
        }
    }
}
