// RefusedKeyServicesTests: key services and token keys that are refused, with the exact messages.

import Testing

@testable import Config

@Suite struct RefusedKeyServicesTests {
    @Test(arguments: [
        (
            "{}",
            [
                "f:7:19: `vault` needs `address`",
                "f:7:19: `vault` needs `auth`",
            ]
        ),
        (
            "{address: 'https://v', auth: {}}",
            [
                "f:7:48: `auth` needs `tokenFile`, `appRole`, `kubernetes` or `jwt`"
            ]
        ),
        (
            "{address: 'ftp://v', auth: {tokenFile: t}}",
            [
                "f:7:29: `address` must be like `https://vault.internal:8200`, not "
                    + "`ftp://v`"
            ]
        ),
        (
            "{address: 'http://v:8200', auth: {tokenFile: t}}",
            [
                "f:7:29: `address`: tokens and keys would be readable on the way; use "
                    + "`https`, or say `allowPlaintext: true`"
            ]
        ),
        (
            "{address: 'http://v', allowPlaintext: yes, auth: {tokenFile: t}}",
            [
                "f:7:29: `address`: tokens and keys would be readable on the way; use "
                    + "`https`, or say `allowPlaintext: true`",
                "f:7:57: `allowPlaintext` must be `true` or `false`, not `yes`",
            ]
        ),
        (
            "{address: 'https://u:p@v', auth: {tokenFile: t}}",
            [
                "f:7:29: `address` has no user; `auth` says how to log in"
            ]
        ),
        (
            "{address: 'https://v/a?b', auth: {tokenFile: t}}",
            [
                "f:7:29: `address` must be like `https://vault.internal:8200`, not "
                    + "`https://v/a?b`"
            ]
        ),
        (
            "{address: 'https://v/v1', auth: {tokenFile: t}}",
            [
                "f:7:29: `address` must be like `https://vault.internal:8200`, not "
                    + "`https://v/v1`"
            ]
        ),
        (
            "{address: 'https://v/../a', auth: {tokenFile: t}}",
            [
                "f:7:29: `address` must be like `https://vault.internal:8200`, not "
                    + "`https://v/../a`"
            ]
        ),
        (
            "{address: 'https://::1', auth: {tokenFile: t}}",
            [
                "f:7:29: `address` must be like `https://vault.internal:8200`, not "
                    + "`https://::1`"
            ]
        ),
        (
            "{address: 'https://v:8200', auth: {tokenFile: t}, mount: /transit}",
            [
                "f:7:76: `mount` must be a path like `team/a`, without slashes at its "
                    + "ends, not `/transit`"
            ]
        ),
        (
            "{address: 'https://v:8200', auth: {tokenFile: t}, mount: a//b}",
            [
                "f:7:76: `mount` must be a path like `team/a`, without slashes at its "
                    + "ends, not `a//b`"
            ]
        ),
        (
            "{address: 'https://v:8200', auth: {tokenFile: t}, mount: 'a/../b'}",
            [
                "f:7:76: `mount` must be a path like `team/a`, without slashes at its "
                    + "ends, not `a/../b`"
            ]
        ),
        (
            "{address: 'https://v:8200', auth: {tokenFile: t}, namespace: 'team a'}",
            [
                "f:7:80: `namespace` must be a path like `team/a`, without slashes at "
                    + "its ends, not `team a`"
            ]
        ),
        (
            "{address: 'https://v:8200', auth: {tokenFile: t}, namespace: team/a/}",
            [
                "f:7:80: `namespace` must be a path like `team/a`, without slashes at "
                    + "its ends, not `team/a/`"
            ]
        ),
        (
            "{address: 'https://v', auth: {tokenFile: t, jwt: {}}}",
            [
                "f:7:63: `auth` has `tokenFile` and `jwt`; it is one of them"
            ]
        ),
        (
            "{address: 'https://v', auth: {appRole: {roleId: r, roleIdFile: r, "
                + "secretIdFile: s}}}",
            [
                "f:7:70: `appRole` has `roleId` and `roleIdFile`; it is one of them"
            ]
        ),
        (
            "{address: 'https://v', auth: {appRole: {}}}",
            [
                "f:7:58: `appRole` needs `secretIdFile`",
                "f:7:58: `appRole` needs `roleId` or `roleIdFile`",
            ]
        ),
        (
            "{address: 'https://v', auth: {appRole: {roleId: 'a b', secretIdFile: s}}}",
            [
                "f:7:67: `roleId` must have 1 to 512 printable characters of ASCII, "
                    + "without spaces"
            ]
        ),
        (
            "{address: 'https://v', auth: {kubernetes: {}}}",
            [
                "f:7:61: `kubernetes` needs `role`"
            ]
        ),
        (
            "{address: 'https://v', auth: {kubernetes: {role: r, mount: 'k8s/'}}}",
            [
                "f:7:78: `mount` must be a path like `team/a`, without slashes at its "
                    + "ends, not `k8s/`"
            ]
        ),
        (
            "{address: 'https://v', auth: {jwt: {role: r}}}",
            [
                "f:7:54: `jwt` needs `tokenFile`"
            ]
        ),
        (
            "{address: 'https://v', auth: {approle: {}}}",
            [
                "f:7:48: `auth` needs `tokenFile`, `appRole`, `kubernetes` or `jwt`",
                "f:7:49: `auth` has no key `approle`; did you mean `appRole`?",
            ]
        ),
        (
            "{address: 'https://v', auth: {token: t}}",
            [
                "f:7:48: `auth` needs `tokenFile`, `appRole`, `kubernetes` or `jwt`",
                "f:7:49: `auth` has no key `token`",
            ]
        ),
        (
            "{address: 'https://v:8200', auth: {tokenFile: t}, tls: {ca: c, "
                + "certificate: d}}",
            [
                "f:7:74: `certificate` and `key` go together"
            ]
        ),
        (
            "{address: 'http://localhost', auth: {tokenFile: t}, tls: {ca: c}}",
            [
                "f:7:76: `tls` needs an `address` with `https`"
            ]
        ),
        (
            "{address: 'https://v:8200', auth: {tokenFile: t}, tls: {serverName: "
                + "'a:1', verify: no}}",
            [
                "f:7:87: `serverName` must be a host name or IP address, not `a:1`; "
                    + "leave out the port",
                "f:7:94: `tls` has no key `verify`",
            ]
        ),
        (
            "{address: 'https://v:8200', auth: {tokenFile: t}, connectTimeout: 10ms, "
                + "timeout: 2m, proxy: yes}",
            [
                "f:7:85: `connectTimeout` must be 100ms to 1m, not `10ms`",
                "f:7:100: `timeout` must be 100ms to 1m, not `2m`",
                "f:7:111: `proxy` must be `none` or `environment`, not `yes`",
            ]
        ),
        (
            "{address: 'https://v:8200', auth: {tokenFile: t}, prxy: none}",
            [
                "f:7:69: `vault` has no key `prxy`; did you mean `proxy`?"
            ]
        ),
    ])
    func `a Vault is refused`(_ vault: String, _ messages: [String]) {
        #expect(errors(adding: "keys: {v: {vault: \(vault)}}") == messages)
    }

    @Test(arguments: [
        (
            "tokenKey: {}",
            [
                "f:8:11: `tokenKey` needs `key`",
                "f:8:11: `tokenKey` needs `wrapped`",
            ]
        ),
        (
            "tokenKey: {key: 'local/$(topic)', wrapped: A}",
            [
                "f:8:44: `wrapped` must be 1 to 1024 bytes in base64url, as `waxwing "
                    + "keys token` prints them"
            ]
        ),
        (
            "tokenKey: {key: 'loca/k', wrapped: 'AA=='}",
            [
                "f:8:17: `key`: there is no key service `loca`; did you mean `local`?",
                "f:8:36: `wrapped` must be 1 to 1024 bytes in base64url, as `waxwing "
                    + "keys token` prints them",
            ]
        ),
        (
            "tokenKey: {key: 'local/k', wrapped: 'AAF'}",
            [
                "f:8:37: `wrapped` must be 1 to 1024 bytes in base64url, as `waxwing "
                    + "keys token` prints them"
            ]
        ),
    ])
    func `a token key is refused`(_ tokenKey: String, _ messages: [String]) {
        #expect(
            errors(adding: "keys: {local: {file: f}, corp: {file: g}}\n" + tokenKey) == messages)
    }

    @Test func `a token key without any key service is refused`() {
        #expect(
            errors(adding: "tokenKey: {key: local/k, wrapped: AA}") == [
                "f:7:17: `key`: there is no key service `local`; the file has no `keys`"
            ])
    }

    @Test func `what the environment puts into an address is not shown`() {
        let text = "keys: {v: {vault: {address: \"https://${U}\", auth: {tokenFile: t}}}}"
        #expect(
            errors(adding: text, ["U": "admin:s3cret@v"]) == [
                "f:7:29: `address` has no user; `auth` says how to log in"
            ])
        #expect(
            errors(adding: text, ["U": "s3cret?"]) == [
                "f:7:29: `address` must be like `https://vault.internal:8200`, not `https://${U}`"
            ])
    }
}
