// SASLWatch: learns who a client is from the SASL messages of its connection.

package import Rules

/// Watches one connection's log-in pass by and says who has logged in, once the broker has agreed.
///
/// It is told of requests and answers in the order in which they pass, and changes none of them.
/// A name is taken from what the client says and counts when the broker accepts that very
/// exchange. Whatever leaves a doubt makes the client `.unknown`, which no rule for names or
/// groups fits: a message or an order that Kafka's own clients do not send and that is accepted
/// nevertheless, a mechanism that hides the name (GSSAPI), a delegation token, whose owner no
/// message names, a name that two readers could read differently.
///
/// The name is what the mechanism authenticates: PLAIN's authentication identity, SCRAM's user, a
/// token's subject. A broker with a principal builder of its own, or with pools that map tokens to
/// other identities, may call the client something else; rules do not. Names are compared byte by
/// byte, as Kafka's access control does, so a password service that takes `Bob` for `bob` lets
/// one person have two names.
///
/// A client may log in again on the same connection (KIP-368), as the same name only. What its
/// session lasts is the broker's to enforce: it closes the connection.
///
/// Of all messages only names and groups are kept: no password, proof or token. The space that a
/// token's payload is decoded into is zeroed.
package struct SASLWatch: Sendable {
    /// What an answer means for the connection.
    package enum Outcome: Sendable, Equatable {
        /// Nothing yet, or nothing new: the exchange goes on, or has proven again what was known.
        case nothing
        /// From now on the client is this one: its first log-in, or another set of groups in a
        /// later one. What was begun for the client as it was before ends as it began.
        case proven(Principal)
        /// The broker has let the client log in as another, or as one that could not be read,
        /// after it was known. The connection must be closed: what was asked under one name must
        /// not be answered under another.
        case changed
        /// The broker has refused. It closes the connection itself, and leaves the client who it
        /// was until then.
        case failed
    }

    /// Where the exchange stands.
    private enum Stage: Sendable {
        /// None is going on. Next: `asked`.
        case idle
        /// SaslHandshake is on its way. Next: `agreed`, or `idle` when it is refused.
        case asked(SASLMechanism)
        /// The client may send its first message. Next: `plain`, `bearer`, `scramFirst`, or
        /// `unreadable` for other mechanisms.
        case agreed(SASLMechanism)
        /// PLAIN's only message is on its way. Next: `idle`.
        case plain(Principal)
        /// OAUTHBEARER's message is on its way. Next: `idle`, or `bearerRefused`.
        case bearer(Principal)
        /// The broker has said why it refuses the token, and waits for the client to take note
        /// before it fails. Next: `unreadable`, as a client might send another token instead.
        case bearerRefused
        /// SCRAM's first message is on its way. Next: `scramChallenged`.
        case scramFirst(Principal)
        /// The broker wants a proof. Next: `scramFinal`.
        case scramChallenged(Principal)
        /// The proof is on its way. Next: `idle`.
        case scramFinal(Principal)
        /// Messages that cannot be read or came in an order that is not the mechanism's: whatever
        /// the broker accepts is unknown. Nobody can tell where it ends, so once something was
        /// accepted the next handshake begins anew: `asked`. A refusal ends it too: `idle`.
        case unreadable(wasAccepted: Bool)
    }

    private let settings: SASLSettings
    private var stage = Stage.idle
    /// Requests whose answers have not passed. A client sends one and waits.
    private var requestsInFlight = 0

    /// Who the client is; nil until the broker has accepted a log-in. While it logs in again this
    /// is who it was, as for the broker. Where the end of an exchange cannot be seen (GSSAPI), the
    /// client is `.unknown` from the first message that the broker does not refuse.
    package private(set) var principal: Principal?

    package init(settings: SASLSettings) { self.settings = settings }

    // MARK: handshake

    /// The client asks for a mechanism with SaslHandshake v1 or later.
    package mutating func handshakeRequested(mechanism: RawSpan) {
        requestsInFlight += 1
        let begins =
            switch stage {
            case .idle, .unreadable(wasAccepted: true): requestsInFlight == 1
            default: false
            }
        stage = begins ? .asked(SASLMechanism(mechanism)) : .unreadable(wasAccepted: false)
    }

    /// The broker has answered a SaslHandshake.
    package mutating func handshakeAnswered(errorCode: Int16) {
        requestsInFlight = max(requestsInFlight - 1, 0)
        switch stage {
        case .asked(let mechanism): stage = errorCode == 0 ? .agreed(mechanism) : .idle
        default: stage = .unreadable(wasAccepted: false)
        }
    }

    // MARK: messages

    /// The client sends a message of its mechanism with SaslAuthenticate.
    /// - Parameter message: its `auth_bytes`, of which nothing but a name is kept.
    package mutating func authenticateRequested(_ message: RawSpan) {
        requestsInFlight += 1
        stage = requestsInFlight == 1 ? afterRequest(message) : .unreadable(wasAccepted: false)
    }

    private func afterRequest(_ message: RawSpan) -> Stage {
        switch stage {
        case .agreed(.plain): .plain(PlainLogin.principal(message) ?? .unknown)
        case .agreed(.bearer): .bearer(BearerLogin.principal(message, settings) ?? .unknown)
        case .agreed(.scram): .scramFirst(ScramLogin.principal(message) ?? .unknown)
        case .scramChallenged(let claimed) where ScramLogin.isClientFinal(message):
            .scramFinal(claimed)
        default: .unreadable(wasAccepted: false)
        }
    }

    /// The broker has answered a SaslAuthenticate.
    /// - Parameters:
    ///   - errorCode: 0 says that the broker goes on, not yet that it has accepted.
    ///   - token: its `auth_bytes`; empty when there are none.
    ///   - sessionLifetimeMilliseconds: how long the log-in counts, 0 without end or in answers
    ///     that do not say. Nothing follows from it here.
    package mutating func authenticateAnswered(
        errorCode: Int16, token: RawSpan, sessionLifetimeMilliseconds: Int64
    ) -> Outcome {
        let wasAsked = requestsInFlight > 0
        requestsInFlight = max(requestsInFlight - 1, 0)
        guard errorCode == 0 else {
            stage = requestsInFlight == 0 ? .idle : .unreadable(wasAccepted: false)
            return .failed
        }
        guard wasAsked else { return acceptUnread() }
        switch stage {
        case .plain(let claimed) where token.isEmpty: return accept(claimed)
        case .bearer(let claimed):
            if token.isEmpty { return accept(claimed) }
            stage = .bearerRefused
            return .nothing
        case .scramFirst(let claimed) where ScramLogin.isServerFirst(token):
            stage = .scramChallenged(claimed)
            return .nothing
        case .scramFinal(let claimed) where ScramLogin.isServerFinal(token):
            return accept(claimed)
        case .scramFinal where ScramLogin.isServerError(token):
            stage = .idle
            return .failed
        default: return acceptUnread()
        }
    }

    // MARK: results

    private mutating func accept(_ claimed: Principal) -> Outcome {
        stage = .idle
        return prove(claimed)
    }

    private mutating func acceptUnread() -> Outcome {
        stage = .unreadable(wasAccepted: true)
        return prove(.unknown)
    }

    private mutating func prove(_ claimed: Principal) -> Outcome {
        guard let known = principal else {
            principal = claimed
            return .proven(claimed)
        }
        guard SASLWatch.isSameName(known, claimed) else {
            // Should the connection live on, it reads what strangers read.
            principal = .unknown
            return .changed
        }
        guard known != claimed else { return .nothing }
        // The newest token that the broker took says what holds now: a group that it leaves out
        // was taken away, which is what tokens that end are for.
        principal = claimed
        return .proven(claimed)
    }

    private static func isSameName(_ known: Principal, _ claimed: Principal) -> Bool {
        switch (known.name, claimed.name) {
        case (let known?, let claimed?): known.isSpelled(as: claimed)
        case (nil, nil): true
        default: false
        }
    }
}
