// CheckCommand: `waxwing check`: what a configuration does, and what about it cannot work.

internal import Config
internal import Fields
internal import Limits
internal import Rules
internal import Telemetry

/// Sums a configuration up once its keys, views and samples have been looked at.
internal struct CheckCommand {
    let request: CheckRequest
    let terminal: Terminal

    func run(_ configuration: Configuration) -> Int32 {
        var errors: [String] = ViewChecks(configuration, file: request.config).errors
        if !request.isOffline {
            errors += KeyringChecks(configuration, file: request.config).errors
        }
        if errors.isEmpty, request.probesKeys { errors = probe(configuration) }
        guard errors.isEmpty else {
            terminal.error(errors.map { "\($0)\n" }.joined())
            return ExitCode.usage
        }
        var warnings: [String] = []
        for sample in request.samples {
            do throws(FileError) {
                warnings += try SampleChecks(
                    configuration, file: request.config, topic: sample.topic, path: sample.path
                ).warnings()
            } catch {
                terminal.error("waxwing: \(error)\n")
                return ExitCode.failure
            }
        }
        let lines =
            ["\(request.config) is valid"] + Summary(configuration: configuration).lines + warnings
        terminal.output(lines.joined(separator: "\n") + "\n")
        return ExitCode.success
    }

    /// What the start would do, but that nothing is waited for.
    private func probe(_ configuration: Configuration) -> [String] {
        let log = Log(level: .error, format: .text)
        do throws(KeysNotUsable) {
            let keys = try KeyServices(configuration.keyServices, log)
            defer { keys.close() }
            try keys.probe(configuration.rules, startWaitNanoseconds: 0, log)
            _ = try keys.tokenKey(configuration.tokenKey)
            return []
        } catch {
            return error.reasons.map { "\(request.config): \(PlainText.printable($0))" }
        }
    }
}

/// Puts the views together that can be named, as a proxy does when a client comes: paths of several
/// rules may be too many together.
internal struct ViewChecks {
    private let configuration: Configuration
    private let file: String

    init(_ configuration: Configuration, file: String) {
        self.configuration = configuration
        self.file = file
    }

    /// One for each rule at most.
    var errors: [String] {
        var errors: [String] = []
        var left = CommandLimits.viewsMax
        for (place, rule) in configuration.rules.read.enumerated() where !rule.fields.isEmpty {
            if let reason = reason(rule, &left) {
                let line = configuration.readPositions[place].line
                errors.append(
                    "\(file):\(line): the paths of all rules that count for a client of this rule"
                        + " are too many together: \(reason)")
            }
        }
        return errors
    }

    private func reason(_ rule: ReadRule, _ left: inout Int) -> String? {
        for principal in rule.principals.map(ViewChecks.example) {
            for topic in rule.topics.flatMap(topics) {
                guard left > 0 else { return nil }
                left -= 1
                do throws(FieldPathError) {
                    _ = try Explanation(
                        configuration, file: file, topic: topic, principal: principal)
                } catch {
                    return "\(principal) and topic \(topic): \(error.reason)"
                }
            }
        }
        return nil
    }

    /// The topics that rules name outright and the pattern fits, and one of its own.
    private func topics(_ pattern: Glob) -> [String] {
        let named = configuration.rules.protect.flatMap(\.topics).filter { !$0.hasWildcards }
            .map(\.pattern)
        let own = ViewChecks.example(pattern.pattern)
        return Set(named.filter(pattern.matches) + [own]).sorted().filter(TopicName.isValid)
    }

    /// A client that the pattern fits.
    private static func example(_ pattern: PrincipalPattern) -> Principal {
        let text = pattern.description
        if pattern == .everybody { return .unknown }
        guard pattern.isGroup else { return Principal(name: example(text)) }
        return Principal(
            name: Principal.userPrefix + "x", groups: [example(String(text.dropFirst(6)))])
    }

    private static func example(_ pattern: String) -> String {
        String(pattern.compactMap { $0 == "*" ? nil : $0 == "?" ? "x" : $0 })
    }
}
