// KeyringFolder: a folder of its own for each test, with a keyring in it.

import Foundation
import Glibc
import Testing

@testable import FileKeys

final class KeyringFolder {
    let path: String
    /// The keyring file in the folder.
    var keyring: String { path + "/keyring.json" }
    var file: KeyringFile { KeyringFile(path: keyring) }

    init() throws {
        path = NSTemporaryDirectory() + "keyring-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes the keyring as an editor would, with `mode`.
    func write(_ text: String, mode: Int = 0o600) throws {
        try text.write(toFile: keyring, atomically: true, encoding: .utf8)
        try setMode(mode)
    }

    func setMode(_ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: keyring)
    }

    func setOwner(user: Int, group: Int) throws {
        try FileManager.default.setAttributes(
            [.ownerAccountID: user, .groupOwnerAccountID: group], ofItemAtPath: keyring)
    }

    var text: String {
        get throws { try String(contentsOfFile: keyring, encoding: .utf8) }
    }

    func replace(_ old: String, _ new: String) throws {
        let before = try text
        #expect(before.contains(old), "nothing to replace")
        try write(before.replacingOccurrences(of: old, with: new))
    }

    var mode: Int {
        get throws {
            let attributes = try FileManager.default.attributesOfItem(atPath: keyring)
            return try #require(attributes[.posixPermissions] as? Int)
        }
    }

    var fileNames: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
}

/// A key of 32 times the byte 1, for texts that a test writes by hand.
let plantedKey = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"

/// A JWK Set with one key, some members of which are replaced.
func jwk(
    kid: String = "pay/1", kty: String = "\"oct\"", alg: String = "\"A256KW\"",
    status: String = "\"active\"", key: String = plantedKey, more: String = ""
) -> String {
    """
    {"kid": "\(kid)", "kty": \(kty), "alg": \(alg), "status": \(status), "k": "\(key)"\(more)}
    """
}

func jwkSet(_ keys: String...) -> String {
    "{\"keys\": [\(keys.joined(separator: ", "))]}"
}
