// Session+LogIn: watches a client log in, to know who reads.

internal import Bytes
internal import KafkaWire
internal import Limits
internal import Loop
internal import Principals
internal import Rules
internal import Telemetry
internal import Transport

extension Session {
    /// Whether this connection's SASL messages are read. They pass unread when no rule asks.
    var watchesLogIn: Bool {
        if case .sasl = entrance.principal { return context.shared.asksWhoReads }
        return false
    }

    /// A SaslHandshake or SaslAuthenticate request is whole. Nothing else passes before its answer:
    /// what a client asks for belongs to who it is then.
    func beginLogIn(_ frame: ByteBuffer, _ header: RequestHeader) {
        let message = frame.bytes(in: 4..<frame.count)
        do {
            let header = try RequestHeader.parse(message)
            let body = message.extracting(header.end..<message.byteCount)
            if header.apiKey == ApiKey.saslHandshake {
                let mechanism = try SASLHandshakeRequest(body, version: header.apiVersion).mechanism
                logIn.handshakeRequested(mechanism: body.extracting(mechanism))
            } else {
                let token = try SASLAuthenticateRequest(body, version: header.apiVersion).token
                logIn.authenticateRequested(body.extracting(token))
            }
        } catch {
            close(.warn, "malformed log-in", [("reason", "\(error)")])
            return
        }
        upstream?.enqueue(frame)
        expect(.logIn, header)
        hold = .logIn
    }

    /// The broker has answered it.
    func logInAnswered(_ frame: ByteBuffer, _ pending: Pending) {
        let message = frame.bytes(in: 4..<frame.count)
        var outcome = SASLWatch.Outcome.nothing
        do {
            let header = try ResponseHeader.parse(
                message, apiKey: pending.apiKey, version: pending.version)
            let body = message.extracting(header.end..<message.byteCount)
            if pending.apiKey == ApiKey.saslHandshake {
                let answer = try SASLHandshakeResponse(body, version: pending.version)
                logIn.handshakeAnswered(errorCode: answer.errorCode)
            } else {
                let answer = try SASLAuthenticateResponse(body, version: pending.version)
                outcome = logIn.authenticateAnswered(
                    errorCode: answer.errorCode, token: body.extracting(answer.token),
                    sessionLifetimeMilliseconds: answer.sessionLifetimeMilliseconds)
            }
        } catch {
            close(
                .error, "a response could not be understood",
                [("api", "\(pending.apiKey)"), ("reason", "\(error)")])
            return
        }
        switch outcome {
        case .nothing, .failed: break
        case .proven(let principal): becomes(principal)
        case .changed:
            close(.warn, "closed: the client logged in again as another")
            return
        }
        client.enqueue(frame)
        hold = .none
        responseFinished()
    }

    private func becomes(_ principal: Principal) {
        reader = context.reader(for: principal)
        // What was found out about its fetches was for who it was before.
        ownFetchSessions = []
        log.debug("logged in", fields([("principal", "\(principal)")]))
        context.audit.loggedIn(principal, client: "\(peer)")
    }
}
