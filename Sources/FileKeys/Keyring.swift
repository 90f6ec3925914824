// Keyring: the key-encryption keys of a keyring file, their versions and what they may do.

internal import Crypto
internal import KeyService
internal import Limits

/// What is wrong with a keyring, and where; never a part of a key.
package struct KeyringError: Error, Equatable, Sendable {
    /// The keyring file.
    package let path: String
    /// "name/version", or nil when it is not about one key.
    package let kid: String?
    package let message: String

    package init(path: String, kid: String? = nil, _ message: String) {
        self.path = path
        self.kid = kid
        self.message = message
    }
}

extension KeyringError: CustomStringConvertible {
    package var description: String {
        kid.map { "\(path): key \($0): \(message)" } ?? "\(path): \(message)"
    }
}

/// What a key version may be used for.
package enum KeyStatus: String, Sendable {
    /// Wraps new data keys and unwraps. At most one version of a name.
    case active
    /// Unwraps only: what a rotation leaves behind.
    case retired
    /// Nothing. Records sealed under it cannot be opened until it is enabled again.
    case disabled
}

/// One version of one key-encryption key.
package struct KeyVersion: Sendable {
    /// The key's name, as `KEKReference` allows.
    package let name: String
    /// From 1; the next is one more than the highest.
    package let version: UInt32
    package internal(set) var status: KeyStatus
    /// Seconds since 1970, if the file says.
    package let createdSeconds: Int64?
    internal let key: SecretBytes
    /// Members that this product does not know, as they stand in the file (RFC 7517 section 4:
    /// they are ignored; an edit must not lose them).
    internal let otherMembers: [[UInt8]]

    /// "name/version", the `kid` member.
    package var kid: String { "\(name)/\(version)" }
}

/// The content of a keyring file. Immutable while in use; edits make a new file.
package struct Keyring: Sendable {
    /// In the order of the file.
    package internal(set) var versions: [KeyVersion]
    /// Unknown members beside `keys`, as they stand in the file.
    internal let otherMembers: [[UInt8]]

    internal init(versions: [KeyVersion] = [], otherMembers: [[UInt8]] = []) {
        self.versions = versions
        self.otherMembers = otherMembers
    }

    /// The names, each once, sorted.
    package var names: [String] { Set(versions.map(\.name)).sorted() }

    internal func active(_ name: String) -> KeyVersion? {
        versions.first { $0.name == name && $0.status == .active }
    }

    internal func contains(_ name: String) -> Bool { versions.contains { $0.name == name } }

    internal func version(_ version: UInt32, of name: String) -> KeyVersion? {
        versions.first { $0.version == version && $0.name == name }
    }

    /// What must hold over all keys: no version twice, at most one active version of a name.
    internal func check(path: String) throws(KeyringError) {
        guard versions.count <= KeyLimits.keyringKeysMax else {
            throw KeyringError(path: path, "more than \(KeyLimits.keyringKeysMax) keys")
        }
        var seen: Set<String> = []
        var active: Set<String> = []
        for version in versions {
            guard seen.insert(version.kid).inserted else {
                throw KeyringError(path: path, kid: version.kid, "stands there twice")
            }
            guard version.status != .active || active.insert(version.name).inserted else {
                throw KeyringError(
                    path: path, kid: version.kid,
                    "a second active version; one version of a name may be active")
            }
        }
    }

    // MARK: edits

    /// Adds a first, active version of a new name.
    internal mutating func create(
        _ name: String, path: String, createdSeconds: Int64
    ) throws(KeyringError) -> KeyVersion {
        guard KEKReference.isName(name) else {
            throw KeyringError(
                path: path, "a key name has 1 to \(KeyLimits.keyNameBytesMax) of A-Z a-z 0-9 . _ -")
        }
        guard !contains(name) else {
            throw KeyringError(path: path, "there is a key \(name) already; rotate it instead")
        }
        return try add(name, version: 1, path: path, createdSeconds: createdSeconds)
    }

    /// Adds a new active version of `name`; the one that was active goes on unwrapping.
    internal mutating func rotate(
        _ name: String, path: String, createdSeconds: Int64
    ) throws(KeyringError) -> KeyVersion {
        guard let highest = versions.filter({ $0.name == name }).map(\.version).max() else {
            throw KeyringError(path: path, "there is no key \(name); create it first")
        }
        guard highest < UInt32.max else {
            throw KeyringError(path: path, kid: "\(name)/\(highest)", "there is no next version")
        }
        for index in versions.indices
        where versions[index].name == name && versions[index].status == .active {
            versions[index].status = .retired
        }
        return try add(name, version: highest + 1, path: path, createdSeconds: createdSeconds)
    }

    private mutating func add(
        _ name: String, version: UInt32, path: String, createdSeconds: Int64
    ) throws(KeyringError) -> KeyVersion {
        let key: SecretBytes
        do throws(CryptoError) {
            key = try SecretBytes.random(count: AESGCM.keyBytes)
        } catch {
            throw KeyringError(path: path, "\(error)")
        }
        let made = KeyVersion(
            name: name, version: version, status: .active, createdSeconds: createdSeconds,
            key: key, otherMembers: [])
        versions.append(made)
        try check(path: path)
        return made
    }
}
