// TopicTable: the names behind topic ids, and what the cluster says of topics.

internal import KafkaWire
internal import Limits
internal import Synchronization

/// Topic id to name, and what the cluster says about topics, for the whole process.
///
/// A name keeps its id until it is deleted, and a new topic of that name has a new id; so an id
/// once learnt stays right, and the table is only emptied when it is full.
internal final class TopicTable: Sendable {
    private struct State {
        var names: [TopicID: String] = [:]
        var facts: [String: (facts: TopicFacts, until: UInt64)] = [:]
    }

    private let state = Mutex(State())

    /// Nil when the id was not seen, or was seen under two names.
    func name(of id: TopicID) -> String? {
        state.withLock { state in
            guard let name = state.names[id], !name.isEmpty else { return nil }
            return name
        }
    }

    /// Notes the name behind an id.
    ///
    /// An id never changes its name. A cluster that says so is broken or lies, to have the values
    /// of a protected topic sent to it under another name's rules: the id then has no name here,
    /// and what names its topic by it is refused.
    /// - Returns: false when the id had another name.
    @discardableResult
    func learn(_ id: TopicID, _ name: String) -> Bool {
        guard id != .zero, !name.isEmpty else { return true }
        return state.withLock { state in
            if state.names.count >= ProxyLimits.topicIDsMax { state.names.removeAll() }
            if let known = state.names[id], !known.utf8.elementsEqual(name.utf8) {
                state.names[id] = ""
                return false
            }
            state.names[id] = name
            return true
        }
    }

    /// What the cluster said of a topic; nil when nobody has asked, or the answer is too old.
    func facts(of topic: String, now: UInt64) -> TopicFacts? {
        state.withLock { state in
            guard let entry = state.facts[topic], entry.until > now else { return nil }
            return entry.facts
        }
    }

    func learn(_ facts: TopicFacts, of topic: String, until: UInt64) {
        state.withLock { state in
            if state.facts.count >= ProxyLimits.topicPoliciesMax { state.facts.removeAll() }
            state.facts[topic] = (facts, until)
        }
    }
}

/// What sealing has to know of a topic. Nil is what the cluster would not say.
internal struct TopicFacts: Equatable, Sendable {
    /// `max.message.bytes`.
    var batchBytesMax: Int?
    /// Whether `cleanup.policy` has `compact` in it.
    var isCompacted: Bool?

    static let untold = TopicFacts()
}

/// Client connections of the process.
internal final class ConnectionCount: Sendable {
    private let count = Atomic<Int>(0)

    /// Counts one more, unless there are `most` already.
    func enter(most: Int) -> Bool {
        let before = count.wrappingAdd(1, ordering: .relaxed).oldValue
        guard before < most else {
            count.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    func leave() { count.wrappingSubtract(1, ordering: .relaxed) }

    var value: Int { count.load(ordering: .relaxed) }
}
