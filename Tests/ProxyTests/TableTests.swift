// TableTests: what the process remembers of brokers, topics, ports and servers.

import KafkaWire
import Synchronization
import Testing

@testable import Proxy

@Suite struct TableTests {
    private let addresses = AdvertisedAddresses(
        listener: "apps", host: "waxwing.example", bootstrapPort: 9_092,
        brokerPorts: 9_100...9_103, nodePorts: [2: 9_101, 50: 9_200])

    @Test func `every node has a port of its own`() {
        #expect(addresses.port(of: 0) == 9_100)
        // Port 9101 belongs to node 2 by name, so node 1 has none.
        #expect(addresses.port(of: 1) == nil)
        #expect(addresses.port(of: 2) == 9_101)
        #expect(addresses.port(of: 3) == 9_103)
        #expect(addresses.port(of: 50) == 9_200)
        for node in [-1, 4, 51, Int32.max, Int32.min] as [Int32] {
            #expect(addresses.port(of: node) == nil)
        }
    }

    @Test func `each port is listened on once, and leads where it is advertised`() {
        let ports = addresses.ports
        #expect(Set(ports.map(\.port)).count == ports.count)
        #expect(ports.filter { $0.node == nil }.map(\.port) == [9_092])
        for (port, node) in ports {
            if let node { #expect(addresses.port(of: node) == port) }
        }
        #expect(Set(ports.compactMap(\.node)) == [0, 2, 3, 50])
    }

    @Test func `a broker without an address is not remembered`() {
        let table = NodeTable()
        #expect(!table.learn(-1, HostPort(host: "h", port: 1)))
        #expect(!table.learn(1, HostPort(host: "", port: 1)))
        #expect(!table.learn(1, HostPort(host: "h", port: 0)))
        #expect(table.count == 0)
        #expect(table.learn(1, HostPort(host: "h", port: 1)))
        #expect(!table.learn(1, HostPort(host: "h", port: 1)))
        #expect(table.learn(1, HostPort(host: "h", port: 2)))
        #expect(!table.learn(1, HostPort(host: "", port: 0)))
        #expect(table.address(of: 1) == HostPort(host: "h", port: 2))
    }

    @Test func `an id with two names has none`() {
        let table = TopicTable()
        let id = TopicID(high: 1, low: 2)
        #expect(table.learn(id, "a"))
        #expect(table.learn(id, "a"))
        #expect(table.name(of: id) == "a")
        #expect(!table.learn(id, "b"))
        #expect(table.name(of: id) == nil)
        #expect(!table.learn(id, "a"))
        #expect(table.name(of: id) == nil)
        table.learn(.zero, "c")
        #expect(table.name(of: .zero) == nil)
    }

    @Test func `settings of a topic are taken as told for their time`() {
        let table = TopicTable()
        #expect(table.facts(of: "t", now: 0) == nil)
        let told = TopicFacts(batchBytesMax: 5, isCompacted: true)
        table.learn(told, of: "t", until: 10)
        #expect(table.facts(of: "t", now: 9) == told)
        #expect(table.facts(of: "t", now: 10) == nil)
        table.learn(.untold, of: "t", until: 20)
        #expect(table.facts(of: "t", now: 19) == .untold)
    }

    @Test func `servers take turns, dead ones come last until their time is over`() {
        let names = ["a", "b", "c"].map { HostPort(host: $0, port: 1) }
        let servers = BootstrapServers(names)
        let first = servers.order(now: 0)
        #expect(Set(first) == Set(names))
        #expect(servers.order(now: 0).first != first.first)
        servers.failed(names[1], now: 0)
        for _ in 0..<3 { #expect(servers.order(now: 1).last == names[1]) }
        #expect(
            (0..<3).contains { _ in servers.order(now: 31_000_000_000).first == names[1] })
        servers.failed(names[1], now: 40_000_000_000)
        servers.answered(names[1])
        #expect((0..<3).contains { _ in servers.order(now: 40_000_000_001).first == names[1] })
    }

    @Test func `connections are counted up to the limit`() {
        let count = ConnectionCount()
        #expect(count.enter(most: 2))
        #expect(count.enter(most: 2))
        #expect(!count.enter(most: 2))
        #expect(count.value == 2)
        count.leave()
        #expect(count.enter(most: 2))
    }
}
