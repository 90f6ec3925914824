// WatchedClient: a watch and the messages that a test lets pass it.

import Bytes
import Rules

@testable import Principals

/// One connection with both of its ends played by the test.
struct WatchedClient {
    var watch: SASLWatch

    init(_ settings: SASLSettings = SASLSettings()) { watch = SASLWatch(settings: settings) }

    static func filled(_ bytes: [UInt8]) -> ByteBuffer {
        let buffer = ByteBuffer(capacity: bytes.count)
        buffer.append(bytes)
        return buffer
    }

    mutating func ask(_ mechanism: String) {
        let bytes = WatchedClient.filled(Array(mechanism.utf8))
        watch.handshakeRequested(mechanism: bytes.bytes)
    }

    mutating func handshake(_ mechanism: String, errorCode: Int16 = 0) {
        ask(mechanism)
        watch.handshakeAnswered(errorCode: errorCode)
    }

    mutating func send(_ message: [UInt8]) {
        let bytes = WatchedClient.filled(message)
        watch.authenticateRequested(bytes.bytes)
    }

    mutating func answer(
        _ token: String = "", errorCode: Int16 = 0, lifetime: Int64 = 0
    ) -> SASLWatch.Outcome {
        let bytes = WatchedClient.filled(Array(token.utf8))
        return watch.authenticateAnswered(
            errorCode: errorCode, token: bytes.bytes, sessionLifetimeMilliseconds: lifetime)
    }

    /// A whole log-in that the broker accepts, and what its last answer means.
    mutating func logIn(_ mechanism: String, _ message: [UInt8]) -> SASLWatch.Outcome {
        handshake(mechanism)
        send(message)
        guard mechanism.hasPrefix("SCRAM") else { return answer() }
        let first = answer(Login.serverFirst)
        guard first == .nothing else { return first }
        send(Array(Login.clientFinal.utf8))
        return answer(Login.serverFinal)
    }

    /// Who a new connection's client is after that log-in.
    static func principal(
        _ mechanism: String, _ message: [UInt8], _ settings: SASLSettings = SASLSettings()
    ) -> Principal? {
        var client = WatchedClient(settings)
        _ = client.logIn(mechanism, message)
        return client.watch.principal
    }
}

/// Messages as clients and brokers send them.
enum Login {
    static func plain(_ name: String, password: String = "secret", as other: String = "") -> [UInt8]
    {
        Array("\(other)\0\(name)\0\(password)".utf8)
    }

    // The exchange of RFC 7677 section 3, with the name of the test's choice.
    static let nonce = "rOprNGfwEbeRWgbNEkqO"
    static let serverFirst =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    static let clientFinal =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    static let serverFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

    /// - Parameter name: escaped already.
    static func scram(_ name: String, header: String = "n,,", extensions: String = "") -> [UInt8] {
        Array("\(header)n=\(name),r=\(nonce)\(extensions)".utf8)
    }

    static func bearer(
        _ token: String, header: String = "n,,", extensions: String = ""
    ) -> [UInt8] {
        Array("\(header)\u{1}auth=Bearer \(token)\u{1}\(extensions)\u{1}".utf8)
    }

    /// A token with that payload and a signature that nobody has made.
    static func token(
        _ payload: String, header: String = #"{"alg":"RS256","typ":"JWT","kid":"k1"}"#
    ) -> String {
        "\(base64URL(Array(header.utf8))).\(base64URL(Array(payload.utf8))).c2lnbmF0dXJl"
    }

    static func base64URL(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0...group.count { text.append(alphabet[word >> (18 - 6 * place) & 63]) }
        }
        return text
    }
}
