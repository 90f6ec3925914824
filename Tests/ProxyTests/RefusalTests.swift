// RefusalTests: what a client may not send, and how it is told.

import KafkaWire
import Rules
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct RefusalTests {
        /// The connection is closed, and the broker has not heard of it.
        private func expectRefused(
            _ bytes: [UInt8], by harness: ProxyHarness,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let client = try harness.connect()
            try client.send(bytes)
            #expect(client.isEndedByPeer(), sourceLocation: sourceLocation)
            #expect(
                harness.broker.requests(ApiKey.produce).isEmpty, sourceLocation: sourceLocation)
        }

        @Test func `an unknown API is refused`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            try expectRefused(Wire.request(2_000, 0, 1), by: harness)
            try expectRefused(Wire.request(-1, 0, 1), by: harness)
        }

        @Test func `an API between brokers is refused`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            try expectRefused(Wire.request(4, 7, 1, [0, 0, 0, 0]), by: harness)
            try expectRefused(Wire.request(ApiKey.controlledShutdown, 0, 1), by: harness)
        }

        @Test func `an unknown version is refused`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            try expectRefused(Wire.request(ApiKey.metadata, 99, 1), by: harness)
        }

        @Test(arguments: [[0, 0, 0, 7], [255, 255, 255, 255], [0x7f, 0, 0, 0]] as [[UInt8]])
        func `a size out of bounds is refused at its fourth byte`(size: [UInt8]) throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            try expectRefused(size, by: harness)
        }

        @Test func `a size over the configured limit is refused`() throws {
            let harness = try ProxyHarness { $0.requestBytesMax = 1_000 }
            defer { harness.stop() }
            harness.broker.on(12) { _ in .body([]) }
            let client = try harness.connect()
            let largest = Wire.request(12, 0, 1, [UInt8](repeating: 1, count: 1_000 - 14))
            #expect(largest.count == 1_004)
            #expect(try client.ask(largest) == [0, 0, 0, 1])
            try expectRefused([0, 0, 0x03, 0xe9], by: harness)
        }

        @Test func `TLS and HTTP on a Kafka port are refused`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            try expectRefused([0x16, 0x03, 0x01, 0x02, 0x00, 0x01], by: harness)
            try expectRefused(Array("GET / HTTP/1.1\r\n\r\n".utf8), by: harness)
        }

        @Test func `message sets of old are refused`() throws {
            for rules in [RuleSet(), testRules] {
                let harness = try ProxyHarness(rules)
                defer { harness.stop() }
                try expectRefused(Wire.request(ApiKey.produce, 2, 1, [0, 1, 0, 0]), by: harness)
            }
        }

        @Test func `unframed SASL is refused in words that the client understands`() throws {
            let harness = try ProxyHarness()
            defer { harness.stop() }
            let client = try harness.connect()
            let mechanism = WireFields.of { $0.string("PLAIN") }
            try client.send(Wire.request(ApiKey.saslHandshake, 0, 3, mechanism))
            // Error 35 and no mechanisms.
            #expect(try client.receiveFrame() == [0, 0, 0, 3, 0, 35, 0, 0, 0, 0])
            #expect(try client.receiveFrame() == nil)
            #expect(harness.broker.requests(ApiKey.saslHandshake).isEmpty)
        }

        @Test func `a malformed Produce request closes the connection`() throws {
            for rules in [RuleSet(), testRules] {
                let harness = try ProxyHarness(rules)
                defer { harness.stop() }
                // The client id claims more bytes than there are.
                let head = WireFields.of {
                    $0.int16(ApiKey.produce)
                    $0.int16(7)
                    $0.int32(1)
                    $0.int16(30_000)
                }
                try expectRefused(Wire.framed(head + [1, 2, 3]), by: harness)
            }
        }

        @Test func `a huge request that Waxwing answers itself is not kept`() throws {
            let harness = try ProxyHarness { $0.heldBytesMax = 1 << 20 }
            defer { harness.stop() }
            let client = try harness.connect()
            let size = 64 << 20
            try client.send(
                Wire.request(ApiKey.apiVersions, 99, 1).dropFirst(4).reduce(
                    into: WireFields.of { $0.int32(Int32(size)) }
                ) { $0.append($1) })
            #expect(try client.receiveFrame()?.prefix(6) == [0, 0, 0, 1, 0, 35])
            let rest = [UInt8](repeating: 1, count: size - 15 - 1)
            let before = try residentBytes()
            try client.send(rest)
            // All but what is in the kernel's buffers has been read now.
            let after = try residentBytes()
            #expect(after - before < size / 2)
            try client.send([0] + Wire.request(ApiKey.apiVersions, 98, 2))
            #expect(try client.receiveFrame()?.prefix(6) == [0, 0, 0, 2, 0, 35])
        }
    }
}
