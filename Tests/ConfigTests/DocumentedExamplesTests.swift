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
        #expect(examples.count >= 9)
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

    @Test(arguments: [
        "bootstrap", "sasl", "connectTimeout", "name", "bind", "advertise", "ports.bootstrap",
        "ports.brokers", "ports.nodes", "principal", "file", "topics", "except", "key", "sealedAs",
        "principals", "show", "requestBytes", "responseBytes", "bufferBytes", "connections", "idle",
        "keyWait", "drain", "records", "bytes", "age", "cacheAge", "level", "format", "threads",
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
        ] {
            #expect(page.contains("\n| `\(key)` | `\(shown)`"), "\(key): \(shown)")
        }
    }
}
