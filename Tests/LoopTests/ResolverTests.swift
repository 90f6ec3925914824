// ResolverTests: names become addresses without blocking who asks.

import TestSupport
import Testing

@testable import Loop

@Suite struct ResolverTests {
    private func resolve(_ host: String, port: UInt16 = 9_092) throws -> Resolver.Answer {
        let answer = Monitor<Resolver.Answer?>(nil)
        Resolver().resolve(host, port: port) { found in answer.with { $0 = found } }
        return try #require(answer.wait { $0 })
    }

    @Test func `localhost is found`() throws {
        let addresses = try resolve("localhost").get()
        #expect(addresses.allSatisfy { $0.port == 9_092 })
        #expect(
            addresses.contains { ["127.0.0.1:9092", "[::1]:9092"].contains($0.description) })
    }

    @Test func `a numeric address is itself`() throws {
        let addresses = try resolve("127.0.0.2").get()
        #expect(addresses.map(\.description) == ["127.0.0.2:9092"])
    }

    @Test func `a name that nobody has is an error that says so`() throws {
        let error = #expect(throws: ResolveError.self) {
            _ = try resolve("no-such-host.invalid").get()
        }
        #expect(error?.host == "no-such-host.invalid")
        #expect(error?.description.contains("no-such-host.invalid") == true)
    }

    @Test func `many questions at once are all answered`() throws {
        let resolver = Resolver()
        let answers = Monitor(0)
        for number in 0..<200 as Range<UInt16> {
            resolver.resolve("localhost", port: 9_000 + number % 3) { answer in
                if case .success = answer { answers.with { $0 += 1 } }
            }
        }
        #expect(answers.wait { $0 == 200 ? true : nil } == true)
    }

    @Test(arguments: [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")])
    func `numeric addresses are read and shown`(text: String, shown: String) throws {
        let address = try #require(SocketAddress(numeric: text, port: 80))
        #expect(address.description == shown)
        #expect(address.port == 80)
    }

    @Test(arguments: ["localhost", "", "256.0.0.1", "127.0.0.1:80", "[::1]"])
    func `what is not numeric is not an address`(text: String) {
        // An empty host means loopback to the system; nobody may bind by mistake.
        let address = SocketAddress(numeric: text, port: 80)
        #expect(address == nil)
    }
}
