// Pending: the requests of a connection that wait for their response, in order.

internal import Bytes

/// What becomes of the response to a request.
internal enum Expectation {
    /// It passes as it comes.
    case relay
    /// It is held, and the addresses in it are rewritten.
    case rewrite
    /// It answers a message of the client's log-in.
    case logIn
    /// It answers a Fetch that Waxwing need not open.
    case fetch
    /// It answers a Fetch or ShareFetch with topics that may have to be opened.
    case open
    /// It answers a Produce request that Waxwing sent in the client's place.
    case produce(ProduceJob)
    /// It answers a question of Waxwing's own; the client does not see it.
    case own(Question)
    /// Waxwing answers itself.
    case local(ByteBuffer)
    /// Waxwing answers itself and then closes the connection.
    case localThenClose(ByteBuffer)
}

/// A request whose response has not been passed on.
internal struct Pending {
    let correlation: Int32
    let apiKey: Int16
    let version: Int16
    let expectation: Expectation

    /// Bytes of an answer that is there already.
    var localBytes: Int {
        switch expectation {
        case .local(let response), .localThenClose(let response): response.count
        default: 0
        }
    }
}

/// A queue that is read at one end and written at the other, without moving what is in it.
internal struct PendingQueue {
    private var entries: [Pending] = []
    private var start = 0

    var count: Int { entries.count - start }
    var isEmpty: Bool { count == 0 }
    var first: Pending? { isEmpty ? nil : entries[start] }

    /// Bytes of answers that wait for their turn.
    private(set) var localBytes = 0

    mutating func append(_ pending: Pending) {
        entries.append(pending)
        localBytes += pending.localBytes
    }

    mutating func removeFirst() {
        precondition(!isEmpty, "a response was finished that nobody waits for")
        localBytes -= entries[start].localBytes
        start += 1
        if start == entries.count {
            entries.removeAll(keepingCapacity: entries.count <= 64)
            start = 0
        } else if start >= 64 {
            entries.removeFirst(start)
            start = 0
        }
    }
}

/// What Waxwing asks a broker for its own sake, on the client's connection and with the client's
/// rights.
internal enum Question {
    /// Names for topic ids, for a `ProduceJob` or `FetchJob`. An answer that comes when its asker
    /// has given up is not taken for another's.
    case topicNames(asker: AnyObject)
    /// A topic's `max.message.bytes` and `cleanup.policy`.
    case facts(topic: String)
    /// Where the brokers are, before it is known whether this is the one that the client wants.
    case nodes
}
