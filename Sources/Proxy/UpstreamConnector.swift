// UpstreamConnector: leads a client to the broker that it dialled for.

internal import Loop
internal import Transport

/// Finds and connects the broker behind an entrance.
///
/// A client may dial a node's port before this process has seen the node: it remembers addresses
/// from before a restart, or was told them by another instance. Then the cluster is asked first.
/// When the cluster cannot be asked without logging in, the client is led to a bootstrap server,
/// to ask on the client's own connection.
internal final class UpstreamConnector {
    struct Found {
        let socket: Socket
        /// What the connection was made to.
        let name: String
        /// False when it may be another broker than the client wants.
        let isRight: Bool
    }

    typealias Outcome = Result<Found, ConnectError>

    private let entrance: Entrance
    private let context: LoopContext
    private var done: ((Outcome) -> Void)?
    private var connector: Connector?
    private var bootstrap: BootstrapConnector?
    private var hasAsked = false

    init(entrance: Entrance, context: LoopContext, _ done: @escaping (Outcome) -> Void) {
        self.entrance = entrance
        self.context = context
        self.done = done
        // Outcomes come from the loop, never from inside the initialiser.
        context.loop.schedule(afterNanoseconds: 0) { [self] _ in start() }
    }

    func cancel() {
        done = nil
        connector?.cancel()
        bootstrap?.cancel()
        connector = nil
        bootstrap = nil
        // They hold this object.
        connector = nil
        bootstrap = nil
    }

    private func start() {
        guard done != nil else { return }
        guard let node = entrance.node else { return connectBootstrap(isRight: true) }
        guard let address = context.shared.nodes.address(of: node) else {
            return ask(node, after: nil)
        }
        connect(node, address)
    }

    private func connect(_ node: Int32, _ address: HostPort) {
        connector = Connector(
            host: address.host, port: address.port, resolver: context.shared.resolver,
            on: context.loop, timeoutNanoseconds: context.shared.settings.connectNanoseconds
        ) { [self] outcome in
            switch outcome {
            case .success(let socket):
                finish(.success(Found(socket: socket, name: "\(address)", isRight: true)))
            case .failure(let error):
                // The broker may have moved.
                ask(node, after: (address, error))
            }
        }
    }

    private func ask(_ node: Int32, after failed: (HostPort, ConnectError)?) {
        guard !hasAsked else { return finish(.failure(failed?.1 ?? unknown(node))) }
        hasAsked = true
        context.probe.refresh(
            context.loop.reply { [self] (outcome: Result<Bool, ConnectError>, _) in
                guard done != nil else { return }
                let address = context.shared.nodes.address(of: node)
                if let address, address != failed?.0 {
                    connect(node, address)
                } else if let failed {
                    finish(.failure(failed.1))
                } else if case .success = outcome {
                    finish(.failure(unknown(node)))
                } else {
                    connectBootstrap(isRight: false)
                }
            })
    }

    private func unknown(_ node: Int32) -> ConnectError {
        ConnectError(description: "the cluster has no broker with node id \(node)")
    }

    private func connectBootstrap(isRight: Bool) {
        bootstrap = BootstrapConnector(loop: context.loop, shared: context.shared) {
            [self] outcome in
            switch outcome {
            case .success(let (socket, server)):
                finish(.success(Found(socket: socket, name: "\(server)", isRight: isRight)))
            case .failure(let error): finish(.failure(error))
            }
        }
        // An attempt that failed at once has told so already, before it was noted here.
        if done == nil { bootstrap = nil }
    }

    private func finish(_ outcome: Outcome) {
        let done = self.done
        self.done = nil
        connector = nil
        bootstrap = nil
        done?(outcome)
    }
}
