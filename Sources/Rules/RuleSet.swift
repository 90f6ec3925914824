// RuleSet: all rules together: which topics are protected under which key, and who sees what.

internal import Fields
internal import Masks

/// All rules, fixed once built. Safe to read from every loop.
package struct RuleSet: Hashable, Sendable {
    package let protect: [ProtectRule]
    package let read: [ReadRule]

    /// - Parameter protect: no two of them name the same topic; the first would win.
    /// - Parameter read: in the order in which they are asked.
    package init(protect: [ProtectRule] = [], read: [ReadRule] = []) {
        self.protect = protect
        self.read = read
    }

    /// Whether nothing is ever sealed or opened.
    package var isEmpty: Bool { protect.isEmpty && read.isEmpty }

    /// The place in `protect` of the rule that protects a topic.
    package func protectRule(for topic: String) -> Int? {
        protect.firstIndex { $0.names(topic) }
    }

    /// The protection of a topic, or nil when no rule protects it.
    /// - Throws: when a rule protects it but its name makes no key name: the values must then be
    ///   refused, never stored as they are.
    package func protection(topic: String) throws(KeyNameError) -> Protection? {
        guard let rule = protect.first(where: { $0.names(topic) }) else { return nil }
        return Protection(
            service: rule.service, key: try rule.key.naming(topic: topic),
            boundTopic: rule.sealedAs ?? topic, sealing: rule.sealing)
    }

    /// The places in `read` of the rules that `view` puts together, in their order.
    package func readRules(of topic: String, for principal: Principal) -> [Int] {
        var places: [Int] = []
        for (place, rule) in read.enumerated()
        where rule.names(topic: topic) && rule.names(principal) {
            places.append(place)
            if rule.show != nil { break }
        }
        return places
    }

    /// How `principal` sees the topic.
    ///
    /// The rules that name both are asked in their order, and each path is shown as the first of
    /// them says that says anything of it: `fields` of the paths that they select, `show` of
    /// everything else. So nothing behind a rule with `show` counts. What no rule shows is
    /// redacted (fields) or delivered as it is stored (whole values).
    ///
    /// A rule that says something of an object has said it of the fields in it, whatever later
    /// rules say of those.
    ///
    /// A value that was sealed whole is a path too, `$`. It may be a document with the very fields
    /// that the rules show less of, sealed before the topic had fields: so a `show: clear` that
    /// comes with such fields does not open it. Only the path `$` itself does then.
    package func view(of topic: String, for principal: Principal) -> ReadView {
        var whole: Showing?
        var rest: Showing?
        var fields: [ReadRule.Field] = []
        var paths: Set<FieldPath> = []
        for rule in read where rule.names(topic: topic) && rule.names(principal) {
            for field in rule.fields where paths.insert(field.path).inserted {
                if field.path.isRoot {
                    whole = whole ?? field.showing
                } else {
                    fields.append(field)
                }
            }
            if let show = rule.show {
                rest = show
                break
            }
        }
        let isAllClear = rest == .clear && fields.allSatisfy { $0.showing == .clear }
        let wholeByRest = rest == .clear && !isAllClear ? .sealed : rest
        return ReadView(
            whole: whole ?? wholeByRest ?? .sealed, fields: fields,
            rest: rest ?? .mask(.redact))
    }

    /// Whether any rule names the topic, so that its batches have to be looked into.
    package func concerns(topic: String) -> Bool {
        protect.contains { $0.names(topic) } || read.contains { $0.names(topic: topic) }
    }
}
