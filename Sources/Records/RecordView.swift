// RecordView: how one reader sees the records of one topic.

package import Fields
package import Masks

/// What is done with a fetched record that carries no seal although its topic is protected.
package enum PlainRecordChoice: Hashable, Sendable {
    /// It is delivered as it is, and counted.
    case deliver
    /// Its value is shown as if it had been sealed; what would stay sealed is redacted.
    case mask
    /// The partition answers with an error.
    case refuse
}

/// What is done with a fetched record that does not open.
package enum UnopenableChoice: Hashable, Sendable {
    /// The partition answers with an error.
    case refuse
    /// It is delivered as it is stored, and counted.
    case deliver
}

/// How one reader sees one topic, made ready for `BatchOpener`. It never changes, so that one
/// object serves all event loops.
///
/// A value that was sealed whole is shown as `whole` says. In a document with sealed fields each
/// field is shown as the first of `fields` says that selects it or an object or array around it;
/// else as `rest` says. A field that was sealed as a whole object or array is shown as one value:
/// paths into it select nothing.
package final class RecordView: Sendable {
    /// How a value is shown.
    package enum ViewAction: Hashable, Sendable {
        /// As the producer sent it.
        case clear
        /// As it is stored.
        case sealed
        /// Not at all: a field is left out of its document, a whole value's record is not
        /// delivered.
        case drop
        /// Masked.
        case mask(Mask)
    }

    /// An action without its mask: plain bits, so that to look at one counts no reference.
    internal enum Step { case clear, sealed, drop, mask }

    /// How a value that was sealed whole is shown.
    internal let whole: ViewAction
    internal let plain: PlainRecordChoice
    internal let unopenable: UnopenableChoice
    /// The view's paths, and behind them, for plain values that are masked, the protected ones.
    internal let selected: FieldPathSet
    /// Each path of `selected` alone, to find values that lie in one another.
    internal let single: [FieldPathSet]
    /// An action for each path of `selected`; the last one is that of everything else.
    internal let steps: [Step]
    /// The mask of each of these actions: what is shown of a plain value that would stay sealed,
    /// where there is none.
    internal let masks: [Mask]
    /// Whether fields of the topic are sealed, and not whole values.
    internal let isByField: Bool
    /// Whether values in the clear are masked too.
    internal var masksPlain: Bool { plain == .mask }

    /// - Parameters:
    ///   - whole: how a value that was sealed whole is shown.
    ///   - fields: paths of fields; nil for none.
    ///   - actions: one for each of these paths.
    ///   - rest: how fields are shown that none of the paths selects.
    ///   - protectedFields: the paths that are sealed in this topic; nil when whole values are,
    ///     or nothing is.
    /// - Throws: when the paths are too many together.
    package init(
        whole: ViewAction, fields: FieldPathSet?, actions: [ViewAction], rest: ViewAction,
        plain: PlainRecordChoice, unopenable: UnopenableChoice, protectedFields: FieldPathSet?
    ) throws(FieldPathError) {
        let own = fields?.paths ?? []
        precondition(own.count == actions.count, "a view needs one action for each path")
        let named = Set(own)
        let others =
            plain == .mask ? protectedFields?.paths.filter { !named.contains($0) } ?? [] : []
        self.whole = whole
        self.plain = plain
        self.unopenable = unopenable
        isByField = protectedFields != nil
        selected = try FieldPathSet(own + others)
        var single: [FieldPathSet] = []
        for path in own + others { single.append(try FieldPathSet([path])) }
        self.single = single
        let all = actions + others.map { _ in rest } + [rest]
        steps = all.map(\.step)
        masks = all.map(\.mask)
    }

    /// Everything as the producer sent it; what does not open is an error.
    package static let clear = alike(.clear, plain: .deliver)

    /// Nothing but what is sealed and stays so: for a reader whose rules cannot be carried out.
    package static let sealedOnly = alike(.sealed, plain: .refuse)

    /// One action for everything.
    private static func alike(_ action: ViewAction, plain: PlainRecordChoice) -> RecordView {
        do throws(FieldPathError) {
            return try RecordView(
                whole: action, fields: nil, actions: [], rest: action, plain: plain,
                unopenable: .refuse, protectedFields: nil)
        } catch {
            fatalError("a view without paths is refused: \(error)")
        }
    }

    /// Whether records in the clear go out whatever is in them.
    internal var deliversPlain: Bool {
        switch plain {
        case .deliver: true
        case .refuse: false
        case .mask: whole == .clear && steps.allSatisfy { $0 == .clear }
        }
    }

    /// Whether a record that does not open goes out as it is stored. With it would go the values
    /// beside the sealed ones that this reader is not to see.
    internal var deliversUnopenable: Bool { unopenable == .deliver && plain == .deliver }

    /// Place in `steps` of the action for a hit of `selected`.
    internal func action(ofPath path: Int) -> Int { path < 0 ? steps.count - 1 : path }
}

extension RecordView.ViewAction {
    fileprivate var step: RecordView.Step {
        switch self {
        case .clear: .clear
        case .sealed: .sealed
        case .drop: .drop
        case .mask: .mask
        }
    }

    fileprivate var mask: Mask {
        if case .mask(let mask) = self { mask } else { .redact }
    }
}
