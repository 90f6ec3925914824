// KeyServiceConfigurationTests: what good settings of key services and token keys mean.

import Testing

@testable import Config

@Suite struct KeyServiceConfigurationTests {
    private func source(_ vault: String, _ environment: Environment = [:]) throws -> VaultSource? {
        let found = try parse(
            least + "keys: {v: {vault: \(vault)}}", environment, directory: "/etc/waxwing")
        guard case .vault(let source) = found.keyServices.first?.source else { return nil }
        return source
    }

    @Test func `the least Vault has the documented defaults`() throws {
        let found = try source("{address: 'https://v:8200', auth: {tokenFile: token}}")
        #expect(found?.address == "https://v:8200")
        #expect(found?.mount == "transit")
        #expect(found?.namespace == nil)
        #expect(found?.authentication == .token(file: "/etc/waxwing/token"))
        #expect(found?.tls == VaultSource.TLS())
        #expect(found?.connectNanoseconds == 2_000_000_000)
        #expect(found?.requestNanoseconds == 5_000_000_000)
        #expect(found?.proxy == VaultSource.Proxy.none)
    }

    @Test func `every setting of a Vault is read`() throws {
        let found = try source(
            """
            {
              address: "https://${HOST}:8200/kms/", mount: team/transit, namespace: a/b,
              auth: {tokenFile: /run/t}, connectTimeout: 250ms, timeout: 1m, proxy: environment,
              tls: {ca: ca.pem, certificate: /c.pem, key: k.pem, serverName: vault.internal}
            }
            """, ["HOST": "[2001:db8::1]"])
        var tls = VaultSource.TLS()
        tls.ca = "/etc/waxwing/ca.pem"
        tls.certificate = "/c.pem"
        tls.key = "/etc/waxwing/k.pem"
        tls.serverName = "vault.internal"
        var expected = VaultSource(
            address: "https://[2001:db8::1]:8200/kms", authentication: .token(file: "/run/t"))
        expected.mount = "team/transit"
        expected.namespace = "a/b"
        expected.tls = tls
        expected.connectNanoseconds = 250_000_000
        expected.requestNanoseconds = 60_000_000_000
        expected.proxy = .environment
        #expect(found == expected)
    }

    @Test(arguments: [
        ("{tokenFile: t}", VaultSource.Authentication.token(file: "/etc/waxwing/t")),
        (
            "{appRole: {roleId: r-1, secretIdFile: s}}",
            .appRole(mount: "approle", roleID: .value("r-1"), secretIDFile: "/etc/waxwing/s")
        ),
        (
            "{appRole: {mount: a/b, roleIdFile: /r, secretIdFile: /s}}",
            .appRole(mount: "a/b", roleID: .file("/r"), secretIDFile: "/s")
        ),
        (
            "{kubernetes: {role: waxwing}}",
            .kubernetes(
                mount: "kubernetes", role: "waxwing",
                tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token")
        ),
        (
            "{kubernetes: {mount: k8s/eu, role: w, tokenFile: t}}",
            .kubernetes(mount: "k8s/eu", role: "w", tokenFile: "/etc/waxwing/t")
        ),
        (
            "{jwt: {role: w, tokenFile: /t}}", .jwt(mount: "jwt", role: "w", tokenFile: "/t")
        ),
    ])
    func `every way to log in is read`(
        _ auth: String, _ expected: VaultSource.Authentication
    ) throws {
        #expect(try source("{address: 'https://v', auth: \(auth)}")?.authentication == expected)
    }

    @Test(arguments: [
        "http://localhost:8200", "http://LOCALHOST", "http://127.1.2.3:1", "http://[::1]:8200",
    ])
    func `plain HTTP is for the own host`(_ address: String) throws {
        let text = least + "keys: {v: {vault: {address: '\(address)', auth: {tokenFile: t}}}}"
        #expect(try parse(text).warnings.isEmpty)
    }

    @Test(arguments: [
        "http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://10.0.0.1",
        "http://[::2]", "http://v",
    ])
    func `plain HTTP over a network is refused, or warned of when it is asked for`(
        _ address: String
    ) throws {
        func text(_ more: String) -> String {
            "keys: {v: {vault: {address: '\(address)', auth: {tokenFile: t}\(more)}}}"
        }
        #expect(errors(adding: text("")).count == 1)
        #expect(errors(adding: text(", allowPlaintext: false")).count == 1)
        #expect(
            try parse(least + text(", allowPlaintext: true")).warnings.map(\.description) == [
                "f:7:29: warning: `address`: tokens and keys are readable on the way"
            ])
    }

    @Test(arguments: [
        ("AAEC", [UInt8]([0, 1, 2])), ("_-8", [255, 239]), ("AA", [0]), ("AQID_w", [1, 2, 3, 255]),
    ])
    func `a token key is read`(_ wrapped: String, _ bytes: [UInt8]) throws {
        let found = try parse(
            least + """
                keys: {corp: {file: f}}
                tokenKey: {key: corp/tokens, wrapped: "\(wrapped)"}
                """)
        #expect(
            found.tokenKey == TokenKeySettings(service: "corp", key: "tokens", wrapped: bytes))
    }

    @Test(arguments: ["A", "AB", "AAF", "A+8", "A/8", "AA==", "AA A", "\u{e9}AA"])
    func `text that is no base64url is refused`(_ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test func `base64url of every length comes back`() {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        for count in 0..<50 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
            var text = ""
            for start in stride(from: 0, to: count, by: 3) {
                let group = bytes[start..<min(start + 3, count)]
                let word = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
                for place in 0...group.count { text.append(letters[word >> (18 - 6 * place) & 63]) }
            }
            #expect(Base64URL.decode(text) == bytes)
        }
    }

    @Test func `a wrapped key has a bound`() {
        func tokenKey(_ letters: Int) -> String {
            "keys: {k: {file: f}}\ntokenKey: {key: k/k, wrapped: "
                + String(repeating: "A", count: letters) + "}"
        }
        #expect(errors(adding: tokenKey(1_366)) == [])
        #expect(errors(adding: tokenKey(1_368)).count == 1)
    }
}
