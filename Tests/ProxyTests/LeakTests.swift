// LeakTests: what must not be seen is in none of the bytes that brokers and strangers receive.

import KafkaWire
import KeyService
import Masks
import Rules
import Telemetry
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct LeakTests {
        /// One kind of rule, and whether it is about fields.
        struct Case: CustomTestStringConvertible, Sendable {
            var testDescription: String
            var fields: [String]?
            var key = "kek-$(topic)"
            var cleanupPolicy: String?
            /// Bytes that a batch may have on the broker.
            var batchBytesMax = 1_048_588
            var change: @Sendable (inout Sealing) -> Void = { _ in }
        }

        static let cases = [
            Case(testDescription: "whole values"),
            Case(testDescription: "whole values, lean", cleanupPolicy: "delete"),
            Case(testDescription: "whole values, cut", batchBytesMax: 1_200),
            Case(testDescription: "whole values, zstd") { $0.compression = .zstd },
            Case(testDescription: "whole values, lz4", cleanupPolicy: "delete") {
                $0.compression = .lz4
            },
            Case(testDescription: "keys by header", key: "kek-$(header:tenant)"),
            Case(testDescription: "fields", fields: paths),
            Case(testDescription: "fields, lean", fields: paths, cleanupPolicy: "delete"),
            Case(testDescription: "fields, cut", fields: paths, batchBytesMax: 1_800),
            Case(
                testDescription: "fields, keys by header", fields: paths,
                key: "kek-$(header:tenant)", cleanupPolicy: "delete"),
            Case(testDescription: "fields, others sealed whole", fields: paths) {
                $0.notJSON = .seal
            },
            Case(testDescription: "fields, plain masked", fields: paths) {
                $0.plainRecords = .mask
            },
        ]

        static let paths = ["$.card", "$..mail", "$.lines[*].pin", "$.person"]

        /// A secret that is not the same as any other, of letters that no base64 text or number
        /// has by accident.
        private func secret(_ random: inout SeededRandom) -> String {
            let digits = (0..<10).map { _ in String(Int.random(in: 0...9, using: &random)) }
            return "s:\(digits.joined()):s"
        }

        /// A document with five secrets in protected places, of several kinds and depths.
        private func document(_ random: inout SeededRandom) -> (text: String, secrets: [String]) {
            let found = (0..<5).map { _ in secret(&random) }
            let text = """
                {"id":\(Int.random(in: 0...999, using: &random)), "card":"\(found[0])",
                 "a":{"b":[{"mail":{"to":"\(found[1])"}},{"mail":"\(found[2])"}]},
                 "lines":[{"pin":"\(found[3])\\n"},{"pin":7731.5},{"pin":null}],
                 "person":{"name":"\(found[4])","age":41}, "note":"free"}
                """
            return (text, found)
        }

        /// Who may not see it, and how they see it instead.
        private func readRules() throws -> [ReadRule] {
            [
                try TestRules.read("User:fraud", "topic", show: .clear),
                try TestRules.read("User:backup", "topic", show: .sealed),
                try TestRules.read("User:dropper", "topic", show: .drop),
                try TestRules.read(
                    "User:analyst", "topic", show: .mask(.redact),
                    fields: [
                        ("$.card", try TestRules.keepLast(2)), ("$..mail", try TestRules.email()),
                        ("$.lines", .drop), ("$.person", .mask(.null)),
                    ]),
            ]
        }

        @Test(arguments: cases)
        func `nothing that is protected is seen by brokers or by who may not see it`(
            rule: Case
        ) throws {
            let rules = RuleSet(
                protect: [
                    try TestRules.protect(
                        "topic", key: rule.key, fields: rule.fields, rule.change)
                ], read: try readRules())
            let store = LogStore()
            let log = LineStore(.debug)
            let audit = LineStore()
            let harness = try ProxyHarness(
                rules, log: log, audit: AuditSink(log: audit.log, intervalNanoseconds: 1_000_000))
            defer { harness.stop() }
            store.serve(
                harness.broker, batchBytesMax: rule.batchBytesMax,
                cleanupPolicy: rule.cleanupPolicy)
            harness.broker.takeLogIns()
            var random = SeededRandom(seed: 77)
            var records: [TestRecord] = []
            var secrets: [[UInt8]] = [Array("7731.5".utf8)]
            for index in 0..<12 {
                let made = document(&random)
                secrets += made.secrets.map { Array($0.utf8) }
                records.append(
                    TestRecord(made.text, headers: [TestHeader("tenant", "t\(index % 3)")]))
            }
            let producer = try harness.connect()
            let batch = TestBatch.make(records)
            // Versions with and without tagged fields, and a request that is answered by nobody.
            var answered = try producer.ask(ProduceMessage(9, 1, [.init("topic", 0, batch)]))
            #expect(answered.partitions.map(\.error) == [0])
            answered = try producer.ask(ProduceMessage(3, 2, [.init("topic", 1, batch)]))
            #expect(answered.partitions.map(\.error) == [0])
            var unanswered = ProduceMessage(7, 3, [.init("topic", 2, batch)])
            unanswered.acks = 0
            try producer.send(unanswered.wire)
            let parts = store.batches("topic", 0).count
            #expect(store.waitForBatches(parts, "topic", 2))

            let fetch = FetchMessage(12, 4, (0..<3).map { .init(.name("topic"), $0) })
            for name in ["stranger", "analyst", "dropper", "backup"] {
                let client = try harness.connect(as: name)
                let frame = try client.ask(fetch.wire)
                #expect(FetchAnswer(frame, version: 12).partitions.map(\.error) == [0, 0, 0])
                expect(frame, has: [], of: secrets, "\(name)")
            }
            // That it is there at all.
            let cleared = try harness.connect(as: "fraud").ask(fetch.wire)
            expect(cleared, has: secrets, of: secrets, "fraud")
            let shown = FetchAnswer(cleared, version: 12).partitions
            for partition in shown {
                #expect(try TestBatch.records(partition.records ?? []) == records)
            }
            for key in [ApiKey.produce, ApiKey.fetch, ApiKey.describeConfigs, ApiKey.metadata] {
                for request in harness.broker.requests(key) {
                    expect(request.frame, has: [], of: secrets, "broker")
                }
            }
            #expect(harness.broker.requests(ApiKey.produce).count >= 3)
            harness.stop()
            expect(log.bytes, has: [], of: secrets, "log")
            expect(audit.bytes, has: [], of: secrets, "audit")
        }

        private func expect(
            _ bytes: [UInt8], has wanted: [[UInt8]], of secrets: [[UInt8]], _ who: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let found = secrets.filter { bytes.contains(run: $0) }
            #expect(found.count == wanted.count, "\(who)", sourceLocation: sourceLocation)
        }

        /// What is refused is not stored in clear either, whatever the reason.
        @Test(arguments: [KeyServiceError.Code.denied, .unavailable, .notFound, .disabled])
        func `nothing is stored in clear for want of a key`(code: KeyServiceError.Code) throws {
            let keys = TestKeys()
            keys.become(.fail(code))
            let rules = RuleSet(protect: [
                try TestRules.protect("docs", fields: TestDocument.fields),
                try TestRules.protect("whole") { $0.compression = .zstd },
                try TestRules.protect("tenants", key: "kek-$(header:tenant)"),
            ])
            let store = LogStore()
            let harness = try ProxyHarness(rules, keys: keys) {
                $0.keyWaitNanoseconds = 200_000_000
            }
            defer { harness.stop() }
            store.serve(harness.broker)
            let record = TestRecord(
                TestDocument.make(), headers: [TestHeader("tenant", "a")])
            let batch = TestBatch.make([record])
            let answer = try harness.connect().ask(
                ProduceMessage(
                    9, 1, ["docs", "whole", "tenants", "plain"].map { .init($0, 0, batch) }))
            let error: Int16 = code == .unavailable ? 19 : 44
            #expect(answer.partitions.map(\.error) == [error, error, error, 0])
            let sent = harness.broker.requests(ApiKey.produce).map { ProduceMessage($0) }
            #expect(sent.map { $0.partitions.map(\.topic) } == [[.name("plain")]])
        }
    }
}
