// LoopContext: what the sessions of one event loop share.

internal import Bytes
internal import KafkaWire
internal import Limits
internal import Loop
internal import Masks
internal import Records
internal import Rules
internal import Telemetry
internal import Transport

/// The sessions of one loop and the machinery they take turns with. It belongs to the loop's
/// thread; contexts and scratch space in it are made once and used for every request.
internal final class LoopContext {
    let loop: EventLoop
    let shared: ProxyContext
    let probe: ClusterProbeHandle
    let sealer = BatchSealer()
    let opener: BatchOpener
    let patches = FramePatches()
    let rewriter = AddressRewriter()
    let clamp: ApiVersionsClamp
    let walker = MessageWalker()
    let keys: LoopKeys
    let dryRun: DryRun
    let audit: LoopAudit
    let held: HeldBytes
    var policies: TopicPolicies

    /// The process's own questions, on the loop that they are asked from.
    var clusterProbe: ClusterProbe?

    private var sessions: [ObjectIdentifier: Session] = [:]
    private var readers: [Principal: Reader] = [:]
    /// Listening sockets, on the first loop.
    var acceptors: [Acceptor] = []
    private(set) var isDraining = false

    init(loop: EventLoop, loopCount: Int, shared: ProxyContext, probe: ClusterProbeHandle) {
        self.loop = loop
        self.shared = shared
        self.probe = probe
        opener = BatchOpener(masker: Masker(tokenKey: shared.tokenKey))
        keys = LoopKeys(loop: loop, shared: shared)
        audit = LoopAudit(sink: shared.audit, loop: loop)
        dryRun = DryRun(sealer: sealer, loop: loop, log: shared.log)
        held = HeldBytes(bytesMax: shared.settings.heldBytesMax / loopCount, loop: loop)
        policies = TopicPolicies(shared.rules)
        // From version 13 on a Produce request names its topics by ids, and only the cluster says
        // which topic an id is. What decides about plaintext should not depend on that, so clients
        // are asked to name the topics themselves; ids are still understood.
        clamp = ApiVersionsClamp(
            highestAllowed: shared.rules.protect.isEmpty
                ? [:] : [ApiKey.produce: ProduceRequest.topicIDVersion - 1])
        watchIdle()
    }

    // MARK: sessions

    /// Takes a connection that was accepted.
    func accepted(_ parcel: Socket.Parcel, from peer: SocketAddress, at entrance: Entrance) {
        let socket = Socket(parcel)
        guard !isDraining, shared.connections.enter(most: shared.settings.connectionsMax)
        else {
            shared.log.warn(
                "connection refused: too many", [.init("client", "\(peer)")])
            return
        }
        do {
            let stream = try ByteStream(socket, on: loop)
            let session = Session(stream, peer: peer, entrance: entrance, context: self)
            sessions[ObjectIdentifier(session)] = session
            shared.log.debug("connection accepted", session.fields())
        } catch {
            shared.connections.leave()
            shared.log.error("connection lost", [.init("reason", "\(error)")])
        }
    }

    func sessionClosed(_ session: Session) {
        guard sessions.removeValue(forKey: ObjectIdentifier(session)) != nil else { return }
        keys.forget(session)
        // Before the session counts as gone, because then the process may end.
        if isDraining, sessions.isEmpty { writeCounts() }
        shared.connections.leave()
    }

    /// Ends every session as soon as nothing is in flight on it.
    func drain() {
        isDraining = true
        if sessions.isEmpty { writeCounts() }
        for session in sessions.values { session.drain() }
    }

    /// Writes what was counted and not yet told, when nothing more will come.
    private func writeCounts() {
        audit.flush()
        dryRun.report()
    }

    /// Ends every session at once. They and this context hold each other until they are closed.
    func cut() {
        for session in sessions.values {
            session.close(.warn, "closed at the end of the drain time")
        }
    }

    func closeAcceptors() {
        for acceptor in acceptors { acceptor.close() }
        acceptors = []
    }

    /// Looks at all sessions now and then, which is cheaper than a timer for each.
    private func watchIdle() {
        let period = max(1_000_000_000, min(shared.settings.idleNanoseconds / 4, 5_000_000_000))
        loop.schedule(afterNanoseconds: period) { [weak self] loop in
            guard let self else { return }
            for session in self.sessions.values { session.closeIfIdle(now: loop.now) }
            if self.held.hasWaiters { self.closeStalled(now: loop.now) }
            self.watchIdle()
        }
    }

    /// While others wait for memory, a peer that began a large frame must go on with it.
    private func closeStalled(now: UInt64) {
        for session in sessions.values
        where session.isStalled(now: now) {
            session.close(.warn, "closed: it took too long with a frame while others wait")
        }
    }

    /// How a principal sees topics.
    func reader(for principal: Principal) -> Reader {
        if let reader = readers[principal] { return reader }
        if readers.count >= ProxyLimits.readersMax { readers.removeAll() }
        let reader = Reader(principal, rules: shared.rules, log: shared.log)
        readers[principal] = reader
        return reader
    }

    // MARK: topics

    func learn(_ id: TopicID, _ name: String) {
        if shared.topics.learn(id, name) { return }
        shared.log.limited(
            .error, "a topic id has two names: what uses it is refused",
            [.init("id", "\(id)"), .init("topic", name)])
    }

    /// Notes the names and ids in a Metadata response.
    func learnTopics(_ response: RawSpan, body: Int, version: Int16) throws(WireError) {
        guard version >= 10, !shared.rules.isEmpty,
            let program = WalkProgram.find(ApiKey.metadata, .response, version: version)
        else { return }
        walker.reset(program, body: body..<response.byteCount, mayGoOn: true)
        var name = 0..<0
        while true {
            let event = try walker.next(response, at: 0)
            switch event.kind {
            case .field where event.role == .topicName: name = event.value
            case .field where event.role == .topicID:
                learn(TopicID(response.extracting(event.value)), response.extracting(name).text)
            case .end, .needMore: return
            default: break
            }
        }
    }
}
