// VaultSettingsTests: which addresses and names are taken, and the binary form of wrapped keys.

import Bytes
import Testing

@testable import VaultKeys

@Suite struct VaultSettingsTests {
    private func problem(
        _ change: (inout VaultSettings) -> Void
    ) -> VaultSettingsError? {
        var settings = VaultSettings(
            address: "https://vault:8200", auth: .tokenFile("/run/secrets/vault"))
        change(&settings)
        do throws(VaultSettingsError) {
            try settings.check()
            return nil
        } catch { return error }
    }

    @Test(arguments: [
        ("https://vault:8200", "https", "vault", 8_200, ""),
        ("https://vault.corp.example/", "https", "vault.corp.example", 443, ""),
        ("http://127.0.0.1:8200/kms/eu/", "http", "127.0.0.1", 8_200, "/kms/eu"),
        ("http://[::1]", "http", "[::1]", 80, ""),
    ])
    func `an address comes apart`(
        _ text: String, _ scheme: String, _ host: String, _ port: Int, _ prefix: String
    ) throws {
        let address = try VaultAddress(text)
        #expect(address.scheme == scheme)
        #expect(address.host == host)
        #expect(Int(address.port) == port)
        #expect(address.prefix == prefix)
    }

    @Test(arguments: [
        "", "vault:8200", "ftp://vault", "https://", "https://:8200", "https://vault:",
        "https://vault:0", "https://vault:70000", "https://user:secret@vault", "https://vault?x",
        "https://vault/a?b", "https://vault/#", "https://vault/../x", "https://[::1", "https://[]",
        "https://[::1]x", "https://[v1.x]", "https://va ult", "https://vault\r\nX: y",
        "https://vault/v1", "https://vault/v1/", "https://vault/%2e%2e", "https://v\u{e9}",
    ])
    func `an address that is none is refused, and not quoted`(_ text: String) throws {
        let error = try #require(problem { $0.address = text })
        #expect(error.setting == "address")
        #expect(!error.message.contains("secret"))
    }

    @Test(arguments: ["", "/", "a/", "/a", "a//b", "..", "a/../b", "a/.", "a b", "a\nb", "\u{e9}"])
    func `a path with an empty or climbing part is refused`(_ path: String) {
        #expect(problem { $0.mount = path }?.setting == "mount")
        #expect(problem { $0.namespace = path }?.setting == "namespace")
        #expect(
            problem { $0.auth = .jwt(mount: path, role: "r", jwtFile: "f") }?.setting
                == "auth.mount")
    }

    @Test func `other settings are held to their bounds`() {
        #expect(problem { _ in } == nil)
        #expect(problem { $0.serverName = "vault.corp" } == nil)
        #expect(problem { $0.serverName = "vault:1" }?.setting == "serverName")
        #expect(problem { $0.clientKeyFile = "k" }?.setting == "clientCertificateFile")
        #expect(problem { $0.totalNanoseconds = 0 }?.setting == "totalNanoseconds")
        #expect(problem { $0.connectNanoseconds = .max }?.setting == "connectNanoseconds")
        #expect(
            problem { $0.auth = .appRole(mount: "a", roleID: "a b", secretIDFile: "f") }?.setting
                == "auth.roleID")
    }

    @Test func `an address without TLS says so`() {
        let settings = VaultSettings(address: "http://vault:8200", auth: .tokenFile("f"))
        #expect(settings.isReadableOnTheNetwork)
    }

    // MARK: wrapped keys

    @Test(arguments: [
        ("vault:v1:AAECAw==", [1, 0, 1, 2, 3]), ("vault:v300:/w==", [0xac, 0x02, 0xff]),
        ("vault:v999999999:/w==", [0xff, 0x93, 0xeb, 0xdc, 0x03, 0xff]),
    ])
    func `the text form comes back exactly`(_ text: String, _ binary: [UInt8]) throws {
        let input = ByteBuffer()
        input.append(text)
        let binaryForm = WrappedKey.binary(input.bytes)
        let found = try #require(binaryForm)
        #expect(found.bytes == binary)
        let output = ByteBuffer()
        #expect(WrappedKey.appendText(binary, to: output) == found.version)
        #expect(output.bytes.text == text)
    }

    @Test func `a text cut short anywhere is refused or shorter`() {
        let text = Array("vault:v12:AAECAw==".utf8)
        for count in 0..<text.count {
            let input = ByteBuffer()
            input.append(Array(text.prefix(count)))
            let found = WrappedKey.binary(input.bytes)
            #expect(found == nil || (count == 14 && found?.bytes == [12, 0, 1, 2]))
        }
    }
}
