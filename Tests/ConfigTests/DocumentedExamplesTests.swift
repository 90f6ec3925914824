// DocumentedExamplesTests: every example of docs/CONFIG.md is valid, and every key is in it.

import Foundation
import Testing

@testable import Config

@Suite struct DocumentedExamplesTests {
    private func page() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: "docs/CONFIG.md"), encoding: .utf8)
    }

    /// The fenced blocks of YAML.
    private func examples() throws -> [String] {
        try page().components(separatedBy: "```yaml\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
    }

    @Test func `every example is valid in a file with what it leaves out`() throws {
        let examples = try examples()
        #expect(examples.count >= 14)
        for example in examples {
            let parts = [
                ("cluster:", "cluster: {bootstrap: [k:1]}\n"),
                (
                    "listeners:",
                    "listeners: [{name: a, advertise: h, ports: {bootstrap: 1, brokers: 2-3}}]\n"
                ), ("keys:", "keys: {local: {file: f}}\n"),
            ]
            let lines = example.components(separatedBy: "\n")
            let missing = parts.filter { key, _ in !lines.contains { $0.hasPrefix(key) } }
            #expect(errors(example + missing.map(\.1).joined()) == [], "\(example)")
        }
    }

    @Test func `no example is warned of`() throws {
        for example in try examples() where example.contains("\nread:") {
            let keys = example.contains("keys:") ? "" : "keys: {local: {file: f}}\n"
            let cluster = example.contains("cluster:") ? "" : "cluster: {bootstrap: [k:1]}\n"
            #expect(try parse(example + keys + cluster).warnings == [], "\(example)")
        }
    }

    @Test(arguments: [
        "bootstrap", "sasl", "connectTimeout", "name", "bind", "advertise", "ports.bootstrap",
        "ports.brokers", "ports.nodes", "principal", "principal.fixed",
        "principal.sasl.subjectClaim", "principal.sasl.groupsClaim", "file", "vault", "address",
        "allowPlaintext", "mount", "namespace", "auth", "tls.ca", "tls.serverName", "timeout",
        "proxy", "auth.tokenFile", "auth.appRole", "auth.kubernetes", "auth.jwt", "wrapped",
        "topics", "except", "key", "sealedAs", "fields", "wrappedKey", "compress", "notJSON",
        "plain", "unopenable", "dryRun", "principals", "show", "mask", "others", "requestBytes",
        "responseBytes", "bufferBytes", "connections", "idle", "keyWait", "drain", "records",
        "bytes", "age", "cacheAge", "startWait", "level", "format", "to", "interval", "socket",
        "threads",
    ])
    func `every key has a row`(_ key: String) throws {
        #expect(try page().contains("\n| `\(key)` | "))
    }

    @Test func `the documented defaults are the defaults`() throws {
        let page = try page()
        let limits = Bounds.limitsDefault
        let keys = Bounds.dataKeysDefault
        func size(_ bytes: Int) -> String { Units.show(UInt64(bytes), Units.sizes) }
        func time(_ nanoseconds: UInt64) -> String { Units.show(nanoseconds, Units.durations) }
        let second = Units.nanosecondsPerSecond
        for (key, shown) in [
            ("connectTimeout", time(Bounds.connectDefault)),
            ("requestBytes", size(limits.requestBytesMax)),
            ("responseBytes", size(limits.responseBytesMax)),
            ("bufferBytes", size(limits.heldBytesMax)),
            ("connections", String(limits.connectionsMax)), ("idle", time(limits.idleNanoseconds)),
            ("keyWait", time(limits.keyWaitNanoseconds)), ("drain", time(limits.drainNanoseconds)),
            ("records", String(keys.recordsMax)), ("bytes", size(Int(keys.bytesMax))),
            ("age", time(keys.ageSecondsMax * second)),
            ("cacheAge", time(keys.cacheAgeSecondsMax * second)),
            ("startWait", time(keys.startWaitNanoseconds)),
            ("interval", "\(Bounds.auditIntervalDefault / second)s"),
            ("connectTimeout", time(Bounds.vaultConnectDefault)),
            ("timeout", time(Bounds.vaultRequestDefault)),
        ] {
            #expect(page.contains("\n| `\(key)` | `\(shown)`"), "\(key): \(shown)")
        }
    }
}
