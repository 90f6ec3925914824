// Session+Fetch: looks at what a client fetches, and opens what it may see in clear.

internal import Bytes
internal import KafkaWire
internal import KeyService
internal import Limits
internal import Loop
internal import Records
internal import Telemetry
internal import Transport

/// A Fetch or ShareFetch request that waits for the names behind topic ids.
internal final class FetchJob {
    let frame: ByteBuffer
    let header: RequestHeader
    var askedNames = false

    init(frame: ByteBuffer, header: RequestHeader) {
        self.frame = frame
        self.header = header
    }
}

extension Session {
    // MARK: requests

    /// A Fetch or ShareFetch request is whole.
    func beginFetch(_ frame: ByteBuffer, _ header: RequestHeader) {
        forwardFetch(FetchJob(frame: frame, header: header))
    }

    /// Sends a fetch on, once the names of its topics are known: whether a response has to be
    /// opened is decided before it comes, and names cannot be asked for while it is held.
    func forwardFetch(_ job: FetchJob) {
        fetchJob = nil
        let topics: FetchTopics
        do {
            topics = try readFetch(job)
        } catch {
            close(.warn, "malformed Fetch request", [("reason", "\(error)")])
            return
        }
        if !topics.unknown.isEmpty, !job.askedNames {
            job.askedNames = true
            fetchJob = job
            hold = .fetch
            askTopicNames(Array(topics.unknown), for: job)
            return
        }
        if hold == .fetch { hold = .none }
        // A session that was opened elsewhere may hold topics that were never seen here.
        if topics.opens || !topics.unknown.isEmpty || !isOwnSession(topics, job.header) {
            opensFetches = true
        }
        if opensFetches, let limitAt = topics.limitAt {
            job.frame.set(int32: Int32(ProxyLimits.fetchBytesMax), at: limitAt)
        }
        upstream?.enqueue(job.frame)
        if opensFetches || topics.beginsSession {
            expect(.open, job.header)
        } else if job.header.apiKey == ApiKey.shareFetch {
            expect(.rewrite, job.header)
        } else {
            expect(job.header.apiVersion >= 16 ? .fetch : .relay, job.header)
        }
    }

    /// Whether all topics that the answer may be about were named on this connection.
    private func isOwnSession(_ topics: FetchTopics, _ header: RequestHeader) -> Bool {
        guard topics.isIncremental else { return true }
        return header.apiKey == ApiKey.fetch && ownFetchSessions.contains(topics.session)
    }

    /// Notes the id that the broker gave to a session that was begun on this connection.
    private func noteSession(_ frame: ByteBuffer, _ pending: Pending) {
        guard pending.apiKey == ApiKey.fetch, pending.version >= 7 else { return }
        let response = frame.bytes(in: 4..<frame.count)
        guard
            let header = try? ResponseHeader.parse(
                response, apiKey: pending.apiKey, version: pending.version)
        else { return }
        // ThrottleTimeMs, ErrorCode, SessionId: the same in all versions since sessions (KIP-227).
        var cursor = ByteCursor(response.extracting(header.end..<response.byteCount))
        guard (try? cursor.skip(6)) != nil, let session = try? cursor.int32(), session != 0 else {
            return
        }
        if ownFetchSessions.count >= ProxyLimits.fetchSessionsMax { ownFetchSessions = [] }
        ownFetchSessions.insert(Int64(session))
    }

    /// What a fetch request tells about the topics whose records will come.
    private struct FetchTopics {
        var opens = false
        var isIncremental = false
        /// The broker is asked to remember the topics under an id of its own (KIP-227).
        var beginsSession = false
        var session: Int64 = 0
        var unknown: Set<TopicID> = []
        /// Where a byte limit stands in the frame that is above what may be held.
        var limitAt: Int?
    }

    /// Reads the topics of a fetch.
    private func readFetch(_ job: FetchJob) throws(WireError) -> FetchTopics {
        let key = job.header.apiKey
        let frame = job.frame
        let request = frame.bytes(in: 4..<frame.count)
        let header = try RequestHeader.parse(request)
        guard let program = WalkProgram.find(key, .request, version: header.apiVersion) else {
            throw .invalid(at: 0, "API version")
        }
        let walker = context.walker
        walker.reset(program, body: header.end..<request.byteCount)
        var topics = FetchTopics()
        var inForgotten = false
        while true {
            let event = try walker.next(request, at: 0)
            switch event.kind {
            case .end:
                return topics
            case .needMore: throw .truncated(at: event.range.lowerBound, needed: 1)
            case .beginArray where event.role == .forgottenTopics: inForgotten = true
            case .endArray where event.role == .forgottenTopics: inForgotten = false
            case .field:
                switch event.role {
                case .bytesMax where event.number > ProxyLimits.fetchBytesMax:
                    topics.limitAt = event.value.lowerBound + 4
                case .sessionID: topics.session = event.number
                case .sessionEpoch:
                    topics.isIncremental =
                        event.number > 0 && (topics.session != 0 || key == ApiKey.shareFetch)
                    topics.beginsSession = event.number == 0 && key == ApiKey.fetch
                case .topicName where !inForgotten:
                    look(for: request.extracting(event.value).text, &topics)
                case .topicID where !inForgotten:
                    let id = TopicID(request.extracting(event.value))
                    if let name = context.shared.topics.name(of: id) {
                        look(for: name, &topics)
                    } else if id != .zero {
                        guard topics.unknown.count < ProxyLimits.unknownTopicsMax else {
                            throw .badLength(at: event.range.lowerBound, topics.unknown.count)
                        }
                        topics.unknown.insert(id)
                    }
                default: break
                }
            default: break
            }
        }
    }

    private func look(for name: String, _ topics: inout FetchTopics) {
        if reader.view(of: context.policies.policy(for: name)).records != nil {
            topics.opens = true
        }
    }

    // MARK: responses

    /// A response with records that may have to be opened is whole.
    func beginOpen(_ frame: ByteBuffer, _ pending: Pending) {
        openJob = OpenJob(frame: frame, pending: pending)
        holdsResponse = true
        resumeOpen()
    }

    /// Opens a response, as far as the keys are at hand; otherwise it is called again.
    func resumeOpen() {
        guard let job = openJob, let frame = job.frame, let pending = job.pending else { return }
        let opening = FetchOpening(
            frame, pending, gaveUp: job.gaveUp, reader, context, addresses)
        do {
            try opening.run()
        } catch {
            close(
                .error, "a response could not be understood",
                [("api", "\(pending.apiKey)"), ("reason", "\(error)")])
            return
        }
        if opening.isWaiting {
            context.keys.await(self)
            context.keys.fetchMissing()
            job.arm {
                loop.schedule(afterNanoseconds: settings.keyWaitNanoseconds) {
                    [weak self, weak job] _ in
                    guard let self, let job, self.openJob === job else { return }
                    job.gaveUp = true
                    self.resumeOpen()
                    self.pumpResponses()
                }
            }
            return
        }
        for failure in opening.failures {
            let level: LogLevel = failure.code == KafkaError.kafkaStorageError ? .warn : .error
            log.limited(
                level, "fetch refused",
                fields([
                    ("topic", failure.topic), ("partition", "\(failure.partition)"),
                    ("error", "\(failure.code)"), ("reason", failure.reason),
                ]))
            context.audit.refused(
                "fetch", failure.topic, partition: failure.partition, principal: reader.principal,
                client: "\(peer)", code: failure.code, reason: failure.reason)
            frame.set(int16: failure.code, at: failure.codeAt + 4)
        }
        noteSession(frame, pending)
        for (topic, counts) in opening.counts { context.audit.shown(topic, to: reader, counts) }
        job.cancelTimer()
        openJob = nil
        holdsResponse = false
        sendPatched(frame)
        responseFinished()
    }
}
