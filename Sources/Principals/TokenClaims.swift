// TokenClaims: the name and the groups in a JSON Web Token.

internal import Bytes
internal import Crypto
internal import JSON
internal import Limits

/// What a token (RFC 7519 in the compact form of RFC 7515) says of a client.
///
/// Nothing is verified here, not the signature and not the time: that is for the broker, and what
/// is read counts only when the broker has accepted the same bytes.
internal struct TokenClaims {
    internal let name: String
    internal let groups: [String]

    /// Where the header and the payload of a token stand.
    private struct Parts {
        let header: Range<Int>
        let payload: Range<Int>
    }

    /// - Returns: nil when the token is none that can be read, or when any two readers could take
    ///   the name or the groups in it differently.
    internal static func read(_ token: RawSpan, _ settings: SASLSettings) -> TokenClaims? {
        guard let parts = parts(token), isPlainHeader(token.extracting(parts.header)),
            let payload = Base64.secret(token.extracting(parts.payload), .url)
        else { return nil }
        return payload.withBytes { text in
            do throws(JSONError) {
                return try claims(text, settings)
            } catch {
                return nil
            }
        }
    }

    /// The three parts; encrypted tokens have five. The signature may be empty (RFC 7519 section
    /// 6): some brokers in development take such tokens.
    private static func parts(_ token: RawSpan) -> Parts? {
        var cursor = ByteCursor(token)
        let header = cursor.run { $0 != UInt8(ascii: ".") }
        guard cursor.take(".") else { return nil }
        let payload = cursor.run { $0 != UInt8(ascii: ".") }
        guard cursor.take(".") else { return nil }
        _ = cursor.run { $0 != UInt8(ascii: ".") }
        return cursor.isAtEnd ? Parts(header: header, payload: payload) : nil
    }

    /// Whether a token with that header means what its payload says: it names an algorithm, and
    /// no extension that a reader has to know (RFC 7515 section 4.1.11).
    private static func isPlainHeader(_ encoded: RawSpan) -> Bool {
        guard encoded.byteCount <= PrincipalLimits.tokenHeaderBytesMax,
            let header = Base64.secret(encoded, .url)
        else { return false }
        return header.withBytes { text in
            do throws(JSONError) {
                let all = try JSONReader.document(text)
                let algorithm = try JSONReader.find(["alg"], from: all, in: text)
                let extensions = try JSONReader.find(["crit"], from: all, in: text)
                return algorithm?.kind == .string && extensions == nil
            } catch {
                return false
            }
        }
    }

    private static func claims(
        _ text: RawSpan, _ settings: SASLSettings
    ) throws(JSONError) -> TokenClaims? {
        let all = try JSONReader.document(text)
        guard let subject = try JSONReader.find([settings.subjectClaim], from: all, in: text),
            let raw = try JSONReader.string(
                subject, in: text, bytesMax: escaped(PrincipalLimits.nameBytesMax)),
            let name = LoginName.checked(raw)
        else { return nil }
        // Some of Kafka's validators cut spaces off and others do not.
        let space = UInt8(ascii: " ")
        guard name.utf8.first != space, name.utf8.last != space else { return nil }
        guard let groups = try groups(of: all, in: text, settings) else { return nil }
        return TokenClaims(name: name, groups: groups)
    }

    /// Bytes that so many may take in JSON, when all of them are written as escapes.
    private static func escaped(_ count: Int) -> Int { 6 * count }

    // MARK: groups

    /// The groups, none when the claim is missing or null; nil when it is something else. Leaving
    /// them out then could pass over a rule that hides something from a group.
    private static func groups(
        of all: JSONSpot, in text: RawSpan, _ settings: SASLSettings
    ) throws(JSONError) -> [String]? {
        guard let claim = settings.groupsClaim,
            let spot = try JSONReader.find([claim], from: all, in: text)
        else { return [] }
        switch spot.kind {
        case .null: return []
        case .array: return checked(try listed(spot, in: text))
        case .string:
            let bytesMax = escaped(PrincipalLimits.groupsBytesMax)
            let line = try JSONReader.string(spot, in: text, bytesMax: bytesMax)
            return checked(line.map(words))
        case .object, .number, .boolean: return nil
        }
    }

    private static func listed(
        _ array: JSONSpot, in text: RawSpan
    ) throws(JSONError) -> [String]? {
        guard let spots = try JSONReader.elements(of: array, in: text),
            spots.count <= PrincipalLimits.groupsMax
        else { return nil }
        var names: [String] = []
        for spot in spots {
            let bytesMax = escaped(PrincipalLimits.groupBytesMax)
            guard let name = try JSONReader.string(spot, in: text, bytesMax: bytesMax) else {
                return nil
            }
            names.append(name)
        }
        return names
    }

    /// Split by scalars: a letter may combine with the separator before it.
    private static func words(_ line: String) -> [String] {
        line.unicodeScalars.split { $0 == " " || $0 == "," }
            .map { String(String.UnicodeScalarView($0)) }
    }

    private static func checked(_ groups: [String]?) -> [String]? {
        guard let groups, groups.count <= PrincipalLimits.groupsMax else { return nil }
        var bytes = 0
        for group in groups {
            guard LoginName.checked(group, bytesMax: PrincipalLimits.groupBytesMax) != nil else {
                return nil
            }
            bytes += group.utf8.count
        }
        return bytes <= PrincipalLimits.groupsBytesMax ? groups : nil
    }
}
