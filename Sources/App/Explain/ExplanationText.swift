// ExplanationText: an explanation in lines for people.

internal import Config
internal import Fields
internal import Masks
internal import Proxy
internal import Rules

/// Writes what `waxwing explain` prints without `--json`.
internal struct ExplanationText {
    private let explanation: Explanation
    private(set) var lines: [String] = []
    private static let indent = 16

    init(_ explanation: Explanation) {
        self.explanation = explanation
        add("topic", explanation.topic)
        let groups = explanation.principal.groups
        add(
            "principal",
            "\(explanation.principal)"
                + (groups.isEmpty ? "" : ", groups \(groups.joined(separator: ", "))"))
        addProtection()
        addRules()
        addView()
    }

    var text: String { lines.joined(separator: "\n") + "\n" }

    private mutating func add(_ name: String, _ text: String) {
        let room = max(ExplanationText.indent - name.count, 2)
        lines.append(
            PlainText.printable(name + String(repeating: " ", count: room) + text))
    }

    // MARK: produce

    private mutating func addProtection() {
        guard let rule = explanation.protectRule, let sealing = explanation.sealing else {
            return add("protect", "no rule: what is produced is stored as it is")
        }
        let settings = explanation.configuration.rules.protect[rule]
        add("protect", explanation.protectPlace(rule))
        add("  key", key(settings))
        if let name = settings.sealedAs { add("  bound to", "topic name \(name)") }
        if let paths = sealing.fields?.paths {
            add("  seals", "fields " + paths.map(\.text).joined(separator: ", "))
            add("  not JSON", ExplanationText.word(sealing.notJSON))
        } else {
            add("  seals", "whole values")
        }
        switch sealing.compression {
        case .none: break
        case .zstd: add("  compress", "zstd, where that makes a value shorter")
        case .lz4: add("  compress", "lz4, where that makes a value shorter")
        }
        add("  wrapped key", ExplanationText.word(sealing.wrappedKey))
        if sealing.isDryRun { add("  dry run", "nothing is sealed; what would be is counted") }
        if let refusal = explanation.refusal {
            add("  refused", "\(refusal): nothing can be produced")
        }
    }

    private func key(_ rule: ProtectRule) -> String {
        switch explanation.protection?.key {
        case .fixed(let name): "\(rule.service)/\(name)"
        case .byHeader(let naming):
            "\(rule.service)/\(naming.prefix)…\(naming.suffix), where … is the record header"
                + " \(naming.header.debugDescription)"
        case nil: "\(rule.service)/\(rule.key)"
        }
    }

    private static func word(_ choice: NotJSON) -> String {
        switch choice {
        case .refuse: "the record is refused"
        case .seal: "the value is sealed whole"
        case .pass: "the value is stored in clear"
        }
    }

    private static func word(_ form: WrappedKeyForm) -> String {
        switch form {
        case .auto: "in each batch where the topic is not compacted, else in each record"
        case .perRecord: "in each record"
        case .perBatch: "in each batch; refused where the topic is compacted"
        }
    }

    // MARK: fetch

    private mutating func addRules() {
        let rules = explanation.readRules
        guard let first = rules.first else {
            return add("read", "no rule names this client and this topic")
        }
        add("read", explanation.readPlace(first))
        for rule in rules.dropFirst() { add("", explanation.readPlace(rule)) }
    }

    private mutating func addView() {
        add(
            "view",
            explanation.outlook.view == nil
                ? "records pass as they are stored" : "how what is sealed is shown")
        if let sealing = explanation.sealing {
            let paths = sealing.fields?.paths ?? []
            let widest = paths.map(\.text.count).max() ?? 0
            for path in paths {
                let room = String(repeating: " ", count: widest - path.text.count)
                add("  \(path.text)\(room)", effects(path))
            }
        }
        let hasFields = explanation.sealing?.fields != nil
        add(
            hasFields ? "  sealed whole" : "  values",
            ExplanationText.shown(explanation.whole.showing) + origin(explanation.whole))
        if hasFields {
            add(
                "  other sealed",
                ExplanationText.shown(explanation.rest.showing) + origin(explanation.rest))
        }
        addChoices()
        let idle = explanation.idlePaths.map(\.text)
        if !idle.isEmpty {
            add("  no effect", "\(idle.joined(separator: ", ")): nothing sealed is selected")
        }
    }

    private mutating func addChoices() {
        guard let sealing = explanation.sealing else { return }
        switch sealing.plainRecords {
        case .deliver: add("  not sealed", "delivered as it is")
        case .mask: add("  not sealed", "shown as if it were sealed")
        case .refuse: add("  not sealed", "refused: the partition answers with an error")
        }
        switch sealing.unopenable {
        case .refuse: add("  unopenable", "refused: the partition answers with an error")
        case .deliver: add("  unopenable", "delivered as it is stored")
        }
    }

    private func effects(_ path: FieldPath) -> String {
        let effects = explanation.effects(ofSealed: path)
        return effects.map { effect in
            let which =
                effect.path.map {
                    effect.liesIn ? "what lies in \($0.text) " : "what \($0.text) selects "
                } ?? ""
            let others = effect.path == nil && effects.count > 1 ? "all else " : ""
            return which + others + ExplanationText.shown(effect.showing) + origin(effect)
        }.joined(separator: "; ")
    }

    private func origin(_ effect: Explanation.Effect) -> String {
        effect.rule.map { " (line \(explanation.readLine($0)))" } ?? " (no rule says)"
    }

    private static func shown(_ showing: Showing) -> String {
        switch showing {
        case .clear: "in clear"
        case .sealed: "as stored"
        case .drop: "left out"
        case .mask(let mask): mask == .redact ? "redacted" : "masked by \(mask)"
        }
    }
}
