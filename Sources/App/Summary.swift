// Summary: what a configuration does, in a few lines for people.

internal import Config
internal import Rules

/// What `waxwing check` prints about a valid file.
internal struct Summary {
    let configuration: Configuration
    /// Patterns and nodes of one line; the others are counted.
    private static let shownMax = 8

    /// One line per part of the file, without its end.
    var lines: [String] {
        let servers = configuration.cluster.bootstrap.map(\.description)
        return ["cluster    \(Summary.list(servers))"]
            + configuration.listeners.map(line)
            + configuration.keyServices.map(line)
            + (configuration.rules.isEmpty
                ? ["rules      none: everything is relayed as it is"] : [])
            + configuration.rules.protect.map(line)
            + configuration.rules.read.map(line)
    }

    private func line(_ listener: ListenerSettings) -> String {
        let brokers = listener.brokerPorts
        let nodes = listener.nodePorts.sorted { $0.key < $1.key }.map { "node \($0) on \($1)" }
        let bind = Endpoint(host: listener.bind, port: listener.bootstrapPort)
        let parts =
            [
                "listener   \(listener.name): \(bind) for bootstrap",
                "\(brokers.lowerBound)-\(brokers.upperBound) for nodes 0-\(brokers.count - 1)",
            ] + (nodes.isEmpty ? [] : [Summary.list(nodes)]) + [
                "advertised as \(listener.advertise)"
            ]
        return parts.joined(separator: ", ")
    }

    private func line(_ service: KeyServiceSettings) -> String {
        switch service.source {
        case .file(let path): "keys       \(service.name): keyring \(path)"
        case .vault(let source):
            "keys       \(service.name): Vault at \(source.address), mount \(source.mount)"
        }
    }

    private func line(_ rule: ProtectRule) -> String {
        let except = rule.exceptions.map(\.pattern)
        return "protect    \(Summary.list(rule.topics.map(\.pattern)))"
            + (except.isEmpty ? "" : " except \(Summary.list(except))")
            + " with key \(rule.service)/\(rule.key)"
            + (rule.sealedAs.map { ", sealed as \($0)" } ?? "")
    }

    private func line(_ rule: ReadRule) -> String {
        let show = rule.show == .clear ? "in clear" : "as stored"
        return "read       \(Summary.list(rule.topics.map(\.pattern))) \(show) for everybody"
    }

    private static func list(_ items: [String]) -> String {
        let shown = items.prefix(shownMax).joined(separator: ", ")
        return items.count > shownMax ? "\(shown) and \(items.count - shownMax) more" : shown
    }
}
