// KeyService: what the product asks of whatever holds the key-encryption keys.

package import Crypto

/// A fresh data key in both its forms.
package struct GeneratedDataKey: Sendable {
    /// The key itself, 32 bytes.
    package let plaintext: SecretBytes
    /// The key under the service's key, as it is stored in records.
    package let wrapped: [UInt8]
    /// The version of the service's key that wrapped it, for status lines.
    package let keyVersion: UInt32

    package init(plaintext: SecretBytes, wrapped: [UInt8], keyVersion: UInt32) {
        self.plaintext = plaintext
        self.wrapped = wrapped
        self.keyVersion = keyVersion
    }
}

/// A service that makes and unwraps data keys under keys that never leave it.
///
/// Calls may take as long as the service's own time-outs allow; they always come back. Safe to
/// call from several loops at once.
package protocol KeyService: Sendable {
    /// A new random data key, wrapped under the current version of `name`.
    func generateDataKey(under name: String) async throws(KeyServiceError) -> GeneratedDataKey

    /// The data key inside `wrapped`, which any version of `name` made.
    func unwrap(
        _ wrapped: [UInt8], under name: String
    ) async throws(KeyServiceError) -> SecretBytes

    /// Shows that keys can be made and unwrapped under `name`, for start-up checks.
    func probe(_ name: String) async throws(KeyServiceError)

    /// Has `body` told the name of a key, and why, each time the service refuses to make data keys
    /// under it for good. Called on any thread.
    func observeRefusals(_ body: @escaping @Sendable (String, KeyServiceError) -> Void)

    /// How the service does; nil when nobody keeps an eye on it.
    var status: ServiceStatus? { get }
}

extension KeyService {
    package func observeRefusals(_ body: @escaping @Sendable (String, KeyServiceError) -> Void) {}

    package var status: ServiceStatus? { nil }

    package func probe(_ name: String) async throws(KeyServiceError) {
        let made = try await generateDataKey(under: name)
        let opened = try await unwrap(made.wrapped, under: name)
        guard opened.constantTimeEquals(made.plaintext) else {
            throw KeyServiceError(
                .corrupt, key: name, "a data key came back changed after wrapping and unwrapping")
        }
    }
}
