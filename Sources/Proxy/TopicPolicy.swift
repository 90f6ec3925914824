// TopicPolicy: what the rules say about one topic, looked up once per loop.

internal import Envelope
internal import KeyService
internal import Limits
internal import Records
internal import Rules

/// The rules' answer for one topic.
internal final class TopicPolicy {
    /// How values are protected.
    enum Protection {
        /// No topic can have this name.
        case invalidName
        /// No rule protects the topic.
        case none
        /// The rule is only tried out: nothing is sealed.
        case dryRun
        case key(KEKReference)
        /// Each record names its key by a header.
        case byHeader(service: String, HeaderKeyName)
        /// A rule protects it, but the topic's name gives no key name.
        case refused(String)

        /// Whether batches go on as they came.
        var isOff: Bool {
            switch self {
            case .none, .dryRun: true
            case .invalidName, .key, .byHeader, .refused: false
            }
        }
    }

    let name: String
    let protection: Protection
    /// How the key of the rule is named; nil when no rule protects the topic.
    let naming: KeyNaming?
    /// How the rule seals; nil when no rule protects the topic.
    let sealing: Sealing?
    /// How values are sealed, but for what only the cluster knows of the topic.
    let plan: SealingPlan
    /// Whether any rule names the topic, so that its batches must be looked into.
    let isConcerned: Bool

    /// What the rule says of records that are read; a rule that is tried out changes nothing.
    var readSealing: Sealing? { sealing?.isDryRun == true ? nil : sealing }

    /// The topic name that sealed values are bound to.
    var boundTopic: String { plan.topic }

    init(invalid name: String) {
        self.name = name
        protection = .invalidName
        naming = nil
        sealing = nil
        plan = SealingPlan(topic: name, bytesMax: ProxyLimits.batchBytesDefault)
        isConcerned = true
    }

    init(_ name: String, rules: RuleSet) {
        self.name = name
        isConcerned = rules.concerns(topic: name)
        do {
            let found = try rules.protection(topic: name)
            sealing = found?.sealing
            naming = found?.key
            plan = TopicPolicy.plan(name, found)
            protection = found.map(TopicPolicy.protection) ?? .none
        } catch {
            sealing = nil
            naming = nil
            plan = TopicPolicy.plan(name, nil)
            protection = .refused("\(error)")
        }
    }

    private static func protection(_ found: Rules.Protection) -> Protection {
        if found.sealing.isDryRun { return .dryRun }
        switch found.key {
        case .byHeader(let header): return .byHeader(service: found.service, header)
        case .fixed(let key):
            return KEKReference(service: found.service, name: key).map(Protection.key)
                ?? .refused("\(found.service)/\(key) is not the name of a key")
        }
    }

    private static func plan(_ name: String, _ found: Rules.Protection?) -> SealingPlan {
        var plan = SealingPlan(
            topic: found?.boundTopic ?? name, bytesMax: ProxyLimits.batchBytesDefault)
        guard let sealing = found?.sealing else { return plan }
        plan.fields = sealing.fields
        switch sealing.notJSON {
        case .refuse: plan.notJSON = .refuse
        case .seal: plan.notJSON = .seal
        case .pass: plan.notJSON = .pass
        }
        switch sealing.compression {
        case .none: plan.compression = .none
        case .zstd: plan.compression = .zstd
        case .lz4: plan.compression = .lz4
        }
        return plan
    }
}

/// The policies that a loop has looked up.
internal struct TopicPolicies {
    private let rules: RuleSet
    private var known: [String: TopicPolicy] = [:]

    init(_ rules: RuleSet) { self.rules = rules }

    /// Names are looked up as Swift compares strings, by meaning and not by byte: a K and the sign
    /// for kelvin are one name then. So what no topic can be called, which is all but a few ASCII
    /// characters, never gets in here.
    mutating func policy(for topic: String) -> TopicPolicy {
        guard TopicName.isValid(topic) else { return TopicPolicy(invalid: topic) }
        if let policy = known[topic] { return policy }
        if known.count >= ProxyLimits.topicPoliciesMax { known.removeAll() }
        let policy = TopicPolicy(topic, rules: rules)
        known[topic] = policy
        return policy
    }
}
