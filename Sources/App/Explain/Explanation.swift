// Explanation: what the rules do for one client and one topic, and which of them say so.

internal import Config
internal import Fields
internal import Masks
internal import Proxy
internal import Rules

/// Everything that `waxwing explain` says but for the sample.
internal struct Explanation {
    /// How some or all values that a path selects are shown.
    struct Effect: Equatable {
        /// Nil: all that were not shown by an effect before it.
        let path: FieldPath?
        /// Whether only what lies in a value that the path selects is meant.
        var liesIn = false
        let showing: Showing
        /// The place of the read rule that says it; nil when none does.
        let rule: Int?
    }

    let configuration: Configuration
    /// As it was given.
    let file: String
    let topic: String
    let principal: Principal
    let outlook: TopicOutlook
    /// Nil when no rule protects the topic.
    let protectRule: Int?
    let protection: Protection?
    /// Why produced records are refused whatever they are.
    let refusal: String?
    let readRules: [Int]
    let view: ReadView

    /// - Throws: when the paths for this principal are too many together.
    init(
        _ configuration: Configuration, file: String, topic: String, principal: Principal
    ) throws(FieldPathError) {
        let rules = configuration.rules
        self.configuration = configuration
        self.file = file
        self.topic = topic
        self.principal = principal
        outlook = try TopicOutlook(topic: topic, principal: principal, rules: rules)
        protectRule = rules.protectRule(for: topic)
        do {
            protection = try rules.protection(topic: topic)
            refusal = nil
        } catch {
            protection = nil
            refusal = "\(error)"
        }
        readRules = rules.readRules(of: topic, for: principal)
        view = rules.view(of: topic, for: principal)
    }

    /// How the topic's rule seals; nil when none protects it.
    var sealing: Sealing? { protectRule.map { configuration.rules.protect[$0].sealing } }

    // MARK: places

    func protectPlace(_ rule: Int) -> String {
        "\(file):\(configuration.protectPositions[rule].line)"
    }

    func readPlace(_ rule: Int) -> String { "\(file):\(configuration.readPositions[rule].line)" }

    func readLine(_ rule: Int) -> Int { configuration.readPositions[rule].line }

    // MARK: effects

    /// The rule with the first `show` of those that count.
    private var showingRule: Int? {
        readRules.first { configuration.rules.read[$0].show != nil }
    }

    private func rule(of path: FieldPath) -> Int? {
        readRules.first { rule in
            configuration.rules.read[rule].fields.contains { $0.path == path }
        }
    }

    /// A value that was sealed whole.
    var whole: Effect {
        let own = readRules.first { rule in
            configuration.rules.read[rule].fields.contains { $0.path.isRoot }
        }
        return Effect(path: nil, showing: view.whole, rule: own ?? showingRule)
    }

    /// Fields that no path of the read rules selects.
    var rest: Effect { Effect(path: nil, showing: view.rest, rule: showingRule) }

    /// How what `path` selects is shown, when that is sealed. The first effect counts whose path
    /// selects a value, or something around it.
    func effects(ofSealed path: FieldPath) -> [Effect] {
        var effects: [Effect] = []
        for field in view.fields {
            let rule = rule(of: field.path)
            if field.path.contains(path) {
                return effects + [Effect(path: nil, showing: field.showing, rule: rule)]
            }
            let overlaps = field.path.overlaps(path)
            // What lies in a value that is sealed as a whole is not sealed once more.
            let isSealedWhole = sealing?.fields?.paths.contains { $0.contains(field.path) } ?? false
            guard overlaps || !isSealedWhole && field.path.reachesOver(path) else { continue }
            effects.append(
                Effect(
                    path: field.path, liesIn: !overlaps, showing: field.showing, rule: rule))
        }
        return effects + [rest]
    }

    /// Paths of the read rules that select nothing that the topic's rule seals.
    var idlePaths: [FieldPath] {
        guard let sealed = sealing?.fields?.paths else { return view.fields.map(\.path) }
        return view.fields.map(\.path).filter { path in
            !sealed.contains { path.overlaps($0) || path.reachesOver($0) }
        }
    }

    /// Whether a mask of the view needs the secret of keyed masks.
    var needsTokenKey: Bool {
        ([view.whole, view.rest] + view.fields.map(\.showing)).contains { showing in
            if case .mask(let mask) = showing { mask.needsKey } else { false }
        }
    }
}
