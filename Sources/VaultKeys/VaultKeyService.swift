// VaultKeyService: data keys from the transit engine of HashiCorp Vault or OpenBao.

internal import Bytes
package import Crypto
package import KeyService
internal import Limits

/// Makes and opens data keys in a transit secrets engine over HTTP.
///
/// A wrapped key is the version of the key as unsigned LEB128 and the bytes inside Vault's text
/// form. Answers are zeroed after reading; no part of them is logged or put into an error.
///
/// A call takes at most three times `totalNanoseconds`: its own HTTP call, a log-in before it, and
/// a second try after a refused token. It holds no thread meanwhile.
package final class VaultKeyService: KeyService {
    /// Types of keys that wrap as strongly as the data keys that they wrap.
    private static let types: Set<String> = [
        "aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305",
    ]
    /// A wrapped key of these types: version (5 bytes at most), nonce (24), key (32), tag (16).
    private static let symmetricBytesMax = 77

    private let client: HTTPClient
    private let api: VaultAPI
    private let session: VaultSession
    private let mount: String

    /// Starts a thread, and calls nobody yet.
    ///
    /// - Throws: when the settings cannot be right, whatever the server says, or libcurl is not
    ///   there.
    package convenience init(_ settings: VaultSettings) throws(VaultSettingsError) {
        try self.init(settings, clock: HTTPClient.monotonic)
    }

    /// - Parameter clock: monotonic nanoseconds, for how long log-ins and verdicts hold.
    internal init(
        _ settings: VaultSettings, clock: @escaping @Sendable () -> UInt64
    ) throws(VaultSettingsError) {
        try settings.check()
        guard HTTPThread.isReady else {
            throw VaultSettingsError(
                setting: "vault",
                message: "libcurl.so.4 cannot be loaded; it is in Debian's package libcurl4")
        }
        client = HTTPClient(
            HTTPSettings(
                address: try VaultAddress(settings.address), namespace: settings.namespace,
                caFile: settings.caFile, clientCertificateFile: settings.clientCertificateFile,
                clientKeyFile: settings.clientKeyFile, serverName: settings.serverName,
                connectNanoseconds: settings.connectNanoseconds,
                usesEnvironmentProxy: settings.usesEnvironmentProxy),
            totalNanoseconds: settings.totalNanoseconds)
        mount = settings.mount
        api = VaultAPI(client: client, mount: settings.mount)
        session = VaultSession(api, settings.auth, clock: clock)
    }

    deinit { close() }

    /// Ends the thread. Calls under way and later ones fail as `unavailable`.
    package func close() { client.close() }

    // MARK: keys

    package func generateDataKey(
        under name: String
    ) async throws(KeyServiceError) -> GeneratedDataKey {
        try VaultKeyService.check(name)
        let api = api
        return try await call(name, version: nil) { token in
            await api.generate(name, token: token)
        }
    }

    package func unwrap(
        _ wrapped: [UInt8], under name: String
    ) async throws(KeyServiceError) -> SecretBytes {
        try VaultKeyService.check(name)
        let text = ByteBuffer(capacity: 2 * RecordLimits.wrappedKeyBytesMax)
        guard let version = WrappedKey.appendText(wrapped, to: text) else {
            throw KeyServiceError(.corrupt, key: name, "a wrapped key of another form")
        }
        let ciphertext = text.array
        let api = api
        return try await call(name, version: version) { token in
            await api.unwrap(ciphertext, name, token: token)
        }
    }

    /// Names with which a path would lead elsewhere are none of a key.
    private static func check(_ name: String) throws(KeyServiceError) {
        guard KEKReference.isName(name), name != ".", name != ".." else {
            throw KeyServiceError(.notFound, key: name, "not a name that a key can have")
        }
    }

    /// Makes a call with the current token, and once more when another token may help.
    private func call<Value: Sendable>(
        _ name: String, version: UInt32?,
        _ body: @Sendable (SecretBytes) async -> VaultAnswer<Value>
    ) async throws(KeyServiceError) -> Value {
        do throws(VaultFailure) {
            let token = try await session.current()
            let answer = await body(token.secret)
            guard case .refused(let refusal) = answer, refusal.status == 403,
                refusal.general == nil
            else { return try value(answer, version, isTokenValid: true) }
            switch try await session.replacement(of: token) {
            case .token(let other):
                return try value(await body(other.secret), version, isTokenValid: true)
            case .deniedByPolicy: return try value(answer, version, isTokenValid: true)
            case .deniedToken: return try value(answer, version, isTokenValid: false)
            }
        } catch {
            throw error.error(name)
        }
    }

    private func value<Value>(
        _ answer: VaultAnswer<Value>, _ version: UInt32?, isTokenValid: Bool
    ) throws(VaultFailure) -> Value {
        switch answer {
        case .value(let value): return value
        case .refused(let refusal):
            throw refusal.failure(mount: mount, version: version, isTokenValid: isTokenValid)
        case .unreadable:
            throw VaultFailure(
                .unavailable, "what answers at \(mount) sends no data key; is it a transit engine?")
        case .failed(let failure): throw VaultFailure(failure)
        }
    }

    // MARK: probing

    /// Makes a data key, opens it, and looks at the key's type if the policy allows that.
    package func probe(_ name: String) async throws(KeyServiceError) {
        let made = try await generateDataKey(under: name)
        let opened = try await unwrap(made.wrapped, under: name)
        guard opened.constantTimeEquals(made.plaintext) else {
            throw KeyServiceError(
                .corrupt, key: name, "a data key came back changed after wrapping and unwrapping")
        }
        guard made.wrapped.count <= VaultKeyService.symmetricBytesMax else {
            throw VaultKeyService.wrongType(name)
        }
        let token: VaultToken
        do throws(VaultFailure) {
            token = try await session.current()
        } catch {
            throw error.error(name)
        }
        switch await api.describe(name, token: token.secret) {
        case .value(let kind):
            guard VaultKeyService.types.contains(kind.type), !kind.isDerived else {
                throw VaultKeyService.wrongType(name)
            }
        case .refused(let refusal) where refusal.status == 403 && refusal.general == nil: break
        case .refused(let refusal):
            throw refusal.failure(mount: mount, version: nil, isTokenValid: true).error(name)
        case .unreadable:
            throw KeyServiceError(
                .unavailable, key: name, "what answers at \(mount) describes no key")
        case .failed(let failure): throw VaultFailure(failure).error(name)
        }
    }

    private static func wrongType(_ name: String) -> KeyServiceError {
        KeyServiceError(
            .denied, key: name,
            "the key's type must be one of \(types.sorted().joined(separator: ", ")), not derived")
    }
}
