// PlainLoginTests: names in SASL/PLAIN.

import Rules
import TestSupport
import Testing

@testable import Principals

struct PlainLoginTests {
    private func name(_ message: [UInt8]) -> String? {
        WatchedClient.principal("PLAIN", message)?.name
    }

    @Test(arguments: ["alice", "a", "Bob Smith", "ops@example.org", "CN=x,O=y", "=2C", "j\u{f6}rg"])
    func `the authentication identity is the name`(_ name: String) {
        #expect(self.name(Login.plain(name)) == "User:" + name)
        #expect(self.name(Login.plain(name, as: name)) == "User:" + name)
    }

    @Test func `the bytes of a name are kept as they are`() throws {
        // One letter in two spellings: two users of a broker.
        let composed = try #require(name(Login.plain("\u{e9}")))
        let decomposed = try #require(name(Login.plain("e\u{301}")))
        #expect(Array(composed.utf8) == Array("User:\u{e9}".utf8))
        #expect(Array(decomposed.utf8) == Array("User:e\u{301}".utf8))
    }

    @Test func `the principal waits for the broker`() {
        var client = WatchedClient()
        client.handshake("PLAIN")
        client.send(Login.plain("alice"))
        #expect(client.watch.principal == nil)
        #expect(client.answer(lifetime: 60_000) == .proven(Principal(name: "User:alice")))
        #expect(client.watch.principal == Principal(name: "User:alice"))
    }

    @Test func `a refused password proves nothing`() {
        var client = WatchedClient()
        client.handshake("PLAIN")
        client.send(Login.plain("alice", password: "wrong"))
        #expect(client.answer(errorCode: 58) == .failed)
        #expect(client.watch.principal == nil)
    }

    @Test func `an answer that PLAIN does not have leaves the client unknown`() {
        var client = WatchedClient()
        client.handshake("PLAIN")
        client.send(Login.plain("alice"))
        #expect(client.answer("more") == .proven(.unknown))
    }

    static let malformed: [[UInt8]] = [
        [], [0], [0, 0], Array("alice".utf8), Array("\0alice".utf8), Array("\0alice\0".utf8),
        Array("\0\0secret".utf8), Array("alice\0\0secret".utf8),
        Array("\0alice\0secret\0".utf8), Array("\0alice\0secret\0more".utf8),
        Array("bob\0alice\0secret".utf8), Array("Alice\0alice\0secret".utf8),
        Array("\u{e9}\0e\u{301}\0secret".utf8),
        Array("\0al\nice\0secret".utf8), Array("\0alice\u{7f}\0secret".utf8),
        Array("\0alice\u{85}\0secret".utf8),
        [0, 0xff, 0, 0x70], [0, 0xc0, 0x80, 0, 0x70], [0, 0xed, 0xa0, 0x80, 0, 0x70],
        [0, 0xc3, 0, 0x70],
        Login.plain(String(repeating: "a", count: 513)),
        Login.plain("alice", as: String(repeating: "a", count: 600_000)),
    ]

    @Test(arguments: malformed)
    func `a malformed message that is accepted leaves the client unknown`(_ message: [UInt8]) {
        #expect(WatchedClient.principal("PLAIN", message) == .unknown)
    }

    @Test func `the longest name and a long password are taken`() {
        let longest = String(repeating: "a", count: 512)
        #expect(name(Login.plain(longest)) == "User:" + longest)
        let password = String(repeating: "p", count: 400_000)
        #expect(name(Login.plain("alice", password: password)) == "User:alice")
        let tooLong = String(repeating: "p", count: 524_288)
        #expect(name(Login.plain("alice", password: tooLong)) == nil)
    }

    @Test func `a password may be any bytes`() {
        #expect(name(Array("\0alice\0".utf8) + [0xff, 0xfe]) == "User:alice")
    }

    @Test func `no message cut short gives another name`() {
        let message = Login.plain("alice", as: "alice")
        for count in 0..<message.count {
            let found = name(Array(message.prefix(count)))
            #expect(found == (count > 12 ? "User:alice" : nil), "\(count) bytes")
        }
    }

    @Test func `garbage gives no name but the one that stands in it`() {
        var random = SeededRandom(seed: 0x91a1)
        var named = 0
        for _ in 0..<8_000 {
            var message = Login.plain("alice", as: random.next() % 2 == 0 ? "" : "alice")
            for _ in 0...random.next() % 3 { mutate(&message, &random) }
            guard let found = name(message) else { continue }
            named += 1
            let bytes = Array(found.dropFirst("User:".count).utf8)
            let forms = [[0] + bytes + [0], bytes + [0] + bytes + [0]]
            #expect(
                forms.contains {
                    message.starts(with: $0) && !message.dropFirst($0.count).contains(0)
                },
                "\(message)")
        }
        #expect(named > 400)
    }
}

/// Changes, removes or adds one byte.
func mutate(_ message: inout [UInt8], _ random: inout SeededRandom) {
    let at = message.isEmpty ? 0 : Int(random.next() % UInt64(message.count))
    let byte = UInt8(truncatingIfNeeded: random.next() >> 8)
    switch random.next() % 4 {
    case 0 where !message.isEmpty: message[at] = byte
    case 1 where !message.isEmpty: message.remove(at: at)
    case 2: message.insert(0, at: at)
    default: message.insert(byte, at: at)
    }
}
