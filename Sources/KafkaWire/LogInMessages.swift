// LogInMessages: what SaslHandshake and SaslAuthenticate say, as places in their bodies.

package import Bytes

/// SaslHandshake v1, the request (KIP-152).
package struct SASLHandshakeRequest: Equatable, Sendable {
    /// Where the mechanism's name stands in the body.
    package let mechanism: Range<Int>

    /// - Parameter body: behind the request's header.
    package init(_ body: RawSpan, version: Int16) throws(WireError) {
        var cursor = ByteCursor(body)
        mechanism = try cursor.sizedRange(count: Int(try cursor.int16()))
        guard cursor.isAtEnd else { throw .invalid(at: cursor.offset, "bytes after the message") }
    }
}

/// SaslHandshake v1, the response.
package struct SASLHandshakeResponse: Equatable, Sendable {
    package let errorCode: Int16

    package init(_ body: RawSpan, version: Int16) throws(WireError) {
        var cursor = ByteCursor(body)
        errorCode = try cursor.int16()
    }
}

/// SaslAuthenticate v0 to v2, the request (KIP-152).
package struct SASLAuthenticateRequest: Equatable, Sendable {
    /// Where the mechanism's message stands in the body. It may hold a password.
    package let token: Range<Int>

    package init(_ body: RawSpan, version: Int16) throws(WireError) {
        var cursor = ByteCursor(body)
        token = try cursor.sizedRange(isFlexible: version >= 2)
        if version >= 2 { try cursor.skipTags() }
        guard cursor.isAtEnd else { throw .invalid(at: cursor.offset, "bytes after the message") }
    }
}

/// SaslAuthenticate v0 to v2, the response (KIP-152, KIP-368).
package struct SASLAuthenticateResponse: Equatable, Sendable {
    package let errorCode: Int16
    /// Where the mechanism's message stands in the body; empty when there is none.
    package let token: Range<Int>
    /// 0 where the version does not tell it, or without end.
    package let sessionLifetimeMilliseconds: Int64

    package init(_ body: RawSpan, version: Int16) throws(WireError) {
        var cursor = ByteCursor(body)
        errorCode = try cursor.int16()
        if version >= 2 {
            _ = try cursor.sizedRange(isFlexible: true)
        } else {
            _ = try cursor.sizedRange(count: max(0, Int(try cursor.int16())))
        }
        token = try cursor.sizedRange(isFlexible: version >= 2)
        sessionLifetimeMilliseconds = version >= 1 ? try cursor.int64() : 0
    }
}

extension ByteCursor {
    /// Steps over `count` bytes and says where they stand.
    fileprivate mutating func sizedRange(count: Int) throws(WireError) -> Range<Int> {
        let start = offset
        guard count >= 0 else { throw .badLength(at: start, count) }
        try skip(count)
        return start..<offset
    }

    /// Steps over bytes with their length before them; null counts as empty.
    fileprivate mutating func sizedRange(isFlexible: Bool) throws(WireError) -> Range<Int> {
        let length =
            isFlexible ? Int(try uvarint()) - 1 : Int(try int32())
        return try sizedRange(count: max(0, length))
    }
}
