// PortPlan: which ports the listeners of a file take, and whether two want the same.

/// Where the ports of one listener stand in the file.
internal struct PortPositions {
    let bootstrap: Position
    let brokers: Position
    let nodes: [UInt16: Position]
}

/// The ports of all listeners read so far.
internal struct PortPlan {
    private struct Taken {
        let address: NumericAddress
        let ports: ClosedRange<UInt16>
        let listener: String
        let what: String
        let position: Position
    }

    private var taken: [Taken] = []

    /// Adds a listener, and reports the ports that an earlier one has on the same address.
    mutating func add(
        _ listener: ListenerSettings, _ positions: PortPositions, _ reading: Reading
    ) {
        guard let address = NumericAddress(listener.bind) else { return }
        var own = [
            Taken(
                address: address, ports: listener.bootstrapPort...listener.bootstrapPort,
                listener: listener.name, what: "`bootstrap`", position: positions.bootstrap),
            Taken(
                address: address, ports: listener.brokerPorts, listener: listener.name,
                what: "`brokers`", position: positions.brokers),
        ]
        for (node, port) in listener.nodePorts.sorted(by: { $0.key < $1.key }) {
            own.append(
                Taken(
                    address: address, ports: port...port, listener: listener.name,
                    what: "node \(node)", position: positions.nodes[port] ?? positions.brokers))
        }
        for mine in own {
            guard let other = taken.first(where: { isClash(mine, $0) }) else { continue }
            let port = max(mine.ports.lowerBound, other.ports.lowerBound)
            reading.report(
                mine.position,
                "port \(port) is already used by \(other.what) of listener `\(other.listener)`"
                    + " (line \(other.position.line))")
        }
        taken += own
    }

    private func isClash(_ one: Taken, _ other: Taken) -> Bool {
        one.ports.overlaps(other.ports) && one.address.conflicts(with: other.address)
    }
}
