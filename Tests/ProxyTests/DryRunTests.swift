// DryRunTests: a rule that is only tried out changes nothing and says what it would do.

import KafkaWire
import Masks
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct DryRunTests {
        private let document = TestDocument.make()

        private func rules() throws -> RuleSet {
            RuleSet(
                protect: [
                    try TestRules.protect("docs", fields: TestDocument.fields) {
                        $0.isDryRun = true
                        $0.wrappedKey = .perBatch
                    },
                    try TestRules.protect("whole") { $0.isDryRun = true },
                    try TestRules.protect("tenants", key: "kek-$(header:tenant)") {
                        $0.isDryRun = true
                    },
                ])
        }

        /// - Returns: the requests that were made, all answered.
        private func produce(_ harness: ProxyHarness) throws -> [ProduceMessage] {
            let tenants = [
                TestRecord(document, headers: [TestHeader("tenant", "a")]),
                TestRecord(document, headers: [TestHeader("tenant", "b")]),
            ]
            let batches: [(String, [UInt8])] = [
                ("docs", TestBatch.make(texts: [document, "{\"id\":1}"])),
                ("docs", TestBatch.make([TestRecord(document), TestRecord(nil)])),
                ("docs", TestBatch.make(texts: ["no document"])),
                ("whole", TestBatch.make(texts: ["a", "b", "c"])),
                ("tenants", TestBatch.make(tenants)),
                ("tenants", TestBatch.make(texts: [document])),
                ("plain", TestBatch.make(texts: [document])),
            ]
            let messages = batches.enumerated().map { index, batch in
                ProduceMessage(9, Int32(index), [.init(batch.0, 0, batch.1)])
            }
            let client = try harness.connect()
            for message in messages {
                #expect(try client.ask(message).partitions.map(\.error) == [0])
            }
            return messages
        }

        @Test func `every byte goes out as it came, and no key is asked for`() throws {
            let store = LogStore()
            let keys = TestKeys()
            let harness = try ProxyHarness(try rules(), keys: keys)
            defer { harness.stop() }
            store.serve(harness.broker)
            let messages = try produce(harness)
            #expect(harness.broker.requests(ApiKey.produce).map(\.wire) == messages.map(\.wire))
            #expect(keys.calls == 0)
            // Nothing that only sealing needs is asked for either.
            #expect(harness.broker.requests(ApiKey.describeConfigs).isEmpty)
        }

        @Test func `what it would have done is counted, and told at the end`() throws {
            let store = LogStore()
            let log = LineStore()
            let harness = try ProxyHarness(try rules(), log: log)
            defer { harness.stop() }
            store.serve(harness.broker)
            _ = try produce(harness)
            #expect(log.lines("dry run: would have sealed").isEmpty)
            harness.stop()
            #expect(
                log.lines("dry run: would have sealed") == [
                    "\"dry run: would have sealed\",\"topic\":\"docs\",\"batches\":3,"
                        + "\"records\":5,\"values\":2,\"refused\":1",
                    "\"dry run: would have sealed\",\"topic\":\"tenants\",\"batches\":2,"
                        + "\"records\":3,\"values\":2,\"refused\":1",
                    "\"dry run: would have sealed\",\"topic\":\"whole\",\"batches\":1,"
                        + "\"records\":3,\"values\":3,\"refused\":0",
                ])
            // What would be refused is told at once, with the place.
            let refused = log.lines("dry run: would be refused")
            #expect(refused.count == 2)
            #expect(refused.allSatisfy { $0.contains("record 0 of the batch") })
            for secret in TestDocument.secrets { #expect(!log.bytes.contains(run: secret)) }
        }

        @Test func `what is fetched is delivered as it is stored`() throws {
            let store = LogStore()
            let tried: (inout Sealing) -> Void = {
                $0.isDryRun = true
                $0.plainRecords = .refuse
            }
            let rules = RuleSet(
                protect: [
                    try TestRules.protect("docs", fields: TestDocument.fields, tried),
                    try TestRules.protect("whole", tried),
                ], read: [try TestRules.read("User:mask", "*", show: .mask(.redact))])
            let harness = try ProxyHarness(rules)
            defer { harness.stop() }
            store.serve(harness.broker)
            harness.broker.takeLogIns()
            let batch = TestBatch.make(texts: [document])
            let topics = ["docs", "whole"]
            _ = try harness.connect().ask(
                ProduceMessage(9, 1, topics.map { .init($0, 0, batch) }))
            for name in ["stranger", "mask"] {
                let client = try harness.connect(as: name)
                let answer = try client.ask(
                    FetchMessage(12, 2, topics.map { .init(.name($0), 0) }))
                #expect(answer.partitions.map(\.error) == [0, 0])
                #expect(answer.partitions.map(\.records) == [batch, batch])
            }
        }

        @Test func `what is reserved is refused on topics that are tried out too`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(try rules())
            defer { harness.stop() }
            store.serve(harness.broker)
            let forged = TestBatch.make([Array(document.utf8)], header: "wax")
            let answer = try harness.connect().ask(
                ProduceMessage(9, 1, [.init("docs", 0, forged)]))
            #expect(answer.partitions.map(\.error) == [87])
        }
    }
}
