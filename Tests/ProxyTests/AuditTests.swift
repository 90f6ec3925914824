// AuditTests: who was shown what, who was refused, and nothing of what was in it.

import KafkaWire
import KeyService
import Loop
import Records
import Rules
import Telemetry
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct AuditTests {
        private let document = TestDocument.make()
        private let hour: UInt64 = 3_600_000_000_000

        private func rules() throws -> RuleSet {
            RuleSet(
                protect: [
                    try TestRules.protect("docs", fields: TestDocument.fields) {
                        $0.unopenable = .deliver
                    }, try TestRules.protect("whole"),
                    try TestRules.protect("compacted") { $0.wrappedKey = .perBatch },
                ],
                read: [
                    try TestRules.read("User:fraud", "*", show: .clear),
                    try TestRules.read(
                        "User:mixed", "docs",
                        fields: [("$.card", .drop), ("$.mail", .sealed), ("$.pin", .clear)]),
                    try TestRules.read("User:mixed", "whole", show: .drop),
                ])
        }

        private func harness(
            _ store: LogStore, _ audit: LineStore, log: LineStore? = nil,
            keys: TestKeys = TestKeys(), every nanoseconds: UInt64? = nil
        ) throws -> ProxyHarness {
            let harness = try ProxyHarness(
                try rules(), keys: keys, log: log,
                audit: AuditSink(log: audit.log, intervalNanoseconds: nanoseconds ?? hour)
            ) { $0.keyWaitNanoseconds = 300_000_000 }
            store.serve(harness.broker, cleanupPolicy: "compact")
            harness.broker.takeLogIns()
            return harness
        }

        /// Two documents and a plain one in `docs`, two values in `whole`.
        private func fill(_ harness: ProxyHarness, _ store: LogStore) throws {
            let client = try harness.connect(as: "producer")
            let batch = TestBatch.make(texts: [document, document])
            let answer = try client.ask(
                ProduceMessage(9, 1, [.init("docs", 0, batch), .init("whole", 0, batch)]))
            #expect(answer.partitions.map(\.error) == [0, 0])
            let plain = TestBatch.make(texts: ["{}"])
            store.change("docs") { $0.append(plain) }
        }

        private func fetch(
            _ harness: ProxyHarness, as name: String?, _ topics: [String] = ["docs", "whole"]
        ) throws -> [Int16] {
            let client = try harness.connect(as: name)
            let answer = try client.ask(
                FetchMessage(12, 1, topics.map { .init(.name($0), 0) }))
            return answer.partitions.map(\.error)
        }

        private func read(_ name: String, _ topic: String, _ counts: [Int]) -> String {
            let names = [
                "clear", "masked", "sealed", "droppedFields", "droppedRecords", "plain",
                "unopenable", "notJSON",
            ]
            return "\"read\",\"event\":\"read\",\"principal\":\"\(name)\",\"topic\":\"\(topic)\""
                + zip(names, counts).map { ",\"\($0)\":\($1)" }.joined()
        }

        @Test func `what each was shown is counted by topic`() throws {
            let store = LogStore()
            let audit = LineStore()
            let harness = try harness(store, audit)
            defer { harness.stop() }
            try fill(harness, store)
            for name in ["fraud", "mixed", "stranger", nil] {
                #expect(try fetch(harness, as: name) == [0, 0])
            }
            // The same again on another connection is the same line.
            #expect(try fetch(harness, as: "mixed", ["docs"]) == [0])
            #expect(audit.lines("read").isEmpty)
            harness.stop()
            #expect(
                audit.lines("read").sorted() == [
                    read("User:ANONYMOUS", "docs", [0, 6, 0, 0, 0, 1, 0, 0]),
                    read("User:fraud", "docs", [6, 0, 0, 0, 0, 1, 0, 0]),
                    read("User:fraud", "whole", [2, 0, 0, 0, 0, 0, 0, 0]),
                    read("User:mixed", "docs", [4, 0, 4, 4, 0, 2, 0, 0]),
                    read("User:mixed", "whole", [0, 0, 0, 0, 2, 0, 0, 0]),
                    read("User:stranger", "docs", [0, 6, 0, 0, 0, 1, 0, 0]),
                ])
        }

        @Test func `counts are written once per interval`() throws {
            let store = LogStore()
            let audit = LineStore()
            let harness = try harness(store, audit, every: 20_000_000)
            defer { harness.stop() }
            try fill(harness, store)
            for round in 1...2 {
                #expect(try fetch(harness, as: "fraud", ["whole"]) == [0])
                let expected = read("User:fraud", "whole", [2, 0, 0, 0, 0, 0, 0, 0])
                #expect(
                    audit.wait("read", count: round) == [String](repeating: expected, count: round))
            }
        }

        @Test func `what does not open is counted`() throws {
            let store = LogStore()
            let audit = LineStore()
            let harness = try harness(store, audit)
            defer { harness.stop() }
            try fill(harness, store)
            try store.change("docs") { $0[0] = try TestBatch.tampered($0[0]) }
            #expect(try fetch(harness, as: "fraud", ["docs"]) == [0])
            harness.stop()
            #expect(
                audit.lines("read") == [read("User:fraud", "docs", [3, 0, 0, 0, 0, 1, 1, 0])])
        }

        @Test func `what is delivered while it drains is counted too`() throws {
            let store = LogStore()
            let audit = LineStore()
            let harness = try harness(store, audit)
            defer { harness.stop() }
            try fill(harness, store)
            let gate = Gate()
            harness.broker.on(ApiKey.fetch) { request in
                gate.wait()
                return .body(store.fetch(FetchMessage(request)).body(request.version))
            }
            let client = try harness.connect(as: "fraud")
            try client.send(FetchMessage(12, 1, [.init(.name("whole"), 0)]).wire)
            #expect(harness.broker.wait(ApiKey.fetch, count: 1).count == 1)
            let drained = Gate()
            BlockingThread.start { [proxy = harness.proxy] in
                _ = proxy.drain(seconds: 30)
                drained.open()
            }
            // The proxy listens no more: it is draining.
            while let late = try? harness.connect() { late.close() }
            harness.settle()
            gate.open()
            let answer = FetchAnswer(try #require(try client.receiveFrame()), version: 12)
            #expect(try TestBatch.texts(answer.partitions[0].records) == [document, document])
            #expect(drained.wait())
            #expect(
                audit.lines("read") == [read("User:fraud", "whole", [2, 0, 0, 0, 0, 0, 0, 0])])
        }

        // MARK: at once

        @Test func `log-ins are told at once, when they are proven`() throws {
            let audit = LineStore()
            let harness = try harness(LogStore(), audit)
            defer { harness.stop() }
            let client = try harness.connect()
            #expect(try client.logIn("mallory", password: "wrong") == 58)
            #expect(audit.lines.isEmpty)
            #expect(try client.logIn("fraud") == 0)
            // Again as itself is nothing new.
            #expect(try client.logIn("fraud") == 0)
            let lines = audit.lines
            #expect(lines.count == 1)
            let start =
                "\"logged in\",\"event\":\"login\",\"principal\":\"User:fraud\","
                + "\"client\":\"127.0.0.1:"
            #expect(lines.allSatisfy { $0.hasPrefix(start) })
        }

        private func refused(
            _ api: String, _ name: String, _ topic: String, _ partition: Int, _ code: Int
        ) -> (String, String) {
            (
                "\"refused\",\"event\":\"refused\",\"api\":\"\(api)\",\"principal\":\"\(name)\","
                    + "\"client\":\"127.0.0.1:",
                "\"topic\":\"\(topic)\",\"partition\":\(partition),\"error\":\(code),\"reason\":"
            )
        }

        private func expect(
            _ lines: [String], _ wanted: [(String, String)],
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(lines.count == wanted.count, sourceLocation: sourceLocation)
            for (line, parts) in zip(lines, wanted) {
                #expect(line.hasPrefix(parts.0), sourceLocation: sourceLocation)
                #expect(line.contains(parts.1), sourceLocation: sourceLocation)
            }
        }

        @Test func `refused produce requests are told at once`() throws {
            let store = LogStore()
            let audit = LineStore()
            let keys = TestKeys()
            keys.become(.fail(.denied), for: "kek-whole")
            let harness = try harness(store, audit, keys: keys)
            defer { harness.stop() }
            let client = try harness.connect(as: "producer")
            let batch = TestBatch.make(texts: ["no document"])
            let answer = try client.ask(
                ProduceMessage(
                    9, 1,
                    [
                        .init("docs", 3, batch), .init("whole", 4, batch),
                        .init("compacted", 5, batch), .init("no topic", 6, batch),
                    ]))
            #expect(answer.partitions.map(\.error) == [87, 44, 44, 17])
            let wanted = [
                refused("produce", "User:producer", "docs", 3, 87),
                refused("produce", "User:producer", "whole", 4, 44),
                refused("produce", "User:producer", "compacted", 5, 44),
                refused("produce", "User:producer", "no topic", 6, 17),
            ]
            let lines = audit.lines("refused")
            // In the order in which they were decided.
            expect(
                wanted.compactMap { parts in lines.first { $0.contains(parts.1) } }, wanted)
            #expect(lines.count == 4)
        }

        @Test func `refused fetches are told at once`() throws {
            let store = LogStore()
            let audit = LineStore()
            let harness = try harness(store, audit)
            defer { harness.stop() }
            try fill(harness, store)
            try store.change("whole") { $0[0] = try TestBatch.tampered($0[0]) }
            #expect(try fetch(harness, as: "fraud", ["whole"]) == [2])
            expect(audit.lines("refused"), [refused("fetch", "User:fraud", "whole", 0, 2)])
        }

        @Test func `an id without a name is told as it came`() throws {
            let store = LogStore()
            let audit = LineStore()
            let harness = try harness(store, audit)
            defer { harness.stop() }
            let client = try harness.connect(as: "producer")
            let id = TopicID(high: 1, low: 2)
            let batch = TestBatch.make(texts: [document])
            harness.broker.on(ApiKey.metadata) { request in
                let topics = ClusterMessage.topicIDs(request).map { ($0, nil as String?) }
                return .body(ClusterMessage.metadata(request.version, [], topics: topics))
            }
            let answer = try client.ask(ProduceMessage(13, 1, [.init(.id(id), 2, batch)]))
            #expect(answer.partitions.map(\.error) == [100])
            expect(
                audit.lines("refused"), [refused("produce", "User:producer", "\(id)", 2, 100)])
        }

        // MARK: what is not in it

        @Test func `neither audit nor log have anything of a record or a password`() throws {
            let store = LogStore()
            let audit = LineStore()
            let log = LineStore(.debug)
            let harness = try harness(store, audit, log: log)
            defer { harness.stop() }
            try fill(harness, store)
            let client = try harness.connect()
            #expect(try client.logIn("fraud", password: "hunter2-wrong") == 58)
            #expect(try client.logIn("fraud", password: "hunter2") == 0)
            let broken = TestBatch.make(texts: [document + TestDocument.card])
            let answer = try client.ask(ProduceMessage(9, 2, [.init("docs", 0, broken)]))
            #expect(answer.partitions.map(\.error) == [87])
            for name in ["fraud", "mixed", "stranger"] { _ = try fetch(harness, as: name) }
            try store.change("whole") { $0[0] = try TestBatch.tampered($0[0]) }
            _ = try fetch(harness, as: "fraud")
            harness.stop()
            #expect(!audit.lines("read").isEmpty && !audit.lines("refused").isEmpty)
            #expect(!log.lines.isEmpty)
            for secret in TestDocument.secrets + [Array("hunter2".utf8)] {
                #expect(!audit.bytes.contains(run: secret))
                #expect(!log.bytes.contains(run: secret))
            }
        }

        @Test func `counts belong to a principal, whichever object stands for it`() throws {
            let audit = LineStore()
            let harness = try harness(LogStore(), audit)
            defer { harness.stop() }
            harness.home.wait { [hour] loop in
                let sink = AuditSink(log: audit.log, intervalNanoseconds: hour)
                let counter = LoopAudit(sink: sink, loop: loop)
                let silent = Log(level: .error, format: .text)
                var counts = OpeningCounts()
                counts.opened = 1
                // Objects that are gone leave their addresses to others.
                for round in 0..<100 {
                    let name = round % 2 == 0 ? "User:even" : "User:odd"
                    let reader = Reader(Principal(name: name), rules: RuleSet(), log: silent)
                    counter.shown("topic", to: reader, counts)
                }
                counter.flush()
            }
            #expect(
                audit.lines("read").sorted() == [
                    read("User:even", "topic", [50, 0, 0, 0, 0, 0, 0, 0]),
                    read("User:odd", "topic", [50, 0, 0, 0, 0, 0, 0, 0]),
                ])
        }
    }
}
