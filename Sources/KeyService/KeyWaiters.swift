// KeyWaiters: who waits for which keys, so that news wakes them and nobody else.

/// Waiters by the tickets that they were given. One loop's; it holds its waiters strongly.
///
/// Who asks is not said with each question: what was told to wait since the last `await` is what
/// the next one is for. A waiter may await more while it waits; news of any ticket ends all.
package struct KeyWaiters<Waiter: AnyObject> {
    private struct Entry {
        let waiter: Waiter
        var tickets: Set<DataKeys.Ticket>
    }

    private var entries: [ObjectIdentifier: Entry] = [:]
    private var waiting: [DataKeys.Ticket: Set<ObjectIdentifier>] = [:]
    private var asked: Set<DataKeys.Ticket> = []
    private var askedAt: UInt64 = 0

    package init() {}

    package var count: Int { entries.count }

    /// Somebody was told to wait with `ticket`.
    ///
    /// - Parameter now: the time of the loop's turn. Questions of an earlier turn that nobody
    ///   awaited are forgotten: whoever awaits does so in the turn in which he asks.
    package mutating func ask(_ ticket: DataKeys.Ticket, now: UInt64) {
        if askedAt != now {
            asked.removeAll(keepingCapacity: true)
            askedAt = now
        }
        asked.insert(ticket)
    }

    /// `waiter` waits for all that was asked since the last call.
    package mutating func await(_ waiter: Waiter) {
        let id = ObjectIdentifier(waiter)
        entries[id, default: Entry(waiter: waiter, tickets: [])].tickets.formUnion(asked)
        for ticket in asked { waiting[ticket, default: []].insert(id) }
        asked.removeAll(keepingCapacity: true)
    }

    package mutating func forget(_ waiter: Waiter) { _ = remove(ObjectIdentifier(waiter)) }

    /// Takes out everybody who waits for one of `tickets`, each once.
    package mutating func take(_ tickets: [DataKeys.Ticket]) -> [Waiter] {
        var woken: [Waiter] = []
        for ticket in tickets {
            for id in waiting[ticket] ?? [] {
                if let waiter = remove(id) { woken.append(waiter) }
            }
        }
        return woken
    }

    private mutating func remove(_ id: ObjectIdentifier) -> Waiter? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        for ticket in entry.tickets {
            waiting[ticket]?.remove(id)
            if waiting[ticket]?.isEmpty == true { waiting[ticket] = nil }
        }
        return entry.waiter
    }
}
