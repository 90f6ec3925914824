// TopicOutlook: what sessions would do with the records of one topic, for commands that explain it.

package import Fields
package import Records
package import Rules

/// What the rules do with one topic for one principal. It is made of the very objects that
/// sessions work with, so that what is explained is what happens.
package struct TopicOutlook {
    /// How produced values are sealed. `bytesMax` is a default that only the cluster knows better.
    package let plan: SealingPlan
    /// Whether produced batches go on as they came: no rule, or one that is only tried out.
    package let isOff: Bool
    /// How the principal sees fetched records; nil when they pass as they are stored.
    package let view: RecordView?

    /// - Parameter topic: a name that a topic can have.
    /// - Throws: when the paths of all rules for this principal are too many together. Nothing
    ///   would be opened for it then.
    package init(
        topic: String, principal: Principal, rules: RuleSet
    ) throws(FieldPathError) {
        let policy = TopicPolicy(topic, rules: rules)
        plan = policy.plan
        isOff = policy.protection.isOff
        if case .invalidName = policy.protection {
            view = nil
        } else {
            view = try Reader.records(policy, for: principal, rules: rules)
        }
    }
}
