// Connector: resolves a name and connects to the first of its addresses that answers.

package import Loop

/// Why no connection could be made.
package struct ConnectError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// One attempt to reach `host:port`: every address in turn, each with its share of time.
///
/// The outcome is told once, on the loop. Dropping the reference does not end the attempt;
/// `cancel` does.
package final class Connector: EventHandler {
    /// The connected socket, or why there is none.
    package typealias Outcome = Result<Socket, ConnectError>

    private let loop: EventLoop
    private let target: String
    private let timeoutNanoseconds: UInt64
    private var done: ((Outcome) -> Void)?
    private var addresses: [SocketAddress] = []
    private var next = 0
    private var socket: Socket?
    private var registration: Registration?
    private var timer: LoopTimer?
    private var lastFailure = "no address"

    /// Starts to connect.
    /// - Parameters:
    ///   - timeoutNanoseconds: for resolving, and again for each address.
    ///   - done: called once with the outcome.
    package init(
        host: String, port: UInt16, resolver: Resolver, on loop: EventLoop,
        timeoutNanoseconds: UInt64, _ done: @escaping (Outcome) -> Void
    ) {
        self.loop = loop
        self.timeoutNanoseconds = timeoutNanoseconds
        self.done = done
        target = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        if let address = SocketAddress(numeric: host, port: port) {
            addresses = [address]
            // The outcome never comes from inside the initialiser.
            loop.schedule(afterNanoseconds: 0) { [self] _ in
                if self.done != nil { tryNext() }
            }
            return
        }
        arm("resolving took too long") { $0.finish(.failure($0.failure)) }
        resolver.resolve(
            host, port: port,
            loop.reply { [self] (answer: Resolver.Answer, _) in
                guard self.done != nil else { return }
                switch answer {
                case .success(let addresses):
                    self.addresses = addresses
                    tryNext()
                case .failure(let error):
                    lastFailure = error.reason
                    finish(.failure(failure))
                }
            })
    }

    /// Ends the attempt; nobody is called.
    package func cancel() {
        done = nil
        dropSocket()
        timer?.cancel()
    }

    private var failure: ConnectError {
        ConnectError(description: "cannot connect to \(target): \(lastFailure)")
    }

    private func tryNext() {
        while next < addresses.count {
            let address = addresses[next]
            next += 1
            do {
                let socket = try Socket.connecting(to: address)
                self.socket = socket
                registration = try loop.add(socket, self)
                arm("\(address) did not answer in time") { connector in
                    connector.dropSocket()
                    connector.tryNext()
                }
                return
            } catch {
                dropSocket()
                lastFailure = "\(address): \(error)"
            }
        }
        finish(.failure(failure))
    }

    private func arm(_ reason: String, _ expired: @escaping (Connector) -> Void) {
        timer?.cancel()
        timer = loop.schedule(afterNanoseconds: timeoutNanoseconds) { [self] _ in
            lastFailure = reason
            expired(self)
        }
    }

    package func ready(_ readiness: Readiness, on loop: EventLoop) {
        guard let socket, readiness.contains(.writable) else { return }
        let code = socket.pendingError()
        guard code == 0 else {
            lastFailure = "\(addresses[next - 1]): \(SystemError("connect", code: code))"
            dropSocket()
            tryNext()
            return
        }
        if let registration { loop.remove(registration, socket) }
        registration = nil
        self.socket = nil
        finish(.success(socket))
    }

    private func dropSocket() {
        if let registration, let socket { loop.remove(registration, socket) }
        registration = nil
        socket?.close()
        socket = nil
    }

    private func finish(_ outcome: Outcome) {
        timer?.cancel()
        timer = nil
        let done = self.done
        self.done = nil
        done?(outcome)
    }
}
