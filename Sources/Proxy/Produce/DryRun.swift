// DryRun: counts what rules that are only tried out would have done.

internal import Bytes
internal import Crypto
internal import Envelope
internal import Limits
internal import Loop
internal import Records
internal import Rules
internal import Telemetry

/// Carries a rule out on a copy that nobody gets, under a key that nobody keeps: the same walk, the
/// same paths, the same refusals of records. What depends on the key service or on the topic's
/// settings at the cluster is not tried.
internal final class DryRun {
    private struct Counts {
        var batches = 0
        var records = 0
        var sealed = 0
        var refused = 0
    }

    private let sealer: BatchSealer
    private let log: Log
    private let loop: EventLoop
    private let scratch = ByteBuffer(capacity: 16)
    private var key: SealingKey?
    private var counts: [String: Counts] = [:]
    private var isReporting = false

    init(sealer: BatchSealer, loop: EventLoop, log: Log) {
        self.sealer = sealer
        self.loop = loop
        self.log = log
    }

    /// Counts a produced batch of a topic whose rule is tried out.
    func count(_ batch: RawSpan, _ policy: TopicPolicy) {
        guard let key = throwawayKey() else { return }
        if counts[policy.name] == nil, counts.count >= ProxyLimits.dryRunTopicsMax { report() }
        defer { scratch.removeAll(keepingAtMost: RecordLimits.scratchBytesKept) }
        var found = counts[policy.name] ?? Counts()
        found.batches += 1
        do throws(RecordError) {
            found.records += try sealer.inspect(batch: batch).records
            scratch.removeAll()
            let keys = try self.keys(batch, key, policy)
            let result = try sealer.seal(batch: batch, plan: policy.plan, keys: keys, into: scratch)
            found.sealed += result.sealedCount
        } catch {
            found.refused += 1
            log.limited(
                .warn, "dry run: would be refused",
                [.init("topic", policy.name), .init("reason", "\(error)")])
        }
        counts[policy.name] = found
        reportLater()
    }

    private func keys(
        _ batch: RawSpan, _ key: SealingKey, _ policy: TopicPolicy
    ) throws(RecordError) -> SealingKeyChoice {
        guard case .byHeader(let name)? = policy.naming else { return .one(key) }
        let values = try sealer.headerValues(batch: batch, header: name.header)
        for value in values where name.name(for: value) == nil {
            throw RecordError(.invalidRecord, "record header \(name.header) makes no key name")
        }
        return .byHeader(HeaderKeys(header: name.header, keys: values.map { ($0, key) }))
    }

    private func throwawayKey() -> SealingKey? {
        if let key { return key }
        guard let secret = try? SecretBytes.random(count: 32) else { return nil }
        key = try? SealingKey(
            id: 0, reference: "dry/run", wrapped: [UInt8](repeating: 0, count: 40), key: secret,
            salt: 0)
        return key
    }

    private func reportLater() {
        guard !isReporting else { return }
        isReporting = true
        loop.schedule(afterNanoseconds: ProxyLimits.dryRunReportNanoseconds) { [weak self] _ in
            self?.report()
        }
    }

    /// Writes the counts since the last report, a line for each topic.
    func report() {
        isReporting = false
        for (topic, found) in counts.sorted(by: { $0.key < $1.key }) {
            log.info(
                "dry run: would have sealed",
                [
                    .init("topic", topic), .init("batches", found.batches),
                    .init("records", found.records), .init("values", found.sealed),
                    .init("refused", found.refused),
                ])
        }
        counts = [:]
    }
}
