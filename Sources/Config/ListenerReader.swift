// ListenerReader: the listeners of a file, and the ports that they take.

internal struct ListenerReader {
    let reading: Reading

    func listeners(_ node: Node) -> [ListenerSettings] {
        var listeners: [ListenerSettings] = []
        var plan = PortPlan()
        for item in reading.items(
            node, "listeners", max: Bounds.listenersMax, example: "- name: apps")
        {
            guard let (listener, ports) = listener(item) else { continue }
            if let same = listeners.firstIndex(where: { $0.name == listener.name }) {
                reading.report(
                    item.position,
                    "listener `\(listener.name)` has the name of listener number \(same + 1)")
            }
            listeners.append(listener)
            plan.add(listener, ports, reading)
        }
        return listeners
    }

    private func listener(_ node: Node) -> (ListenerSettings, PortPositions)? {
        guard
            let section = Section(
                node, "a listener", keys: ["name", "bind", "advertise", "ports", "principal"],
                later: ["tls", "sni"], in: reading)
        else { return nil }
        let name = section.required("name").flatMap(name)
        let bind =
            section["bind"].map { reading.numericAddress($0, "bind") } ?? .some("0.0.0.0")
        let advertise = advertise(section, bind: bind)
        let principal = section["principal"].map(principal) ?? .sasl()
        guard let ports = section.required("ports").flatMap(ports),
            let name, let bind, let advertise
        else { return nil }
        let listener = ListenerSettings(
            name: name, bind: bind, advertise: advertise, bootstrapPort: ports.bootstrap,
            brokerPorts: ports.brokers, nodePorts: ports.nodes, principal: principal)
        return (listener, ports.positions)
    }

    private func name(_ node: Node) -> String? {
        guard let text = reading.text(node, "name") else { return nil }
        guard Reading.isName(text.filled) else {
            reading.report(
                text.position, "`name` must be \(Reading.nameRule), not \(text.shown)")
            return nil
        }
        return text.filled
    }

    /// What clients are told: as the file says, else the address that the listener has.
    private func advertise(_ section: Section, bind: String?) -> String? {
        guard let node = section["advertise"] else {
            guard let bind, NumericAddress(bind)?.isEverywhere == false else {
                if bind != nil {
                    reading.report(
                        section.position,
                        "a listener needs `advertise`, the host that clients dial, unless `bind`"
                            + " is one address")
                }
                return nil
            }
            return bind
        }
        guard let host = reading.host(node, "advertise") else { return nil }
        if let address = NumericAddress(host), address.isEverywhere {
            reading.report(node.position, "`advertise`: clients cannot dial `\(host)`")
        }
        return host
    }

    private func principal(_ node: Node) -> ListenerSettings.PrincipalSource {
        if case .map = node.content {
            let kind = Section(node, "`principal`", keys: ["fixed", "sasl"], in: reading)?
                .one(of: ["fixed", "sasl"])
            guard let kind else { return .sasl() }
            return (kind.key == "fixed" ? fixed(kind.value) : claims(kind.value)) ?? .sasl()
        }
        if case .scalar("mtls", _) = node.content {
            reading.report(
                node.position,
                "`principal: mtls` (line \(node.position.line)) is not supported yet")
            return .sasl()
        }
        return reading.choice(
            node, "principal", [("sasl", .sasl()), ("anonymous", .anonymous)]) ?? .sasl()
    }

    private func fixed(_ node: Node) -> ListenerSettings.PrincipalSource? {
        guard let name = reading.text(node, "fixed") else { return nil }
        let isPrincipal = name.filled.hasPrefix("User:") && name.filled.utf8.count > 5
        guard isPrincipal, name.filled.utf8.count <= Bounds.principalBytesMax else {
            reading.report(
                name.position,
                "`fixed` must be a principal like `User:billing`, not \(name.shown)")
            return nil
        }
        return .fixed(name.filled)
    }

    private func claims(_ node: Node) -> ListenerSettings.PrincipalSource? {
        guard
            let section = Section(
                node, "`sasl`", keys: ["subjectClaim", "groupsClaim"], in: reading)
        else { return nil }
        let subject = section["subjectClaim"].flatMap { claim($0, "subjectClaim") }
        let groups = section["groupsClaim"].flatMap { claim($0, "groupsClaim") }
        return .sasl(subjectClaim: subject ?? "sub", groupsClaim: groups)
    }

    private func claim(_ node: Node, _ key: String) -> String? {
        guard let text = reading.text(node, key) else { return nil }
        guard text.filled.utf8.count <= Bounds.claimBytesMax else {
            reading.report(text.position, "`\(key)` has at most \(Bounds.claimBytesMax) bytes")
            return nil
        }
        return text.filled
    }

    // MARK: ports

    private struct Ports {
        let bootstrap: UInt16
        let brokers: ClosedRange<UInt16>
        let nodes: [Int32: UInt16]
        let positions: PortPositions
    }

    private func ports(_ node: Node) -> Ports? {
        guard
            let section = Section(
                node, "`ports`", keys: ["bootstrap", "brokers", "nodes"], in: reading)
        else { return nil }
        let bootstrapNode = section.required("bootstrap")
        let brokersNode = section.required("brokers")
        let bootstrap = bootstrapNode.flatMap { reading.port($0, "bootstrap") }
        let brokers = brokersNode.flatMap(range)
        let nodes = section["nodes"].map(nodePorts) ?? []
        guard let bootstrapNode, let brokersNode, let bootstrap, let brokers else { return nil }
        if brokers.contains(bootstrap) {
            reading.report(
                brokersNode.position,
                "`brokers` \(show(brokers)) contains the `bootstrap` port \(bootstrap)")
        }
        for entry in nodes where entry.port == bootstrap {
            reading.report(
                entry.position, "node \(entry.node) has the `bootstrap` port \(bootstrap)")
        }
        return Ports(
            bootstrap: bootstrap, brokers: brokers,
            nodes: Dictionary(nodes.map { ($0.node, $0.port) }) { first, _ in first },
            positions: PortPositions(
                bootstrap: bootstrapNode.position, brokers: brokersNode.position,
                nodes: Dictionary(nodes.map { ($0.port, $0.position) }) { first, _ in first }))
    }

    private func show(_ range: ClosedRange<UInt16>) -> String {
        "\(range.lowerBound)-\(range.upperBound)"
    }

    private func range(_ node: Node) -> ClosedRange<UInt16>? {
        guard let text = reading.text(node, "brokers") else { return nil }
        let ends = text.filled.split(separator: "-", omittingEmptySubsequences: false)
        let ports = ends.compactMap { end in
            Units.isDigits(end) ? UInt64(end).flatMap { UInt16(exactly: $0) } : nil
        }
        guard ends.count == 2, ports.count == 2, ports[0] >= 1 else {
            reading.report(
                text.position,
                "`brokers` must be a range of ports like `9100-9199`, not \(text.shown)")
            return nil
        }
        guard ports[0] <= ports[1] else {
            reading.report(text.position, "`brokers` ends before it begins: \(text.shown)")
            return nil
        }
        let range = ports[0]...ports[1]
        guard range.count <= Bounds.brokerPortsMax else {
            reading.report(
                text.position,
                "`brokers` has \(range.count) ports; at most \(Bounds.brokerPortsMax) are accepted,"
                    + " and nodes with higher ids go under `nodes`")
            return nil
        }
        return range
    }

    private struct NodePort {
        let node: Int32
        let port: UInt16
        let position: Position
    }

    private func nodePorts(_ node: Node) -> [NodePort] {
        guard case .map(let entries) = node.content else {
            reading.refuse(node, "`nodes` must be a mapping from node ids to ports")
            return []
        }
        if entries.isEmpty {
            reading.report(node.position, "`nodes` is empty; leave it out or fill it in")
        }
        guard entries.count <= Bounds.nodePortsMax else {
            reading.report(node.position, "`nodes` has at most \(Bounds.nodePortsMax) nodes")
            return []
        }
        var ports: [NodePort] = []
        var nodeOfPort: [UInt16: Int32] = [:]
        for entry in entries {
            guard Units.isDigits(entry.key), let id = Int32(entry.key) else {
                reading.report(
                    entry.keyPosition,
                    "a node id is a whole number from 0, not \(quoted(entry.key))")
                continue
            }
            guard let port = reading.port(entry.value, "nodes") else { continue }
            if let other = nodeOfPort.updateValue(id, forKey: port) {
                reading.report(
                    entry.value.position, "nodes \(other) and \(id) have the same port \(port)")
            }
            ports.append(NodePort(node: id, port: port, position: entry.value.position))
        }
        return ports
    }
}
