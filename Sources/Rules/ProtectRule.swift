// ProtectRule: which topics are sealed, under which key, and how.

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
