// LeanFormTests: one wrapped key per batch, only where the cluster says that it may be so.

import KafkaWire
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct LeanFormTests {
        private let secret = Array("a secret that nobody may read".utf8)

        private func rules(
            _ form: WrappedKeyForm, key: String = "kek-$(topic)", fields: [String]? = nil
        ) throws -> RuleSet {
            RuleSet(
                protect: [
                    try TestRules.protect("topic", key: key, fields: fields) {
                        $0.wrappedKey = form
                    }
                ], read: [try TestRules.read("*", "topic", show: .clear)])
        }

        private func produce(
            _ client: BlockingSocket, _ records: [TestRecord]
        ) throws -> ProduceAnswer.Partition {
            let message = ProduceMessage(9, 1, [.init("topic", 0, TestBatch.make(records))])
            return try #require(try client.ask(message).partitions.first)
        }

        private func fetched(_ client: BlockingSocket) throws -> [TestRecord] {
            let answer = try client.ask(FetchMessage(12, 8, [.init(.name("topic"), 0)]))
            #expect(answer.partitions.map(\.error) == [0])
            return try TestBatch.records(answer.partitions[0].records ?? [])
        }

        /// Which records of a batch carry the wrapped key.
        private func named(_ batch: [UInt8]?) throws -> [Bool?] {
            try TestBatch.records(try #require(batch)).map { $0.mark?.hasWrappedKey }
        }

        /// A rule, what the cluster says of the topic, and whether the form is lean; nil where the
        /// batch is refused.
        static let cases: [(form: WrappedKeyForm, policy: String?, isLean: Bool?)] = [
            (.auto, "delete", true), (.auto, "compact", false), (.auto, "compact,delete", false),
            (.auto, "delete,compact", false), (.auto, nil, false), (.auto, "", true),
            (.perBatch, "delete", true), (.perBatch, "compact", nil),
            (.perBatch, "delete,compact", nil), (.perBatch, nil, nil),
            (.perRecord, "delete", false), (.perRecord, "compact", false), (.perRecord, nil, false),
        ]

        @Test(arguments: cases)
        func `the cluster's policy decides`(
            form: WrappedKeyForm, policy: String?, isLean: Bool?
        ) throws {
            let store = LogStore()
            let harness = try ProxyHarness(try rules(form))
            defer { harness.stop() }
            store.serve(harness.broker, cleanupPolicy: policy)
            let client = try harness.connect()
            let records = [TestRecord(nil)] + (0..<3).map { _ in TestRecord(secret) }
            let answer = try produce(client, records)
            guard let isLean else {
                #expect(answer.error == 44)
                #expect(answer.message?.contains("perBatch") == true)
                #expect(store.batches("topic").isEmpty)
                return
            }
            #expect(answer.error == 0)
            let stored = store.batches("topic").first
            #expect(try named(stored) == [nil, true, !isLean, !isLean])
            #expect(stored?.contains(run: secret) == false)
            #expect(try fetched(client) == records)
        }

        @Test(arguments: [WrappedKeyForm.auto, .perBatch])
        func `a cluster that may not be asked tells nothing`(form: WrappedKeyForm) throws {
            let store = LogStore()
            let harness = try ProxyHarness(try rules(form))
            defer { harness.stop() }
            store.serve(harness.broker)
            harness.broker.on(ApiKey.describeConfigs) { request in
                let topic = ClusterMessage.configTopic(request)
                return .body(
                    ClusterMessage.topicConfig(
                        topic, error: 29, bytesMax: nil, cleanupPolicy: "delete"))
            }
            let client = try harness.connect()
            let answer = try produce(client, [TestRecord(secret), TestRecord(secret)])
            #expect(answer.error == (form == .auto ? 0 : 44))
            let stored = try store.batches("topic").map { try named($0) }
            #expect(stored == (form == .auto ? [[true, true]] : []))
        }

        /// Lets the client ask what the broker offers, as clients do first.
        private func offer(
            _ configs: ClosedRange<Int16>?, _ harness: ProxyHarness
        ) throws -> BlockingSocket {
            var offered: [(key: Int16, versions: ClosedRange<Int16>)] = [
                (ApiKey.produce, 3...9), (ApiKey.fetch, 4...12), (ApiKey.metadata, 0...12),
                (ApiKey.apiVersions, 0...3),
            ]
            if let configs { offered.append((ApiKey.describeConfigs, configs)) }
            let body = ClusterMessage.apiVersions(offered)
            harness.broker.on(ApiKey.apiVersions) { _ in .body(body) }
            let client = try harness.connect()
            _ = try client.ask(Wire.request(ApiKey.apiVersions, 0, 7))
            return client
        }

        @Test(arguments: [WrappedKeyForm.auto, .perBatch])
        func `a broker that offers no settings is not asked for them`(
            form: WrappedKeyForm
        ) throws {
            let store = LogStore()
            let harness = try ProxyHarness(try rules(form))
            defer { harness.stop() }
            store.serve(harness.broker, cleanupPolicy: "delete")
            let client = try offer(nil, harness)
            let answer = try produce(client, [TestRecord(secret), TestRecord(secret)])
            #expect(answer.error == (form == .auto ? 0 : 44))
            #expect(harness.broker.requests(ApiKey.describeConfigs).isEmpty)
            let stored = try store.batches("topic").map { try named($0) }
            #expect(stored == (form == .auto ? [[true, true]] : []))
        }

        @Test(arguments: [1...2, 1...4, 4...4] as [ClosedRange<Int16>])
        func `settings are asked for in a version that the broker has`(
            offered: ClosedRange<Int16>
        ) throws {
            let store = LogStore()
            let harness = try ProxyHarness(try rules(.auto))
            defer { harness.stop() }
            store.serve(harness.broker, cleanupPolicy: "delete")
            let client = try offer(offered, harness)
            #expect(try produce(client, [TestRecord(secret), TestRecord(secret)]).error == 0)
            #expect(
                harness.broker.requests(ApiKey.describeConfigs).map(\.version)
                    == [offered.upperBound])
            #expect(try named(store.batches("topic").first) == [true, false])
        }

        @Test(arguments: [false, true])
        func `each part of a batch that is cut opens alone`(byField: Bool) throws {
            let store = LogStore()
            let harness = try ProxyHarness(
                try rules(.perBatch, fields: byField ? TestDocument.fields : nil))
            defer { harness.stop() }
            store.serve(harness.broker, batchBytesMax: 1_500, cleanupPolicy: "delete")
            let client = try harness.connect()
            let records = (0..<12).map {
                byField
                    ? TestRecord(TestDocument.make(pin: "\(1_000 + $0)"))
                    : TestRecord(secret + [UInt8](repeating: UInt8($0), count: 200))
            }
            #expect(try produce(client, records).error == 0)
            let parts = store.batches("topic")
            #expect(parts.count > 2)
            var opened: [TestRecord] = []
            for part in parts {
                let marks = try named(part)
                #expect(marks.count > 1)
                #expect(marks == [true] + [Bool?](repeating: false, count: marks.count - 1))
                store.change("topic") { $0 = [part] }
                opened += try fetched(client)
            }
            #expect(opened == records)
        }

        @Test func `each key of a batch is named once`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(try rules(.auto, key: "kek-$(header:tenant)"))
            defer { harness.stop() }
            store.serve(harness.broker, cleanupPolicy: "delete")
            let client = try harness.connect()
            let records = ["a", "b", "a", "b", "a"].map {
                TestRecord(secret, headers: [TestHeader("tenant", $0)])
            }
            #expect(try produce(client, records).error == 0)
            #expect(
                try named(store.batches("topic").first) == [true, true, false, false, false])
            #expect(try fetched(client) == records)
        }

        @Test func `a record does not open when the one that names its key is gone`() throws {
            let store = LogStore()
            let harness = try ProxyHarness(try rules(.auto))
            defer { harness.stop() }
            store.serve(harness.broker, cleanupPolicy: "delete")
            let client = try harness.connect()
            #expect(try produce(client, [TestRecord(secret), TestRecord(secret)]).error == 0)
            let stored = try TestBatch.records(store.batches("topic")[0])
            store.change("topic") { $0 = [TestBatch.make(Array(stored[1...]))] }
            let answer = try client.ask(FetchMessage(12, 8, [.init(.name("topic"), 0)]))
            #expect(answer.partitions.map(\.error) == [2])
            #expect(answer.partitions[0].records == [])
        }
    }
}
