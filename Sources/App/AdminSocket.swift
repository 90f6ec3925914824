// AdminSocket: answers the operator's questions about the running proxy.

internal import Limits
internal import Proxy
internal import Telemetry
internal import Transport

/// The admin socket of a running proxy. Requests are one line:
///
/// | request | answer |
/// | --- | --- |
/// | `keys` | data keys and key services, one JSON object per line |
/// | `keys table` | the same as text in columns |
///
/// Nothing that it tells is a secret, and nothing can be changed through it; only the owner of the
/// process may open it even so.
internal final class AdminSocket: Sendable {
    static let keys = "keys"
    static let keysTable = "keys table"

    static let limits = LocalSocketLimits(
        requestBytesMax: KeyLimits.adminRequestBytesMax,
        answerBytesMax: KeyLimits.adminAnswerBytesMax,
        milliseconds: KeyLimits.adminMilliseconds)

    private let server: LocalServer

    /// Opens the socket and answers until `close`.
    ///
    /// - Parameter status: asked on the socket's own thread, so it may wait for the loops.
    init(
        path: String, log: Log, status: @escaping @Sendable () -> KeyStatus
    ) throws(LocalSocketError) {
        server = try LocalServer(path: path, limits: AdminSocket.limits) { line in
            switch line {
            case AdminSocket.keys: .ok(KeyStatusText(status()).json)
            case AdminSocket.keysTable: .ok(KeyStatusText(status()).table)
            default:
                .refused(
                    "there is no such request; there are `\(AdminSocket.keys)` and"
                        + " `\(AdminSocket.keysTable)`")
            }
        }
        log.info("admin socket opened", [.init("path", path)])
    }

    /// Stops answering. To be called before the loops are stopped, which a question waits for.
    func close() { server.stop() }
}
