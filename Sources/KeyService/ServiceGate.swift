// ServiceGate: which calls to one key service are made, joined, queued or refused; no I/O.

internal import Limits

/// What may be changed about a gate; the defaults are those of `KeyLimits`.
package struct ServiceGateSettings: Sendable {
    /// Calls under way at once.
    package var callsMax = KeyLimits.callsPerServiceMax
    /// Calls of each kind that wait for one of these to end.
    package var queuedMax = KeyLimits.queuedCallsPerServiceMax
    /// Failures in a row after which the service is taken to be out.
    package var failuresMax = KeyLimits.breakerFailures

    package init() {}
}

/// The gate in front of one key service, for all loops of the process.
///
/// - Unwrapping the same bytes is one call, however many ask.
/// - At most `callsMax` calls are under way; others queue, the two kinds in turn, so that a
///   consumer that reads old records under many keys does not stand before producers.
/// - The breaker: after `failuresMax` failures in a row the service is taken to be out, and calls
///   are refused at once with the time of the next try. When that has come, one call is made and
///   others wait for what becomes of it: an answer closes the breaker, a failure opens it for
///   longer.
/// - Refusals are remembered for some seconds.
///
/// States of the breaker: closed → (failures) open → (time) trying → closed or open. An answer
/// that comes late, to a call of before, closes it from every state.
internal struct ServiceGate {
    /// What is called. Data keys belong to one loop, so equal `generate`s are different calls.
    internal enum Call: Hashable {
        case generate(String)
        case unwrap(String, [UInt8])

        internal var name: String {
            switch self {
            case .generate(let name), .unwrap(let name, _): name
            }
        }
    }

    /// Names a call from `enter` to `finish`.
    internal typealias Ticket = UInt64

    internal enum Entry: Equatable {
        /// Make the call, then `finish`.
        case start(Ticket)
        /// Wait until a `Release` names the ticket.
        case queued(Ticket)
        /// The same call is under way or queued: share its outcome.
        case joined(Ticket)
        case refused(KeyServiceError)
    }

    /// What becomes of a call that was queued.
    internal enum Release: Equatable {
        case start(Ticket)
        case refused(Ticket, KeyServiceError)
    }

    private enum Breaker {
        case closed(failures: Int)
        case open(until: UInt64, trips: UInt64)
        /// Without a ticket the next call is the try.
        case trying(Ticket?, trips: UInt64)
    }

    private let service: String
    private let settings: ServiceGateSettings
    private var breaker = Breaker.closed(failures: 0)
    private var lastFailure = ""
    private var lastTicket: Ticket = 0
    private var calls: [Ticket: Call] = [:]
    private var unwraps: [Call: Ticket] = [:]
    private var queues = TwoQueues()
    private var memory = RefusalMemory(countMax: KeyLimits.refusalsRememberedMax)
    private var counts = ServiceCounts()

    internal init(service: String, settings: ServiceGateSettings) {
        self.service = service
        self.settings = settings
    }

    private var underWay: Int { calls.count - queues.count }

    // MARK: calls

    /// Somebody wants to make a call.
    internal mutating func enter(_ call: Call, now: UInt64) -> Entry {
        if let ticket = unwraps[call] {
            counts.joined += 1
            return .joined(ticket)
        }
        if let error = memory.find(call, now: now) ?? outage(call, now: now) {
            counts.refused += 1
            return .refused(error)
        }
        let starts = mayStart
        guard starts || queues.hasRoom(call, settings.queuedMax) else {
            counts.refused += 1
            return .refused(overflow(call))
        }
        lastTicket += 1
        let ticket = lastTicket
        calls[ticket] = call
        if case .unwrap = call { unwraps[call] = ticket }
        guard starts else {
            queues.append(ticket, call)
            return .queued(ticket)
        }
        start(ticket)
        return .start(ticket)
    }

    /// Whether a call could start now; one that is the breaker's try does even when old calls hang.
    private var mayStart: Bool {
        switch breaker {
        case .closed: underWay < settings.callsMax
        case .open: true  // `outage` has let it through: its time has come.
        case .trying(let current, _): current == nil
        }
    }

    private mutating func start(_ ticket: Ticket) {
        counts.made += 1
        switch breaker {
        case .closed: break
        case .open(_, let trips), .trying(_, let trips): breaker = .trying(ticket, trips: trips)
        }
    }

    /// A call has ended, with an error or without.
    /// - Returns: the error as the caller shall have it, with the time of the next try when the
    ///   service is out; and what becomes of queued calls.
    internal mutating func finish(
        _ ticket: Ticket, _ error: KeyServiceError?, now: UInt64, random: UInt64
    ) -> (error: KeyServiceError?, releases: [Release]) {
        guard let call = forget(ticket) else { return (error, []) }
        if let error {
            counts.failed += 1
            if !error.isRetriable { memory.note(call, error, until: now + Pauses.refusal) }
        } else {
            memory.forget(call)
        }
        learn(error?.evidence ?? .answering, from: ticket, error, now: now, random: random)
        let told = error.map { error in
            error.isRetriable ? error.after(nanoseconds: pauseLeft(now: now)) : error
        }
        return (told, release(now: now))
    }

    private mutating func forget(_ ticket: Ticket) -> Call? {
        guard let call = calls.removeValue(forKey: ticket) else { return nil }
        if unwraps[call] == ticket { unwraps[call] = nil }
        return call
    }

    /// Starts queued calls as far as the breaker and the limit let it.
    private mutating func release(now: UInt64) -> [Release] {
        var releases: [Release] = []
        while let ticket = queues.next, let call = calls[ticket] {
            if let error = memory.find(call, now: now) ?? outage(call, now: now) {
                queues.removeNext()
                _ = forget(ticket)
                counts.refused += 1
                releases.append(.refused(ticket, error))
                continue
            }
            guard mayStart else { break }
            queues.removeNext()
            start(ticket)
            releases.append(.start(ticket))
        }
        return releases
    }

    // MARK: the breaker

    private mutating func learn(
        _ evidence: ServiceEvidence, from ticket: Ticket, _ error: KeyServiceError?, now: UInt64,
        random: UInt64
    ) {
        if evidence == .out, let error { lastFailure = error.message }
        switch (breaker, evidence) {
        case (_, .answering): breaker = .closed(failures: 0)
        case (.closed(let failures), .out):
            let count = failures + 1
            breaker =
                count < settings.failuresMax
                ? .closed(failures: count)
                : .open(until: now + Pauses.service(trips: 0, random: random), trips: 0)
        case (.trying(let current, let trips), .out) where current == ticket:
            let pause = Pauses.service(trips: trips + 1, random: random)
            breaker = .open(until: now + pause, trips: trips + 1)
        case (.trying(let current, let trips), .none) where current == ticket:
            breaker = .trying(nil, trips: trips)
        default: break
        }
    }

    /// Nanoseconds to the next try; nil when the service is not out, or may be tried.
    private func pauseLeft(now: UInt64) -> UInt64? {
        guard case .open(let until, _) = breaker, now < until else { return nil }
        return until - now
    }

    private func outage(_ call: Call, now: UInt64) -> KeyServiceError? {
        guard let left = pauseLeft(now: now) else { return nil }
        let tenths = (left + 99_999_999) / 100_000_000
        return KeyServiceError(
            .unavailable, key: "\(service)/\(call.name)",
            "the key service is out and is tried again in \(tenths / 10).\(tenths % 10) s;"
                + " it failed last with: \(lastFailure)", retryAfterNanoseconds: left)
    }

    private func overflow(_ call: Call) -> KeyServiceError {
        KeyServiceError(
            .unavailable, key: "\(service)/\(call.name)",
            "too many calls wait for the key service")
    }

    // MARK: status

    internal func status(now: UInt64) -> ServiceStatus {
        var status = ServiceStatus(service: service, state: .closed, counts: counts)
        status.underWay = underWay
        status.queued = queues.count
        switch breaker {
        case .closed(let failures): status.failuresInRow = UInt64(failures)
        case .open(_, let trips):
            status.state = .open
            status.failuresInRow = UInt64(settings.failuresMax) + trips
            status.retryInMilliseconds = (pauseLeft(now: now) ?? 0) / 1_000_000
        case .trying(_, let trips):
            status.state = .trying
            status.failuresInRow = UInt64(settings.failuresMax) + trips
        }
        if status.failuresInRow > 0 { status.lastFailure = lastFailure }
        return status
    }
}

/// Queued tickets of the two kinds, taken in turn.
private struct TwoQueues {
    private var queues: [[ServiceGate.Ticket]] = [[], []]
    private var heads = [0, 0]
    private var turn = 0

    var count: Int { queues[0].count - heads[0] + queues[1].count - heads[1] }

    private static func index(_ call: ServiceGate.Call) -> Int {
        if case .generate = call { 0 } else { 1 }
    }

    func hasRoom(_ call: ServiceGate.Call, _ most: Int) -> Bool {
        let index = TwoQueues.index(call)
        return queues[index].count - heads[index] < most
    }

    mutating func append(_ ticket: ServiceGate.Ticket, _ call: ServiceGate.Call) {
        queues[TwoQueues.index(call)].append(ticket)
    }

    private var nextIndex: Int? {
        [turn, 1 - turn].first { heads[$0] < queues[$0].count }
    }

    var next: ServiceGate.Ticket? { nextIndex.map { queues[$0][heads[$0]] } }

    mutating func removeNext() {
        guard let index = nextIndex else { return }
        turn = 1 - index
        heads[index] += 1
        // Moving the rest down when half is gone costs each entry one move at most, on average.
        if heads[index] * 2 >= queues[index].count {
            queues[index].removeFirst(heads[index])
            heads[index] = 0
        }
    }
}

/// The refusals of the last seconds.
private struct RefusalMemory {
    private struct Entry {
        let error: KeyServiceError
        let until: UInt64
    }

    private var entries: [ServiceGate.Call: Entry] = [:]
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    func find(_ call: ServiceGate.Call, now: UInt64) -> KeyServiceError? {
        guard let entry = entries[call], now < entry.until else { return nil }
        return entry.error.after(nanoseconds: entry.until - now)
    }

    mutating func note(_ call: ServiceGate.Call, _ error: KeyServiceError, until: UInt64) {
        if entries.count >= countMax, entries[call] == nil {
            let share = countMax / 8 + 1
            for (old, _) in entries.sorted(by: { $0.value.until < $1.value.until }).prefix(share) {
                entries[old] = nil
            }
        }
        entries[call] = Entry(error: error, until: until)
    }

    mutating func forget(_ call: ServiceGate.Call) { entries[call] = nil }
}
