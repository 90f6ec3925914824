// SASLMessages: the messages of a log-in, and a broker that takes them, for tests.

internal import KafkaWire

/// Requests and answers of a log-in (KIP-152).
package enum SASLMessage {
    // MARK: what a client sends

    /// SaslHandshake v1, whole.
    package static func handshake(_ correlation: Int32, _ mechanism: String) -> [UInt8] {
        Wire.request(
            ApiKey.saslHandshake, 1, correlation, WireFields.of { $0.string(mechanism) })
    }

    /// SaslAuthenticate v0 to v2, whole.
    package static func authenticate(
        _ correlation: Int32, _ token: [UInt8], version: Int16 = 2
    ) -> [UInt8] {
        let body = WireFields.of(flexible: version >= 2) { fields in
            fields.data(token)
            fields.tags()
        }
        return Wire.request(ApiKey.saslAuthenticate, version, correlation, body)
    }

    /// The message of PLAIN (RFC 4616).
    package static func plain(_ name: String, password: String = "secret") -> [UInt8] {
        [0] + Array(name.utf8) + [0] + Array(password.utf8)
    }

    /// SCRAM's first message (RFC 5802).
    /// - Parameter name: as it stands on the wire, escapes and all.
    package static func scramFirst(_ name: String) -> [UInt8] {
        Array("n,,n=\(name),r=clientnonce".utf8)
    }

    /// SCRAM's second message.
    /// - Parameter proof: the broker of the tests refuses `wrong`.
    package static func scramFinal(proof: String = "cHJvb2Y=") -> [UInt8] {
        Array("c=biws,r=clientnonceservernonce,p=\(proof)".utf8)
    }

    /// The message of OAUTHBEARER (RFC 7628) with a token that nobody has signed.
    /// - Parameter claims: the payload, in base64url without padding.
    package static func bearer(_ claims: String) -> [UInt8] {
        Array("n,,\u{1}auth=Bearer eyJhbGciOiJub25lIn0.\(claims).\u{1}\u{1}".utf8)
    }

    /// The token in a SaslAuthenticate request.
    package static func token(_ request: BrokerRequest) -> [UInt8] {
        var reader = WireReader(
            request.frame, from: request.body, flexible: request.version >= 2)
        return reader.data() ?? []
    }

    // MARK: what a broker answers

    /// The body of the answer to SaslHandshake.
    package static func handshakeAnswer(_ error: Int16 = 0) -> [UInt8] {
        WireFields.of { fields in
            fields.int16(error)
            fields.array(["PLAIN", "SCRAM-SHA-256"]) { $0.string($1) }
        }
    }

    /// The body of the answer to SaslAuthenticate.
    package static func answer(
        _ version: Int16, error: Int16 = 0, token: [UInt8] = [], lifetime: Int64 = 3_600_000
    ) -> [UInt8] {
        WireFields.of(flexible: version >= 2) { fields in
            fields.int16(error)
            fields.string(error == 0 ? nil : "planted")
            fields.data(token)
            if version >= 1 { fields.int64(lifetime) }
            fields.tags()
        }
    }

    /// What a broker says to a message: whoever has the password `wrong` is refused.
    fileprivate static func answer(to token: [UInt8], _ version: Int16) -> [UInt8] {
        let text = String(decoding: token, as: UTF8.self)
        if text.hasSuffix("wrong") { return answer(version, error: 58) }
        if text.hasPrefix("c=") { return answer(version, token: Array("v=c2lnbg==".utf8)) }
        if text.hasPrefix("n,"), !text.contains("auth=Bearer") {
            let challenge = "r=clientnonceservernonce,s=c2FsdA==,i=4096"
            return answer(version, token: Array(challenge.utf8))
        }
        return answer(version)
    }
}

extension ScriptedBroker {
    /// Lets clients log in: every handshake is taken, and every message but those that end in
    /// `wrong`.
    package func takeLogIns() {
        on(ApiKey.saslHandshake) { _ in .body(SASLMessage.handshakeAnswer()) }
        on(ApiKey.saslAuthenticate) { request in
            .body(SASLMessage.answer(to: SASLMessage.token(request), request.version))
        }
    }
}

extension BlockingSocket {
    /// Logs in with PLAIN.
    /// - Returns: the broker's error code, 0 when it has accepted.
    package func logIn(_ name: String, password: String = "secret") throws -> Int16 {
        try send(SASLMessage.handshake(-1, "PLAIN"))
        guard try receiveFrame() != nil else { throw SocketFailure.ended(received: 0) }
        let token = SASLMessage.plain(name, password: password)
        try send(SASLMessage.authenticate(-2, token))
        guard let frame = try receiveFrame() else { throw SocketFailure.ended(received: 0) }
        var reader = WireReader(
            frame, from: Wire.bodyStart(ApiKey.saslAuthenticate, 2), flexible: true)
        return reader.int16()
    }
}
