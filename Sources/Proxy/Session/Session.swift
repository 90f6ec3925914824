// Session: one client connection and its connection to a broker, both on one event loop.

internal import Bytes
internal import KafkaWire
internal import Limits
internal import Loop
internal import Principals
internal import Rules
internal import Telemetry
internal import Transport

/// One client and its broker.
///
/// Requests leave in the order they came and responses too, also when one has to wait; a slow side
/// stops the reading of the other. What is not looked at passes as bytes.
///
/// The parts: this file holds the two streams and how they end; `Session+Requests` and
/// `Session+Responses` cut the streams into frames; `Session+Produce` and `Session+Fetch` seal and
/// open; `Session+Questions` asks the broker what a step has to know first; `Session+LogIn` learns
/// who the client is; `Session+Memory` counts what is held.
internal final class Session {
    /// Why the client is not read.
    enum Hold: Equatable {
        case none
        /// The broker's connection is being made.
        case connecting
        /// A Produce request waits for keys, names, limits, or for the answer to its first part.
        case produce
        /// The next frame does not fit beside what is held already.
        case memory
        /// A fetch waits for the names of its topics.
        case fetch
        /// Brokers are asked for before anything else passes.
        case nodes
        /// The broker has not answered a message of the client's log-in.
        case logIn
        /// The last answer has been given; nothing more is read.
        case ending
    }

    let context: LoopContext
    let entrance: Entrance
    let peer: SocketAddress
    let client: ByteStream
    let addresses: SessionAddresses
    /// How the client sees topics: as who it came in, or has proven to be since.
    var reader: Reader
    var logIn: SASLWatch
    var upstream: ByteStream?
    var requests = Inlet(headBytes: 4)
    var responses = Inlet(headBytes: 8)
    var pending = PendingQueue()
    var hold = Hold.none
    /// A response waits for keys; the broker is not read.
    var holdsResponse = false
    /// The Produce request that `hold` is about.
    var produceJob: ProduceJob?
    /// The response that `holdsResponse` is about.
    var openJob: OpenJob?
    /// The fetch that `hold` is about.
    var fetchJob: FetchJob?
    /// Fetch sessions that were begun on this connection, so that all their topics were seen.
    var ownFetchSessions: Set<Int64> = []
    /// Whether this connection has ever fetched what may have to be opened, or may have.
    var opensFetches = false
    /// The version of DescribeConfigs to ask in; nil when the broker has said that it has none.
    /// Until it says something, the one that all brokers since Kafka 1.1 have.
    var topicConfigVersion: Int16? = 2
    /// The next own question's correlation id.
    var questionCount: Int32 = 0
    /// Bytes counted in `LoopContext.held`, each way: of the request that is arriving, of requests
    /// that are on their way, of responses.
    var gatheredBytes = 0
    var heldRequestBytes = 0
    var heldResponseBytes = 0

    private var connector: UpstreamConnector?
    private var isPumping = false
    /// Reads that are left in this turn, both directions together.
    private var readsLeft = 0
    private var wantsRequests = false
    private var wantsResponses = false
    private(set) var isClosed = false
    private var clientEnded = false
    private var upstreamEnded = false
    private var hasToldEnd = false
    var isDraining = false
    private var lingerTimer: LoopTimer?
    private var lastActivity: UInt64
    /// Since when the client has taken nothing, and what it had taken by then.
    var unreadSince: (time: UInt64, sent: UInt64)?
    /// What the upstream connection was made to, for log lines.
    var upstreamName = "-"
    /// The client came for a node that is not known: nothing but log-in passes before the brokers
    /// have been asked for on this connection.
    var mustLearnNodes = false

    init(_ client: ByteStream, peer: SocketAddress, entrance: Entrance, context: LoopContext) {
        self.client = client
        self.peer = peer
        self.entrance = entrance
        self.context = context
        addresses = SessionAddresses(entrance.addresses, shared: context.shared)
        switch entrance.principal {
        case .sasl(let settings):
            reader = context.reader(for: .anonymous)
            logIn = SASLWatch(settings: settings)
        case .fixed(let principal):
            reader = context.reader(for: principal)
            logIn = SASLWatch(settings: SASLSettings())
        }
        lastActivity = context.loop.now
        client.delegate = self
    }

    var loop: EventLoop { context.loop }
    var settings: ProxySettings { context.shared.settings }
    var log: Log { context.shared.log }

    // MARK: connecting

    /// Connects to the broker. It is done when the first request has come, so that a port scan or
    /// an idle connection costs the cluster nothing.
    func connectUpstream() {
        hold = .connecting
        connector = UpstreamConnector(entrance: entrance, context: context) { [weak self] outcome in
            guard let self, !self.isClosed else { return }
            self.connector = nil
            switch outcome {
            case .success(let found): self.connected(found)
            case .failure(let error): self.close(.error, "no broker", [("reason", "\(error)")])
            }
        }
    }

    private func connected(_ found: UpstreamConnector.Found) {
        do {
            let stream = try ByteStream(found.socket, on: loop)
            stream.delegate = self
            upstream = stream
            upstreamName = found.name
            mustLearnNodes = !found.isRight
            log.debug("connected upstream", fields([("upstream", found.name)]))
        } catch {
            close(.error, "no broker", [("reason", "\(error)")])
            return
        }
        hold = .none
        pumpRequests()
    }

    // MARK: pumping

    /// Reads and passes on what the client sent, as far as both sides allow.
    func pumpRequests() {
        wantsRequests = true
        pump()
    }

    /// Reads and passes on what the broker sent, as far as both sides allow.
    func pumpResponses() {
        wantsResponses = true
        pump()
    }

    /// One direction at a time, and never one inside the other: both read into the loop's scratch
    /// buffer, and what they pass on may still lie there until the streams are flushed.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        readsLeft = TransportLimits.readsPerTurn
        while !isClosed, wantsRequests || wantsResponses {
            if wantsResponses {
                wantsResponses = false
                moveResponses()
            }
            if wantsRequests, !isClosed {
                wantsRequests = false
                moveRequests()
            }
        }
        isPumping = false
        guard !isClosed else { return }
        releaseHeld()
        endIfDone()
    }

    private func flushBoth() {
        upstream?.flush()
        client.flush()
    }

    private func moveRequests() {
        while mayReadRequests {
            if let (buffer, range) = requests.unpark() {
                consumeRequests(buffer, range)
                continue
            }
            guard !clientEnded else { break }
            guard readsLeft > 0 else {
                if client.isReadable { client.readAgainLater() }
                break
            }
            readsLeft -= 1
            guard readRequests() else { break }
        }
        flushBoth()
    }

    private var mayReadRequests: Bool {
        hold == .none && !isClosed && pending.count < ProxyLimits.requestsInFlightMax
            && pending.localBytes < TransportLimits.unsentBytesHigh
            && !client.isCongested && !(upstream?.isCongested ?? false)
    }

    /// - Returns: false when there is nothing to read.
    private func readRequests() -> Bool {
        if case .gather(let frame, let left) = requests.state {
            // What has not come is not counted: up to what is counted already is read first.
            var room = max(gatheredBytes, HeldBytes.smallFrameBytes) - frame.count
            if room <= 0 {
                guard mayGather(frame, min(left, HeldBytes.stepBytes)) else { return false }
                room = gatheredBytes - frame.count
            }
            let most = min(left, room, TransportLimits.readBytes)
            switch client.read(into: frame, bytesMax: most) {
            case .bytes(let count): gathered(count, of: frame, left: left)
            case let other: return sourceStopped(other, isClient: true)
            }
            return true
        }
        let scratch = loop.scratch
        scratch.removeAll()
        switch client.read(into: scratch, bytesMax: TransportLimits.readBytes) {
        case .bytes(let count):
            lastActivity = loop.now
            consumeRequests(scratch, 0..<count)
            flushBoth()
            return true
        case let other: return sourceStopped(other, isClient: true)
        }
    }

    /// Bytes were added to the request that is collected.
    func gathered(_ count: Int, of frame: ByteBuffer, left: Int) {
        lastActivity = loop.now
        guard left == count else {
            requests.state = .gather(frame, left: left - count)
            return
        }
        requests.state = .between
        heldRequestBytes += gatheredBytes
        gatheredBytes = 0
        requestGathered(frame)
    }

    private func moveResponses() {
        guard let upstream else { return }
        while !holdsResponse, !client.isCongested, !isClosed {
            if let (buffer, range) = responses.unpark() {
                consumeResponses(buffer, range)
                continue
            }
            guard !upstreamEnded else { break }
            guard readsLeft > 0 else {
                if upstream.isReadable { upstream.readAgainLater() }
                break
            }
            readsLeft -= 1
            guard readResponses(upstream) else { break }
        }
        flushBoth()
    }

    private func readResponses(_ upstream: ByteStream) -> Bool {
        if case .gather(let frame, let left) = responses.state {
            let most = min(left, TransportLimits.readBytes)
            switch upstream.read(into: frame, bytesMax: most) {
            case .bytes(let count):
                lastActivity = loop.now
                if left == count {
                    responses.state = .between
                    responseGathered(frame)
                } else {
                    responses.state = .gather(frame, left: left - count)
                }
                return true
            case let other: return sourceStopped(other, isClient: false)
            }
        }
        let scratch = loop.scratch
        scratch.removeAll()
        switch upstream.read(into: scratch, bytesMax: TransportLimits.readBytes) {
        case .bytes(let count):
            lastActivity = loop.now
            consumeResponses(scratch, 0..<count)
            flushBoth()
            return true
        case let other: return sourceStopped(other, isClient: false)
        }
    }

    /// A read brought no bytes.
    private func sourceStopped(_ outcome: ReadOutcome, isClient: Bool) -> Bool {
        switch outcome {
        case .end:
            if isClient { clientFinished() } else { upstreamFinished() }
        case .failed(let error):
            let side = isClient ? "client" : "broker"
            close(.info, "connection lost", [("side", side), ("reason", "\(error)")])
        case .wouldBlock, .bytes: break
        }
        return false
    }

    // MARK: ending

    private func clientFinished() {
        clientEnded = true
        guard let upstream, !pending.isEmpty || upstream.unsentBytes > 0 || hold != .none else {
            close(.debug, "client closed")
            return
        }
        startLinger()
    }

    private func upstreamFinished() {
        upstreamEnded = true
        if !pending.isEmpty {
            log.info("broker closed the connection with requests unanswered", fields())
        }
        client.finishSending()
        guard client.unsentBytes > 0 else {
            close(.debug, "broker closed")
            return
        }
        startLinger()
    }

    /// Ends the session when one side has ended and everything for the other is on its way.
    private func endIfDone() {
        if clientEnded, hold == .none, !hasToldEnd, let upstream {
            // The broker is told as it would be without a proxy between, after all that the client
            // has sent; what it does not answer then, it never will.
            hasToldEnd = true
            upstream.finishSending()
        }
        if hold == .ending, client.unsentBytes == 0 {
            close(.debug, "closed after a refusal")
        } else if upstreamEnded, client.unsentBytes == 0 {
            close(.debug, "broker closed")
        } else if clientEnded || isDraining, pending.isEmpty, hold == .none,
            client.unsentBytes == 0, upstream?.unsentBytes ?? 0 == 0,
            clientEnded || requests.isBetween
        {
            close(.debug, clientEnded ? "client closed" : "drained")
        }
    }

    /// Ends the session as soon as nothing is in flight.
    func drain() {
        isDraining = true
        endIfDone()
    }

    /// Closes as soon as the answer that was just queued is sent.
    func endAfterResponse() {
        hold = .ending
        client.finishSending()
        startLinger()
    }

    private func startLinger() {
        guard lingerTimer == nil else { return }
        lingerTimer = loop.schedule(afterNanoseconds: settings.lingerNanoseconds) { [weak self] _ in
            self?.close(.info, "closed after waiting for the other side")
        }
    }

    /// Closes a session on which nothing has moved for too long. While a client is not read, its
    /// end is not seen either, so what holds it up must come to an end too.
    func closeIfIdle(now: UInt64) {
        let patience = hold == .none ? 0 : settings.keyWaitNanoseconds
        guard now &- lastActivity > settings.idleNanoseconds &+ patience else { return }
        close(.info, "closed as idle")
    }

    /// Closes both sides at once and says why.
    func close(_ level: LogLevel, _ message: String, _ more: [(String, String)] = []) {
        guard !isClosed else { return }
        isClosed = true
        log.limited(level, message, fields(more))
        lingerTimer?.cancel()
        connector?.cancel()
        connector = nil
        produceJob?.cancelTimer()
        produceJob = nil
        openJob?.cancelTimer()
        openJob = nil
        client.close()
        upstream?.close()
        let bytes = gatheredBytes + heldRequestBytes + heldResponseBytes
        gatheredBytes = 0
        heldRequestBytes = 0
        heldResponseBytes = 0
        context.sessionClosed(self)
        context.held.release(bytes, of: self)
        context.held.forget(self)
    }

    /// The fields that every log line of a session carries.
    func fields(_ more: [(String, String)] = []) -> [LogField] {
        var fields: [LogField] = [
            .init("listener", entrance.addresses.listener), .init("client", "\(peer)"),
        ]
        if let node = entrance.node { fields.append(.init("node", "\(node)")) }
        for (key, value) in more { fields.append(.init(key, value)) }
        return fields
    }
}

extension Session: ByteStreamDelegate {
    func streamReadable(_ stream: ByteStream) {
        if stream === client { pumpRequests() } else { pumpResponses() }
    }

    func streamDrained(_ stream: ByteStream) {
        releaseHeld()
        if stream === client { pumpResponses() }
        pumpRequests()
    }

    func streamBroken(_ stream: ByteStream, _ error: SystemError) {
        let side = stream === client ? "client" : "broker"
        close(.info, "connection lost", [("side", side), ("reason", "\(error)")])
    }
}
