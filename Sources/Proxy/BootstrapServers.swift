// BootstrapServers: the order in which the cluster's known servers are tried.

internal import Loop
internal import Synchronization
internal import Telemetry
internal import Transport

/// The configured servers, those that answered lately first.
internal final class BootstrapServers: Sendable {
    private struct State {
        var next = 0
        var deadUntil: [HostPort: UInt64] = [:]
    }

    private static let deadNanoseconds: UInt64 = 30_000_000_000

    private let servers: [HostPort]
    private let state = Mutex(State())

    init(_ servers: [HostPort]) { self.servers = servers }

    /// All servers: in turn, so that connections spread, but the dead ones last.
    func order(now: UInt64) -> [HostPort] {
        state.withLock { state in
            state.next = (state.next + 1) % max(1, servers.count)
            let turned = servers[state.next...] + servers[..<state.next]
            let deadUntil = state.deadUntil
            let isDead = { (server: HostPort) in (deadUntil[server] ?? 0) > now }
            return turned.filter { !isDead($0) } + turned.filter(isDead)
        }
    }

    func failed(_ server: HostPort, now: UInt64) {
        state.withLock { $0.deadUntil[server] = now &+ BootstrapServers.deadNanoseconds }
    }

    func answered(_ server: HostPort) { state.withLock { $0.deadUntil[server] = nil } }
}

/// Tries the servers until one takes the connection.
internal final class BootstrapConnector {
    /// The socket and the server it leads to, or why none was reached.
    typealias Outcome = Result<(Socket, HostPort), ConnectError>

    private let loop: EventLoop
    private let shared: ProxyContext
    private var left: [HostPort]
    private var connector: Connector?
    private var done: ((Outcome) -> Void)?

    init(loop: EventLoop, shared: ProxyContext, _ done: @escaping (Outcome) -> Void) {
        self.loop = loop
        self.shared = shared
        self.done = done
        left = shared.servers.order(now: loop.now)
        // Outcomes come from the loop, never from inside the initialiser.
        loop.schedule(afterNanoseconds: 0) { [self] _ in
            tryNext(ConnectError(description: "no bootstrap server is configured"))
        }
    }

    func cancel() {
        done = nil
        connector?.cancel()
        connector = nil
    }

    private func finish(_ outcome: Outcome) {
        let done = self.done
        self.done = nil
        connector = nil
        done?(outcome)
    }

    private func tryNext(_ last: ConnectError) {
        guard done != nil else { return }
        guard !left.isEmpty else { return finish(.failure(last)) }
        let server = left.removeFirst()
        connector = Connector(
            host: server.host, port: server.port, resolver: shared.resolver, on: loop,
            timeoutNanoseconds: shared.settings.connectNanoseconds
        ) { [self] outcome in
            switch outcome {
            case .success(let socket):
                shared.servers.answered(server)
                finish(.success((socket, server)))
            case .failure(let error):
                shared.servers.failed(server, now: loop.now)
                shared.log.warn("bootstrap server failed", [.init("reason", "\(error)")])
                tryNext(error)
            }
        }
    }
}
