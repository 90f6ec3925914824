// SASLSettings: where in a token the name and the groups of a client stand.

/// How tokens of SASL/OAUTHBEARER are read. Claims are members at the top of the token's payload.
package struct SASLSettings: Sendable, Hashable {
    /// The claim that brokers take the name from (`sasl.oauthbearer.sub.claim.name`). It has to be
    /// the same there: rules go by what it says.
    package var subjectClaim = "sub"
    /// The claim that lists groups, as an array of strings or as one string with spaces or commas
    /// between them; nil when rules do not ask for groups.
    package var groupsClaim: String?

    package init(subjectClaim: String = "sub", groupsClaim: String? = nil) {
        self.subjectClaim = subjectClaim
        self.groupsClaim = groupsClaim
    }
}
