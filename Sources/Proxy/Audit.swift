// Audit: the event stream of who was shown what, and who was refused.

internal import Limits
internal import Loop
internal import Records
internal import Rules
package import Telemetry

/// Where audit events go.
package struct AuditSink: Sendable {
    /// One JSON line per event.
    internal let log: Log
    /// How often counts are written.
    internal let intervalNanoseconds: UInt64

    package init(log: Log, intervalNanoseconds: UInt64) {
        self.log = log
        self.intervalNanoseconds = intervalNanoseconds
    }
}

/// The audit of one loop. What is read is counted by principal and topic and written once per
/// interval and at the end; refusals and log-ins are written at once.
internal final class LoopAudit {
    private struct Key: Hashable {
        let principal: Principal
        let topic: String
    }

    private let sink: AuditSink?
    private let loop: EventLoop
    private var counts: [Key: OpeningCounts] = [:]
    private var isFlushing = false

    init(sink: AuditSink?, loop: EventLoop) {
        self.sink = sink
        self.loop = loop
    }

    /// A partition's records were shown to a reader.
    func shown(_ topic: String, to reader: Reader, _ shown: OpeningCounts) {
        guard sink != nil, shown != OpeningCounts() else { return }
        let key = Key(principal: reader.principal, topic: topic)
        if counts[key] == nil, counts.count >= ProxyLimits.auditCountsMax { flush() }
        counts[key, default: OpeningCounts()].add(shown)
        flushLater()
    }

    /// Something that a client asked for was not done.
    func refused(
        _ what: String, _ topic: String, partition: Int32, principal: Principal, client: String,
        code: Int16, reason: String
    ) {
        sink?.log.limited(
            .warn, "refused",
            [
                .init("event", "refused"), .init("api", what),
                .init("principal", "\(principal)"), .init("client", client),
                .init("topic", topic), .init("partition", partition), .init("error", code),
                .init("reason", reason),
            ])
    }

    /// A client has proven who it is.
    func loggedIn(_ principal: Principal, client: String) {
        sink?.log.info(
            "logged in",
            [
                .init("event", "login"), .init("principal", "\(principal)"),
                .init("client", client),
            ])
    }

    private func flushLater() {
        guard !isFlushing, let sink else { return }
        isFlushing = true
        loop.schedule(afterNanoseconds: sink.intervalNanoseconds) { [weak self] _ in
            self?.isFlushing = false
            self?.flush()
        }
    }

    /// Writes what was counted since the last time.
    func flush() {
        guard let sink, !counts.isEmpty else { return }
        for (key, shown) in counts.sorted(by: { $0.key.topic < $1.key.topic }) {
            sink.log.info(
                "read",
                [
                    .init("event", "read"), .init("principal", "\(key.principal)"),
                    .init("topic", key.topic), .init("clear", shown.opened),
                    .init("masked", shown.masked), .init("sealed", shown.leftSealed),
                    .init("droppedFields", shown.droppedFields),
                    .init("droppedRecords", shown.droppedRecords),
                    .init("plain", shown.plain), .init("unopenable", shown.unopenable),
                    .init("notJSON", shown.notJSON),
                ])
        }
        counts = [:]
    }
}
