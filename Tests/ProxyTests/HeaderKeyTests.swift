// HeaderKeyTests: records that name their keys by a header, and what becomes of those that do not.

import KafkaWire
import KeyService
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct HeaderKeyTests {
        private let secret = "a secret that nobody may read"

        private func harness(_ store: LogStore, keys: TestKeys = TestKeys()) throws -> ProxyHarness
        {
            let rules = RuleSet(
                protect: [
                    try TestRules.protect("tenants*", key: "kek-$(header:tenant)-$(topic)")
                ],
                read: [try TestRules.read("*", "tenants*", show: .clear)])
            let harness = try ProxyHarness(rules, keys: keys) {
                $0.keyWaitNanoseconds = 300_000_000
            }
            store.serve(harness.broker)
            return harness
        }

        private func record(_ tenant: String?, _ text: String? = nil) -> TestRecord {
            TestRecord(
                text ?? secret + (tenant ?? ""),
                headers: [TestHeader("trace", "t")]
                    + (tenant.map { [TestHeader("tenant", $0)] } ?? [])
            )
        }

        private func produce(
            _ client: BlockingSocket, _ partitions: [[TestRecord]], version: Int16 = 9
        ) throws -> [ProduceAnswer.Partition] {
            let message = ProduceMessage(
                version, 1,
                partitions.enumerated().map {
                    .init("tenants", Int32($0.offset), TestBatch.make($0.element))
                })
            return try client.ask(message).partitions
        }

        @Test func `records of one batch are sealed under the keys that they name`() throws {
            let store = LogStore()
            let keys = TestKeys()
            let harness = try harness(store, keys: keys)
            defer { harness.stop() }
            let client = try harness.connect()
            let tombstone = TestRecord(nil, key: Array("k".utf8))
            let records = [record("a"), record("b"), tombstone, record("a"), record("c.d_e-9")]
            #expect(try produce(client, [records]).map(\.error) == [0])
            let batch = try #require(store.batches("tenants").first)
            #expect(!batch.contains(run: Array(secret.utf8)))
            let stored = try TestBatch.records(batch)
            #expect(
                stored.map { $0.mark?.reference } == [
                    "keys/kek-a-tenants", "keys/kek-b-tenants", nil, "keys/kek-a-tenants",
                    "keys/kek-c.d_e-9-tenants",
                ])
            #expect(stored[0].mark?.keyID == stored[3].mark?.keyID)
            #expect(stored[0].mark?.keyID != stored[1].mark?.keyID)
            #expect(keys.calls == 3)
            let fetched = try client.ask(FetchMessage(12, 2, [.init(.name("tenants"), 0)]))
            #expect(fetched.partitions.map(\.error) == [0])
            #expect(try TestBatch.records(fetched.partitions[0].records ?? []) == records)
        }

        /// Records that name no key, or in a way that is none.
        static let wrong: [(name: String, headers: [TestHeader])] = [
            ("missing", []), ("misspelled", [TestHeader("Tenant", "a")]),
            ("null", [TestHeader("tenant", nil as [UInt8]?)]),
            ("empty", [TestHeader("tenant", "")]),
            ("twice", [TestHeader("tenant", "a"), TestHeader("tenant", "a")]),
            ("slash", [TestHeader("tenant", "sly/../a")]),
            ("space", [TestHeader("tenant", "sly a")]),
            ("bytes", [TestHeader("tenant", [0xff, 0xfe])]),
            ("letter", [TestHeader("tenant", "slyé")]),
            ("long", [TestHeader("tenant", "sly" + String(repeating: "y", count: 300))]),
        ]

        @Test(arguments: wrong)
        func `a record that names no key is refused, and its batch with it`(
            name: String, headers: [TestHeader]
        ) throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            let bad = [record("a"), TestRecord(secret, headers: headers)]
            let answer = try produce(client, [bad, [record("b")]])
            #expect(answer.map(\.error) == [87, 0])
            let message = try #require(answer[0].message)
            #expect(message.contains("tenant"))
            // Whatever the header said is the producer's own.
            #expect(!message.contains("sly"))
            #expect(store.batches("tenants", 0).isEmpty)
            #expect(store.batches("tenants", 1).count == 1)
        }

        @Test func `a missing header is told with its record`() throws {
            let harness = try harness(LogStore())
            defer { harness.stop() }
            let client = try harness.connect()
            let answer = try produce(client, [[record("a"), record("b"), record(nil)]])
            #expect(answer[0].message?.contains("record 2 of the batch") == true)
        }

        @Test func `a tombstone needs no key`() throws {
            let store = LogStore()
            let keys = TestKeys()
            let harness = try harness(store, keys: keys)
            defer { harness.stop() }
            let batch = [TestRecord(nil), TestRecord(nil, headers: [TestHeader("tenant", "?/")])]
            #expect(try produce(harness.connect(), [batch]).map(\.error) == [0])
            #expect(store.batches("tenants") == [TestBatch.make(batch)])
            #expect(keys.calls == 0)
        }

        @Test func `a key that is refused refuses its batch for good`() throws {
            let store = LogStore()
            let keys = TestKeys()
            keys.become(.fail(.denied), for: "kek-b-tenants")
            keys.become(.fail(.unavailable), for: "kek-c-tenants")
            let harness = try harness(store, keys: keys)
            defer { harness.stop() }
            let answer = try produce(
                harness.connect(),
                [[record("a")], [record("a"), record("b")], [record("c"), record("a")]])
            #expect(answer.map(\.error) == [0, 44, 19])
            #expect(answer[1].message?.contains("kek-b-tenants") == true)
            #expect(store.batches("tenants", 0).count == 1)
            #expect(store.batches("tenants", 1).isEmpty)
            #expect(store.batches("tenants", 2).isEmpty)
        }

        @Test func `a key service that hangs is waited for only so long`() throws {
            let store = LogStore()
            let keys = TestKeys()
            keys.become(.hang, for: "kek-b-tenants")
            let harness = try harness(store, keys: keys)
            defer { harness.stop() }
            let client = try harness.connect()
            let partitions = [[record("a"), record("b")], [record("a")]]
            #expect(try produce(client, partitions).map(\.error) == [19, 0])
            #expect(store.batches("tenants", 0).isEmpty)
            keys.become(.work, for: "kek-b-tenants")
            #expect(try produce(client, partitions).map(\.error) == [0, 0])
            #expect(
                try TestBatch.records(store.batches("tenants", 0)[0]).map {
                    $0.mark?.reference
                } == ["keys/kek-a-tenants", "keys/kek-b-tenants"])
        }
    }
}
