// ScramLoginTests: names in SCRAM, and when they are proven.

import Rules
import TestSupport
import Testing

@testable import Principals

struct ScramLoginTests {
    private func name(_ message: [UInt8]) -> String? {
        WatchedClient.principal("SCRAM-SHA-256", message)?.name
    }

    @Test(arguments: ["SCRAM-SHA-256", "SCRAM-SHA-512"])
    func `the name is proven by the second answer only`(_ mechanism: String) {
        var client = WatchedClient()
        client.handshake(mechanism)
        client.send(Login.scram("user"))
        #expect(client.answer(Login.serverFirst) == .nothing)
        #expect(client.watch.principal == nil)
        client.send(Array(Login.clientFinal.utf8))
        #expect(client.watch.principal == nil)
        #expect(client.answer(Login.serverFinal) == .proven(Principal(name: "User:user")))
    }

    @Test(arguments: [
        ("user", "user"), ("a=2Cb", "a,b"), ("a=3Db", "a=b"), ("=2C=3D=2C", ",=,"),
        ("=3D2C", "=2C"), ("=3D3D", "=3D"), ("with space", "with space"), ("a;b\"c", "a;b\"c"),
    ])
    func `escapes in names are undone once`(_ written: String, _ meant: String) {
        #expect(name(Login.scram(written)) == "User:" + meant)
        #expect(name(Login.scram(written, header: "n,a=\(written),")) == "User:" + meant)
    }

    @Test(arguments: [
        "", "=", "a=", "a=2", "a=2c", "a=3d", "a=2D", "a=3C", "a==2C", "=3=2CD", "a=zz",
        "j\u{f6}rg", "a\u{7f}", "a\tb", "a\0b", "\u{212a}elvin",
    ])
    func `other names leave the client unknown`(_ written: String) {
        #expect(WatchedClient.principal("SCRAM-SHA-256", Login.scram(written)) == .unknown)
    }

    static let malformed: [[UInt8]] = [
        [], Array("n,,".utf8), Array("n,,n=user".utf8), Array("n,,n=user,".utf8),
        Array("n,,n=user,r=".utf8), Array("n=user,r=abc".utf8), Array("n,n=user,r=abc".utf8),
        Array("n,,r=abc,n=user".utf8), Array("n,,n=user,n=root,r=abc".utf8),
        Array("n,,m=x,n=user,r=abc".utf8), Array("n,,n=user,r=a b".utf8),
        Array("n,,n=user,r=abc,".utf8), Array("n,,n=user,r=\u{e9}".utf8),
        Login.scram("user", header: "y,,"), Login.scram("user", header: "p=tls-unique,,"),
        Login.scram("user", header: "n,a=,"), Login.scram("user", header: "n,a=root,"),
        Login.scram("user", header: "n,user,"), Login.scram("user", header: "N,,"),
        // Kafka would compare this authzid as it is written, others without its escape.
        Login.scram("a=3D2Cb", header: "n,a=a=2Cb,"),
        Login.scram(String(repeating: "a", count: 513)),
        Login.scram("user", extensions: String(repeating: "x", count: 524_288)),
    ]

    @Test(arguments: malformed)
    func `a malformed message that is accepted leaves the client unknown`(_ message: [UInt8]) {
        #expect(WatchedClient.principal("SCRAM-SHA-512", message) == .unknown)
    }

    @Test(arguments: [
        ",tokenauth=true", ",tokenauth=TRUE", ",x=y,tokenauth=true", ",tokenauth=true,x=y",
        ",tokenauth=false,tokenauth=true", ",tokenauth=false", ",TokenAuth=true", ",x=y",
    ])
    func `a delegation token's owner is unknown`(_ extensions: String) {
        var client = WatchedClient()
        let message = Login.scram("0ZkHyN8vTtqTfZbDnGE1gw", extensions: extensions)
        #expect(client.logIn("SCRAM-SHA-256", message) == .proven(.unknown))
    }

    @Test func `a wrong password proves nothing`() {
        var client = WatchedClient()
        client.handshake("SCRAM-SHA-256")
        client.send(Login.scram("user"))
        #expect(client.answer(Login.serverFirst) == .nothing)
        client.send(Array(Login.clientFinal.utf8))
        #expect(client.answer(errorCode: 58) == .failed)
        #expect(client.watch.principal == nil)
    }

    @Test func `an unknown user proves nothing`() {
        var client = WatchedClient()
        client.handshake("SCRAM-SHA-256")
        client.send(Login.scram("nobody"))
        #expect(client.answer(errorCode: 58) == .failed)
        #expect(client.watch.principal == nil)
    }

    @Test func `a refusal in SCRAM's words proves nothing`() {
        var client = WatchedClient()
        client.handshake("SCRAM-SHA-256")
        client.send(Login.scram("user"))
        #expect(client.answer(Login.serverFirst) == .nothing)
        client.send(Array(Login.clientFinal.utf8))
        #expect(client.answer("e=invalid-proof") == .failed)
        #expect(client.watch.principal == nil)
    }

    @Test(arguments: ["", "s=abc,r=abc", "v=abc", "e=other-error", "{}"])
    func `another answer to the first message leaves the client unknown`(_ token: String) {
        var client = WatchedClient()
        client.handshake("SCRAM-SHA-256")
        client.send(Login.scram("user"))
        #expect(client.answer(token) == .proven(.unknown))
    }

    @Test(arguments: ["", "r=abc", "V=abc", "{}"])
    func `another answer to the proof leaves the client unknown`(_ token: String) {
        var client = WatchedClient()
        client.handshake("SCRAM-SHA-256")
        client.send(Login.scram("user"))
        #expect(client.answer(Login.serverFirst) == .nothing)
        client.send(Array(Login.clientFinal.utf8))
        #expect(client.answer(token) == .proven(.unknown))
    }

    @Test(arguments: [Login.scram("root"), [], Array("p=abc".utf8)])
    func `a second first message leaves the client unknown`(_ message: [UInt8]) {
        var client = WatchedClient()
        client.handshake("SCRAM-SHA-256")
        client.send(Login.scram("user"))
        #expect(client.answer(Login.serverFirst) == .nothing)
        client.send(message)
        #expect(client.answer(Login.serverFinal) == .proven(.unknown))
    }

    @Test func `no message cut short gives another name`() {
        let message = Login.scram("a=2Cb", header: "n,a=a=2Cb,")
        let whole = message.count - Login.nonce.utf8.count
        for count in 0..<message.count {
            let found = name(Array(message.prefix(count)))
            #expect(found == (count > whole ? "User:a,b" : nil), "\(count) bytes")
        }
    }

    @Test func `garbage gives no name but the one that stands in it`() {
        var random = SeededRandom(seed: 0x5c4a)
        var named = 0
        for _ in 0..<8_000 {
            let header = random.next() % 2 == 0 ? "n,," : "n,a=al=2Cice,"
            var message = Login.scram("al=2Cice", header: header)
            for _ in 0...random.next() % 3 { mutate(&message, &random) }
            guard let found = name(message) else { continue }
            named += 1
            let escaped = found.dropFirst("User:".count)
                .replacing("=", with: "=3D").replacing(",", with: "=2C")
            let forms = ["n,,n=\(escaped),r=", "n,a=\(escaped),n=\(escaped),r="]
            #expect(forms.contains { message.starts(with: Array($0.utf8)) }, "\(message)")
        }
        #expect(named > 400)
    }
}
