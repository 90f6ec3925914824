// VaultAPI: the calls of the HTTP API, and reading what they answer.

internal import Bytes
internal import Crypto
internal import JSON
internal import KeyService
internal import Limits

/// What came of a call.
internal enum VaultAnswer<Value: Sendable>: Sendable {
    case value(Value)
    case refused(VaultRefusal)
    /// A success without what was asked for.
    case unreadable
    case failed(HTTPFailure)
}

/// A token as a log-in gives it.
internal struct VaultLease: Sendable {
    internal let secret: SecretBytes
    internal let life: VaultLife
}

/// How long a token lives from now.
internal struct VaultLife: Equatable, Sendable {
    /// 0 means for ever.
    internal let seconds: UInt64
    internal let isRenewable: Bool
}

/// What is known of a key.
internal struct VaultKeyKind: Equatable, Sendable {
    internal let type: String
    internal let isDerived: Bool
}

/// Who logs in, with the secret that was read for it.
internal struct VaultLogIn: Sendable {
    internal let mount: String
    /// Members of the request: the public one, then the secret one.
    internal let identity: (name: String, value: String)
    internal let secretName: String
    internal let secret: SecretBytes
}

/// Calls a server. Every answer is read on the client's thread and zeroed there.
internal struct VaultAPI: Sendable {
    /// Longest text that is taken from an answer: a key's type.
    private static let textBytesMax = 128

    internal let client: HTTPClient
    internal let mount: String

    // MARK: keys

    internal func generate(
        _ name: String, token: SecretBytes
    ) async -> VaultAnswer<GeneratedDataKey> {
        // An empty object: should something else than a transit engine be mounted there, nothing
        // is written to it.
        let request = HTTPRequest(
            path: path("datakey/plaintext", name), body: VaultAPI.body(16) { $0.append("{}") },
            token: token)
        return await call(request) { body throws(JSONError) in
            guard let plaintext = try VaultAPI.plaintext(body),
                let spot = try JSONReader.find(["data", "ciphertext"], in: body),
                let text = try JSONReader.text(of: spot, in: body), !text.hasEscapes,
                let wrapped = WrappedKey.binary(body.extracting(text.range))
            else { return nil }
            return GeneratedDataKey(
                plaintext: plaintext, wrapped: wrapped.bytes, keyVersion: wrapped.version)
        }
    }

    /// - Parameter ciphertext: the text form of the wrapped key.
    internal func unwrap(
        _ ciphertext: [UInt8], _ name: String, token: SecretBytes
    ) async -> VaultAnswer<SecretBytes> {
        let content = VaultAPI.body(ciphertext.count + 32) { output in
            output.append("{\"ciphertext\":\"")
            output.append(ciphertext)
            output.append("\"}")
        }
        let request = HTTPRequest(path: path("decrypt", name), body: content, token: token)
        return await call(request) { body throws(JSONError) in try VaultAPI.plaintext(body) }
    }

    private static func plaintext(_ body: RawSpan) throws(JSONError) -> SecretBytes? {
        guard let spot = try JSONReader.find(["data", "plaintext"], in: body) else { return nil }
        return try JSONReader.secret(spot, in: body, .standard, count: AESGCM.keyBytes)
    }

    internal func describe(
        _ name: String, token: SecretBytes
    ) async -> VaultAnswer<VaultKeyKind> {
        await call(HTTPRequest(path: path("keys", name), token: token)) { body throws(JSONError) in
            guard let data = try JSONReader.find(["data"], in: body),
                let spot = try JSONReader.find(["type"], from: data, in: body),
                let type = try JSONReader.string(
                    spot, in: body, bytesMax: VaultAPI.textBytesMax)
            else { return nil }
            let derived = try JSONReader.find(["derived"], from: data, in: body)
                .flatMap { JSONReader.boolean($0, in: body) }
            return VaultKeyKind(type: type, isDerived: derived ?? false)
        }
    }

    // MARK: tokens

    internal func logIn(_ logIn: VaultLogIn) async -> VaultAnswer<VaultLease> {
        // No character takes more than an escape of two.
        let room = 2 * (logIn.secret.count + logIn.identity.value.utf8.count) + 64
        let content = VaultAPI.body(room) { output in
            output.append("{")
            JSONWriter.append(string: logIn.identity.name, to: output)
            output.append(":")
            JSONWriter.append(string: logIn.identity.value, to: output)
            output.append(",")
            JSONWriter.append(string: logIn.secretName, to: output)
            output.append(":")
            logIn.secret.withBytes { JSONWriter.append(string: $0, to: output) }
            output.append("}")
        }
        let path = "/v1/auth/\(VaultAPI.escaped(logIn.mount))/login"
        return await call(HTTPRequest(path: path, body: content)) { body throws(JSONError) in
            guard let auth = try JSONReader.find(["auth"], in: body),
                let spot = try JSONReader.find(["client_token"], from: auth, in: body),
                let text = try JSONReader.text(of: spot, in: body), !text.hasEscapes,
                VaultAPI.isToken(body.extracting(text.range)),
                let life = try VaultAPI.life(auth, "lease_duration", in: body)
            else { return nil }
            return VaultLease(
                secret: SecretBytes(copying: body.extracting(text.range)), life: life)
        }
    }

    internal func lookUp(_ token: SecretBytes) async -> VaultAnswer<VaultLife> {
        await call(HTTPRequest(path: "/v1/auth/token/lookup-self", token: token)) {
            body throws(JSONError) in
            guard let data = try JSONReader.find(["data"], in: body) else { return nil }
            return try VaultAPI.life(data, "ttl", in: body)
        }
    }

    internal func renew(_ token: SecretBytes) async -> VaultAnswer<VaultLife> {
        let request = HTTPRequest(
            path: "/v1/auth/token/renew-self", body: VaultAPI.body(16) { $0.append("{}") },
            token: token)
        return await call(request) { body throws(JSONError) in
            guard let auth = try JSONReader.find(["auth"], in: body) else { return nil }
            return try VaultAPI.life(auth, "lease_duration", in: body)
        }
    }

    private static func life(
        _ parent: JSONSpot, _ name: String, in body: RawSpan
    ) throws(JSONError) -> VaultLife? {
        guard let spot = try JSONReader.find([name], from: parent, in: body),
            let seconds = JSONReader.integer(spot, in: body), seconds >= 0
        else { return nil }
        let renewable = try JSONReader.find(["renewable"], from: parent, in: body)
            .flatMap { JSONReader.boolean($0, in: body) }
        return VaultLife(
            seconds: min(UInt64(seconds), VaultLimits.tokenSecondsMax),
            isRenewable: renewable ?? false)
    }

    /// Whether it can stand in a header.
    private static func isToken(_ text: RawSpan) -> Bool {
        guard (1...VaultLimits.secretFileBytesMax).contains(text.byteCount) else { return false }
        var cursor = ByteCursor(text)
        while let byte = try? cursor.uint8() {
            guard (0x21...0x7e).contains(byte) else { return false }
        }
        return true
    }

    // MARK: requests

    private func call<Value: Sendable>(
        _ request: HTTPRequest,
        read: @escaping @Sendable (RawSpan) throws(JSONError) -> Value?
    ) async -> VaultAnswer<Value> {
        let outcome = await client.send(request) { status, body -> VaultAnswer<Value> in
            guard (200..<300).contains(status) else {
                return .refused(VaultRefusal(status: status, body: body))
            }
            let value = try? read(body)
            return value.map { .value($0) } ?? .unreadable
        }
        switch outcome {
        case .success(let answer): return answer
        case .failure(let failure): return .failed(failure)
        }
    }

    private func path(_ operation: String, _ name: String) -> String {
        "/v1/\(VaultAPI.escaped(mount))/\(operation)/\(VaultAPI.escaped(name))"
    }

    /// Percent-encodes what is not a letter, a digit or one of `-._~/` (RFC 3986 section 2.3).
    internal static func escaped(_ path: String) -> String {
        var output = ""
        for byte in path.utf8 {
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            if byte < 0x80, isLetter || isDigit || "-._~/".utf8.contains(byte) {
                output.unicodeScalars.append(UnicodeScalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                output += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return output
    }

    /// The body that `write` makes, of at most `bytesMax` bytes, in secret storage.
    private static func body(_ bytesMax: Int, _ write: (ByteBuffer) -> Void) -> SecretBytes {
        let output = ByteBuffer(capacity: bytesMax)
        let room = output.capacity
        defer { wipe(output) }
        write(output)
        precondition(output.capacity == room, "a request with a secret grew and left a copy")
        return SecretBytes(copying: output.bytes)
    }
}
