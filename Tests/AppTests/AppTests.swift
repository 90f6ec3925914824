// AppTests: the commands from end to end, without the proxy itself.

import Foundation
import Testing

@testable import App

/// What a command printed, and its exit code.
private struct Outcome: Equatable {
    var code: Int32
    var output = ""
    var error = ""
}

private final class Printed {
    var output = ""
    var error = ""
}

private func waxwing(_ arguments: String...) -> Outcome {
    let printed = Printed()
    let terminal = Terminal(
        output: { printed.output += $0 }, error: { printed.error += $0 })
    let code = App.waxwing(arguments: arguments, terminal: terminal)
    return Outcome(code: code, output: printed.output, error: printed.error)
}

private func withDirectory(_ body: (String) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
        "app-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url.path)
}

@Suite struct AppTests {
    @Test func `help and version go to standard output`() {
        #expect(waxwing("--version") == Outcome(code: 0, output: "waxwing \(version)\n"))
        #expect(waxwing("--help") == Outcome(code: 0, output: HelpText.waxwing.text))
        #expect(waxwing("keys", "--help") == Outcome(code: 0, output: HelpText.keys.text))
        for help in HelpText.allCases {
            #expect(help.text.hasSuffix("\n"))
            #expect(help.text.split(separator: "\n").allSatisfy { $0.count <= 90 })
        }
    }

    @Test func `a wrong command line names the help and ends with 2`() {
        #expect(
            waxwing("keys", "list")
                == Outcome(
                    code: 2,
                    error: "waxwing: --keyring FILE is missing\nTry `waxwing keys --help`.\n"))
        #expect(waxwing().error == "waxwing: a command is missing\nTry `waxwing --help`.\n")
    }

    @Test func `check sums a valid file up`() throws {
        try withDirectory { directory in
            let path = directory + "/waxwing.yaml"
            try """
            cluster: {bootstrap: [kafka-1:9092, "[::1]:9093"]}
            listeners:
              - name: apps
                bind: "::"
                advertise: waxwing.internal
                ports: {bootstrap: 9092, brokers: 9100-9199, nodes: {300: 9150, 7: 9300}}
            keys: {local: {file: keyring.json}}
            protect:
              - {topics: [a, b, c, d, e, f, g, h, i, "j*"], except: [j1], key: local/k-$(topic)}
              - {topics: [dc1.x], key: local/k, sealedAs: x}
            read:
              - {principals: ["*"], topics: [a], show: sealed}
              - {principals: ["*"], topics: ["*"], show: clear}
            """.write(toFile: path, atomically: false, encoding: .utf8)
            let outcome = waxwing("check", "--offline", "--config", path)
            #expect(
                outcome
                    == Outcome(
                        code: 0,
                        output: """
                            \(path) is valid
                            cluster    kafka-1:9092, [::1]:9093
                            listener   apps: [::]:9092 for bootstrap, 9100-9199 for nodes 0-99, \
                            node 7 on 9300, node 300 on 9150, advertised as waxwing.internal
                            keys       local: keyring \(directory)/keyring.json
                            protect    a, b, c, d, e, f, g, h and 2 more except j1 \
                            with key local/k-$(topic)
                            protect    dc1.x with key local/k, sealed as x
                            read       a as stored for everybody
                            read       * in clear for everybody
                            \(path):13:46: warning: everybody, also a client that is not known, \
                            reads in clear what the rule in line 9 protects

                            """))
        }
    }

    @Test func `a configuration that is wrong ends run and check with 2 and all reasons`() throws {
        try withDirectory { directory in
            let path = directory + "/waxwing.yaml"
            try "cluster: {bootstrap: [k]}\n".write(
                toFile: path, atomically: false, encoding: .utf8)
            let expected = Outcome(
                code: 2,
                error: """
                    \(path):1:1: the file needs `listeners`
                    \(path):1:23: `bootstrap` must list `host:port`, not `k`; add the port: `k:9092`

                    """)
            #expect(waxwing("check", "--config", path) == expected)
            #expect(waxwing("run", "--config", path) == expected)
            #expect(
                waxwing("check", "--config", directory + "/none").error
                    == "\(directory)/none: the file cannot be opened: No such file or directory\n")
        }
    }

    @Test func `keys are made, rotated and listed without being shown`() throws {
        try withDirectory { directory in
            let path = directory + "/keyring.json"
            #expect(
                waxwing("keys", "create", "--keyring", path, "payments")
                    == Outcome(code: 0, output: "created payments: version 1 is active\n"))
            #expect(
                waxwing("keys", "create", "--keyring", path, "a").output
                    == "created a: version 1 is active\n")
            #expect(
                waxwing("keys", "rotate", "--keyring", path, "payments")
                    == Outcome(code: 0, output: "rotated payments: version 2 is active\n"))
            let list = waxwing("keys", "list", "--keyring", path)
            #expect(list.code == 0)
            let lines = list.output.split(separator: "\n").map(String.init)
            #expect(lines.count == 4)
            #expect(lines[0] == "NAME      VERSION  STATUS   CREATED")
            let time = "20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$"
            for (line, start) in zip(
                lines.dropFirst(),
                [
                    "a         1        active   ", "payments  1        retired  ",
                    "payments  2        active   ",
                ])
            {
                #expect(line.hasPrefix(start))
                #expect(line.range(of: time, options: .regularExpression) != nil)
            }
            let one = waxwing("keys", "list", "--keyring", path, "a")
            #expect(one.output.split(separator: "\n").count == 2)

            // The key members of the file must be nowhere in what was printed.
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let keys = text.matches(of: /"k"\s*:\s*"([A-Za-z0-9_-]+)"/).map { String($0.1) }
            #expect(keys.count == 3)
            #expect(keys.allSatisfy { !list.output.contains($0) })
        }
    }

    @Test func `what a keyring refuses ends with 1`() throws {
        try withDirectory { directory in
            let path = directory + "/keyring.json"
            let missing = waxwing("keys", "list", "--keyring", path)
            #expect(missing.code == 1)
            #expect(missing.output == "")
            #expect(missing.error.hasPrefix("waxwing: \(path): "))
            _ = waxwing("keys", "create", "--keyring", path, "a")
            #expect(waxwing("keys", "create", "--keyring", path, "a").code == 1)
            #expect(waxwing("keys", "rotate", "--keyring", path, "b").code == 1)
            #expect(waxwing("keys", "create", "--keyring", path, "a b").code == 1)
            #expect(
                waxwing("keys", "list", "--keyring", path, "b")
                    == Outcome(code: 1, error: "waxwing: \(path): there is no key `b`\n"))
        }
    }

    @Test func `core dumps are off once keys are touched`() async {
        await #expect(processExitsWith: .success) {
            precondition(MemoryDumps.disable(), "core dumps can be switched off here")
            let limits = try String(contentsOfFile: "/proc/self/limits", encoding: .utf8)
            let line = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
            precondition(
                line?.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"],
                "both limits are 0")
            let filter = try String(contentsOfFile: "/proc/self/coredump_filter", encoding: .utf8)
            precondition(
                filter.trimmingCharacters(in: .whitespacesAndNewlines) == "00000000",
                "no memory is dumped")
        }
    }
}
