// CryptoError: what can go wrong in a cryptographic call, without any key or payload byte.

internal import COpenSSL

/// Why a cryptographic call failed.
package enum CryptoError: Error, Equatable, Sendable {
    /// The tag or integrity check does not match: wrong key, changed bytes, or other
    /// associated data. One case on purpose, so that nothing tells an attacker which.
    case authenticationFailed
    /// An input has a length (bytes) that the algorithm does not take.
    case badLength(of: String, bytes: Int)
    /// OpenSSL refused a call; `reason` is the newest entry of its error queue.
    case library(operation: String, reason: String)

    /// Takes the newest reason from this thread's OpenSSL error queue and empties the queue, so
    /// that a later call (TLS reads the same queue) does not trip over it.
    internal static func fromQueue(_ operation: String) -> CryptoError {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0 else { return .library(operation: operation, reason: "no reason given") }
        // SAFETY: ERR_reason_error_string returns a static string or NULL.
        let reason = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) }
        return .library(operation: operation, reason: reason ?? "error \(code)")
    }
}

extension CryptoError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .authenticationFailed: "authentication failed"
        case .badLength(let what, let bytes): "\(what) of \(bytes) bytes is not allowed"
        case .library(let operation, let reason): "\(operation) failed: \(reason)"
        }
    }
}
