// KeyServiceError: why a key service did not do what it was asked.

/// A key service's failure, in the terms that decide what a client is told.
package struct KeyServiceError: Error, Equatable, Sendable {
    /// What kind of failure it is. New kinds may come; compare with the constants.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case unavailable, unauthenticated, notFound, denied, disabled, corrupt
        }

        private let kind: Kind

        /// The service cannot be reached, is slow or overloaded: worth trying again.
        package static let unavailable = Code(kind: .unavailable)
        /// The service does not take this process for who it is: its own credentials have ended or
        /// are wrong. It says nothing of any key, and passes once there are good ones.
        package static let unauthenticated = Code(kind: .unauthenticated)
        /// There is no such key, or not the version that is asked for.
        package static let notFound = Code(kind: .notFound)
        /// The service does not let this process use the key.
        package static let denied = Code(kind: .denied)
        /// The key is there and has been switched off.
        package static let disabled = Code(kind: .disabled)
        /// The wrapped key, or what the service holds, is damaged or of another key.
        package static let corrupt = Code(kind: .corrupt)

        package var description: String { kind.rawValue }
    }

    /// What kind of failure it is.
    package let code: Code
    /// The key that was asked for, without secrets.
    package let key: String
    /// What happened, for a log line or a client's error message; never key bytes.
    package let message: String
    /// When set, the service is known to answer the same for so long, and need not be asked.
    package let retryAfterNanoseconds: UInt64?

    package init(
        _ code: Code, key: String, _ message: String, retryAfterNanoseconds: UInt64? = nil
    ) {
        self.code = code
        self.key = key
        self.message = message
        self.retryAfterNanoseconds = retryAfterNanoseconds
    }

    /// The same error with another time.
    internal func after(nanoseconds: UInt64?) -> KeyServiceError {
        KeyServiceError(code, key: key, message, retryAfterNanoseconds: nanoseconds)
    }
}

extension KeyServiceError: CustomStringConvertible {
    package var description: String { "key \(key): \(code): \(message)" }
}
