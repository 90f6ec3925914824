// VaultFolder: secret files of a test, and the answers that a good server gives.

import Foundation
import KeyService
import Testing
import VaultKeys

/// A folder of its own for each test.
final class VaultFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "vault-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file in one step and returns its path.
    func write(_ text: String, _ name: String = "token") throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}

/// The bytes 0 to 31, and a wrapped form of 60 bytes.
enum GoodAnswer {
    static let plaintext = (0..<32).map { UInt8($0) }
    static let plaintextText = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    static let wrappedText = String(repeating: "abCD", count: 20)

    static let dataKey = dataKey(version: 3)

    static func dataKey(version: Int) -> String {
        """
        {"request_id": "r", "data": {"ciphertext": "vault:v\(version):\(wrappedText)",
         "key_version": \(version), "plaintext": "\(plaintextText)"}, "auth": null}
        """
    }

    static let opened = "{\"data\": {\"plaintext\": \"\(plaintextText)\"}}"
    static let key = "{\"data\": {\"type\": \"aes256-gcm96\", \"derived\": false}}"

    static func logIn(_ token: String, seconds: Int = 3_600, renewable: Bool = true) -> String {
        """
        {"auth": {"client_token": "\(token)", "lease_duration": \(seconds),
         "renewable": \(renewable)}}
        """
    }

    static func life(seconds: Int = 0, renewable: Bool = false) -> String {
        "{\"data\": {\"ttl\": \(seconds), \"renewable\": \(renewable)}}"
    }

    static func errors(_ texts: String...) -> String {
        "{\"errors\": [\(texts.map { "\"\($0)\"" }.joined(separator: ","))]}"
    }

    /// What a server that refuses nothing answers.
    static func all(_ request: SeenRequest) -> ScriptedAnswer {
        let path = request.path
        if path.contains("/datakey/") { return .json(200, dataKey) }
        if path.contains("/decrypt/") { return .json(200, opened) }
        if path.contains("/keys/") { return .json(200, key) }
        if path.hasSuffix("lookup-self") { return .json(200, life()) }
        if path.hasSuffix("/login") { return .json(200, logIn("s.fresh")) }
        return .json(404, errors("no handler for route"))
    }
}

/// The code and the sentence of a failing call.
func failure(
    _ body: () async throws -> Void
) async throws -> KeyServiceError {
    try await #require(throws: KeyServiceError.self) { try await body() }
}
