// KeyringFormat: a keyring as a JWK Set, read and written.

internal import Bytes
internal import Crypto
internal import JSON
internal import KeyService
internal import Limits

/// A JWK Set (RFC 7517 section 5) of symmetric keys: `kty` `oct` and `alg` `A256KW` (RFC 7518
/// sections 6.4 and 4.4), `kid` "name/version", and two members of our own, `status` and `created`.
internal enum KeyringFormat {
    // MARK: reading

    /// Reads a keyring; `path` is for messages.
    internal static func read(_ text: RawSpan, path: String) throws(KeyringError) -> Keyring {
        let keyring: Keyring
        do throws(KeyringProblem) {
            var cursor = ByteCursor(text)
            keyring = try set(&cursor)
            try KeyringText.expectEnd(&cursor)
        } catch {
            switch error {
            case .syntax(let offset, let expected):
                throw KeyringError(path: path, "at byte \(offset): expected \(expected)")
            case .content(let kid, let message):
                throw KeyringError(path: path, kid: kid, message)
            }
        }
        try keyring.check(path: path)
        return keyring
    }

    private static func set(_ cursor: inout ByteCursor) throws(KeyringProblem) -> Keyring {
        var versions: [KeyVersion]?
        var others: [[UInt8]] = []
        var isFirst = true
        try KeyringText.expect("{", &cursor)
        while let text = try KeyringText.nextMember(&cursor, isFirst: &isFirst) {
            if try KeyringText.decoded(text, in: cursor) == "keys" {
                guard versions == nil else {
                    throw .content(kid: nil, "\"keys\" stands there twice")
                }
                versions = try keys(&cursor)
            } else {
                others.append(try verbatim(text, &cursor))
            }
        }
        guard let versions else { throw .content(kid: nil, "there is no member \"keys\"") }
        return Keyring(versions: versions, otherMembers: others)
    }

    private static func keys(_ cursor: inout ByteCursor) throws(KeyringProblem) -> [KeyVersion] {
        var versions: [KeyVersion] = []
        var isFirst = true
        try KeyringText.expect("[", &cursor)
        while try KeyringText.nextElement(&cursor, isFirst: &isFirst) {
            guard versions.count < KeyLimits.keyringKeysMax else {
                throw .content(kid: nil, "more than \(KeyLimits.keyringKeysMax) keys")
            }
            versions.append(try key(&cursor, number: versions.count + 1))
        }
        return versions
    }

    /// A member that is kept as it stands: name, colon, value.
    private static func verbatim(
        _ name: JSONText, _ cursor: inout ByteCursor
    ) throws(KeyringProblem) -> [UInt8] {
        let value = try KeyringText.value(&cursor, outerDepth: 2)
        return cursor.part(name.range.lowerBound - 1..<value.upperBound).array
    }

    /// The members of a JWK that matter here, as they are found.
    private struct Members {
        var kty: String?
        var alg: String?
        var kid: String?
        var status: String?
        var created: Int64?
        var key: JSONText?
        var others: [[UInt8]] = []
    }

    private static func key(
        _ cursor: inout ByteCursor, number: Int
    ) throws(KeyringProblem) -> KeyVersion {
        var members = Members()
        var names: Set<String> = []
        var isFirst = true
        try KeyringText.expect("{", &cursor)
        while let text = try KeyringText.nextMember(&cursor, isFirst: &isFirst) {
            let name = try KeyringText.decoded(text, in: cursor)
            guard names.insert(name).inserted else {
                throw .content(
                    kid: "number \(number)", "a member stands there twice")
            }
            switch name {
            case "kty": members.kty = try string(&cursor)
            case "alg": members.alg = try string(&cursor)
            case "kid": members.kid = try string(&cursor)
            case "status": members.status = try string(&cursor)
            case "created": members.created = try integer(&cursor)
            case "k": members.key = try KeyringText.string(&cursor)
            case "use", "key_ops": _ = try KeyringText.value(&cursor, outerDepth: 2)
            default: members.others.append(try verbatim(text, &cursor))
            }
        }
        return try version(members, in: cursor, number: number)
    }

    private static func string(_ cursor: inout ByteCursor) throws(KeyringProblem) -> String {
        try KeyringText.decoded(try KeyringText.string(&cursor), in: cursor)
    }

    private static func integer(_ cursor: inout ByteCursor) throws(KeyringProblem) -> Int64 {
        let range = try KeyringText.value(&cursor)
        guard let value = Int64(cursor.part(range).text), value >= 0 else {
            throw .syntax(offset: range.lowerBound, expected: "whole seconds since 1970")
        }
        return value
    }

    private static func version(
        _ members: Members, in cursor: borrowing ByteCursor, number: Int
    ) throws(KeyringProblem) -> KeyVersion {
        guard let kid = members.kid, let (name, version) = parse(kid: kid) else {
            throw .content(kid: "number \(number)", "\"kid\" must be \"NAME/VERSION\"")
        }
        guard members.kty == "oct" else {
            throw .content(kid: kid, "\"kty\" must be \"oct\"")
        }
        guard members.alg == "A256KW" else {
            throw .content(kid: kid, "\"alg\" must be \"A256KW\"")
        }
        guard let status = members.status.flatMap(KeyStatus.init) else {
            throw .content(kid: kid, "\"status\" must be \"active\", \"retired\" or \"disabled\"")
        }
        guard let text = members.key, !text.hasEscapes,
            let key = Base64.secret(
                cursor.part(text.range), .url, count: AESGCM.keyBytes)
        else {
            throw .content(kid: kid, "\"k\" must be 32 bytes as unpadded base64url")
        }
        return KeyVersion(
            name: name, version: version, status: status, createdSeconds: members.created,
            key: key, otherMembers: members.others)
    }

    /// The parts of "name/version"; nil when it is not that.
    private static func parse(kid: String) -> (String, UInt32)? {
        let parts = kid.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, KEKReference.isName(String(parts[0])),
            let version = UInt32(parts[1]), version > 0, String(version) == parts[1]
        else { return nil }
        return (String(parts[0]), version)
    }

    // MARK: writing

    /// Writes a keyring. The buffer is large enough from the start, so that no half-written copy
    /// of the keys stays behind; the caller zeroes it after use.
    internal static func write(_ keyring: Keyring) -> ByteBuffer {
        var bytesMax = 64
        for member in keyring.otherMembers { bytesMax += member.count + 8 }
        for version in keyring.versions {
            bytesMax += 256 + version.kid.utf8.count
            for member in version.otherMembers { bytesMax += member.count + 8 }
        }
        let output = ByteBuffer(capacity: bytesMax)
        output.append("{\n  \"keys\": [")
        for (index, version) in keyring.versions.enumerated() {
            output.append(index == 0 ? "\n" : ",\n")
            append(version, to: output)
        }
        output.append(keyring.versions.isEmpty ? "]" : "\n  ]")
        for member in keyring.otherMembers {
            output.append(",\n  ")
            output.append(member)
        }
        output.append("\n}\n")
        precondition(output.capacity == bytesMax, "a keyring grew while it was written")
        return output
    }

    /// Names have no character that JSON would escape (`KEKReference.isName`).
    private static func append(_ version: KeyVersion, to output: ByteBuffer) {
        output.append("    {\"kid\": \"\(version.kid)\", \"kty\": \"oct\", \"alg\": \"A256KW\",")
        output.append(" \"key_ops\": [\"wrapKey\", \"unwrapKey\"],\n")
        output.append("     \"status\": \"\(version.status.rawValue)\",")
        if let created = version.createdSeconds { output.append(" \"created\": \(created),") }
        for member in version.otherMembers {
            output.append(" ")
            output.append(member)
            output.append(",")
        }
        output.append("\n     \"k\": \"")
        Base64.append(version.key, .url, to: output)
        output.append("\"}")
    }
}
