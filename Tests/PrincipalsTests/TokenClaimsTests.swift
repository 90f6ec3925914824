// TokenClaimsTests: names and groups in the payloads of tokens.

import Foundation
import Rules
import TestSupport
import Testing

@testable import Principals

struct TokenClaimsTests {
    private func principal(
        _ payload: String, subject: String = "sub", groups: String? = nil
    ) -> Principal? {
        WatchedClient.principal(
            "OAUTHBEARER", Login.bearer(Login.token(payload)),
            SASLSettings(subjectClaim: subject, groupsClaim: groups))
    }

    // MARK: name

    @Test(arguments: [
        (#"{"sub":"alice"}"#, "alice"), (#" { "exp" : 1 , "sub" : "alice" } "#, "alice"),
        (#"{"sub":"\u0061lice"}"#, "alice"), (#"{"s\u0075b":"alice"}"#, "alice"),
        (#"{"sub":"j\u00f6rg"}"#, "j\u{f6}rg"), (#"{"sub":"jörg"}"#, "j\u{f6}rg"),
        (#"{"sub":"\ud83d\ude00"}"#, "\u{1f600}"), (#"{"sub":"a\"b\\c\/d"}"#, "a\"b\\c/d"),
        (#"{"sub":"a b"}"#, "a b"), (#"{"Sub":"root","sub":"alice"}"#, "alice"),
        (#"{"act":{"sub":"root"},"sub":"alice"}"#, "alice"),
        (#"{"list":[{"sub":"root"}],"sub":"alice","x":"sub"}"#, "alice"),
        (#"{"aud":["a","b"],"sub":"alice","n":-1.5e3,"t":true,"z":null}"#, "alice"),
        (#"{"aud":"a","aud":"b","sub":"alice"}"#, "alice"),
    ])
    func `the subject is the member at the top`(_ payload: String, _ name: String) {
        #expect(principal(payload) == Principal(name: "User:" + name))
    }

    @Test(arguments: [
        "", "{}", "[]", "null", #""alice""#, #"["sub","alice"]"#, #"{"sub":null}"#,
        #"{"sub":7}"#, #"{"sub":true}"#, #"{"sub":["alice"]}"#, #"{"sub":{"x":"alice"}}"#,
        #"{"sub":""}"#, #"{"sub":" alice"}"#, #"{"sub":"alice "}"#, #"{"sub":" "}"#,
        #"{"sub":"al\u0000ice"}"#, #"{"sub":"al\nice"}"#, #"{"sub":"al\u007fice"}"#,
        #"{"sub":"\ud83d"}"#, #"{"sub":"\ude00\ud83d"}"#,
        #"{"sub":"alice","sub":"bob"}"#, #"{"sub":"alice","sub":"alice"}"#,
        #"{"sub":"alice","s\u0075b":"bob"}"#, #"{"sub":"alice","sub":null}"#,
        #"{"sub":"alice""#, #"{"sub":"alice"}}"#, #"{"sub":"alice"} x"#, #"{"sub":"alice",}"#,
        #"{"sub":'alice'}"#, #"{sub:"alice"}"#, #"{"sub":"alice","x":01}"#,
        "\u{feff}{\"sub\":\"a\"}",
        #"{"act":{"sub":"root"}}"#, #"{"Sub":"alice"}"#, #"{"sub ":"alice"}"#,
    ])
    func `any other payload leaves the client unknown`(_ payload: String) {
        #expect(principal(payload) == .unknown)
    }

    @Test func `a deep payload is not read`() {
        let deep = { (count: Int) in
            let open = String(repeating: "[", count: count)
            let close = String(repeating: "]", count: count)
            return #"{"x":\#(open)\#(close),"sub":"alice"}"#
        }
        #expect(principal(deep(20)) == Principal(name: "User:alice"))
        #expect(principal(deep(100_000)) == .unknown)
    }

    @Test func `names have a longest length, however they are written`() {
        let longest = String(repeating: "a", count: 512)
        #expect(principal(#"{"sub":"\#(longest)"}"#) == Principal(name: "User:" + longest))
        let escaped = String(repeating: #"\u0061"#, count: 512)
        #expect(principal(#"{"sub":"\#(escaped)"}"#) == Principal(name: "User:" + longest))
        #expect(principal(#"{"sub":"\#(longest)a"}"#) == .unknown)
        #expect(principal(#"{"sub":"\#(escaped)a"}"#) == .unknown)
    }

    @Test func `garbage gives no name but the one that another reader finds`() {
        var random = SeededRandom(seed: 0x10c7)
        let payload = #"{"aud":["x",{"sub":"root"}],"sub":"al\u0069ce","s":"a\"b","exp":1.5e3}"#
        var named = 0
        for _ in 0..<8_000 {
            var bytes = Array(payload.utf8)
            for _ in 0...random.next() % 3 { mutate(&bytes, &random) }
            let text = bytes.map { $0 & 0x7f }
            let token = Login.token(String(decoding: text, as: UTF8.self))
            guard let found = principal(token: token)?.name else { continue }
            named += 1
            let other = try? JSONSerialization.jsonObject(with: Data(text)) as? [String: Any]
            #expect((other?["sub"] as? String).map { "User:" + $0 } == found, "\(text)")
        }
        #expect(named > 400)
    }

    @Test func `the claim may be another`() {
        let payload = #"{"sub":"7","https://example.org/user.name":"alice"}"#
        let claim = "https://example.org/user.name"
        #expect(principal(payload, subject: claim) == Principal(name: "User:alice"))
        #expect(principal(payload, subject: "azp") == .unknown)
    }

    // MARK: token

    private func principal(token: String) -> Principal? {
        WatchedClient.principal("OAUTHBEARER", Login.bearer(token))
    }

    @Test(arguments: [
        #"{"alg":"none"}"#, #"{"alg":"ES256"}"#, #"{"typ":"at+jwt","alg":"PS512","x5c":["a"]}"#,
    ])
    func `the algorithm is the broker's concern`(_ header: String) {
        let token = Login.token(#"{"sub":"alice"}"#, header: header)
        #expect(principal(token: token) == Principal(name: "User:alice"))
    }

    @Test func `a signature may be empty`() {
        let token = Login.token(#"{"sub":"alice"}"#, header: #"{"alg":"none"}"#)
        let unsigned = token.prefix { $0 != "." } + token.drop { $0 != "." }.dropLast(12)
        #expect(unsigned.hasSuffix("."))
        #expect(principal(token: String(unsigned)) == Principal(name: "User:alice"))
    }

    @Test(arguments: [
        "", "{}", "[]", "x", #"{"typ":"JWT"}"#, #"{"alg":7}"#, #"{"alg":"a","alg":"b"}"#,
        #"{"alg":"RS256","crit":["b64"],"b64":false}"#, #"{"alg":"RS256","crit":null}"#,
    ])
    func `a header that says something else leaves the client unknown`(_ header: String) {
        #expect(principal(token: Login.token(#"{"sub":"alice"}"#, header: header)) == .unknown)
    }

    @Test func `a huge header is not read`() {
        let filler = String(repeating: "x", count: 60_000)
        let header = #"{"alg":"RS256","x5c":["\#(filler)"]}"#
        #expect(principal(token: Login.token(#"{"sub":"alice"}"#, header: header)) == .unknown)
    }

    @Test func `only canonical base64 is read`() {
        // 16 bytes: the last of 22 characters has four bits that must be zero.
        let payload = Login.base64URL(Array(#"{"sub":"alice"} "#.utf8))
        let header = Login.base64URL(Array(#"{"alg":"none"}"#.utf8))
        #expect(payload.hasSuffix("A"))
        #expect(principal(token: "\(header).\(payload).") == Principal(name: "User:alice"))
        for other in ["\(payload)==", "\(payload)=", "\(payload.dropLast())B", "\(payload)A"] {
            #expect(principal(token: "\(header).\(other).") == .unknown, "\(other)")
        }
        // The other alphabet, where the two differ.
        let token = Login.token(#"{"sub":"a?>~"}"#)
        #expect(token.contains { $0 == "-" || $0 == "_" })
        #expect(principal(token: token) == Principal(name: "User:a?>~"))
        let standard = token.replacing("-", with: "+").replacing("_", with: "/")
        #expect(principal(token: standard) == .unknown)
    }

    @Test func `malformed UTF-8 in a name leaves the client unknown`() {
        let payload = Array(#"{"sub":"al"#.utf8) + [0xff] + Array(#"ice"}"#.utf8)
        let header = Login.base64URL(Array(#"{"alg":"none"}"#.utf8))
        #expect(principal(token: "\(header).\(Login.base64URL(payload)).") == .unknown)
    }

    // MARK: groups

    private func groups(_ value: String) -> [String]? {
        let found = principal(#"{"sub":"alice","groups":\#(value)}"#, groups: "groups")
        return found?.name == "User:alice" ? found?.groups : nil
    }

    @Test(arguments: [
        (#"["fraud","ops"]"#, ["fraud", "ops"]), (#"["a b","c,d"]"#, ["a b", "c,d"]),
        (#"[]"#, []), (#"null"#, []), (#""fraud ops""#, ["fraud", "ops"]),
        (#""fraud,ops""#, ["fraud", "ops"]), (#"" fraud , ops,""#, ["fraud", "ops"]),
        (#""""#, []), (#""fraud""#, ["fraud"]), (#"["fr\u0061ud"]"#, ["fraud"]),
    ])
    func `groups are a list or words`(_ value: String, _ wanted: [String]) {
        #expect(groups(value) == wanted)
    }

    @Test func `a mark that joins a separator does not hide it`() {
        #expect(groups("\"fraud,\u{301}ops\"") == ["fraud", "\u{301}ops"])
    }

    @Test(arguments: [
        "7", "true", "{}", #"{"fraud":true}"#, #"["fraud",7]"#, #"["fraud",null]"#,
        #"["fraud",["ops"]]"#, #"["fraud",""]"#, #"["fr\u0000aud"]"#, #""fraud\tops""#,
        #"["\ud800"]"#,
    ])
    func `groups that cannot be read leave the client unknown`(_ value: String) {
        #expect(
            principal(#"{"sub":"alice","groups":\#(value)}"#, groups: "groups") == .unknown)
    }

    @Test func `two claims of groups leave the client unknown`() {
        let payload = #"{"sub":"alice","groups":["a"],"groups":["b"]}"#
        #expect(principal(payload, groups: "groups") == .unknown)
        #expect(principal(payload) == Principal(name: "User:alice"))
    }

    @Test func `groups are not read unless they are asked for`() {
        let payload = #"{"sub":"alice","groups":["fraud"]}"#
        #expect(principal(payload) == Principal(name: "User:alice"))
        #expect(principal(payload, groups: "roles") == Principal(name: "User:alice"))
        #expect(
            principal(payload, groups: "groups")
                == Principal(name: "User:alice", groups: ["fraud"]))
    }

    @Test func `groups beyond a limit leave the client unknown instead of without some`() {
        let names = (0..<512).map { "g\($0)" }
        let list = { (names: [String]) in
            "[" + names.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        }
        #expect(groups(list(names)) == names)
        #expect(groups("\"" + names.joined(separator: " ") + "\"") == names)
        #expect(groups(list(names + ["more"])) == nil)
        #expect(groups("\"" + names.joined(separator: " ") + " more\"") == nil)
        let long = String(repeating: "g", count: 256)
        #expect(groups(list([long])) == [long])
        #expect(groups(list([long + "g"])) == nil)
        #expect(groups(list(Array(repeating: long, count: 128))) != nil)
        #expect(groups(list(Array(repeating: long, count: 129))) == nil)
    }
}
