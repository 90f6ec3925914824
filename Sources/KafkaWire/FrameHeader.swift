// FrameHeader: the headers in front of request and response bodies.

package import Bytes

/// The header of a request (KIP-482 versions 0 to 2). Offsets count from the frame's first byte
/// behind its size.
package struct RequestHeader: Sendable, Equatable {
    /// Bytes that every request begins with, whatever its key and version: enough for `prefix`.
    package static let prefixBytes = 8

    package var apiKey: Int16
    package var apiVersion: Int16
    package var correlationID: Int32
    /// The client id's text; nil when the client sent none.
    package var clientID: Range<Int>?
    /// Where the body begins.
    package var end: Int

    /// Reads only what stands at the same place in every request; `end` is behind it.
    /// - Throws: `truncated` for fewer than `prefixBytes` bytes.
    package static func prefix(_ frame: RawSpan) throws(WireError) -> RequestHeader {
        var cursor = ByteCursor(frame)
        let apiKey = try cursor.int16()
        let apiVersion = try cursor.int16()
        let correlationID = try cursor.int32()
        return RequestHeader(
            apiKey: apiKey, apiVersion: apiVersion, correlationID: correlationID, end: 8)
    }

    /// Reads the whole header.
    /// - Parameter frame: the frame without its size; it may end in the middle of the body.
    /// - Throws: `truncated` when the span ends inside the header, which is an error only if the
    ///   frame ends there too; `invalid` for a key without a definition, whose header has an
    ///   unknown shape.
    package static func parse(_ frame: RawSpan) throws(WireError) -> RequestHeader {
        var header = try prefix(frame)
        guard let api = ApiDefinition.find(header.apiKey) else {
            throw .invalid(at: 0, "API key")
        }
        // The one request with header version 0 (gone since Kafka 4.0).
        if header.apiKey == ApiKey.controlledShutdown && header.apiVersion == 0 { return header }
        var cursor = ByteCursor(frame)
        try cursor.skip(prefixBytes)
        // The client id keeps its 16-bit length in flexible versions too.
        let count = Int(try cursor.int16())
        if count >= 0 {
            let start = cursor.offset
            try cursor.skip(count)
            header.clientID = start..<cursor.offset
        } else if count < -1 {
            throw .badLength(at: prefixBytes, count)
        }
        if header.apiVersion >= api.requestFlexibleFrom { try cursor.skipTags() }
        header.end = cursor.offset
        return header
    }
}

/// The header of a response. It names neither key nor version: those of the request tell its shape.
package struct ResponseHeader: Sendable, Equatable {
    /// Bytes that every response begins with.
    package static let prefixBytes = 4

    package var correlationID: Int32
    /// Where the body begins, from the frame's first byte behind its size.
    package var end: Int

    /// - Parameters:
    ///   - frame: the frame without its size; it may end in the middle of the body.
    ///   - apiKey: the request's key.
    ///   - version: the request's version.
    /// - Throws: `truncated` when the span ends inside the header; `invalid` for an unknown key.
    package static func parse(
        _ frame: RawSpan, apiKey: Int16, version: Int16
    ) throws(WireError) -> ResponseHeader {
        guard let api = ApiDefinition.find(apiKey) else { throw .invalid(at: 0, "API key") }
        var cursor = ByteCursor(frame)
        let correlationID = try cursor.int32()
        if isTagged(api, version: version) { try cursor.skipTags() }
        return ResponseHeader(correlationID: correlationID, end: cursor.offset)
    }

    /// Whether the header ends in a tag buffer. That of ApiVersions never does, so that a client
    /// can read the answer of a broker older than its request (KIP-511).
    package static func isTagged(_ api: ApiDefinition, version: Int16) -> Bool {
        version >= api.responseFlexibleFrom && api.key != ApiKey.apiVersions
    }
}

extension ByteCursor {
    /// Steps over a tag buffer (KIP-482), checking that the tags ascend.
    package mutating func skipTags() throws(WireError) {
        var last: Int64 = -1
        var remaining = try uvarint()
        while remaining > 0 {
            let at = offset
            let tag = Int64(try uvarint())
            guard tag > last else { throw .invalid(at: at, "order of tags") }
            last = tag
            try skip(Int(try uvarint()))
            remaining -= 1
        }
    }
}
