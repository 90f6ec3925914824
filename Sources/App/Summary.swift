// Summary: what a configuration does, in a few lines for people.

internal import Config
internal import Fields
internal import Masks
internal import Rules

/// What `waxwing check` prints about a valid file. Secrets are named by file and never read.
internal struct Summary {
    let configuration: Configuration
    /// Patterns, nodes and paths of one line; the others are counted.
    private static let shownMax = 8

    /// One line per part of the file, without its end; what is warned of comes last.
    var lines: [String] {
        let servers = configuration.cluster.bootstrap.map(\.description)
        let rules = configuration.rules
        let tokenKey = configuration.tokenKey.map { ["token key  \($0.service)/\($0.key)"] } ?? []
        return ["cluster    \(Summary.list(servers))"]
            + configuration.listeners.map(line)
            + configuration.keyServices.map(line)
            + tokenKey
            + (rules.isEmpty ? ["rules      none: everything is relayed as it is"] : [])
            + rules.protect.map(line)
            + rules.read.flatMap(lines)
            + (configuration.audit.map { [line($0)] } ?? [])
            + (configuration.adminSocket.map { ["admin      \($0)"] } ?? [])
            + configuration.warnings.map(\.description)
    }

    private static func list(_ items: [String]) -> String {
        let shown = items.prefix(shownMax).joined(separator: ", ")
        return items.count > shownMax ? "\(shown) and \(items.count - shownMax) more" : shown
    }

    // MARK: listeners

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
            ] + Summary.clients(listener.principal)
        return parts.joined(separator: ", ")
    }

    /// Nothing for the default.
    private static func clients(_ source: ListenerSettings.PrincipalSource) -> [String] {
        switch source {
        case .sasl(let subject, let groups):
            (subject == "sub" ? [] : ["names from claim \(subject)"])
                + (groups.map { ["groups from claim \($0)"] } ?? [])
        case .fixed(let name): ["every client is \(name)"]
        case .anonymous: ["clients have no names"]
        }
    }

    // MARK: keys

    private func line(_ service: KeyServiceSettings) -> String {
        switch service.source {
        case .file(let path): return "keys       \(service.name): keyring \(path)"
        case .vault(let vault):
            let parts =
                ["keys       \(service.name): Vault \(vault.address)", "mount \(vault.mount)"]
                + (vault.namespace.map { ["namespace \($0)"] } ?? [])
                + [Summary.logIn(vault.authentication)]
                + (vault.tls.certificate == nil ? [] : ["with a client certificate"])
                + (vault.proxy == .none ? [] : ["by the environment's proxy"])
            return parts.joined(separator: ", ")
        }
    }

    private static func logIn(_ authentication: VaultSource.Authentication) -> String {
        switch authentication {
        case .token(let file): "token in \(file)"
        case .appRole(let mount, _, let file): "log-in at \(mount) with the secret id in \(file)"
        case .kubernetes(let mount, let role, let file), .jwt(let mount, let role, let file):
            "log-in at \(mount) as \(role) with the token in \(file)"
        }
    }

    // MARK: rules

    private func line(_ rule: ProtectRule) -> String {
        let except = rule.exceptions.map(\.pattern)
        let parts =
            [
                "protect    \(Summary.list(rule.topics.map(\.pattern)))"
                    + (except.isEmpty ? "" : " except \(Summary.list(except))")
                    + " with key \(rule.service)/\(rule.key)"
            ] + (rule.sealedAs.map { ["sealed as \($0)"] } ?? []) + Summary.settings(rule.sealing)
        return parts.joined(separator: ", ")
    }

    /// What is not as without the setting.
    private static func settings(_ sealing: Sealing) -> [String] {
        var parts: [String] = []
        if let fields = sealing.fields {
            parts.append("fields \(list(fields.paths.map(\.text)))")
        }
        switch sealing.compression {
        case .none: break
        case .zstd: parts.append("compressed with zstd")
        case .lz4: parts.append("compressed with lz4")
        }
        switch sealing.wrappedKey {
        case .auto: break
        case .perRecord: parts.append("a wrapped key in each record")
        case .perBatch: parts.append("a wrapped key in each batch")
        }
        switch sealing.notJSON {
        case .refuse: break
        case .seal: parts.append("what is not JSON sealed whole")
        case .pass: parts.append("what is not JSON stored in clear")
        }
        switch sealing.plainRecords {
        case .deliver: break
        case .mask: parts.append("plain records masked")
        case .refuse: parts.append("plain records refused")
        }
        if sealing.unopenable == .deliver { parts.append("what does not open delivered") }
        if sealing.isDryRun { parts.append("dry run: nothing is sealed") }
        return parts
    }

    private func lines(_ rule: ReadRule) -> [String] {
        let topics = "read       \(Summary.list(rule.topics.map(\.pattern)))"
        let isEverybody = rule.principals.contains(.everybody)
        let clients =
            "for "
            + (isEverybody ? "everybody" : Summary.list(rule.principals.map(\.description)))
        if rule.fields.isEmpty, let show = rule.show {
            return ["\(topics) \(Summary.word(show)) \(clients)"]
        }
        let fields = rule.fields.map { field in
            "             \(field.path.isRoot ? "$ (whole values)" : field.path.text)"
                + " \(Summary.word(field.showing))"
        }
        let rest = rule.show.map { "             all else \(Summary.word($0))" }
        return ["\(topics) \(clients):"] + fields + (rest.map { [$0] } ?? [])
    }

    private static func word(_ showing: Showing) -> String {
        switch showing {
        case .clear: "in clear"
        case .sealed: "as stored"
        case .drop: "left out"
        case .mask(let mask): mask == .redact ? "redacted" : "masked by \(mask)"
        }
    }

    // MARK: audit

    private func line(_ audit: AuditSettings) -> String {
        let seconds = audit.intervalNanoseconds / 1_000_000_000
        return switch audit.destination {
        case .standardError: "audit      standard error, counts every \(seconds)s"
        case .file(let path): "audit      \(path), counts every \(seconds)s"
        }
    }
}
