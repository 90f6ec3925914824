// HTTPRequest: one call over HTTP, and the ways in which there is no answer.

internal import Crypto

/// A call to the server.
internal struct HTTPRequest: Sendable {
    /// From `/v1` on, escaped.
    internal let path: String
    /// JSON; nil makes it a GET.
    internal let body: SecretBytes?
    /// Goes into `X-Vault-Token`.
    internal let token: SecretBytes?

    internal init(path: String, body: SecretBytes? = nil, token: SecretBytes? = nil) {
        self.path = path
        self.body = body
        self.token = token
    }
}

/// Why there is no answer. The sentences hold nothing that came from the network.
internal enum HTTPFailure: Error, Equatable, Sendable {
    /// `close` was called.
    case closed
    /// More calls wait than may.
    case overloaded
    /// The name cannot be resolved.
    case unknownHost
    /// Nobody accepts connections, or the connection broke.
    case unreachable(String)
    /// It took too long; `isConnected` tells whether the server had been reached.
    case timedOut(isConnected: Bool)
    case tls(String)
    /// The answer breaks off, is no HTTP, or is too large.
    case badAnswer(String)
    /// A redirect that is not followed.
    case redirect(String)
    /// libcurl could not do it for a reason of its own.
    case system(code: Int)

    internal var sentence: String {
        switch self {
        case .closed: "the key service is being shut down"
        case .overloaded: "too many calls wait for the key service"
        case .unknownHost: "the host name of the key service cannot be resolved"
        case .unreachable(let what): "no connection to the key service: \(what)"
        case .timedOut(isConnected: false): "no connection to the key service in time"
        case .timedOut(isConnected: true): "the key service did not answer in time"
        case .tls(let what): "TLS with the key service failed: \(what)"
        case .badAnswer(let what): "the key service's answer \(what)"
        case .redirect(let what): "the key service redirects \(what)"
        case .system(let code): "the key service cannot be called (libcurl error \(code))"
        }
    }
}

/// A call that waits or runs.
internal struct HTTPJob: Sendable {
    internal let request: HTTPRequest
    /// Monotonic nanoseconds.
    internal let deadline: UInt64
    /// Called once, on the thread of the client, with the status and the body. The body is zeroed
    /// afterwards.
    internal let finish: @Sendable (Result<Int, HTTPFailure>, RawSpan) -> Void
}
