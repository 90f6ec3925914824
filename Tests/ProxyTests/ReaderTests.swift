// ReaderTests: who shares what was looked up for whom.

import KafkaWire
import Loop
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct ReaderTests {
        /// The same text to people and to Swift's strings, in other bytes.
        private let composed = "jos\u{e9}"
        private let decomposed = "jose\u{301}"

        @Test func `names that only look the same are two principals`() throws {
            #expect(composed == decomposed)
            let rules = RuleSet(
                protect: [try TestRules.protect("docs", fields: TestDocument.fields)],
                read: [try TestRules.read("User:" + composed, "docs", show: .clear)])
            for names in [[composed, decomposed], [decomposed, composed]] {
                let store = LogStore()
                let harness = try ProxyHarness(rules)
                defer { harness.stop() }
                store.serve(harness.broker)
                harness.broker.takeLogIns()
                let batch = TestBatch.make(texts: [TestDocument.make()])
                _ = try harness.connect().ask(ProduceMessage(9, 1, [.init("docs", 0, batch)]))
                // In either order: what was looked up for one is not taken for the other.
                for name in names {
                    let client = try harness.connect(as: name)
                    let answer = try client.ask(
                        FetchMessage(12, 2, [.init(.name("docs"), 0)]))
                    let isCleared = name.utf8.elementsEqual(composed.utf8)
                    #expect(
                        try TestBatch.texts(answer.partitions[0].records)
                            == [isCleared ? TestDocument.make() : TestDocument.redacted])
                }
            }
        }

        @Test func `a client may not log in again in another spelling`() throws {
            let rules = RuleSet(
                protect: [try TestRules.protect("docs")],
                read: [try TestRules.read("User:" + composed, "docs", show: .clear)])
            let harness = try ProxyHarness(rules)
            defer { harness.stop() }
            harness.broker.takeLogIns()
            let client = try harness.connect(as: decomposed)
            #expect(try client.logIn(decomposed) == 0)
            _ = try client.ask(SASLMessage.handshake(1, "PLAIN"))
            try client.send(SASLMessage.authenticate(2, SASLMessage.plain(composed)))
            #expect(try client.receiveFrame() == nil)
        }

        @Test func `sessions of one principal share one reader, and views one look-up`() throws {
            let rules = RuleSet(
                protect: [try TestRules.protect("docs", fields: TestDocument.fields)],
                read: [
                    try TestRules.read("User:a", "docs", show: .clear),
                    try TestRules.read("group:g", "docs", show: .sealed),
                ])
            let harness = try ProxyHarness(rules)
            defer { harness.stop() }
            let names = [composed, decomposed]
            let outcome = harness.home.wait { loop -> [Bool] in
                guard let context = loop.attachment as? LoopContext else { return [] }
                let a = context.reader(for: Principal(name: "User:a"))
                let policy = context.policies.policy(for: "docs")
                return [
                    context.reader(for: Principal(name: "User:a")) === a,
                    a.view(of: policy) === a.view(of: policy),
                    context.reader(for: Principal(name: "User:a", groups: ["g"])) !== a,
                    context.reader(for: .unknown) !== context.reader(for: .anonymous),
                    context.reader(for: Principal(name: names[0]))
                        !== context.reader(for: Principal(name: names[1])),
                    // A client that is not known is nobody by the name of nothing.
                    context.reader(for: Principal(name: "")) !== context.reader(for: .unknown),
                ]
            }
            #expect(outcome == [Bool](repeating: true, count: 6))
        }
    }
}
