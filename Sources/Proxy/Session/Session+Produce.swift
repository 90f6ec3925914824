// Session+Produce: takes a Produce request through the rules: names, keys, sealing, sending.

internal import Bytes
internal import KafkaWire
internal import KeyService
internal import Limits
internal import Loop
internal import Records
internal import Rules
internal import Telemetry
internal import Transport

extension Session {
    /// Error codes that Waxwing answers itself (protocol table of Kafka's errors).
    enum KafkaError {
        static let corruptMessage: Int16 = 2
        static let notLeaderOrFollower: Int16 = 6
        static let invalidTopic: Int16 = 17
        static let notEnoughReplicas: Int16 = 19
        static let topicAuthorizationFailed: Int16 = 29
        static let policyViolation: Int16 = 44
        static let kafkaStorageError: Int16 = 56
        static let unknownTopicID: Int16 = 100
    }

    /// A Produce request is whole.
    func beginProduce(_ frame: ByteBuffer, _ header: RequestHeader) {
        let request: ProduceRequest
        do {
            request = try ProduceRequest(
                frame: frame.bytes, version: header.apiVersion, correlation: header.correlationID)
        } catch {
            close(.warn, "malformed Produce request", [("reason", "\(error)")])
            return
        }
        let job = ProduceJob(
            frame: frame, request: request, sealed: loop.pool.take(capacity: frame.count * 5 / 4))
        produceJob = job
        hold = .produce
        advanceProduce(job)
    }

    /// Goes on with a Produce request as far as what is known allows. It is called again when a
    /// name, a limit or a key has come.
    func advanceProduce(_ job: ProduceJob) {
        // News that a former request gave up on may come while this one is with the broker.
        guard !isClosed, job.answers == nil else { return }
        guard findPolicies(job) else { return awaitProduce(job) }
        // Asked for at the same time: one that is slow must not use up the time of the other.
        let hasKeys = findKeys(job)
        let hasFacts = findFacts(job)
        guard hasKeys, hasFacts else { return awaitProduce(job) }
        job.cancelTimer()
        sealPartitions(job)
        dispatchProduce(job)
    }

    private func awaitProduce(_ job: ProduceJob) {
        guard !job.gaveUp else { return }
        let timer = loop.schedule(afterNanoseconds: settings.keyWaitNanoseconds) {
            [weak self, weak job] _ in
            guard let self, let job, self.produceJob === job else { return }
            job.gaveUp = true
            self.advanceProduce(job)
            self.pumpRequests()
        }
        job.arm(timer)
    }

    // MARK: what must be known

    /// Finds the rules for every topic.
    /// - Returns: false while the names behind ids have been asked for.
    private func findPolicies(_ job: ProduceJob) -> Bool {
        var unknown: [TopicID] = []
        let frame = job.frame
        for (index, topic) in job.request.topics.enumerated() where job.policies[index] == nil {
            let name: String?
            if topic.id.isEmpty {
                name = frame.bytes(in: topic.name).text
            } else {
                let id = TopicID(frame.bytes(in: topic.id))
                name = context.shared.topics.name(of: id)
                if name == nil { unknown.append(id) }
            }
            if let name { job.policies[index] = context.policies.policy(for: name) }
        }
        guard !unknown.isEmpty else { return true }
        if !job.askedNames {
            job.askedNames = true
            askTopicNames(unknown, for: job)
            return false
        }
        guard job.gaveUp || job.namesAnswered else { return false }
        for index in job.policies.indices where job.policies[index] == nil {
            refuse(
                job, topic: index, code: KafkaError.unknownTopicID, "the topic id is not known")
        }
        return true
    }

    /// Asks for the settings of the topics that are sealed. Where a batch is cut depends on them,
    /// and a retry must be cut at the same places, so nothing is sent on a guess.
    /// - Returns: false while the cluster has been asked.
    private func findFacts(_ job: ProduceJob) -> Bool {
        for (index, topic) in job.request.topics.enumerated() {
            guard let policy = job.policies[index], !policy.protection.isOff,
                topic.partitions.contains(where: { job.isOpen($0) }),
                context.shared.topics.facts(of: policy.name, now: loop.now) == nil
            else { continue }
            if job.gaveUp {
                refuse(
                    job, topic: index, code: KafkaError.notEnoughReplicas,
                    "the topic's settings were not told in time")
                continue
            }
            if job.askedFacts != policy.name {
                job.askedFacts = policy.name
                if !askFacts(of: policy.name) { continue }
            }
            return false
        }
        refuseCompacted(job)
        return true
    }

    /// A rule that wants one wrapped key per batch is not carried out on a topic that may lose it.
    private func refuseCompacted(_ job: ProduceJob) {
        for (index, policy) in job.policies.enumerated() {
            guard let policy, policy.sealing?.wrappedKey == .perBatch, !policy.protection.isOff
            else { continue }
            let facts = context.shared.topics.facts(of: policy.name, now: loop.now)
            let reason: String
            switch facts?.isCompacted {
            case false: continue
            case true: reason = "wrappedKey is perBatch and the topic is compacted"
            case nil: reason = "wrappedKey is perBatch and the cluster tells no cleanup.policy"
            }
            refuse(job, topic: index, code: KafkaError.policyViolation, reason)
        }
    }

    // MARK: sealing

    private func sealPartitions(_ job: ProduceJob) {
        for (index, topic) in job.request.topics.enumerated() {
            guard let policy = job.policies[index] else { continue }
            for partition in topic.partitions {
                guard case .open = job.outcomes[partition] else { continue }
                job.outcomes[partition] = seal(job, partition, policy)
            }
        }
    }

    private func seal(_ job: ProduceJob, _ partition: Int, _ policy: TopicPolicy) -> ProduceOutcome
    {
        let range = job.request.partitions[partition].records
        let frame = job.frame
        do throws(RecordError) {
            if let keys = job.keys[partition] {
                var plan = policy.plan
                plan.bytesMax = batchBytesMax(policy.name, range.count)
                plan.leanForm = isLean(policy)
                let batch = try context.sealer.seal(
                    batch: frame.bytes(in: range), plan: plan, keys: keys, into: job.sealed)
                return .sealed(batch)
            }
            guard policy.protection.isOff else {
                preconditionFailure("a protected batch came to the end of its rules without a key")
            }
            if policy.isConcerned {
                try context.sealer.refuseReserved(batch: frame.bytes(in: range))
            }
            if case .dryRun = policy.protection {
                context.dryRun.count(frame.bytes(in: range), policy)
            }
            return .untouched
        } catch {
            refuse(job, partition, of: policy.name, code: error.kafkaCode, "\(error)")
            return job.outcomes[partition]
        }
    }

    /// Whether the wrapped key stands in the first sealed record of a batch only. Compaction may
    /// take that record away, so the cluster must have said that the topic is not compacted.
    private func isLean(_ policy: TopicPolicy) -> Bool {
        guard let form = policy.sealing?.wrappedKey, form != .perRecord else { return false }
        return context.shared.topics.facts(of: policy.name, now: loop.now)?.isCompacted == false
    }

    /// What the broker takes: the topic's limit, or, where the cluster will not say, the default or
    /// the batch as it came if that is larger.
    private func batchBytesMax(_ topic: String, _ bytes: Int) -> Int {
        context.shared.topics.facts(of: topic, now: loop.now)?.batchBytesMax
            ?? max(ProxyLimits.batchBytesDefault, bytes)
    }

    /// Refuses what is still open among the partitions of a topic.
    func refuse(_ job: ProduceJob, topic: Int, code: Int16, _ reason: String) {
        let frame = job.frame
        let id = job.request.topics[topic].id
        let name = job.policies[topic]?.name ?? "\(TopicID(frame.bytes(in: id)))"
        for partition in job.request.topics[topic].partitions where job.isOpen(partition) {
            refuse(job, partition, of: name, code: code, reason)
        }
    }

    func refuse(
        _ job: ProduceJob, _ partition: Int, of topic: String, code: Int16, _ reason: String
    ) {
        let index = job.request.partitions[partition].index
        log.limited(
            .warn, "produce refused",
            fields([
                ("topic", topic), ("partition", "\(index)"), ("error", "\(code)"),
                ("reason", reason),
            ]))
        context.audit.refused(
            "produce", topic, partition: index, principal: reader.principal,
            client: "\(peer)", code: code, reason: reason)
        job.outcomes[partition] = .refused(
            code: code, message: "topic \(topic), partition \(index): \(reason)")
    }

    // MARK: sending

    private func dispatchProduce(_ job: ProduceJob) {
        let request = job.request
        if request.acks == 0 {
            guard !job.hasRefusals else {
                close(.warn, "closed: a refused Produce request that wants no answer")
                return
            }
            for round in 0..<job.rounds { sendRound(job, round) }
            endProduce()
            return
        }
        if job.isUntouched {
            upstream?.enqueue(job.frame)
            expect(request.version >= 10 ? .rewrite : .relay, request)
            endProduce()
            return
        }
        if job.isRefused {
            let response = loop.pool.take(capacity: 256)
            ProduceAnswers(count: job.outcomes.count).write(job, into: response)
            expect(.local(response), request)
            endProduce()
            sendLocalResponses()
            return
        }
        sendRound(job, 0)
        guard job.hasRefusals || job.rounds > 1 else {
            // Nothing of the job is needed for the answer: its buffers are free once sent, and
            // the frame at once when only sealed records go out.
            if !job.sendsFrame { loop.pool.giveBack(job.frame) }
            expect(request.version >= 10 ? .rewrite : .relay, request)
            endProduce()
            return
        }
        job.answers = ProduceAnswers(count: job.outcomes.count)
        expect(.produce(job), request)
        // What was cut goes out part by part, before anything that the client sent later.
        if job.rounds == 1 { endProduce() }
    }

    private func expect(_ expectation: Expectation, _ request: ProduceRequest) {
        pending.append(
            Pending(
                correlation: request.correlation, apiKey: ApiKey.produce, version: request.version,
                expectation: expectation))
    }

    private func endProduce() {
        produceJob?.cancelTimer()
        produceJob = nil
        hold = .none
    }

    /// - Returns: false when no partition takes part in the round.
    @discardableResult
    private func sendRound(_ job: ProduceJob, _ round: Int) -> Bool {
        guard let upstream else { return false }
        let skeleton = loop.pool.take(capacity: 512)
        let pieces = job.pieces(round: round, skeleton: skeleton)
        for piece in pieces {
            switch piece {
            case .skeleton(let range): upstream.enqueue(skeleton, range)
            case .frame(let range): upstream.enqueue(job.frame, range)
            case .sealed(let range): upstream.enqueue(job.sealed, range)
            }
        }
        return !pieces.isEmpty
    }

    /// The broker answered a Produce request that was put together here.
    func produceAnswered(_ job: ProduceJob, _ frame: ByteBuffer, _ pending: Pending) {
        guard let answers = job.answers else {
            preconditionFailure("the answer to an untouched request is only rewritten")
        }
        do {
            try answers.absorb(frame, round: job.round, of: job)
        } catch {
            close(.error, "a Produce response could not be understood", [("reason", "\(error)")])
            return
        }
        job.round += 1
        if job.round < job.rounds {
            // The same entry of the queue waits for the next answer.
            if sendRound(job, job.round) { return }
        }
        let whole = loop.pool.take(capacity: 512)
        answers.write(job, into: whole)
        guard sendRewritten(whole, pending) else { return }
        if produceJob === job { endProduce() }
        responseFinished()
    }

    /// News from the key service.
    func keysChanged() {
        guard !isClosed else { return }
        if let job = produceJob, hold == .produce, job.round == 0, job.answers == nil {
            advanceProduce(job)
            pumpRequests()
        }
        if openJob != nil {
            resumeOpen()
            pumpResponses()
        }
    }
}
