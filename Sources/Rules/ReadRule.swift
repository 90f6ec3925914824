// ReadRule: who sees what of the topics that it names.

package import Fields
package import Masks

/// How a value is shown.
package enum Showing: Hashable, Sendable {
    /// As the producer sent it.
    case clear
    /// As it is stored.
    case sealed
    /// Not at all: a field is left out of its document, a whole value's record is not delivered.
    case drop
    case mask(Mask)
}

/// How clients read the topics that it names.
package struct ReadRule: Hashable, Sendable {
    /// A path and how what it selects is shown. `$` is a value that was sealed whole.
    package struct Field: Hashable, Sendable {
        package let path: FieldPath
        package let showing: Showing

        package init(_ path: FieldPath, _ showing: Showing) {
            self.path = path
            self.showing = showing
        }
    }

    package let principals: [PrincipalPattern]
    package let topics: [Glob]
    /// How everything that `fields` does not select is shown; nil leaves it to later rules.
    package let show: Showing?
    /// A path into what another one selects stands before it, so that the first that selects a
    /// value, or something around it, is the one that says most exactly what is meant.
    package let fields: [Field]

    package init(
        principals: [PrincipalPattern] = [.everybody], topics: [Glob], show: Showing?,
        fields: [Field] = []
    ) {
        self.principals = principals
        self.topics = topics
        self.show = show
        self.fields = ReadRule.innermostFirst(fields)
    }

    private static func innermostFirst(_ fields: [Field]) -> [Field] {
        var sorted: [Field] = []
        for field in fields {
            let around = sorted.firstIndex { $0.path.isAround(field.path) }
            sorted.insert(field, at: around ?? sorted.endIndex)
        }
        return sorted
    }

    package func names(topic: String) -> Bool { topics.contains { $0.matches(topic) } }

    package func names(_ principal: Principal) -> Bool {
        principals.contains { $0.matches(principal) }
    }
}

extension FieldPath {
    /// Whether all that `other` selects lies in what this path selects, and is not that itself.
    /// `$` is a value that was sealed whole, and around nothing.
    internal func isAround(_ other: FieldPath) -> Bool {
        !isRoot && !other.isRoot && contains(other) && !covers(other)
    }
}

/// How one principal sees one topic: the rules that name both, put together.
package struct ReadView: Hashable, Sendable {
    /// How a value that was sealed whole is shown. Without a grant: as it is stored.
    package let whole: Showing
    /// How sealed fields are shown, by path; the first counts that selects a field, or an object
    /// or array around it.
    package let fields: [ReadRule.Field]
    /// How sealed fields that none of `fields` selects are shown. Without a grant: redacted.
    package let rest: Showing

    package init(
        whole: Showing = .sealed, fields: [ReadRule.Field] = [], rest: Showing = .mask(.redact)
    ) {
        self.whole = whole
        self.fields = fields
        self.rest = rest
    }

    /// Everything as the producer sent it.
    package static let clear = ReadView(whole: .clear, rest: .clear)
    /// Everything as it is stored.
    package static let sealed = ReadView(rest: .sealed)
}
