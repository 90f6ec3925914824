// FieldSealingTests: fields of produced documents are sealed, and what has none is not passed.

import KafkaWire
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct FieldSealingTests {
        private let document = TestDocument.make()

        private func harness(
            _ store: LogStore, fields: [String]? = TestDocument.fields,
            _ change: (inout Sealing) -> Void = { _ in }
        ) throws -> ProxyHarness {
            let harness = try ProxyHarness(
                RuleSet(
                    protect: [try TestRules.protect("docs", fields: fields, change)],
                    read: [try TestRules.read("*", "docs", show: .clear)]))
            store.serve(harness.broker)
            return harness
        }

        private func produce(
            _ client: BlockingSocket, _ records: [TestRecord], correlation: Int32 = 1
        ) throws -> ProduceAnswer.Partition {
            let batch = TestBatch.make(records)
            let answer = try client.ask(
                ProduceMessage(9, correlation, [.init("docs", 0, batch)]))
            return try #require(answer.partitions.first)
        }

        private func fetched(_ client: BlockingSocket) throws -> [TestRecord] {
            let answer = try client.ask(FetchMessage(12, 8, [.init(.name("docs"), 0)]))
            #expect(answer.partitions.map(\.error) == [0])
            return try TestBatch.records(answer.partitions[0].records ?? [])
        }

        /// A document with the sealed texts in it replaced by one that says so.
        private func unsealed(_ text: String) -> String {
            var rest = text[...]
            var result = ""
            while let mark = rest.firstRange(of: "\"wax1:") {
                result += rest.prefix(upTo: mark.lowerBound) + "SEALED"
                let sealed = rest.suffix(from: mark.upperBound)
                let end = sealed.firstIndex(of: "\"") ?? sealed.endIndex
                rest = sealed.suffix(from: end).dropFirst()
            }
            return result + rest
        }

        @Test func `fields are sealed where they stand, and nothing else is touched`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            let own = [TestHeader("trace", "t-1"), TestHeader("empty", nil as [UInt8]?)]
            let prefixed = [0, 0, 0, 1, 44] + Array(document.utf8)
            let records = [
                TestRecord(document, key: Array("k".utf8), headers: own), TestRecord(nil),
                TestRecord("{\"id\":2}", headers: own), TestRecord(prefixed),
            ]
            #expect(try produce(client, records).error == 0)
            let batch = try #require(store.batches("docs").first)
            for secret in TestDocument.secrets { #expect(!batch.contains(run: secret)) }
            let stored = try TestBatch.records(batch)
            let sealed = TestDocument.make(card: "SEALED", mail: "SEALED", pin: "SEALED")
            #expect(unsealed(stored[0].text) == sealed)
            #expect(stored[0].key == records[0].key)
            #expect(stored[0].headers.dropFirst() == own[...])
            #expect(stored.map { $0.mark?.isFields } == [true, nil, nil, true])
            #expect(Array(stored[1...2]) == Array(records[1...2]))
            #expect(stored[3].value?.prefix(5) == [0, 0, 0, 1, 44])
            #expect(try fetched(client) == records)
        }

        @Test func `what is no document is refused, and says which record it was`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            for wrong in ["", "text", "{\"card\":", "{\"card\":1}}", "[1,2", "{card:1}"] {
                let answer = try produce(
                    client, [document, document, wrong].map { TestRecord($0) })
                #expect(answer.error == 87)
                #expect(answer.message?.contains("record 2 of the batch") == true)
            }
            #expect(store.batches("docs").isEmpty)
            #expect(harness.broker.requests(ApiKey.produce).isEmpty)
        }

        @Test func `what is no document is sealed whole where that is the rule`() throws {
            let store = LogStore()
            let harness = try harness(store) { $0.notJSON = .seal }
            defer { harness.stop() }
            let client = try harness.connect()
            let records = [document, "no document of \(TestDocument.card)", ""].map {
                TestRecord($0)
            }
            #expect(try produce(client, records).error == 0)
            let batch = try #require(store.batches("docs").first)
            for secret in TestDocument.secrets { #expect(!batch.contains(run: secret)) }
            #expect(
                try TestBatch.records(batch).map { $0.mark?.isFields } == [true, false, false])
            #expect(try fetched(client) == records)
        }

        @Test func `what is no document is stored as it is where that is the rule`() throws {
            let store = LogStore()
            let harness = try harness(store) { $0.notJSON = .pass }
            defer { harness.stop() }
            let client = try harness.connect()
            let records = [document, "no document", ""].map { TestRecord($0) }
            #expect(try produce(client, records).error == 0)
            let batch = try #require(store.batches("docs").first)
            for secret in TestDocument.secrets { #expect(!batch.contains(run: secret)) }
            let stored = try TestBatch.records(batch)
            #expect(stored.map { $0.mark?.isFields } == [true, nil, nil])
            #expect(Array(stored[1...]) == Array(records[1...]))
            #expect(try fetched(client) == records)
        }

        @Test(arguments: [NotJSON.refuse, .seal, .pass])
        func `what cannot be looked into is never passed`(choice: NotJSON) throws {
            let store = LogStore()
            let harness = try harness(store) { $0.notJSON = choice }
            defer { harness.stop() }
            let client = try harness.connect()
            let deep =
                String(repeating: "[", count: 3_000) + "\"\(TestDocument.card)\""
                + String(repeating: "]", count: 3_000)
            let record = TestRecord(deep)
            #expect(try produce(client, [record]).error == (choice == .seal ? 0 : 87))
            let stored = store.batches("docs")
            #expect(stored.count == (choice == .seal ? 1 : 0))
            for batch in stored { #expect(!batch.contains(run: TestDocument.secrets[0])) }
            if choice == .seal { #expect(try fetched(client) == [record]) }
        }

        @Test(arguments: [NotJSON.refuse, .seal, .pass])
        func `a document that holds sealed text already is refused`(choice: NotJSON) throws {
            let store = LogStore()
            let harness = try harness(store) { $0.notJSON = choice }
            defer { harness.stop() }
            let client = try harness.connect()
            #expect(try produce(client, [TestRecord(document)]).error == 0)
            let stored = try TestBatch.records(try #require(store.batches("docs").first))[0].text
            let texts = [
                // What came out of the topic, sent in again without its header.
                stored,
                // In a field of the rule, and in another; spelled with an escape too.
                TestDocument.make(card: "\"wax1:AAAA\""),
                TestDocument.make().replacing("\\u00e9", with: "wax1:"),
                TestDocument.make().replacing("\\u00e9", with: "\\u0077ax1:x"),
            ]
            for text in texts {
                let answer = try produce(client, [TestRecord(document), TestRecord(text)])
                #expect(answer.error == 87)
                #expect(answer.message?.contains("record 1 of the batch") == true)
            }
            #expect(store.batches("docs").count == 1)
        }

        @Test func `what is refused without acks closes the connection`() throws {
            let store = LogStore()
            let harness = try harness(store)
            defer { harness.stop() }
            let client = try harness.connect()
            var good = ProduceMessage(9, 1, [.init("docs", 0, TestBatch.make(texts: [document]))])
            good.acks = 0
            var bad = good
            bad.partitions = [
                .init("docs", 0, TestBatch.make(texts: ["no document"])),
                .init("docs", 1, TestBatch.make(texts: [document])),
            ]
            try client.send(good.wire)
            #expect(harness.broker.wait(ApiKey.produce, count: 1).count == 1)
            try client.send(bad.wire)
            #expect(client.isEndedByPeer())
            #expect(harness.broker.requests(ApiKey.produce).count == 1)
            #expect(store.batches("docs", 1).isEmpty)
        }

        @Test func `a refusal does not tell what is in the document`() throws {
            let harness = try harness(LogStore())
            defer { harness.stop() }
            let client = try harness.connect()
            let broken = document + TestDocument.card
            let frame = try client.ask(
                ProduceMessage(9, 1, [.init("docs", 0, TestBatch.make(texts: [broken]))]).wire)
            for secret in TestDocument.secrets { #expect(!frame.contains(run: secret)) }
        }

        // MARK: compression

        @Test(arguments: [ValueCompression.zstd, .lz4])
        func `values are compressed before they are sealed`(codec: ValueCompression) throws {
            let store = LogStore()
            let harness = try harness(store, fields: nil) { $0.compression = codec }
            defer { harness.stop() }
            let client = try harness.connect()
            var random = SeededRandom(seed: 8)
            let records = [
                TestRecord(random.compressibleBytes(8_000)), TestRecord(random.bytes(500)),
                TestRecord("short"), TestRecord([]), TestRecord(nil),
            ]
            #expect(try produce(client, records).error == 0)
            let stored = try TestBatch.records(try #require(store.batches("docs").first))
            #expect(stored.map { $0.mark?.isCompressed } == [true, false, false, false, nil])
            #expect(try #require(stored[0].value).count < 6_000)
            #expect(stored[1].value?.count == 528)
            #expect(try fetched(client) == records)
        }
    }
}
