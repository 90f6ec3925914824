// Session+SealingKeys: finds the data keys that the batches of a Produce request are sealed with.

internal import Bytes
internal import Envelope
internal import KafkaWire
internal import KeyService
internal import Records
internal import Rules

extension Session {
    /// Reserves a data key for every batch that is to be sealed.
    /// - Returns: false while one is on its way.
    func findKeys(_ job: ProduceJob) -> Bool {
        var waits = false
        for (index, topic) in job.request.topics.enumerated() {
            guard let policy = job.policies[index] else { continue }
            switch policy.protection {
            case .none, .dryRun: continue
            case .invalidName:
                refuse(
                    job, topic: index, code: KafkaError.invalidTopic,
                    "no topic can have this name")
            case .refused(let reason):
                refuse(job, topic: index, code: KafkaError.policyViolation, reason)
            case .key, .byHeader:
                for partition in topic.partitions where !hasKeys(job, partition) {
                    if !findKeys(job, partition, policy) { waits = true }
                }
            }
        }
        if waits { context.keys.await(self) }
        return !waits
    }

    private func hasKeys(_ job: ProduceJob, _ partition: Int) -> Bool {
        guard case .open = job.outcomes[partition] else { return true }
        return job.keys[partition] != nil
    }

    /// - Returns: false while a key of the partition is on its way.
    private func findKeys(
        _ job: ProduceJob, _ partition: Int, _ policy: TopicPolicy
    ) -> Bool {
        let range = job.request.partitions[partition].records
        let frame = job.frame
        do throws(RecordError) {
            let inspection = try context.sealer.inspect(batch: frame.bytes(in: range))
            switch policy.protection {
            case .key(let reference):
                switch reserve(reference, inspection, job, partition, policy) {
                case .ready(let key): job.keys[partition] = .one(key)
                case .wait: return false
                case .refused: break
                }
                return true
            case .byHeader(let service, let name):
                return try findKeys(job, partition, policy, service, name, inspection)
            default: preconditionFailure("a topic that is not sealed needs no keys")
            }
        } catch {
            refuse(job, partition, of: policy.name, code: error.kafkaCode, "\(error)")
            return true
        }
    }

    /// Finds a key for each value that the batch's records have for the header.
    private func findKeys(
        _ job: ProduceJob, _ partition: Int, _ policy: TopicPolicy, _ service: String,
        _ name: HeaderKeyName, _ inspection: BatchInspection
    ) throws(RecordError) -> Bool {
        let range = job.request.partitions[partition].records
        let frame = job.frame
        let values: [String]
        if let known = job.headerValues[partition] {
            values = known
        } else {
            values = try context.sealer.headerValues(
                batch: frame.bytes(in: range), header: name.header)
            job.headerValues[partition] = values
        }
        var found = job.headerKeys[partition] ?? []
        var waits = false
        for (index, value) in values.enumerated() where !found.contains(where: { $0.at == index }) {
            guard let key = name.name(for: value),
                let reference = KEKReference(service: service, name: key)
            else {
                throw RecordError(
                    .invalidRecord, "record header \(name.header) makes no key name")
            }
            switch reserve(reference, inspection, job, partition, policy) {
            case .ready(let key): found.append((index, key))
            case .wait: waits = true
            case .refused: return true
            }
        }
        job.headerKeys[partition] = found
        guard !waits else { return false }
        job.keys[partition] = .byHeader(
            HeaderKeys(header: name.header, keys: found.map { (values[$0.at], $0.key) }))
        return true
    }

    private enum Reservation {
        case ready(SealingKey)
        case wait
        /// The partition was refused.
        case refused
    }

    private func reserve(
        _ reference: KEKReference, _ inspection: BatchInspection, _ job: ProduceJob,
        _ partition: Int, _ policy: TopicPolicy
    ) -> Reservation {
        let answer = context.keys.reserve(
            reference, records: inspection.records, bytes: inspection.bytes)
        switch answer {
        case .ready(let key): return .ready(key)
        case .failed(let error):
            let code =
                error.isRetriable ? KafkaError.notEnoughReplicas : KafkaError.policyViolation
            refuse(job, partition, of: policy.name, code: code, "\(error)")
            return .refused
        case .wait:
            guard job.gaveUp else { return .wait }
            refuse(
                job, partition, of: policy.name, code: KafkaError.notEnoughReplicas,
                "no data key under \(reference.text) in time")
            return .refused
        }
    }
}
