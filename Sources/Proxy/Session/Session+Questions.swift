// Session+Questions: what Waxwing asks on the client's connection, hidden from the client.

internal import Bytes
internal import KafkaWire
internal import Limits
internal import Loop
internal import Telemetry
internal import Transport

extension Session {
    /// Versions that every broker since Kafka 2.8 answers; ids exist only from there on.
    private static let metadataByID: Int16 = 12
    private static let metadataOfBrokers: Int16 = 1

    private static let clientID = "waxwing"

    /// Asks for the names behind topic ids.
    func askTopicNames(_ ids: [TopicID], for asker: AnyObject) {
        send(.topicNames(asker: asker), ApiKey.metadata, Session.metadataByID) {
            correlation, frame in
            OwnRequest.appendMetadata(
                .ids(ids), version: Session.metadataByID, correlationID: correlation,
                clientID: Session.clientID, into: frame)
        }
    }

    /// Asks for a topic's settings.
    /// - Returns: false when this broker does not answer such questions; then they are untold.
    func askFacts(of topic: String) -> Bool {
        guard let version = topicConfigVersion else {
            learn(.untold, of: topic, "the broker does not offer DescribeConfigs")
            return false
        }
        send(.facts(topic: topic), ApiKey.describeConfigs, version) { correlation, frame in
            let name = ByteBuffer(capacity: 64)
            name.append(topic)
            OwnRequest.appendTopicConfig(
                name.bytes, version: version, correlationID: correlation,
                clientID: Session.clientID, into: frame)
        }
        return true
    }

    /// Asks where the brokers are.
    func askNodes() {
        send(.nodes, ApiKey.metadata, Session.metadataOfBrokers) { correlation, frame in
            OwnRequest.appendMetadata(
                .none, version: Session.metadataOfBrokers, correlationID: correlation,
                clientID: Session.clientID, into: frame)
        }
    }

    private func send(
        _ question: Question, _ key: Int16, _ version: Int16,
        _ build: (Int32, ByteBuffer) -> Void
    ) {
        // Far from the ids that clients count up from 0. Java keeps the very highest for SASL.
        questionCount &+= 1
        let correlation = Int32.min &+ (questionCount & 0xffff)
        let frame = loop.pool.take(capacity: 256)
        build(correlation, frame)
        pending.append(
            Pending(
                correlation: correlation, apiKey: key, version: version,
                expectation: .own(question)))
        upstream?.enqueue(frame)
        // Asked from outside the pump too, when a key has come.
        upstream?.flush()
    }

    /// A question was answered.
    func answered(_ question: Question, _ frame: ByteBuffer, _ pending: Pending) {
        let response = frame.bytes(in: 4..<frame.count)
        do {
            let header = try ResponseHeader.parse(
                response, apiKey: pending.apiKey, version: pending.version)
            switch question {
            case .topicNames(let asker):
                let answer = try MetadataAnswer(
                    frame: response, body: header.end, version: pending.version)
                learn(answer)
                if let produceJob, produceJob === asker {
                    produceJob.namesAnswered = true
                    advanceProduce(produceJob)
                }
                if let fetchJob, fetchJob === asker { forwardFetch(fetchJob) }
            case .facts(let topic):
                let answer = try TopicConfigAnswer(
                    frame: response, body: header.end, version: pending.version)
                let isTold = answer.errorCode == 0
                learn(
                    isTold ? TopicFacts(answer) : .untold, of: topic,
                    isTold ? nil : "error \(answer.errorCode)")
                if let produceJob { advanceProduce(produceJob) }
            case .nodes:
                let answer = try MetadataAnswer(
                    frame: response, body: header.end, version: pending.version)
                learn(answer)
                nodesLearnt()
            }
        } catch {
            close(
                .error, "a broker's answer could not be understood",
                [("api", "\(pending.apiKey)"), ("reason", "\(error)")])
        }
    }

    private func learn(_ answer: MetadataAnswer) {
        for broker in answer.brokers {
            guard let port = UInt16(exactly: broker.port) else { continue }
            context.shared.nodes.learn(broker.node, HostPort(host: broker.host, port: port))
        }
        for topic in answer.topics where topic.errorCode == 0 {
            if let name = topic.name { context.learn(topic.id, name) }
        }
    }

    /// - Parameter problem: why something was not told.
    private func learn(_ facts: TopicFacts, of topic: String, _ problem: String?) {
        if let problem {
            log.info(
                "the cluster does not tell a topic's settings; defaults are taken",
                fields([("topic", topic), ("reason", problem)]))
        }
        let kept = ProxyLimits.topicFactsNanoseconds / (problem == nil ? 1 : 5)
        context.shared.topics.learn(facts, of: topic, until: loop.now &+ kept)
    }

    /// This connection was made before the wanted node was known: now it is, or does not exist.
    private func nodesLearnt() {
        mustLearnNodes = false
        guard let node = entrance.node else { return }
        let isHere = context.shared.nodes.address(of: node).map { "\($0)" == upstreamName } ?? false
        if isHere {
            hold = .none
        } else {
            close(.info, "closed: the client comes again and is led to its broker")
        }
    }
}

extension TopicFacts {
    init(_ answer: TopicConfigAnswer) {
        batchBytesMax = answer.maxMessageBytes
        isCompacted = answer.cleanupPolicy.map { policy in
            policy.split(separator: ",").contains { $0 == "compact" }
        }
    }
}
