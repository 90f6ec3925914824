// NodeTable: where the cluster's brokers are, learnt from every answer that says so.

internal import Synchronization

/// Node id to upstream address, for the whole process.
///
/// It is filled by the process's own question at the start and by every response that passes, so
/// it follows brokers that move and brokers that are new.
internal final class NodeTable: Sendable {
    private let nodes = Mutex<[Int32: HostPort]>([:])

    func address(of node: Int32) -> HostPort? { nodes.withLock { $0[node] } }

    var count: Int { nodes.withLock { $0.count } }

    /// Notes where a broker is.
    /// - Returns: true when that was not known.
    @discardableResult
    func learn(_ node: Int32, _ address: HostPort) -> Bool {
        // Fenced and unknown brokers have no address; keep what is known of them.
        guard node >= 0, !address.host.isEmpty, address.port > 0 else { return false }
        return nodes.withLock { nodes in
            guard nodes[node] != address else { return false }
            nodes[node] = address
            return true
        }
    }
}
