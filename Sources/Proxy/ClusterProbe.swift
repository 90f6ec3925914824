// ClusterProbe: the process's own question where the brokers are.

internal import Bytes
internal import KafkaWire
internal import Limits
internal import Loop
internal import Telemetry
internal import Transport

/// Asks for a refresh of the node table from any loop.
internal struct ClusterProbeHandle: Sendable {
    let home: LoopHandle

    /// Asks the cluster, once for all who ask at the same time.
    /// - Parameter reply: told when the table is as fresh as it gets.
    func refresh(_ reply: @escaping @Sendable (Result<Bool, ConnectError>) -> Void) {
        home.submit { loop in
            guard let context = loop.attachment as? LoopContext, let probe = context.clusterProbe
            else { return }
            probe.refresh(reply)
        }
    }
}

/// A short-lived connection to a bootstrap server that asks for the brokers. One per process.
internal final class ClusterProbe: ByteStreamDelegate {
    private let loop: EventLoop
    private let shared: ProxyContext
    private var waiting: [@Sendable (Result<Bool, ConnectError>) -> Void] = []
    private var connector: BootstrapConnector?
    private var stream: ByteStream?
    private var timer: LoopTimer?
    private let answer = ByteBuffer(capacity: 1024)

    private static let version: Int16 = 1
    private static let correlation: Int32 = 1

    init(loop: EventLoop, shared: ProxyContext) {
        self.loop = loop
        self.shared = shared
    }

    func refresh(_ reply: @escaping @Sendable (Result<Bool, ConnectError>) -> Void) {
        waiting.append(reply)
        guard waiting.count == 1 else { return }
        answer.removeAll()
        loop.schedule(afterNanoseconds: 0) { [self] _ in connect() }
    }

    private func connect() {
        connector = BootstrapConnector(loop: loop, shared: shared) { [self] outcome in
            connector = nil
            switch outcome {
            case .success(let (socket, _)): ask(socket)
            case .failure(let error): finish(.failure(error))
            }
        }
    }

    private func ask(_ socket: Socket) {
        do {
            let stream = try ByteStream(socket, on: loop)
            stream.delegate = self
            self.stream = stream
            let frame = ByteBuffer(capacity: 64)
            OwnRequest.appendMetadata(
                .none, version: ClusterProbe.version, correlationID: ClusterProbe.correlation,
                clientID: "waxwing", into: frame)
            timer = loop.schedule(afterNanoseconds: shared.settings.connectNanoseconds) {
                [weak self] _ in
                self?.fail("the broker did not answer in time")
            }
            stream.enqueue(frame)
            stream.flush()
        } catch {
            fail("\(error)")
        }
    }

    func streamReadable(_ stream: ByteStream) {
        while true {
            switch stream.read(into: answer, bytesMax: 64 * 1024) {
            case .bytes:
                if answer.count >= 4 {
                    let size = Int(answer.int32(at: 0))
                    guard size >= 4, size <= shared.settings.responseBytesMax else {
                        return fail(
                            "the broker's answer makes no sense: is it Kafka, in plaintext?")
                    }
                    if answer.count >= size + 4 { return read(size) }
                }
            case .wouldBlock: return
            case .end: return fail("the broker closed the connection: does it want a log-in?")
            case .failed(let error): return fail("\(error)")
            }
        }
    }

    private func read(_ size: Int) {
        let answer = answer
        let response = answer.bytes(in: 4..<4 + size)
        do {
            let header = try ResponseHeader.parse(
                response, apiKey: ApiKey.metadata, version: ClusterProbe.version)
            let found = try MetadataAnswer(
                frame: response, body: header.end, version: ClusterProbe.version)
            for broker in found.brokers {
                guard let port = UInt16(exactly: broker.port) else { continue }
                let address = HostPort(host: broker.host, port: port)
                if shared.nodes.learn(broker.node, address) {
                    shared.log.info(
                        "broker found",
                        [.init("node", "\(broker.node)"), .init("address", "\(address)")])
                }
            }
            finish(.success(!found.brokers.isEmpty))
        } catch {
            fail("the broker's answer makes no sense: \(error)")
        }
    }

    func streamDrained(_ stream: ByteStream) {}

    func streamBroken(_ stream: ByteStream, _ error: SystemError) { fail("\(error)") }

    private func fail(_ reason: String) {
        finish(.failure(ConnectError(description: "asking for the brokers failed: \(reason)")))
    }

    private func finish(_ outcome: Result<Bool, ConnectError>) {
        timer?.cancel()
        timer = nil
        stream?.close()
        stream = nil
        if case .failure(let error) = outcome {
            shared.log.warn("cluster not reached", [.init("reason", "\(error)")])
        }
        let replies = waiting
        waiting = []
        for reply in replies { reply(outcome) }
    }
}
