// DataKeys: one loop's data keys for sealing and opening, as a machine without I/O.

internal import Bytes
package import Crypto
package import Envelope
internal import Limits

/// A wrapped data key that is to be unwrapped.
package struct UnwrapRequest: Hashable, Sendable {
    /// The key that wrapped it.
    package let reference: KEKReference
    /// What the key service unwraps.
    package let wrapped: [UInt8]
    /// The id that the record gives the data key.
    package let id: UInt64

    package init(reference: KEKReference, wrapped: [UInt8], id: UInt64) {
        self.reference = reference
        self.wrapped = wrapped
        self.id = id
    }
}

/// The data keys of one event loop.
///
/// It does no I/O and has no clock: answers say whether a key is at hand, `takeActions` says which
/// calls to make, their results come back through `generated` and `unwrapped`, and time comes in as
/// monotonic nanoseconds. After each of these two, and after `tick`, take the actions and the news,
/// and ask again for everybody who waits with a ticket that is in the news: the answer may have
/// become `ready`, `failed`, or `wait` for the next try. Whoever waits keeps his own deadline.
///
/// What follows from which failure is said at `KeyServiceError.isRetriable` and its neighbours. In
/// an outage a data key is used to its limits. After these, sealing fails at once when the service
/// is known to be out, because producers pause by themselves before they come again; opening fails
/// at the end of the beat, because consumers do not. Both only wait while nobody knows.
package final class DataKeys {
    /// Names what somebody waits for, until the news has it. Never used twice.
    package typealias Ticket = UInt64

    /// A call to a key service.
    package enum Action: Hashable, Sendable {
        /// `generateDataKey`, then `generated`.
        case generate(KEKReference)
        /// `unwrap`, then `unwrapped`.
        case unwrap(UnwrapRequest)
    }

    /// Whether a batch can be sealed.
    package enum SealingAnswer {
        /// Seal with this key, at most what was reserved.
        case ready(SealingKey)
        /// A key is being fetched, or will be when the pause after a failure is over.
        case wait(Ticket)
        /// The service refused, or is known to be out.
        case failed(KeyServiceError)
    }

    /// Whether a record can be opened.
    package enum OpeningAnswer {
        case hit(OpeningKey)
        /// As for sealing.
        case wait(Ticket)
        /// The service refused or is known to be out, or the header names no possible key.
        case failed(KeyServiceError)
    }

    private let settings: DataKeySettings
    private let random: () -> UInt64
    internal private(set) var slots: [KEKReference: SealingSlot] = [:]
    internal private(set) var cache: OpeningCache
    private var actions: [Action] = []
    private var news: [Ticket] = []
    /// Tickets of keys that gave way while somebody waited for them. They are told later: told at
    /// once, two who need more keys than there is room for would push each other out for ever.
    private var displaced: [Ticket] = []
    private var lastTicket: Ticket = 0
    private var retryAt = UInt64.max
    private var sweepAt = UInt64.max
    private var beatAt = UInt64.max
    private var displacedAt = UInt64.max

    /// - Parameter random: spreads retries and refreshes; it makes no key, id or nonce.
    package init(
        settings: DataKeySettings = DataKeySettings(),
        random: @escaping () -> UInt64 = { UInt64.random(in: 0...UInt64.max) }
    ) {
        self.settings = settings
        self.random = random
        cache = OpeningCache(countMax: settings.openingKeysMax)
    }

    // MARK: sealing

    /// Takes room for one batch under the current data key of `reference`.
    ///
    /// Ask with 0 records to have a key fetched ahead. What is reserved and not used is lost,
    /// which costs nothing but an earlier change of keys.
    ///
    /// - Parameters:
    ///   - records: values that will be sealed.
    ///   - bytes: their plaintext bytes.
    package func reserve(
        _ reference: KEKReference, records: Int, bytes: Int, now: UInt64
    ) -> SealingAnswer {
        precondition(
            records >= 0 && bytes >= 0 && UInt64(records) <= KeyLimits.recordsPerDataKeyMax
                && UInt64(bytes) <= KeyLimits.bytesPerDataKeyMax,
            "a batch is larger than any data key may seal")
        guard let found = slots.index(forKey: reference) ?? addSlot(reference, now: now) else {
            return .failed(DataKeys.tooMany(reference))
        }
        slots.values[found].lastUsed = now
        slots.values[found].dropExpired(now: now)
        let key = slots.values[found].reserve(
            records: UInt64(records), bytes: UInt64(bytes), settings: settings)
        if let key {
            fetchSuccessor(at: found, reference, now: now)
            return .ready(key)
        }
        let (answer, starts) = slots.values[found].gate.ask(now: now)
        if starts { actions.append(.generate(reference)) }
        noteRetry(slots.values[found].gate)
        switch answer {
        case .wait: return .wait(slots.values[found].ticket)
        case .refused(let error): return .failed(error)
        }
    }

    private func fetchSuccessor(
        at index: Dictionary<KEKReference, SealingSlot>.Index, _ reference: KEKReference,
        now: UInt64
    ) {
        guard slots.values[index].successor == nil,
            let current = slots.values[index].current,
            current.wantsSuccessor(now: now, settings: settings),
            slots.values[index].gate.askAhead(now: now)
        else { return }
        actions.append(.generate(reference))
    }

    private func addSlot(
        _ reference: KEKReference, now: UInt64
    ) -> Dictionary<KEKReference, SealingSlot>.Index? {
        if slots.count >= KeyLimits.sealingKeysMax {
            let idle = slots.filter { !$0.value.gate.isInFlight }
            let share = KeyLimits.sealingKeysMax / 8
            for (old, _) in idle.sorted(by: { $0.value.lastUsed < $1.value.lastUsed })
                .prefix(share)
            {
                if let gone = slots.removeValue(forKey: old) {
                    displace(gone.ticket, gone.gate, now: now)
                }
            }
        }
        guard slots.count < KeyLimits.sealingKeysMax else { return nil }
        slots[reference] = SealingSlot(now: now, ticket: nextTicket())
        scheduleSweep(now: now)
        return slots.index(forKey: reference)
    }

    private func displace(_ ticket: Ticket, _ gate: RetryGate, now: UInt64) {
        guard gate.isWanted || gate.isOut else { return }
        displaced.append(ticket)
        displacedAt = min(displacedAt, now + KeyLimits.retryMillisecondsMin * 1_000_000)
    }

    private func nextTicket() -> Ticket {
        lastTicket += 1
        return lastTicket
    }

    /// The outcome of `.generate(reference)`. A refusal that means that the key was taken away ends
    /// sealing under it at once, whatever its data keys could still do.
    package func generated(
        _ reference: KEKReference, _ result: Result<GeneratedDataKey, KeyServiceError>,
        now: UInt64
    ) {
        // Without a slot the keys were dropped (`removeAll`) while the call was under way.
        guard let index = slots.index(forKey: reference), slots.values[index].gate.isInFlight
        else { return }
        news.append(slots.values[index].ticket)
        do throws(KeyServiceError) {
            let made = try result.get()
            let key = try DataKeys.sealingKey(reference, made)
            slots.values[index].dropExpired(now: now)
            slots.values[index].insert(
                BudgetedKey(
                    key: key, keyVersion: made.keyVersion, created: now, settings: settings,
                    random: random()))
            slots.values[index].gate.succeed()
        } catch {
            if error.endsSealing { slots.values[index].revoke() }
            slots.values[index].gate.fail(error, now: now, random: random())
        }
        scheduleSweep(now: now)
    }

    /// Another loop was refused a data key under `reference`: what is held here stops sealing too.
    /// A call of this loop that is under way stays, and brings its own answer.
    package func refused(_ reference: KEKReference, _ error: KeyServiceError, now: UInt64) {
        guard error.endsSealing, let index = slots.index(forKey: reference) else { return }
        slots.values[index].revoke()
        guard !slots.values[index].gate.isInFlight else { return }
        news.append(slots.values[index].ticket)
        slots.values[index].gate.fail(error, now: now, random: random())
    }

    /// Gives a fetched key its id and the fixed part of its nonces.
    private static func sealingKey(
        _ reference: KEKReference, _ made: GeneratedDataKey
    ) throws(KeyServiceError) -> SealingKey {
        let id: UInt64
        let salt: UInt32
        do throws(CryptoError) {
            id = try SecureRandom.uint64()
            salt = try SecureRandom.uint32()
        } catch {
            throw KeyServiceError(.unavailable, key: reference.text, "\(error)")
        }
        do throws(EnvelopeError) {
            return try SealingKey(
                id: id, reference: reference.text, wrapped: made.wrapped, key: made.plaintext,
                salt: salt)
        } catch {
            throw KeyServiceError(.corrupt, key: reference.text, "\(error)")
        }
    }

    // MARK: opening

    /// The data key that a record's header names. A hit allocates nothing.
    ///
    /// - Parameters:
    ///   - reference: "service/name" as stored.
    ///   - wrapped: the wrapped data key as stored.
    package func openingKey(
        reference: RawSpan, wrapped: RawSpan, id: UInt64, now: UInt64
    ) -> OpeningAnswer {
        if let entry = cache.find(id: id, reference: reference, wrapped: wrapped) {
            return answer(entry, now: now)
        }
        guard reference.byteCount <= RecordLimits.keyReferenceBytesMax,
            (1...RecordLimits.wrappedKeyBytesMax).contains(wrapped.byteCount),
            let named = KEKReference(reference.text)
        else {
            return .failed(
                KeyServiceError(
                    .corrupt, key: "of a record", "the header names no possible key"))
        }
        let entry = OpeningEntry(
            UnwrapRequest(reference: named, wrapped: wrapped.array, id: id), now: now,
            ticket: nextTicket())
        guard cache.insert(entry, evicted: { displace($0.ticket, $0.gate, now: now) }) else {
            return .failed(DataKeys.tooMany(named))
        }
        scheduleSweep(now: now)
        return answer(entry, now: now)
    }

    private func answer(_ entry: OpeningEntry, now: UInt64) -> OpeningAnswer {
        entry.lastUsed = now
        if let key = entry.key {
            if now < entry.expires {
                // A key in use is fetched again before it runs out, so that readers do not stall.
                if now >= entry.refreshDue, entry.gate.askAhead(now: now) {
                    actions.append(.unwrap(entry.request))
                }
                return .hit(key)
            }
            entry.key = nil
        }
        let (answer, starts) = entry.gate.ask(now: now)
        if starts { actions.append(.unwrap(entry.request)) }
        noteRetry(entry.gate)
        switch answer {
        case .wait: return .wait(entry.ticket)
        case .refused(let error):
            guard error.isRetriable, let next = DataKeys.answerTime(now: now) else {
                return .failed(error)
            }
            beatAt = min(beatAt, next)
            return .wait(entry.ticket)
        }
    }

    /// When records that need a service that is out are refused; nil when it is now.
    private static func answerTime(now: UInt64) -> UInt64? {
        let beat = KeyLimits.outageBeatMilliseconds * 1_000_000
        let quiet = beat - KeyLimits.outageAnswerMilliseconds * 1_000_000
        return now % beat < quiet ? now - now % beat + quiet : nil
    }

    /// The outcome of `.unwrap(request)`.
    package func unwrapped(
        _ request: UnwrapRequest, _ result: Result<SecretBytes, KeyServiceError>, now: UInt64
    ) {
        guard let entry = cache.find(request), entry.gate.isInFlight else { return }
        news.append(entry.ticket)
        do throws(KeyServiceError) {
            let secret = try result.get()
            let key: OpeningKey
            do throws(EnvelopeError) {
                key = try OpeningKey(
                    id: request.id, reference: request.reference.text, key: secret)
            } catch {
                throw KeyServiceError(.corrupt, key: request.reference.text, "\(error)")
            }
            entry.hold(key, now: now, lifetime: settings.openingKeySecondsMax * 1_000_000_000)
        } catch {
            if error.endsOpening { entry.key = nil }
            entry.gate.fail(error, now: now, random: random())
        }
        scheduleSweep(now: now)
    }

    // MARK: time

    /// The calls to make, each exactly once.
    package func takeActions() -> [Action] {
        guard !actions.isEmpty else { return [] }
        defer { actions = [] }
        return actions
    }

    /// The tickets whose answer may have changed since this was asked.
    package func takeNews() -> [Ticket] {
        guard !news.isEmpty else { return [] }
        defer { news = [] }
        return news
    }

    /// When `tick` should be called next (monotonic nanoseconds); nil when nothing is due.
    package var nextDeadline: UInt64? {
        let next = min(retryAt, sweepAt, beatAt, displacedAt)
        return next == .max ? nil : next
    }

    /// Starts the calls whose pause is over and somebody waits for, and drops expired keys.
    package func tick(now: UInt64) {
        if now >= retryAt { retry(now: now) }
        if now >= sweepAt { sweep(now: now) }
        if now >= beatAt {
            beatAt = .max
            cache.forEach { if $0.key == nil, $0.gate.isOut { news.append($0.ticket) } }
        }
        if now >= displacedAt {
            news += displaced
            displaced = []
            displacedAt = .max
        }
    }

    private func retry(now: UInt64) {
        retryAt = .max
        for (reference, slot) in slots {
            guard let due = slot.gate.retryAt else { continue }
            if now >= due, slots[reference]?.gate.askAhead(now: now) == true {
                actions.append(.generate(reference))
            } else {
                retryAt = min(retryAt, due)
            }
        }
        cache.forEach { entry in
            guard let due = entry.gate.retryAt else { return }
            if now >= due, entry.gate.askAhead(now: now) {
                actions.append(.unwrap(entry.request))
            } else {
                retryAt = min(retryAt, due)
            }
        }
    }

    private func sweep(now: UInt64) {
        for reference in Array(slots.keys) {
            slots[reference]?.dropExpired(now: now)
            if slots[reference]?.isEmpty(now: now) == true { slots[reference] = nil }
        }
        cache.sweep(now: now)
        sweepAt = .max
        scheduleSweep(now: now)
    }

    private func scheduleSweep(now: UInt64) {
        guard sweepAt == .max, !slots.isEmpty || cache.count > 0 else { return }
        sweepAt = now + KeyLimits.sweepMilliseconds * 1_000_000
    }

    private func noteRetry(_ gate: RetryGate) {
        if let due = gate.retryAt { retryAt = min(retryAt, due) }
    }

    private static func tooMany(_ reference: KEKReference) -> KeyServiceError {
        KeyServiceError(
            .unavailable, key: reference.text, "too many keys are being fetched at once")
    }

    /// Drops every key, for shutdown or a change of the key services. Calls under way come to
    /// nothing when they return.
    package func removeAll() {
        for slot in slots.values { news.append(slot.ticket) }
        cache.forEach { news.append($0.ticket) }
        slots = [:]
        cache.removeAll()
        actions = []
        retryAt = .max
        sweepAt = .max
        beatAt = .max
        displaced = []
        displacedAt = .max
    }
}
