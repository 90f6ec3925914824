// SessionViewTests: views where topics are not named: ids, fetch sessions, share groups.

import KafkaWire
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct SessionViewTests {
        private let document = TestDocument.make()
        private let docs = TopicID(high: 9, low: 1)
        private let whole = TopicID(high: 9, low: 2)

        private func rules() throws -> RuleSet {
            RuleSet(
                protect: [
                    try TestRules.protect("docs", fields: TestDocument.fields),
                    try TestRules.protect("whole"),
                ],
                read: [
                    try TestRules.read("User:fraud", "*", show: .clear),
                    try TestRules.read("User:dropper", "*", show: .drop),
                ])
        }

        private func names(_ request: BrokerRequest, _ known: [TopicID: String]) -> [UInt8] {
            let topics = ClusterMessage.topicIDs(request).map { ($0, known[$0]) }
            return ClusterMessage.metadata(request.version, [], topics: topics)
        }

        /// A proxy, and a broker with a document in each topic that tells the names of ids and
        /// answers fetches of `docs` by its id.
        private func harness(
            _ store: LogStore, _ known: [TopicID: String]? = nil
        ) throws -> ProxyHarness {
            let harness = try ProxyHarness(try rules())
            store.serve(harness.broker)
            harness.broker.takeLogIns()
            let batch = TestBatch.make(texts: [document])
            let client = try harness.connect()
            let answer = try client.ask(
                ProduceMessage(9, 1, [.init("docs", 0, batch), .init("whole", 0, batch)]))
            #expect(answer.partitions.map(\.error) == [0, 0])
            let known = known ?? [docs: "docs", whole: "whole"]
            harness.broker.on(ApiKey.metadata) { [self] in .body(names($0, known)) }
            harness.broker.on(ApiKey.fetch) { [docs] request in
                let records = Array(store.batches("docs").joined())
                var answer = FetchAnswer([.init(.id(docs), 0, records: records)])
                answer.session = 55
                return .body(answer.body(request.version))
            }
            return harness
        }

        private func fetch(_ epoch: Int32, _ topics: [TopicID]) -> FetchMessage {
            var message = FetchMessage(16, 1, topics.map { .init(.id($0), 0) })
            message.session = epoch == 0 ? 0 : 55
            message.epoch = epoch
            return message
        }

        private func texts(_ client: BlockingSocket, _ message: FetchMessage) throws -> [String] {
            let answer = try client.ask(message)
            #expect(answer.partitions.map(\.error) == [0])
            return try TestBatch.texts(answer.partitions[0].records)
        }

        @Test(arguments: ["fraud", "stranger"])
        func `a fetch session goes on as its client sees the topic`(name: String) throws {
            let harness = try harness(LogStore())
            defer { harness.stop() }
            let text = name == "fraud" ? document : TestDocument.redacted
            let client = try harness.connect(as: name)
            #expect(try texts(client, fetch(0, [docs])) == [text])
            for epoch in Int32(1)...2 { #expect(try texts(client, fetch(epoch, [])) == [text]) }
            // Over a new connection, which has never seen the topics.
            let next = try harness.connect(as: name)
            #expect(try texts(next, fetch(3, [])) == [text])
        }

        @Test func `a session of another connection is looked into whatever was asked before`()
            throws
        {
            let harness = try harness(LogStore())
            defer { harness.stop() }
            #expect(
                try texts(try harness.connect(as: "stranger"), fetch(0, [docs]))
                    == [TestDocument.redacted])
            let client = try harness.connect(as: "stranger")
            // A full fetch that begins no session, of a topic that needs no look.
            var other = fetch(0, [whole])
            other.epoch = -1
            _ = try client.ask(other)
            #expect(try texts(client, fetch(3, [])) == [TestDocument.redacted])
        }

        @Test func `a session that was begun before the log-in is looked into after it`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            harness.broker.on(ApiKey.fetch) { [whole] request in
                let records = Array(store.batches("whole").joined())
                var answer = FetchAnswer([.init(.id(whole), 0, records: records)])
                answer.session = 55
                return .body(answer.body(request.version))
            }
            let client = try harness.connect()
            // What an anonymous client sees of `whole` is what is stored: nothing to look into.
            let before = try client.ask(fetch(0, [whole]))
            #expect(before.partitions.map(\.records) == store.batches("whole"))
            #expect(try client.logIn("fraud") == 0)
            #expect(try texts(client, fetch(1, [])) == [document])
        }

        @Test(arguments: ["fraud", "stranger", "dropper"])
        func `records of an id without a name are delivered to nobody`(name: String) throws {
            let harness = try harness(LogStore(), [:])
            defer { harness.stop() }
            let client = try harness.connect(as: name)
            let answer = try client.ask(fetch(0, [docs]))
            #expect(answer.partitions.map(\.error) == [100])
            #expect(answer.partitions.map(\.records) == [[]])
        }

        // MARK: share groups

        private func shared(
            _ harness: ProxyHarness, as name: String, _ topic: TopicID, _ records: [[UInt8]]
        ) throws -> [ShareFetchAnswer.Partition] {
            let body = ShareFetchAnswer(topic, records.map { .init($0) }).body
            harness.broker.on(ApiKey.shareFetch) { _ in .body(body) }
            let client = try harness.connect(as: name)
            let answer = ShareFetchAnswer(try client.ask(ShareFetchMessage(1, topic).wire))
            #expect(answer.topic == topic)
            return answer.partitions
        }

        @Test func `share groups see what their principal may see`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let records = store.batches("docs")
            for (name, text) in [("fraud", document), ("stranger", TestDocument.redacted)] {
                let partitions = try shared(harness, as: name, docs, records)
                #expect(partitions.map(\.error) == [0])
                #expect(partitions.map(\.acquired) == [[0...0]])
                #expect(try TestBatch.texts(partitions[0].records) == [text])
            }
            let stored = try shared(harness, as: "stranger", whole, store.batches("whole"))
            #expect(stored == [.init(try #require(store.batches("whole").first))])
        }

        @Test func `a share group is refused what is left out, and has not acquired it`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            // A record that is shown stands before: it is not delivered either, since the group
            // has acquired the range as one.
            let plain = TestBatch.make(texts: ["{}"])
            let sealed = try #require(store.batches("whole").first)
            let partitions = try shared(
                harness, as: "dropper", whole, [plain + sealed, plain, sealed])
            #expect(partitions.map(\.error) == [29, 0, 29])
            #expect(partitions.map(\.records) == [[], plain, []])
            #expect(partitions.map(\.acquired) == [[], [0...0], []])
        }

        @Test func `records of an unknown id are kept from share groups`() throws {
            let store = LogStore()
            let harness = try harness(store, [:])
            defer { harness.stop() }
            let partitions = try shared(harness, as: "fraud", docs, store.batches("docs"))
            #expect(partitions.map(\.error) == [100])
            #expect(partitions.map(\.records) == [[]])
            #expect(partitions.map(\.acquired) == [[]])
        }
    }
}
