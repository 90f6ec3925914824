// RuleSet: all rules together: which topics are protected under which key, and who sees what.

package import Fields

/// When a record carries the wrapped data key.
package enum WrappedKeyForm: Hashable, Sendable {
    /// Every record does.
    case perRecord
    /// The first sealed record of each batch does; for topics that are not compacted.
    case perBatch
    /// `perBatch` where the cluster says that the topic is not compacted, else `perRecord`.
    case auto
}

/// Compression of a value before it is sealed.
package enum ValueCompression: Hashable, Sendable { case none, zstd, lz4 }

/// What becomes of a produced value that should be a JSON document and is not.
package enum NotJSON: Hashable, Sendable {
    /// The record is refused.
    case refuse
    /// The value is sealed whole.
    case seal
    /// It is stored as it is.
    case pass
}

/// What becomes of a record without seal that is fetched from a protected topic.
package enum PlainRecords: Hashable, Sendable {
    /// It is delivered and counted.
    case deliver
    /// Its fields are shown as those of sealed records.
    case mask
    /// The partition answers with an error.
    case refuse
}

/// What becomes of a fetched record that does not open.
package enum Unopenable: Hashable, Sendable {
    /// The partition answers with an error.
    case refuse
    /// It is delivered as it is stored.
    case deliver
}

/// How a protect rule seals, beside under which key.
package struct Sealing: Hashable, Sendable {
    /// Fields that are sealed; nil seals the whole value.
    package var fields: FieldPathSet?
    package var wrappedKey = WrappedKeyForm.auto
    package var compression = ValueCompression.none
    package var notJSON = NotJSON.refuse
    package var plainRecords = PlainRecords.deliver
    package var unopenable = Unopenable.refuse
    /// Nothing is changed; what the rule would do is counted.
    package var isDryRun = false

    package init() {}
}

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
    package let sealing: Sealing

    package init(
        topics: [Glob], exceptions: [Glob] = [], service: String, key: KeyTemplate,
        sealedAs: String? = nil, sealing: Sealing = Sealing()
    ) {
        self.topics = topics
        self.exceptions = exceptions
        self.service = service
        self.key = key
        self.sealedAs = sealedAs
        self.sealing = sealing
    }

    /// Whether the rule protects this topic.
    package func names(_ topic: String) -> Bool {
        topics.contains { $0.matches(topic) } && !exceptions.contains { $0.matches(topic) }
    }
}

/// How the name of a topic's key is come by.
package enum KeyNaming: Hashable, Sendable {
    /// All records of the topic have this key.
    case fixed(String)
    /// Each record says it by a header.
    case byHeader(HeaderKeyName)
}

/// The name of a key with a record header's value in it.
package struct HeaderKeyName: Hashable, Sendable {
    /// The record header's key.
    package let header: String
    /// What stands before and behind its value.
    package let prefix: String
    package let suffix: String

    package init(header: String, prefix: String, suffix: String) {
        self.header = header
        self.prefix = prefix
        self.suffix = suffix
    }

    /// The name for a header's value; nil when that is not UTF-8, or makes no key name.
    package func name(for value: String) -> String? {
        let name = prefix + value + suffix
        guard !value.isEmpty, name.utf8.count <= KeyTemplate.nameBytesMax,
            value.utf8.allSatisfy(TopicName.allows)
        else { return nil }
        return name
    }
}

/// What is done to the values of one topic on their way in.
package struct Protection: Hashable, Sendable {
    /// The key service, by its name in the configuration.
    package let service: String
    /// The name of the key within the service, or how a record makes it.
    package let key: KeyNaming
    /// The topic name that sealed values are bound to: the topic's own, or the rule's `sealedAs`.
    package let boundTopic: String
    package let sealing: Sealing

    package init(
        service: String, key: KeyNaming, boundTopic: String, sealing: Sealing = Sealing()
    ) {
        self.service = service
        self.key = key
        self.boundTopic = boundTopic
        self.sealing = sealing
    }
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
            service: rule.service, key: .fixed(try rule.key.fill(topic: topic)),
            boundTopic: rule.sealedAs ?? topic, sealing: rule.sealing)
    }

    /// How `principal` sees the topic: rule by rule in their order, each path as the first rule
    /// that says something of it says. What no rule shows is redacted or sealed.
    package func view(of topic: String, for principal: Principal) -> ReadView {
        var whole: Showing?
        var fields: [ReadRule.Field] = []
        for rule in read where rule.names(topic: topic) && rule.names(principal) {
            fields += rule.fields.filter { !$0.path.isRoot }
            whole = whole ?? rule.fields.first { $0.path.isRoot }?.showing ?? rule.show
            if let rest = rule.show {
                return ReadView(whole: whole ?? rest, fields: fields, rest: rest)
            }
        }
        return ReadView(whole: whole ?? .sealed, fields: fields)
    }

    /// Whether any rule names the topic, so that its batches have to be looked into.
    package func concerns(topic: String) -> Bool {
        protect.contains { $0.names(topic) } || read.contains { $0.names(topic: topic) }
    }
}
