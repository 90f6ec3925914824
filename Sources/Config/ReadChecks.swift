// ReadChecks: read rules that never count, show nothing, or show more than may be meant.

internal import Fields
internal import Rules

/// Holds the read rules of a file against one another and against what is sealed.
internal struct ReadChecks {
    private let reading: Reading
    private let protect: [LocatedProtect]
    private let read: [LocatedRead]
    private let listeners: [ListenerSettings]?
    /// The protect rules that name a topic of a pattern, by their places.
    private let meetings: [Glob: [Int]]

    /// - Parameter listeners: nil when they could not be read.
    init(
        reading: Reading, protect: [LocatedProtect], read: [LocatedRead],
        listeners: [ListenerSettings]?
    ) {
        self.reading = reading
        self.protect = protect
        self.read = read
        self.listeners = listeners
        var meetings: [Glob: [Int]] = [:]
        for topic in read.flatMap(\.rule.topics) where meetings[topic] == nil {
            meetings[topic] = protect.indices.filter {
                ReadChecks.names(protect[$0].rule, topic)
            }
        }
        self.meetings = meetings
    }

    func check() {
        let memo = PathMemo()
        for (place, rule) in read.enumerated() {
            ReadShadows(of: rule, behind: read[..<place], memo).report(reading)
            reportPaths(rule)
            warnOfClearText(rule)
            reportPrincipals(rule)
        }
        reportTooManyPaths()
    }

    /// Whether the rule protects a topic that fits `topic`.
    private static func names(_ rule: ProtectRule, _ topic: Glob) -> Bool {
        rule.topics.contains { own in
            guard own.intersects(topic) else { return false }
            let exceptions = rule.exceptions.filter { $0.intersects(topic) }
            if exceptions.isEmpty { return true }
            if exceptions.contains(where: { $0.covers(topic) }) { return false }
            return Overlap.between(own, topic, exceptions: exceptions) != .none
        }
    }

    private func protectRules(meeting rule: LocatedRead) -> [LocatedProtect] {
        Set(rule.rule.topics.flatMap { meetings[$0] ?? [] }).sorted().map { protect[$0] }
    }

    // MARK: paths that select nothing

    private func reportPaths(_ rule: LocatedRead) {
        let paths = rule.fields.filter { !$0.value.path.isRoot }
        guard let first = paths.first else { return }
        let meeting = protectRules(meeting: rule)
        let byField = meeting.filter { !$0.fields.isEmpty }
        guard byField.isEmpty else {
            // There, paths select what is not sealed too.
            guard !byField.contains(where: { $0.rule.sealing.plainRecords == .mask }) else {
                return
            }
            for path in paths { report(path, byField.flatMap(\.fields)) }
            return
        }
        let isWhole = rule.rule.topics.allSatisfy { topic in
            meeting.contains { $0.rule.topics.contains { $0.covers(topic) } }
        }
        if isWhole, let whole = meeting.first {
            reading.report(
                first.position,
                "`mask`: values of these topics are sealed whole (line \(whole.position.line)), so"
                    + " that only `$` selects them; give that rule `fields`")
        } else {
            reading.warn(
                first.position,
                "`mask`: no protect rule seals fields of these topics, so the paths select nothing;"
                    + " what is not sealed is shown as it is")
        }
    }

    /// A field that is sealed as an object is shown as one value: paths into it select nothing.
    private func report(_ path: Located<ReadRule.Field>, _ sealed: [Located<FieldPath>]) {
        let own = path.value.path
        let text = quoted(own.text)
        let counts = sealed.contains { $0.value.overlaps(own) || own.reachesOver($0.value) }
        // What is shown by this path as a whole needs no look into it.
        let around = sealed.first { $0.value.reachesOver(own) && !own.contains($0.value) }
        if let around {
            let place = "\(quoted(around.value.text)) (line \(around.position.line))"
            if counts {
                reading.warn(
                    path.position,
                    "`mask`: \(text) selects nothing within \(place), which is sealed and shown as"
                        + " one value")
            } else {
                reading.report(
                    path.position,
                    "`mask`: \(text) selects nothing that is sealed but what lies in \(place),"
                        + " which is shown as one value; say how that is shown")
            }
        } else if !counts {
            reading.warn(
                path.position,
                "`mask`: no protect rule of these topics seals what \(text) selects; what is not"
                    + " sealed is shown as it is")
        }
    }

    // MARK: clear text

    private func warnOfClearText(_ rule: LocatedRead) {
        guard rule.rule.principals.contains(.everybody) else { return }
        let clear =
            (rule.show?.value == .clear ? rule.show?.position : nil)
            ?? rule.fields.first { $0.value.showing == .clear }?.position
        guard let clear, let protected = protectRules(meeting: rule).first else { return }
        reading.warn(
            clear,
            "everybody, also a client that is not known, reads in clear what the rule in line"
                + " \(protected.position.line) protects")
    }

    // MARK: principals

    private func reportPrincipals(_ rule: LocatedRead) {
        guard let listeners else { return }
        var hasGroups = false
        var names: [String]? = []
        for listener in listeners {
            switch listener.principal {
            case .sasl(_, let groupsClaim):
                names = nil
                hasGroups = hasGroups || groupsClaim != nil
            case .fixed(let name): names?.append(name)
            case .anonymous: names?.append(Principal.anonymous.description)
            }
        }
        for principal in rule.principals {
            let pattern = principal.value
            if pattern.isGroup {
                guard !hasGroups else { continue }
                reading.report(
                    principal.position,
                    "`principals`: no listener reads groups, so \(quoted(pattern.description)) fits"
                        + " nobody; say `principal: {sasl: {groupsClaim: ...}}`")
            } else if let names, !names.contains(where: { pattern.matches(Principal(name: $0)) }) {
                let hint = Spelling.suggestion(for: pattern.description, among: names)
                reading.warn(
                    principal.position,
                    "`principals`: no listener has clients that fit"
                        + " \(quoted(pattern.description))\(hint)")
            }
        }
    }

    // MARK: too many paths

    /// Refuses what could not be followed at once: one client may get the paths of many rules.
    private func reportTooManyPaths() {
        let all = read.flatMap { $0.rule.fields.map(\.path) } + plainPaths(protect)
        guard tooMany(all) != nil else { return }
        for (place, rule) in read.enumerated() where !rule.fields.isEmpty {
            let before = read[..<place].filter { isMeeting($0.rule, rule.rule) }
            let paths = (before + [rule]).flatMap { $0.rule.fields.map(\.path) }
            let plain = plainPaths(protectRules(meeting: rule))
            guard let reason = tooMany(paths + plain) else { continue }
            reading.report(
                rule.position,
                "the paths of this rule and of those before it are too many for a client that all"
                    + " of them name: \(reason)")
            return
        }
    }

    /// What is looked for in plain records besides what the read rules select.
    private func plainPaths(_ rules: [LocatedProtect]) -> [FieldPath] {
        rules.filter { $0.rule.sealing.plainRecords == .mask }
            .flatMap { $0.fields.map(\.value) }
    }

    private func tooMany(_ paths: [FieldPath]) -> String? {
        var known: Set<FieldPath> = []
        do {
            _ = try FieldPathSet(paths.filter { known.insert($0).inserted })
            return nil
        } catch {
            return error.reason
        }
    }

    private func isMeeting(_ one: ReadRule, _ other: ReadRule) -> Bool {
        one.topics.contains { topic in other.topics.contains { $0.intersects(topic) } }
            && one.principals.contains { mine in
                other.principals.contains { $0.mayMeet(mine) }
            }
    }
}

/// Remembers how paths relate: the same few come again in many rules, and take long to compare.
internal final class PathMemo {
    private var known: [FieldPath: [FieldPath: Bool]] = [:]

    /// Whether all that `inner` selects is or lies in what `outer` selects. `$`, a value that was
    /// sealed whole, has nothing to do with the others.
    func contains(_ outer: FieldPath, _ inner: FieldPath) -> Bool {
        if outer.isRoot || inner.isRoot { return outer == inner }
        if let found = known[outer]?[inner] { return found }
        let found = outer == inner || outer.contains(inner)
        known[outer, default: [:]][inner] = found
        return found
    }
}

/// The rules before a rule that leave it nothing to say, for some of its clients and topics.
internal struct ReadShadows {
    private let rule: LocatedRead
    private let shadows: [Shadow]
    private let memo: PathMemo

    /// One such rule, and which of the principals and topics it has too.
    private struct Shadow {
        let rule: LocatedRead
        let principals: [Bool]
        let topics: [Bool]
    }

    init(of rule: LocatedRead, behind earlier: ArraySlice<LocatedRead>, _ memo: PathMemo) {
        self.rule = rule
        self.memo = memo
        shadows = earlier.compactMap { other in
            let principals = rule.rule.principals.map { own in
                other.rule.principals.contains { $0.covers(own) }
            }
            guard principals.contains(true) else { return nil }
            let topics = rule.rule.topics.map { own in
                other.rule.topics.contains { $0.covers(own) }
            }
            guard topics.contains(true) else { return nil }
            return Shadow(rule: other, principals: principals, topics: topics)
        }
    }

    func report(_ reading: Reading) {
        let shows = shadows.filter { $0.rule.show != nil }
        if let before = cover(shows) {
            reading.report(
                rule.position,
                "this rule never counts: \(before) already how all of these topics are shown to"
                    + " all of these principals")
            return
        }
        for field in rule.fields {
            let path = field.value.path
            let own = shadows.filter { shadow in
                shadow.rule.show != nil
                    || shadow.rule.rule.fields.contains {
                        memo.contains($0.path, path)
                    }
            }
            guard let before = cover(own) else { continue }
            reading.report(
                field.position,
                "`mask`: \(quoted(path.text)) never counts: \(before) already how it is shown to"
                    + " all of these principals")
        }
    }

    /// `the rule in line 3 says` when these leave nothing over, else nil.
    private func cover(_ shadows: [Shadow]) -> String? {
        if let one = shadows.first(where: {
            !$0.principals.contains(false) && !$0.topics.contains(false)
        }) {
            return "the rule in line \(one.rule.position.line) says"
        }
        for principal in rule.rule.principals.indices {
            let naming = shadows.filter { $0.principals[principal] }
            for topic in rule.rule.topics.indices
            where !naming.contains(where: { $0.topics[topic] }) {
                return nil
            }
        }
        return "the rules before it say"
    }
}
