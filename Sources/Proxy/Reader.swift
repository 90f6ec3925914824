// Reader: how one principal sees topics, looked up once per loop.

internal import Fields
internal import Limits
internal import Records
internal import Rules
internal import Telemetry

/// How one principal sees one topic.
internal final class TopicView {
    let policy: TopicPolicy
    /// How its records are shown; nil when they pass as they are stored.
    let records: RecordView?

    init(policy: TopicPolicy, records: RecordView?) {
        self.policy = policy
        self.records = records
    }
}

/// The views of one principal. Sessions of the same principal share it.
internal final class Reader {
    let principal: Principal
    private let rules: RuleSet
    private let log: Log
    private var views: [String: TopicView] = [:]

    init(_ principal: Principal, rules: RuleSet, log: Log) {
        self.principal = principal
        self.rules = rules
        self.log = log
    }

    /// - Parameter policy: the topic's own.
    func view(of policy: TopicPolicy) -> TopicView {
        if case .invalidName = policy.protection { return TopicView(policy: policy, records: nil) }
        if let view = views[policy.name] { return view }
        if views.count >= ProxyLimits.topicPoliciesMax { views.removeAll() }
        let view = TopicView(policy: policy, records: records(policy))
        views[policy.name] = view
        return view
    }

    /// How `principal` sees the records of a topic; nil when they pass as they are stored.
    ///
    /// - Throws: when the paths of all rules for it are too many together.
    static func records(
        _ policy: TopicPolicy, for principal: Principal, rules: RuleSet
    ) throws(FieldPathError) -> RecordView? {
        let view = rules.view(of: policy.name, for: principal)
        guard Reader.looksInto(view, policy.readSealing) else { return nil }
        return try RecordView(view, policy.readSealing)
    }

    private func records(_ policy: TopicPolicy) -> RecordView? {
        do throws(FieldPathError) {
            return try Reader.records(policy, for: principal, rules: rules)
        } catch {
            // The configuration was checked path by path; all together they are too many.
            log.limited(
                .error, "the rules for a topic are too many; only what is sealed is delivered",
                [
                    .init("topic", policy.name), .init("principal", "\(principal)"),
                    .init("reason", "\(error)"),
                ])
            return .sealedOnly
        }
    }

    /// Whether records have to be looked at before they are delivered. What is sealed and stays so
    /// needs no look: it passes as it is stored.
    private static func looksInto(_ view: ReadView, _ sealing: Sealing?) -> Bool {
        if view.whole != .sealed || view.fields.contains(where: { $0.showing != .sealed }) {
            return true
        }
        guard let sealing else { return false }
        return sealing.fields != nil && view.rest != .sealed
            || sealing.plainRecords != .deliver
    }
}

extension RecordView {
    /// What the rules say, in the terms of records.
    internal convenience init(_ view: ReadView, _ sealing: Sealing?) throws(FieldPathError) {
        let paths = view.fields.map(\.path)
        try self.init(
            whole: ViewAction(view.whole),
            fields: paths.isEmpty ? nil : try FieldPathSet(paths),
            actions: view.fields.map { ViewAction($0.showing) },
            rest: ViewAction(view.rest), plain: PlainRecordChoice(sealing?.plainRecords),
            unopenable: sealing?.unopenable == .deliver ? .deliver : .refuse,
            protectedFields: sealing?.fields)
    }
}

extension RecordView.ViewAction {
    internal init(_ showing: Showing) {
        switch showing {
        case .clear: self = .clear
        case .sealed: self = .sealed
        case .drop: self = .drop
        case .mask(let mask): self = .mask(mask)
        }
    }
}

extension PlainRecordChoice {
    internal init(_ choice: PlainRecords?) {
        switch choice {
        case .deliver, nil: self = .deliver
        case .mask: self = .mask
        case .refuse: self = .refuse
        }
    }
}

extension RuleSet {
    /// Whether any record may have to be looked at before it is delivered.
    internal var looksIntoFetches: Bool {
        read.contains { rule in
            rule.show.map { $0 != .sealed } ?? false
                || rule.fields.contains { $0.showing != .sealed }
        }
            || protect.contains { $0.sealing.fields != nil || $0.sealing.plainRecords != .deliver }
    }
}
