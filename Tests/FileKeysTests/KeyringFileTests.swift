// KeyringFileTests: creating, rotating and listing; which files are refused.

import Crypto
import Foundation
import Glibc
import Testing

@testable import FileKeys

@Suite struct KeyringFileTests {
    private let folder: KeyringFolder

    init() throws { folder = try KeyringFolder() }

    private func problem(_ body: () throws -> Void) throws -> KeyringError {
        try #require(throws: KeyringError.self) { try body() }
    }

    // MARK: editing

    @Test func `the first key makes a file that only its owner can read`() throws {
        let before = umask(0)
        defer { umask(before) }
        let made = try folder.file.create("pay", nowSeconds: 1_700_000_000)
        #expect(made.kid == "pay/1")
        #expect(made.status == .active)
        #expect(made.createdSeconds == 1_700_000_000)
        #expect(try folder.mode == 0o600)
        #expect(try folder.fileNames == ["keyring.json"])
    }

    @Test func `the file is a JWK Set of A256KW keys`() throws {
        _ = try folder.file.create("pay", nowSeconds: 1_700_000_000)
        let text = try Data(contentsOf: URL(fileURLWithPath: folder.keyring))
        let root = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
        let keys = try #require(root["keys"] as? [[String: Any]])
        try #require(keys.count == 1)
        #expect(keys[0]["kty"] as? String == "oct")
        #expect(keys[0]["alg"] as? String == "A256KW")
        #expect(keys[0]["kid"] as? String == "pay/1")
        #expect(keys[0]["key_ops"] as? [String] == ["wrapKey", "unwrapKey"])
        #expect(keys[0]["status"] as? String == "active")
        #expect(keys[0]["created"] as? Int == 1_700_000_000)
        let key = try #require(keys[0]["k"] as? String)
        #expect(
            key.count == 43 && key.allSatisfy { $0.isLetter || $0.isNumber || "-_".contains($0) })
    }

    @Test func `rotation retires the active version and keeps all others as they are`() throws {
        _ = try folder.file.create("pay", nowSeconds: 1)
        _ = try folder.file.create("orders", nowSeconds: 2)
        let second = try folder.file.rotate("pay", nowSeconds: 3)
        #expect(second.kid == "pay/2")
        _ = try folder.file.rotate("pay", nowSeconds: 4)
        let keyring = try folder.file.load()
        #expect(keyring.names == ["orders", "pay"])
        #expect(keyring.versions.map(\.kid) == ["pay/1", "orders/1", "pay/2", "pay/3"])
        #expect(keyring.versions.map(\.status) == [.retired, .active, .retired, .active])
        #expect(keyring.versions.map(\.createdSeconds) == [1, 2, 3, 4])
        #expect(try folder.fileNames == ["keyring.json"])
    }

    @Test func `keys come back from the file as they were made`() throws {
        var made: [KeyVersion] = []
        for name in ["a", "b", "c", "d"] { made.append(try folder.file.create(name)) }
        let loaded = try folder.file.load()
        try #require(loaded.versions.count == made.count)
        for (before, after) in zip(made, loaded.versions) {
            #expect(before.kid == after.kid)
            #expect(before.key.constantTimeEquals(after.key))
        }
        #expect(!made[0].key.constantTimeEquals(made[1].key))
    }

    @Test func `what cannot be done is refused and changes nothing`() throws {
        #expect(try problem { _ = try folder.file.rotate("pay") }.message.contains("opened"))
        #expect(try folder.fileNames == [], "a rotation makes no file")
        _ = try folder.file.create("pay")
        let before = try folder.text
        #expect(try problem { _ = try folder.file.create("pay") }.message.contains("already"))
        #expect(try problem { _ = try folder.file.rotate("other") }.message.contains("no key"))
        for name in ["", "a/b", "ä", String(repeating: "n", count: 256)] {
            #expect(try problem { _ = try folder.file.create(name) }.message.contains("key name"))
        }
        #expect(try folder.text == before)
        let nowhere = KeyringFile(path: folder.path + "/missing/keyring.json")
        #expect(try problem { _ = try nowhere.create("pay") }.message.contains("directory"))
    }

    @Test func `versions end where they can be counted no further`() throws {
        try folder.write(jwkSet(jwk(kid: "pay/4294967295")))
        #expect(try problem { _ = try folder.file.rotate("pay") }.message.contains("next version"))
    }

    @Test func `edits at the same time wait for each other`() throws {
        _ = try folder.file.create("pay")
        let file = folder.file
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            #expect(throws: Never.self) { _ = try file.rotate("pay") }
        }
        let keyring = try file.load()
        #expect(keyring.versions.map(\.version) == Array(1...9))
        #expect(keyring.versions.map(\.status).dropLast().allSatisfy { $0 == .retired })
        #expect(keyring.versions.last?.status == .active)
    }

    @Test func `an edit keeps members that it does not know`() throws {
        try folder.write(
            """
            {"note": {"a": [1, 2.5e3, "x\\n\\u00e9", true, null]},
             "keys": [\(jwk(more: ", \"x-owner\": [\"team \\\"pay\\\"\"], \"iat\": -1"))]}
            """)
        _ = try folder.file.rotate("pay")
        let text = try folder.text
        #expect(text.contains(#""note": {"a": [1, 2.5e3, "x\n\u00e9", true, null]}"#))
        #expect(text.contains(#""x-owner": ["team \"pay\""], "iat": -1"#))
        #expect(try folder.file.load().versions.map(\.kid) == ["pay/1", "pay/2"])
        _ = try folder.file.rotate("pay")
        #expect(try folder.text.contains(#""x-owner": ["team \"pay\""], "iat": -1"#))
    }

    @Test func `an edit through a link replaces the file and not the link`() throws {
        _ = try folder.file.create("pay")
        let link = folder.path + "/link.json"
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: "keyring.json")
        _ = try KeyringFile(path: link).rotate("pay")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "keyring.json")
        #expect(try folder.file.load().versions.count == 2)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func `an edit keeps the group of the file`() throws {
        _ = try folder.file.create("pay")
        try folder.setOwner(user: 0, group: 4_321)
        _ = try folder.file.rotate("pay")
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.keyring)
        #expect(attributes[.groupOwnerAccountID] as? Int == 4_321)
    }

    // MARK: files that are refused

    @Test(arguments: [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666])
    func `a file that others can use is refused`(_ mode: Int) throws {
        _ = try folder.file.create("pay")
        try folder.setMode(mode)
        let refused = try problem { _ = try folder.file.load() }
        #expect(refused.path == folder.keyring)
        #expect(refused.message.contains("has mode \(String(mode, radix: 8))"))
        #expect(try problem { _ = try folder.file.rotate("pay") } == refused)
    }

    @Test(arguments: [0o600, 0o400])
    func `a file of the owner alone is taken`(_ mode: Int) throws {
        _ = try folder.file.create("pay")
        try folder.setMode(mode)
        #expect(try folder.file.load().versions.count == 1)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func `a file of another user is refused`() throws {
        _ = try folder.file.create("pay")
        try folder.setOwner(user: 4_321, group: 0)
        #expect(try problem { _ = try folder.file.load() }.message.contains("user 4321"))
    }

    @Test func `what is no regular file is refused without waiting for it`() throws {
        #expect(try problem { _ = try folder.file.load() }.message.contains("No such file"))
        let directory = KeyringFile(path: folder.path)
        #expect(try problem { _ = try directory.load() }.message.contains("regular"))
        // SAFETY: a plain system call.
        let made = unsafe mkfifo(folder.keyring, 0o600)
        #expect(made == 0)
        #expect(try problem { _ = try folder.file.load() }.message.contains("regular"))
    }

    @Test func `a file that is too large is refused before it is read`() throws {
        try folder.write(String(repeating: " ", count: (4 << 20) + 1))
        #expect(try problem { _ = try folder.file.load() }.message.contains("larger"))
    }
}
