// AdminSocketTests: `waxwing keys status` against a socket that is served, and what it prints.

import Crypto
import Foundation
import KeyService
import Telemetry
import Testing
import Transport

@testable import App
@testable import KeyService
@testable import Proxy

private struct Outcome: Equatable {
    var code: Int32
    var output = ""
    var error = ""
}

private func status(socket: String?, json: Bool) -> Outcome {
    var outcome = Outcome(code: -1)
    let terminal = Terminal(
        output: { outcome.output += $0 }, error: { outcome.error += $0 })
    let code = KeysStatusCommand(terminal: terminal).run(socket: socket, json: json)
    outcome.code = code
    return outcome
}

/// Refuses everything, with a text that would move a terminal's cursor.
private struct BrokenService: KeyService {
    func generateDataKey(
        under name: String
    ) async throws(KeyServiceError) -> GeneratedDataKey {
        throw KeyServiceError(.unavailable, key: name, "no \"route\"\u{1b}[2J\nto host")
    }

    func unwrap(
        _ wrapped: [UInt8], under name: String
    ) async throws(KeyServiceError) -> SecretBytes {
        throw KeyServiceError(.unavailable, key: name, "no route")
    }
}

@Suite struct AdminSocketTests {
    private let path = NSTemporaryDirectory() + "wax-\(UInt32.random(in: 0...UInt32.max)).sock"
    private let log = Log(level: .error, format: .text)

    private func key(
        _ reference: String, _ use: DataKeyStatus.Use, id: UInt64, age: UInt64
    ) throws -> DataKeyStatus {
        let opens = use == .opening
        return DataKeyStatus(
            reference: try #require(KEKReference(reference)), keyVersion: opens ? nil : 3,
            id: id, use: use, ageSeconds: age, records: opens ? nil : 1_500,
            bytes: opens ? nil : 70_000, expiresInSeconds: 3_600 - age)
    }

    private func snapshot() async throws -> KeyStatus {
        let service = GuardedKeyService(BrokenService(), name: "corp", clock: { 1 }, random: { 0 })
        for _ in 0..<5 { _ = try? await service.generateDataKey(under: "pay") }
        return KeyStatus(
            loops: [
                LoopKeyStatus(
                    dataKeys: [
                        try key("corp/pay", .sealing, id: 0xab, age: 125),
                        try key("corp/pay", .successor, id: 0xcd, age: 5),
                        try key("corp/pay", .opening, id: .max, age: 65),
                    ], openingKeys: 8),
                LoopKeyStatus(
                    dataKeys: [try key("corp/a", .sealing, id: 1, age: 0)], openingKeys: 0),
            ], services: [try #require(service.status)])
    }

    @Test func `the table lists keys by name and use, then the services`() async throws {
        let snapshot = try await snapshot()
        let socket = try AdminSocket(path: path, log: log) { snapshot }
        defer { socket.close() }
        #expect(
            status(socket: path, json: false)
                == Outcome(
                    code: 0,
                    output: """
                        KEK       VERSION  DATA KEY          USE        AGE   RECORDS  BYTES  \
                        EXPIRES
                        corp/a    3        0000000000000001  sealing    0s    1500     70000  1h0m
                        corp/pay  3        00000000000000ab  sealing    2m5s  1500     70000  57m55s
                        corp/pay  3        00000000000000cd  successor  5s    1500     70000  59m55s
                        corp/pay  -        ffffffffffffffff  opening    1m5s  -        -      58m55s
                        and 7 more that open

                        SERVICE  BREAKER  CALLS  FAILED  NEXT TRY  LAST FAILURE
                        corp     open     3      3       1s        no "route"?[2J?to host

                        """))
    }

    @Test func `with --json each key and service is an object in a line`() async throws {
        let snapshot = try await snapshot()
        let socket = try AdminSocket(path: path, log: log) { snapshot }
        defer { socket.close() }
        let outcome = status(socket: path, json: true)
        #expect(outcome.code == 0)
        #expect(
            outcome.output == """
                {"type":"dataKey","loop":0,"kek":"corp/pay","version":3,"id":"00000000000000ab",\
                "use":"sealing","ageSeconds":125,"records":1500,"bytes":70000,\
                "expiresInSeconds":3475}
                {"type":"dataKey","loop":0,"kek":"corp/pay","version":3,"id":"00000000000000cd",\
                "use":"successor","ageSeconds":5,"records":1500,"bytes":70000,\
                "expiresInSeconds":3595}
                {"type":"dataKey","loop":0,"kek":"corp/pay","id":"ffffffffffffffff",\
                "use":"opening","ageSeconds":65,"expiresInSeconds":3535}
                {"type":"more","loop":0,"openingKeys":7}
                {"type":"dataKey","loop":1,"kek":"corp/a","version":3,"id":"0000000000000001",\
                "use":"sealing","ageSeconds":0,"records":1500,"bytes":70000,\
                "expiresInSeconds":3600}
                {"type":"service","name":"corp","breaker":"open","failuresInRow":3,\
                "retryInMilliseconds":500,"underWay":0,"queued":0,"calls":3,"failed":3,\
                "refused":2,"joined":0,"lastFailure":"no \\"route\\"\\u001b[2J\\u000ato host"}

                """)
        for line in outcome.output.split(separator: "\n") {
            #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil, "\(line)")
        }
    }

    @Test func `a request that there is not is refused`() throws {
        let socket = try AdminSocket(path: path, log: log) { KeyStatus(loops: [], services: []) }
        defer { socket.close() }
        let error = #expect(throws: LocalSocketError.self) {
            try LocalClient.ask(path: path, request: "stop", limits: AdminSocket.limits)
        }
        #expect(error?.description.contains("there is no such request") == true)
    }

    @Test func `without a socket, or with nobody behind it, the command says so`() {
        let none = status(socket: nil, json: false)
        #expect(none.code == 2)
        #expect(none.error.contains("names no admin socket"))
        #expect(
            status(socket: path, json: false)
                == Outcome(
                    code: 1,
                    error: "waxwing: \(path): connect: No such file or directory\n"))
    }

    @Test(
        arguments: [
            (0, "0s"), (59, "59s"), (60, "1m0s"), (3_599, "59m59s"), (3_600, "1h0m"),
            (86_399, "23h59m"), (86_400, "1d0h"), (7 * 86_400, "7d0h"),
        ] as [(UInt64, String)])
    func `durations have their two largest units`(_ seconds: UInt64, _ text: String) {
        #expect(KeyStatusText.duration(seconds) == text)
    }

    @Test(arguments: [
        (["keys", "status", "--config", "f"], Command.keysStatus(config: "f", json: false)),
        (["keys", "--json", "status", "--config=f"], .keysStatus(config: "f", json: true)),
        (
            ["keys", "create", "--keyring", "k", "status"],
            .keys(.create, keyring: "k", name: "status")
        ),
    ])
    func `its command line is understood`(_ arguments: [String], _ command: Command) throws {
        #expect(try Command(arguments) == command)
    }

    @Test(arguments: [
        (["keys", "status"], "--config FILE is missing"),
        (["keys", "status", "--config", "f", "x"], "`x` is one argument too many"),
        (["keys", "status", "--keyring", "f"], "there is no option `--keyring`"),
        (["keys", "list", "--keyring", "k", "--json"], "there is no option `--json`"),
        (
            ["keys", "status", "--config", "f", "--jsn"],
            "there is no option `--jsn`; did you mean `--json`?"
        ),
        (["keys", "statu"], "there is no command `keys statu`; did you mean `status`?"),
    ])
    func `a wrong one is refused`(_ arguments: [String], _ reason: String) {
        #expect(throws: UsageError(reason: reason, help: .keys)) { try Command(arguments) }
    }
}
