// OpeningCache: unwrapped data keys for opening, found by what stands in a record's header.

internal import Bytes
internal import Envelope
internal import Limits

/// One wrapped data key that records have named, with or without its unwrapped form.
internal final class OpeningEntry {
    internal let request: UnwrapRequest
    private let reference: [UInt8]
    /// The key and when it must be dropped; nil while it is fetched or refused.
    internal var key: OpeningKey?
    internal private(set) var fetched: UInt64 = 0
    internal private(set) var refreshDue: UInt64 = 0
    internal private(set) var expires: UInt64 = 0
    internal var gate = RetryGate()
    internal var lastUsed: UInt64
    /// Whom the news of this entry is for.
    internal let ticket: DataKeys.Ticket

    internal init(_ request: UnwrapRequest, now: UInt64, ticket: DataKeys.Ticket) {
        self.request = request
        reference = Array(request.reference.text.utf8)
        lastUsed = now
        self.ticket = ticket
    }

    /// Takes a fetched key for `lifetime` nanoseconds.
    internal func hold(_ key: OpeningKey, now: UInt64, lifetime: UInt64) {
        self.key = key
        fetched = now
        refreshDue = now + lifetime * KeyLimits.successorPercent / 100
        expires = now + lifetime
        gate.succeed()
    }

    internal func matches(reference other: RawSpan, wrapped: RawSpan) -> Bool {
        let ownWrapped = request.wrapped
        let ownReference = reference
        // SAFETY: UInt8 has no padding; the arrays outlive the comparison.
        return unsafe ownWrapped.span.bytes.sameBytes(as: wrapped)
            && ownReference.span.bytes.sameBytes(as: other)
    }
}

/// Entries by data-key id. A short list stands under each id, because the id alone proves nothing.
internal struct OpeningCache {
    private var entries: [UInt64: [OpeningEntry]] = [:]
    /// Entries, with or without a key.
    internal private(set) var count = 0
    private let countMax: Int

    internal init(countMax: Int) { self.countMax = countMax }

    internal func find(id: UInt64, reference: RawSpan, wrapped: RawSpan) -> OpeningEntry? {
        guard let list = entries[id] else { return nil }
        for entry in list where entry.matches(reference: reference, wrapped: wrapped) {
            return entry
        }
        return nil
    }

    internal func find(_ request: UnwrapRequest) -> OpeningEntry? {
        entries[request.id]?.first { $0.request == request }
    }

    /// Adds an entry, making room first; false when every entry that could give way is being
    /// fetched.
    ///
    /// - Parameter evicted: told of each entry that gives way.
    internal mutating func insert(
        _ entry: OpeningEntry, evicted: (OpeningEntry) -> Void
    ) -> Bool {
        let id = entry.request.id
        if count >= countMax { evict(evicted) }
        guard count < countMax else { return false }
        var list = entries[id] ?? []
        if list.count >= KeyLimits.openingKeysPerIDMax {
            guard let at = list.firstIndex(where: { !$0.gate.isInFlight }) else { return false }
            evicted(list.remove(at: at))
            count -= 1
        }
        list.append(entry)
        entries[id] = list
        count += 1
        return true
    }

    /// Drops an eighth of the entries, least recently used first; sorting once for many makes the
    /// cost per entry small.
    private mutating func evict(_ evicted: (OpeningEntry) -> Void) {
        let idle = entries.values.joined().filter { !$0.gate.isInFlight }
        let share = max(countMax / 8, 1)
        for entry in idle.sorted(by: { $0.lastUsed < $1.lastUsed }).prefix(share) {
            remove(entry)
            evicted(entry)
        }
    }

    private mutating func remove(_ entry: OpeningEntry) {
        let id = entry.request.id
        guard var list = entries[id], let at = list.firstIndex(where: { $0 === entry }) else {
            return
        }
        list.remove(at: at)
        count -= 1
        entries[id] = list.isEmpty ? nil : list
    }

    /// Drops keys that are too old, and entries that have nothing left to tell.
    internal mutating func sweep(now: UInt64) {
        for entry in entries.values.joined() {
            if entry.key != nil, now >= entry.expires { entry.key = nil }
            if entry.key == nil, entry.gate.isIdle(now: now), !entry.gate.isWanted {
                remove(entry)
            }
        }
    }

    /// Visits every entry.
    internal func forEach(_ body: (OpeningEntry) -> Void) {
        for entry in entries.values.joined() { body(entry) }
    }

    internal mutating func removeAll() {
        entries = [:]
        count = 0
    }
}
