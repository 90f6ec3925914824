// ScriptedBroker: a broker in this process that answers as a test tells it to.

internal import Bytes
internal import KafkaWire

/// A request as it reached the broker.
package struct BrokerRequest: Sendable {
    /// Counts the connections of this broker from 0.
    package let connection: Int
    package let apiKey: Int16
    package let version: Int16
    package let correlation: Int32
    /// The frame without its size.
    package let frame: [UInt8]
    /// Where the body begins in it.
    package let body: Int

    internal init?(_ frame: [UInt8], connection: Int) {
        let buffer = ByteBuffer(capacity: frame.count)
        buffer.append(frame)
        guard let header = try? RequestHeader.parse(buffer.bytes) else { return nil }
        self.connection = connection
        self.frame = frame
        apiKey = header.apiKey
        version = header.apiVersion
        correlation = header.correlationID
        body = header.end
    }

    /// The whole frame with its size, as it was on the wire.
    package var wire: [UInt8] { Wire.framed(frame) }
}

/// What the broker does with a request.
package enum BrokerReply: Sendable {
    /// Sends a response with this body; the header is put before it.
    case body([UInt8])
    /// Sends these bytes as they are.
    case raw([UInt8])
    /// Sends these runs of bytes one by one.
    case runs([[UInt8]])
    case nothing
    /// Breaks the connection.
    case close
}

/// Listens on a free port of 127.0.0.1 and calls a hook per API key for every request, on the
/// thread of its connection: a hook may block, and then the broker answers nothing else on it, as
/// Kafka does. Every request is kept.
package final class ScriptedBroker: Sendable {
    package typealias Hook = @Sendable (BrokerRequest) -> BrokerReply

    private struct State {
        var hooks: [Int16: Hook] = [:]
        var requests: [BrokerRequest] = []
        var connections: [BlockingSocket] = []
        var ended: Set<Int> = []
        var isStopping = false
    }

    private let listener: BlockingListener
    private let state = Monitor(State())

    /// The port that it listens on.
    package var port: UInt16 { listener.port }

    package init() throws {
        listener = try BlockingListener()
        let listener = listener
        let state = state
        BlockingThread.start {
            while let socket = listener.accept() {
                let index = state.with { state -> Int? in
                    guard !state.isStopping else { return nil }
                    state.connections.append(socket)
                    return state.connections.count - 1
                }
                guard let index else { return }
                BlockingThread.start {
                    ScriptedBroker.serve(socket, index, state)
                    socket.close()
                    state.with { _ = $0.ended.insert(index) }
                }
            }
        }
    }

    /// Sets what is done with requests of a kind.
    package func on(_ apiKey: Int16, _ hook: @escaping Hook) {
        state.with { $0.hooks[apiKey] = hook }
    }

    /// Ends all connections and listens no more.
    package func stop() {
        let sockets = state.with { state in
            state.isStopping = true
            // Hooks may hold the broker.
            state.hooks = [:]
            return state.connections
        }
        listener.interrupt()
        for socket in sockets { socket.interrupt() }
    }

    private static func serve(
        _ socket: BlockingSocket, _ index: Int, _ state: Monitor<State>
    ) {
        while let frame = try? socket.receiveFrame() {
            guard let request = BrokerRequest(frame, connection: index) else { return }
            let hook = state.with { state in
                state.requests.append(request)
                return state.hooks[request.apiKey]
            }
            do {
                switch hook?(request) ?? .nothing {
                case .body(let body): try socket.send(Wire.response(request, body))
                case .raw(let bytes): try socket.send(bytes)
                case .runs(let runs): for run in runs { try socket.send(run) }
                case .nothing: break
                case .close:
                    socket.reset()
                    return
                }
            } catch {
                return
            }
        }
    }

    // MARK: what came

    /// Requests of a kind, in the order that they came; those of a connection when it is given.
    package func requests(_ apiKey: Int16, connection: Int? = nil) -> [BrokerRequest] {
        state.with { state in
            state.requests.filter {
                $0.apiKey == apiKey && (connection == nil || $0.connection == connection)
            }
        }
    }

    /// Blocks until that many requests of a kind have come.
    /// - Returns: those that have come, fewer only when the time was over.
    package func wait(_ apiKey: Int16, count: Int) -> [BrokerRequest] {
        let found = state.wait { state -> [BrokerRequest]? in
            let found = state.requests.filter { $0.apiKey == apiKey }
            return found.count >= count ? found : nil
        }
        return found ?? requests(apiKey)
    }

    /// Blocks until that many connections have come.
    package func waitForConnections(_ count: Int) -> Bool {
        state.wait { $0.connections.count >= count ? true : nil } ?? false
    }

    /// Blocks until that many connections have ended.
    package func waitForEnds(_ count: Int) -> Bool {
        state.wait { $0.ended.count >= count ? true : nil } ?? false
    }

    package var connectionCount: Int { state.with { $0.connections.count } }
    package var endedCount: Int { state.with { $0.ended.count } }

    /// A connection, to send on it what nobody asked for, or to break it.
    package func connection(_ index: Int) -> BlockingSocket? {
        state.wait { $0.connections.count > index ? $0.connections[index] : nil }
    }
}
