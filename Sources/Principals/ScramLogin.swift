// ScramLogin: the name in SCRAM's first message, and what its other messages begin with.

internal import Bytes
internal import Limits
internal import Rules

/// RFC 5802. The name stands in the first of the client's two messages; the broker's second one
/// says that the password was right.
internal enum ScramLogin {
    /// Who the client says it is, from `n,[a=authzid],n=name,r=nonce`; nil for anything else.
    ///
    /// Extensions make it anything else: with `tokenauth=true` the name is a delegation token's
    /// id, and the client is the token's owner, whom no message names.
    internal static func principal(_ message: RawSpan) -> Principal? {
        guard message.byteCount <= PrincipalLimits.messageBytesMax else { return nil }
        var cursor = ByteCursor(message)
        guard let authorization = GS2Header.read(&cursor), cursor.take("n="),
            let bytes = GS2Header.saslName(&cursor), cursor.take(",r=")
        else { return nil }
        let nonce = cursor.run { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ",") }
        guard !nonce.isEmpty, cursor.isAtEnd, let name = LoginName.checked(bytes),
            authorization.allows(name)
        else { return nil }
        return Principal(name: "User:" + name)
    }

    /// Whether it is the client's second message, which brings the proof.
    internal static func isClientFinal(_ message: RawSpan) -> Bool { message.begins(with: "c=") }

    /// Whether the broker goes on after the client's first message.
    internal static func isServerFirst(_ message: RawSpan) -> Bool { message.begins(with: "r=") }

    /// Whether the broker has accepted the proof and brings its own.
    internal static func isServerFinal(_ message: RawSpan) -> Bool { message.begins(with: "v=") }

    /// Whether the broker has refused in SCRAM's own words; Kafka's does not.
    internal static func isServerError(_ message: RawSpan) -> Bool { message.begins(with: "e=") }
}
