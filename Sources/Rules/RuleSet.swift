// RuleSet: which topics are protected under which key, and which may be read in clear.

/// Topics whose values are sealed, and the key that they are sealed under.
package struct ProtectRule: Hashable, Sendable {
    package let topics: [Glob]
    /// Topics that the rule leaves out although `topics` names them.
    package let exceptions: [Glob]
    /// The key service, by its name in the configuration.
    package let service: String
    package let key: KeyTemplate
    /// The name that is bound to sealed values in place of the topic's own, for topics that are
    /// mirrored under another name.
    package let sealedAs: String?

    package init(
        topics: [Glob], exceptions: [Glob] = [], service: String, key: KeyTemplate,
        sealedAs: String? = nil
    ) {
        self.topics = topics
        self.exceptions = exceptions
        self.service = service
        self.key = key
        self.sealedAs = sealedAs
    }

    /// Whether the rule protects this topic.
    package func names(_ topic: String) -> Bool {
        topics.contains { $0.matches(topic) } && !exceptions.contains { $0.matches(topic) }
    }
}

/// How clients read the topics that it names.
package struct ReadRule: Hashable, Sendable {
    package enum Show: Hashable, Sendable {
        /// As the producer sent it.
        case clear
        /// As it is stored.
        case sealed
    }

    package let topics: [Glob]
    package let show: Show

    package init(topics: [Glob], show: Show) {
        self.topics = topics
        self.show = show
    }

    /// Whether the rule is about this topic.
    package func names(_ topic: String) -> Bool { topics.contains { $0.matches(topic) } }
}

/// What is done to the values of one topic on their way in.
package struct Protection: Hashable, Sendable {
    /// The key service, by its name in the configuration.
    package let service: String
    /// The name of the key within the service.
    package let key: String
    /// The topic name that sealed values are bound to: the topic's own, or the rule's `sealedAs`.
    package let boundTopic: String
}

/// All rules, fixed once built. Safe to read from every loop.
package struct RuleSet: Hashable, Sendable {
    package let protect: [ProtectRule]
    package let read: [ReadRule]

    /// - Parameter protect: no two of them name the same topic; the first would win.
    /// - Parameter read: the first that names a topic wins.
    package init(protect: [ProtectRule] = [], read: [ReadRule] = []) {
        self.protect = protect
        self.read = read
    }

    /// Whether nothing is ever sealed or opened.
    package var isEmpty: Bool { protect.isEmpty && read.isEmpty }

    /// The protection of a topic, or nil when no rule protects it.
    /// - Throws: when a rule protects it but its name makes no key name: the values must then be
    ///   refused, never stored as they are.
    package func protection(topic: String) throws(KeyNameError) -> Protection? {
        guard let rule = protect.first(where: { $0.names(topic) }) else { return nil }
        return Protection(
            service: rule.service, key: try rule.key.fill(topic: topic),
            boundTopic: rule.sealedAs ?? topic)
    }

    /// Whether a grant lets the topic's values be read in clear. Without one they are not.
    package func showsClear(topic: String) -> Bool {
        read.first { $0.names(topic) }?.show == .clear
    }

    /// Whether any rule names the topic, so that its batches have to be looked into.
    package func concerns(topic: String) -> Bool {
        protect.contains { $0.names(topic) } || read.contains { $0.names(topic) }
    }
}
