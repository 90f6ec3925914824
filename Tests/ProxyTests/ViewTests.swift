// ViewTests: each client sees of a topic what the rules show it, and no more.

import KafkaWire
import KeyService
import Masks
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct ViewTests {
        private let document = TestDocument.make()
        private let topicID = TopicID(high: 9, low: 4)

        private func readRules() throws -> [ReadRule] {
            [
                try TestRules.read("User:fraud", "*", show: .clear),
                try TestRules.read("User:backup", "*", show: .sealed),
                try TestRules.read(
                    "User:analyst-*", "docs*",
                    fields: [
                        ("$.card", try TestRules.keepLast(4)), ("$.mail", try TestRules.email()),
                    ]),
                try TestRules.read("User:analyst-*", "whole*", show: .mask(.redact)),
                try TestRules.read(
                    "User:dropper", "docs*", show: .clear, fields: [("$.card", .drop)]),
                try TestRules.read("User:dropper", "whole*", show: .drop),
            ]
        }

        private func rules(
            _ change: (inout Sealing) -> Void = { _ in }
        ) throws -> RuleSet {
            RuleSet(
                protect: [
                    try TestRules.protect("docs*", fields: TestDocument.fields, change),
                    try TestRules.protect("whole*", change),
                ], read: try readRules())
        }

        /// A proxy and a broker that holds the same batch in both topics.
        private func harness(
            _ store: LogStore, _ records: [TestRecord]? = nil, keys: TestKeys = TestKeys(),
            rules: RuleSet? = nil
        ) throws -> ProxyHarness {
            let harness = try ProxyHarness(try rules ?? self.rules(), keys: keys) {
                $0.keyWaitNanoseconds = 300_000_000
            }
            store.serve(harness.broker)
            harness.broker.takeLogIns()
            let batch = TestBatch.make(records ?? [TestRecord(document)])
            let client = try harness.connect()
            let answer = try client.ask(
                ProduceMessage(9, 1, [.init("docs-1", 0, batch), .init("whole-1", 0, batch)]))
            #expect(answer.partitions.map(\.error) == [0, 0])
            return harness
        }

        private func fetch(
            _ harness: ProxyHarness, as name: String?, _ topic: String
        ) throws -> FetchAnswer.Partition {
            let client = try harness.connect(as: name)
            let answer = try client.ask(FetchMessage(12, 1, [.init(.name(topic), 0)]))
            return try #require(answer.partitions.first)
        }

        private func texts(
            _ harness: ProxyHarness, as name: String?, _ topic: String
        ) throws -> [String] {
            let partition = try fetch(harness, as: name, topic)
            #expect(partition.error == 0)
            return try TestBatch.texts(partition.records)
        }

        @Test func `fields are shown to each as the rules say`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            #expect(try texts(harness, as: "fraud", "docs-1") == [document])
            #expect(try texts(harness, as: "analyst-7", "docs-1") == [TestDocument.masked])
            #expect(try texts(harness, as: "dropper", "docs-1") == [TestDocument.withoutCard])
            // Without a rule: redacted, for whoever it is.
            #expect(try texts(harness, as: "stranger", "docs-1") == [TestDocument.redacted])
            #expect(try texts(harness, as: nil, "docs-1") == [TestDocument.redacted])
            #expect(
                try fetch(harness, as: "backup", "docs-1").records
                    == store.batches("docs-1").first)
        }

        @Test func `whole values are shown to each as the rules say`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let stored = try #require(store.batches("whole-1").first)
            #expect(try texts(harness, as: "fraud", "whole-1") == [document])
            #expect(try fetch(harness, as: "backup", "whole-1").records == stored)
            // Without a rule: as it is stored.
            #expect(try fetch(harness, as: "stranger", "whole-1").records == stored)
            #expect(try fetch(harness, as: nil, "whole-1").records == stored)
            let masked =
                "{ \"id\" :0.0,\"card\":\"********\", \"mail\": \"********\",\t\"pin\":0 ,"
                + "\"note\":\"********\"}"
            #expect(try texts(harness, as: "analyst-7", "whole-1") == [masked])
        }

        @Test func `connections of several principals do not share what they see`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let names = ["fraud", "analyst-1", "stranger", "dropper"]
            let clients = try names.map { try harness.connect(as: $0) }
            let expected = [
                document, TestDocument.masked, TestDocument.redacted, TestDocument.withoutCard,
            ]
            for round in Int32(1)...3 {
                for client in clients {
                    try client.send(FetchMessage(12, round, [.init(.name("docs-1"), 0)]).wire)
                }
                for (client, text) in zip(clients, expected).reversed() {
                    let frame = try #require(try client.receiveFrame())
                    let answer = FetchAnswer(frame, version: 12)
                    #expect(try TestBatch.texts(answer.partitions[0].records) == [text])
                }
            }
        }

        @Test func `records that are dropped leave the client's position moving on`() throws {
            let store = LogStore()
            let harness = try harness(
                store,
                [TestRecord("one"), TestRecord(nil)].map { record in
                    // A document in `docs-1`, which takes nothing else.
                    TestRecord(record.value == nil ? nil : Array(document.utf8))
                })
            defer { harness.stop() }
            let partition = try fetch(harness, as: "dropper", "whole-1")
            #expect(partition.error == 0)
            // The null value was never sealed: it stays, and the other is gone.
            #expect(try TestBatch.values(partition.records ?? []) == [nil])
            let header = try TestBatch.header(partition.records ?? [])
            #expect(header.lastOffsetDelta == 1)
            let all = try self.harness(LogStore())
            defer { all.stop() }
            let emptied = try fetch(all, as: "dropper", "whole-1")
            let left = try TestBatch.header(try #require(emptied.records))
            #expect(left.recordCount == 0)
            #expect(left.lastOffsetDelta == 0)
            #expect(left.attributes.isControl)
        }

        // MARK: plain records

        /// What was there before the rule: a document with everything in it, and one without.
        private func storePlain(_ store: LogStore) {
            let batch = TestBatch.make(texts: [document, "{\"id\":1}"])
            store.change("docs-1") { $0 = [batch] }
            store.change("whole-1") { $0 = [batch] }
        }

        @Test func `plain records are delivered where that is the rule`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            storePlain(store)
            for topic in ["docs-1", "whole-1"] {
                for name in ["fraud", "analyst-1", "stranger", "backup", "dropper"] {
                    #expect(try texts(harness, as: name, topic) == [document, "{\"id\":1}"])
                }
            }
        }

        @Test func `plain records are masked where that is the rule`() throws {
            let store = LogStore()
            let harness = try harness(store, rules: try rules { $0.plainRecords = .mask })
            defer { harness.stop() }
            storePlain(store)
            let expected = [
                ("fraud", document), ("analyst-1", TestDocument.masked),
                ("stranger", TestDocument.redacted), ("dropper", TestDocument.withoutCard),
                // Nothing is sealed that could be shown as it is stored.
                ("backup", TestDocument.redacted),
            ]
            for (name, text) in expected {
                #expect(try texts(harness, as: name, "docs-1") == [text, "{\"id\":1}"])
            }
            #expect(try texts(harness, as: "fraud", "whole-1") == [document, "{\"id\":1}"])
            for name in ["stranger", "backup"] {
                #expect(try texts(harness, as: name, "whole-1") == ["********", "********"])
            }
            #expect(try texts(harness, as: "dropper", "whole-1") == [])
        }

        @Test func `plain records are refused where that is the rule`() throws {
            let store = LogStore()
            let harness = try harness(store, rules: try rules { $0.plainRecords = .refuse })
            defer { harness.stop() }
            // Sealed ones are not.
            #expect(try texts(harness, as: "fraud", "docs-1") == [document])
            storePlain(store)
            for topic in ["docs-1", "whole-1"] {
                for name in ["fraud", "analyst-1", "stranger", "backup", "dropper"] {
                    let partition = try fetch(harness, as: name, topic)
                    #expect(partition.error == 29)
                    #expect(partition.records == [])
                }
            }
        }

        @Test(arguments: [PlainRecords.mask, .refuse])
        func `plain records count where everything but the whole value is clear`(
            plain: PlainRecords
        ) throws {
            let store = LogStore()
            let rules = RuleSet(
                protect: [
                    try TestRules.protect("docs*", fields: TestDocument.fields),
                    try TestRules.protect("whole*") { $0.plainRecords = plain },
                ],
                read: [try TestRules.read("*", "whole*", show: .clear, fields: [("$", .sealed)])])
            let harness = try harness(store, rules: rules)
            defer { harness.stop() }
            storePlain(store)
            let partition = try fetch(harness, as: "ada", "whole-1")
            #expect(partition.error == (plain == .refuse ? 29 : 0))
            #expect(
                try TestBatch.texts(partition.records)
                    == (plain == .refuse ? [] : ["********", "********"]))
        }

        // MARK: what does not open

        @Test(arguments: ["docs-1", "whole-1"], [Unopenable.refuse, .deliver])
        func `a changed value is refused or delivered as it is stored`(
            topic: String, choice: Unopenable
        ) throws {
            let store = LogStore()
            let harness = try harness(store, rules: try rules { $0.unopenable = choice })
            defer { harness.stop() }
            var batch: [UInt8] = []
            try store.change(topic) {
                $0[0] = try TestBatch.tampered($0[0])
                batch = $0[0]
            }
            let partition = try fetch(harness, as: "fraud", topic)
            #expect(partition.error == (choice == .refuse ? 2 : 0))
            let shown = try TestBatch.records(partition.records ?? [])
            #expect(try shown == (choice == .refuse ? [] : TestBatch.records(batch)))
        }

        @Test(arguments: ["docs-1", "whole-1"], [Unopenable.refuse, .deliver])
        func `a value whose key is refused is refused or delivered as it is stored`(
            topic: String, choice: Unopenable
        ) throws {
            let store = LogStore()
            let keys = TestKeys()
            let first = try harness(store, keys: keys)
            first.stop()
            let rules = try rules { $0.unopenable = choice }
            let harness = try ProxyHarness(rules, keys: keys) {
                $0.keyWaitNanoseconds = 300_000_000
            }
            defer { harness.stop() }
            store.serve(harness.broker)
            harness.broker.takeLogIns()
            keys.become(.fail(.denied))
            let stored = try #require(store.batches(topic).first)
            for name in ["fraud", "analyst-1"] {
                let partition = try fetch(harness, as: name, topic)
                #expect(partition.error == (choice == .refuse ? 29 : 0))
                #expect(partition.records == (choice == .refuse ? [] : stored))
            }
            // Who reads it as it is stored needs no key.
            #expect(try fetch(harness, as: "backup", topic).records == stored)
        }

        @Test func `an outage is no reason to deliver what is stored`() throws {
            let store = LogStore()
            let keys = TestKeys()
            let first = try harness(store, keys: keys)
            first.stop()
            let rules = try rules { $0.unopenable = .deliver }
            let harness = try ProxyHarness(rules, keys: keys) {
                $0.keyWaitNanoseconds = 300_000_000
            }
            defer { harness.stop() }
            store.serve(harness.broker)
            harness.broker.takeLogIns()
            keys.become(.fail(.unavailable))
            let partition = try fetch(harness, as: "fraud", "docs-1")
            #expect(partition.error == 56)
            #expect(partition.records == [])
        }
    }
}
