// BearerLoginTests: tokens in SASL/OAUTHBEARER, and when they are proven.

import Foundation
import Rules
import TestSupport
import Testing

@testable import Principals

struct BearerLoginTests {
    private static let token = Login.token(#"{"sub":"alice","exp":1900000000}"#)

    private func name(_ message: [UInt8]) -> String? {
        WatchedClient.principal("OAUTHBEARER", message)?.name
    }

    @Test func `the token's subject is the name, once the broker answers with nothing`() {
        var client = WatchedClient()
        client.handshake("OAUTHBEARER")
        client.send(Login.bearer(Self.token))
        #expect(client.watch.principal == nil)
        #expect(client.answer(lifetime: 3_600_000) == .proven(Principal(name: "User:alice")))
    }

    @Test func `a refusal comes without an error code and proves nothing`() {
        var client = WatchedClient()
        client.handshake("OAUTHBEARER")
        client.send(Login.bearer(Self.token))
        #expect(client.answer(#"{"status":"invalid_token"}"#) == .nothing)
        #expect(client.watch.principal == nil)
        client.send([1])
        #expect(client.answer(errorCode: 58) == .failed)
        #expect(client.watch.principal == nil)
    }

    @Test func `a second token after a refusal leaves the client unknown`() {
        var client = WatchedClient()
        client.handshake("OAUTHBEARER")
        client.send(Login.bearer(Login.token(#"{"sub":"root"}"#)))
        #expect(client.answer(#"{"status":"invalid_token"}"#) == .nothing)
        client.send(Login.bearer(Self.token))
        #expect(client.answer() == .proven(.unknown))
    }

    @Test func `an acknowledged refusal that is then accepted leaves the client unknown`() {
        var client = WatchedClient()
        client.handshake("OAUTHBEARER")
        client.send(Login.bearer(Self.token))
        #expect(client.answer(#"{"status":"invalid_token"}"#) == .nothing)
        client.send([1])
        #expect(client.answer() == .proven(.unknown))
    }

    @Test(arguments: [
        "", "logicalCluster=lkc-1\u{1}identityPoolId=pool-2\u{1}", "traceId=a b\t\r\n=~\u{1}",
        "host=h\u{1}port=9\u{1}",
    ])
    func `extensions change nothing`(_ extensions: String) {
        let message = Login.bearer(Self.token, extensions: extensions)
        #expect(name(message) == "User:alice")
    }

    @Test(arguments: ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer   "])
    func `the scheme is taken in any case`(_ scheme: String) {
        let text = "n,,\u{1}auth=\(scheme) \(Self.token)\u{1}\u{1}"
        #expect(name(Array(text.utf8)) == "User:alice")
    }

    @Test func `an authorization identity must be the subject`() {
        #expect(name(Login.bearer(Self.token, header: "n,a=alice,")) == "User:alice")
        let comma = Login.token(#"{"sub":"a,b"}"#)
        #expect(name(Login.bearer(comma, header: "n,a=a=2Cb,")) == "User:a,b")
        for header in ["n,a=bob,", "n,a=,", "n,a=Alice,", "n,a=alice=2C,", "y,,", "p=x,,", "n,"] {
            #expect(name(Login.bearer(Self.token, header: header)) == nil, "\(header)")
        }
        let escape = Login.token(#"{"sub":"a=2Cb"}"#)
        #expect(name(Login.bearer(escape, header: "n,a=a=2Cb,")) == nil)
    }

    static let malformed: [String] = [
        "", "n,,", "n,,\u{1}", "n,,\u{1}\u{1}", "n,,\u{1}auth=Bearer \(token)",
        "n,,\u{1}auth=Bearer \(token)\u{1}", "n,,auth=Bearer \(token)\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token)\u{1}\u{1}\u{1}", "n,,\u{1}auth=Bearer \(token)\u{1}\u{1}x",
        "n,,\u{1}auth=Bearer\(token)\u{1}\u{1}", "n,,\u{1}auth=Basic \(token)\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token) \u{1}\u{1}", "n,,\u{1}auth= Bearer \(token)\u{1}\u{1}",
        "n,,\u{1}Auth=Bearer \(token)\u{1}\u{1}", "n,,\u{1}xauth=Bearer \(token)\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \u{1}\u{1}", "n,,\u{1}auth=\u{1}\u{1}", "n,,\u{1}host=x\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token)\u{1}auth=Bearer \(token)\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token)\u{1}a b=c\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token)\u{1}a1=c\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token)\u{1}a=\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token)\u{1}=c\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token)\u{1}a=\u{e9}\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token)\0\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \(token),scope=x\u{1}\u{1}",
    ]

    @Test(arguments: malformed)
    func `a malformed message that is accepted leaves the client unknown`(_ message: String) {
        #expect(WatchedClient.principal("OAUTHBEARER", Array(message.utf8)) == .unknown)
    }

    @Test(arguments: [
        "opaque", "eyJhbGciOiJub25lIn0", "a.b", "a.b.c", "a.b.c.d.e", "..", "...",
    ])
    func `the owner of an opaque token is unknown`(_ token: String) {
        #expect(WatchedClient.principal("OAUTHBEARER", Login.bearer(token)) == .unknown)
    }

    @Test func `a huge token is not read`() {
        let filler = String(repeating: "x", count: 300_000)
        let large = Login.token(#"{"sub":"alice","filler":"\#(filler)"}"#)
        #expect(name(Login.bearer(large)) == "User:alice")
        let tooLarge = Login.token(#"{"sub":"alice","filler":"\#(filler)\#(filler)"}"#)
        #expect(WatchedClient.principal("OAUTHBEARER", Login.bearer(tooLarge)) == .unknown)
    }

    @Test func `no message cut short gives a name`() {
        let message = Login.bearer(Self.token, header: "n,a=alice,", extensions: "k=v\u{1}")
        for count in 0..<message.count {
            #expect(name(Array(message.prefix(count))) == nil, "\(count) bytes")
        }
    }

    @Test func `garbage gives no name but the one that stands in the token`() throws {
        var random = SeededRandom(seed: 0xbea4)
        var named = 0
        for _ in 0..<5_000 {
            var message = Login.bearer(Self.token)
            for _ in 0...random.next() % 2 { mutate(&message, &random) }
            guard let found = name(message) else { continue }
            named += 1
            #expect(try subject(message).map { "User:" + $0 } == found, "\(message)")
        }
        #expect(named > 100)
    }

    /// The subject by another reader.
    private func subject(_ message: [UInt8]) throws -> String? {
        let text = String(decoding: message, as: UTF8.self)
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        var payload = String(parts[1]).replacing("-", with: "+").replacing("_", with: "/")
        while !payload.utf8.count.isMultiple(of: 4) { payload += "=" }
        let json = try #require(Data(base64Encoded: payload))
        return (try JSONSerialization.jsonObject(with: json) as? [String: Any])?["sub"] as? String
    }
}
