// Acceptor: takes connections from one listening socket and spreads them over the loops.

internal import Limits
package import Loop

/// A listening socket. It lives on one loop and hands each connection to the next loop in turn,
/// which keeps a handful of busy connections apart better than the kernel's hashing does.
package final class Acceptor: EventHandler {
    /// Takes a connection, on the loop that it was given to.
    package typealias Taker = @Sendable (Socket.Parcel, SocketAddress, EventLoop) -> Void

    private let loop: EventLoop
    private let socket: Socket
    private let targets: [LoopHandle]
    private let take: Taker
    private let failed: (SystemError) -> Void
    private var registration: Registration?
    private var next: Int
    private var retry: LoopTimer?

    /// The address that is listened on, with the port that the system chose when 0 was asked for.
    package let address: SocketAddress

    /// Starts to listen.
    /// - Parameter failed: told when connections cannot be taken for now (out of descriptors);
    ///   taking goes on by itself.
    package init(
        on address: SocketAddress, loop: EventLoop, spreadOver targets: [LoopHandle],
        _ take: @escaping Taker, failed: @escaping (SystemError) -> Void
    ) throws(SystemError) {
        precondition(!targets.isEmpty, "an acceptor needs a loop to give connections to")
        self.loop = loop
        self.targets = targets
        self.take = take
        self.failed = failed
        next = Int(address.port) % targets.count
        socket = try Socket.listening(on: address, backlog: TransportLimits.acceptBacklog)
        self.address = try socket.localAddress()
        registration = try loop.add(socket, self)
    }

    /// Stops listening; connections that wait in the backlog are reset.
    package func close() {
        if let registration { loop.remove(registration, socket) }
        registration = nil
        socket.close()
    }

    package func ready(_ readiness: Readiness, on loop: EventLoop) {
        for _ in 0..<TransportLimits.acceptsPerTurn {
            do {
                guard let (accepted, peer) = try socket.accept() else { return }
                let parcel = accepted.intoParcel()
                let take = take
                targets[next].submit { take(parcel, peer, $0) }
                next = (next + 1) % targets.count
            } catch {
                failed(error)
                retry?.cancel()
                retry = loop.schedule(afterNanoseconds: 100_000_000) { [weak self] loop in
                    guard let self, !self.socket.isClosed else { return }
                    self.ready(.readable, on: loop)
                }
                return
            }
        }
        if let registration { loop.again(registration, .readable) }
    }
}
