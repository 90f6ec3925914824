// PlainLogin: the name in the one message of SASL/PLAIN.

internal import Bytes
internal import Limits
internal import Rules

/// RFC 4616: `[authzid] NUL authcid NUL passwd`. Kafka knows the client by authcid, and refuses
/// an authzid that is another.
internal enum PlainLogin {
    /// Who the client says it is; nil when the message has no three parts or its names are not
    /// names. The password is not looked at but for its end.
    internal static func principal(_ message: RawSpan) -> Principal? {
        guard message.byteCount <= PrincipalLimits.messageBytesMax else { return nil }
        var cursor = ByteCursor(message)
        let authorization = cursor.run { $0 != 0 }
        guard cursor.take("\0") else { return nil }
        let authentication = cursor.run { $0 != 0 }
        guard cursor.take("\0") else { return nil }
        let password = cursor.run { $0 != 0 }
        guard !password.isEmpty, cursor.isAtEnd else { return nil }

        let longest = max(authorization.count, authentication.count)
        guard longest <= PrincipalLimits.nameBytesMax,
            let name = LoginName.checked(cursor.part(authentication).array)
        else { return nil }
        let isOwn =
            authorization.isEmpty
            || cursor.part(authorization).sameBytes(as: cursor.part(authentication))
        return isOwn ? Principal(name: "User:" + name) : nil
    }
}
