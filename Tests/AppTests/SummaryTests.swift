// SummaryTests: what is printed about a valid configuration.

import Config
import Testing

@testable import App

/// One of everything.
private let story = """
    cluster: {bootstrap: [k:1]}
    listeners:
      - name: a
        advertise: h
        ports: {bootstrap: 1, brokers: 2-3}
        principal: {sasl: {subjectClaim: upn, groupsClaim: groups}}
      - name: b
        advertise: h
        ports: {bootstrap: 4, brokers: 5-6}
        principal: {fixed: "User:b"}
      - {name: c, advertise: h, ports: {bootstrap: 7, brokers: 8-9}, principal: anonymous}
    keys: {local: {file: f}}
    tokenKey: {key: local/tokens, wrapped: c2VjcmV0}
    protect:
      - topics: [payments]
        key: "local/kek-$(header:tenant)"
        fields: [$.card.number, $.email, $.a, $.b, $.c, $.d, $.e, $.f, $.g]
        wrappedKey: perBatch
        notJSON: pass
        plain: mask
        unopenable: deliver
      - topics: [logs]
        key: local/k
        compress: zstd
        wrappedKey: perRecord
        plain: refuse
        dryRun: true
      - {topics: [more], key: local/k, compress: lz4}
    read:
      - {principals: ["User:fraud"], topics: [payments], show: clear}
      - principals: ["User:analyst-*", "group:analysts"]
        topics: [payments]
        mask: {$.card.number: {keepLast: 4}, $.email: drop, $.a: {token: hex}, $: sealed}
        others: redact
      - {principals: ["User:x"], topics: [payments], mask: {$.b: clear}}
      - {principals: ["*"], topics: ["*"], show: redact}
    audit: {to: {file: /var/log/audit.json}, interval: 5m}
    admin: {socket: /run/waxwing.sock}
    """

@Suite struct SummaryTests {
    private func lines(_ text: String) throws -> [String] {
        let configuration = try Configuration.parse(
            text: text, name: "f", environment: ["SECRET": "s3cret"])
        return Summary(configuration: configuration).lines
    }

    private let least = """
        cluster: {bootstrap: [k:1]}
        listeners: [{name: a, bind: 127.0.0.1, ports: {bootstrap: 1, brokers: 2-3}}]

        """

    @Test func `a file without rules says so`() throws {
        #expect(
            try lines(least) == [
                "cluster    k:1",
                "listener   a: 127.0.0.1:1 for bootstrap, 2-3 for nodes 0-1,"
                    + " advertised as 127.0.0.1",
                "rules      none: everything is relayed as it is",
            ])
    }

    @Test func `who sees what is told rule by rule`() throws {
        let found = try lines(story)
        #expect(
            Array(found.dropFirst()) == [
                "listener   a: 0.0.0.0:1 for bootstrap, 2-3 for nodes 0-1, advertised as h,"
                    + " names from claim upn, groups from claim groups",
                "listener   b: 0.0.0.0:4 for bootstrap, 5-6 for nodes 0-1, advertised as h,"
                    + " every client is User:b",
                "listener   c: 0.0.0.0:7 for bootstrap, 8-9 for nodes 0-1, advertised as h,"
                    + " clients have no names",
                "keys       local: keyring f",
                "token key  local/tokens",
                "protect    payments with key local/kek-$(header:tenant), fields $.card.number,"
                    + " $.email, $.a, $.b, $.c, $.d, $.e, $.f and 1 more, a wrapped key in each"
                    + " batch, what is not JSON stored in clear, plain records masked,"
                    + " what does not open delivered",
                "protect    logs with key local/k, compressed with zstd, a wrapped key in each"
                    + " record, plain records refused, dry run: nothing is sealed",
                "protect    more with key local/k, compressed with lz4",
                "read       payments in clear for User:fraud",
                "read       payments for User:analyst-*, group:analysts:",
                "             $.card.number masked by keepLast",
                "             $.email left out",
                "             $.a masked by token",
                "             $ (whole values) as stored",
                "             all else redacted",
                "read       payments for User:x:",
                "             $.b in clear",
                "read       * redacted for everybody",
                "audit      /var/log/audit.json, counts every 300s",
                "admin      /run/waxwing.sock",
            ])
    }

    @Test func `a Vault is shown without what it is logged in with`() throws {
        func vault(_ settings: String) throws -> String {
            try lines(least + "keys: {v: {vault: {address: 'https://v:8200', \(settings)}}}")[2]
        }
        #expect(
            try vault("auth: {tokenFile: /t}")
                == "keys       v: Vault https://v:8200, mount transit, token in /t")
        #expect(
            try vault(
                "mount: a/b, namespace: n, proxy: environment, tls: {certificate: c, key: k},"
                    + " auth: {appRole: {roleId: \"${SECRET}\", secretIdFile: /s}}")
                == "keys       v: Vault https://v:8200, mount a/b, namespace n, log-in at approle"
                + " with the secret id in /s, with a client certificate, by the environment's"
                + " proxy")
        #expect(
            try vault("auth: {jwt: {mount: m, role: r, tokenFile: /j}}")
                == "keys       v: Vault https://v:8200, mount transit, log-in at m as r with the"
                + " token in /j")
        #expect(
            try vault("auth: {kubernetes: {role: r}}").hasSuffix(
                "log-in at kubernetes as r with the token in"
                    + " /var/run/secrets/kubernetes.io/serviceaccount/token"))
    }

    @Test func `what may not be meant stands at the end`() throws {
        let found = try lines(
            least + """
                keys: {k: {file: f}}
                protect: [{topics: [a], key: k/k}]
                read: [{principals: ["*"], topics: [a], show: clear}]
                audit: {}
                """)
        #expect(
            Array(found.suffix(2)) == [
                "audit      standard error, counts every 60s",
                "f:5:47: warning: everybody, also a client that is not known, reads in clear what"
                    + " the rule in line 4 protects",
            ])
    }
}
