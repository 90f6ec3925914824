// TopicPolicy: what the rules say about one topic, looked up once per loop.

internal import KeyService
internal import Limits
internal import Rules

/// The rules' answer for one topic.
internal final class TopicPolicy {
    /// How values are protected.
    enum Protection {
        /// No topic can have this name.
        case invalidName
        /// No rule protects the topic.
        case none
        case key(KEKReference)
        /// A rule protects it, but the topic's name gives no key name.
        case refused(String)
    }

    let name: String
    let protection: Protection
    /// The topic name that sealed values are bound to.
    let boundTopic: String
    /// Whether a grant lets values be read in clear.
    let showsClear: Bool
    /// Whether any rule names the topic, so that its batches must be looked into.
    let isConcerned: Bool

    init(invalid name: String) {
        self.name = name
        boundTopic = name
        protection = .invalidName
        showsClear = false
        isConcerned = true
    }

    init(_ name: String, rules: RuleSet) {
        self.name = name
        showsClear = rules.view(of: name, for: .anonymous).whole == .clear
        isConcerned = rules.concerns(topic: name)
        do {
            guard let found = try rules.protection(topic: name) else {
                protection = .none
                boundTopic = name
                return
            }
            boundTopic = found.boundTopic
            switch found.key {
            case .fixed(let key):
                if let reference = KEKReference(service: found.service, name: key) {
                    protection = .key(reference)
                } else {
                    protection = .refused("\(found.service)/\(key) is not the name of a key")
                }
            case .byHeader:
                protection = .refused("keys by record header are not supported yet")
            }
        } catch {
            boundTopic = name
            protection = .refused("\(error)")
        }
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
