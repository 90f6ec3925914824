// ServiceStatus: how a key service does, for people and metrics; no secrets.

/// Calls since the start of the process.
package struct ServiceCounts: Equatable, Sendable {
    /// Calls that the service was sent.
    package internal(set) var made: UInt64 = 0
    /// Of these, what ended with an error of any kind.
    package internal(set) var failed: UInt64 = 0
    /// Calls that were answered without asking: known refusals, and outages.
    package internal(set) var refused: UInt64 = 0
    /// Calls that shared the answer to another.
    package internal(set) var joined: UInt64 = 0

    internal init() {}
}

/// What is known of one key service.
package struct ServiceStatus: Equatable, Sendable {
    /// States of the breaker.
    package enum State: String, Sendable {
        /// Calls are made.
        case closed
        /// The service is taken to be out; calls are refused at once.
        case open
        /// One call is made to see whether it answers again.
        case trying
    }

    /// Its name in the configuration.
    package let service: String
    package internal(set) var state: State
    /// Failures without an answer between them.
    package internal(set) var failuresInRow: UInt64 = 0
    /// To the next try, when the breaker is open.
    package internal(set) var retryInMilliseconds: UInt64 = 0
    package internal(set) var underWay = 0
    package internal(set) var queued = 0
    package internal(set) var counts: ServiceCounts
    /// Why the last call failed, while the failures go on.
    package internal(set) var lastFailure: String?

    internal init(service: String, state: State, counts: ServiceCounts) {
        self.service = service
        self.state = state
        self.counts = counts
    }
}
