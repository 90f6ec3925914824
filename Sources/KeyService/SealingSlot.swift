// SealingSlot: the current data key of one key-encryption key, its successor and its budget.

internal import Envelope
internal import Limits

/// A data key that seals, with what has been reserved of it.
internal struct BudgetedKey {
    internal let key: SealingKey
    internal let keyVersion: UInt32
    internal let created: UInt64
    /// When a successor is asked for, and when the key stops (monotonic nanoseconds).
    internal let successorDue: UInt64
    internal let expires: UInt64
    internal private(set) var records: UInt64 = 0
    internal private(set) var bytes: UInt64 = 0

    /// - Parameter random: places the refresh within the spread of `KeyLimits`.
    internal init(
        key: SealingKey, keyVersion: UInt32, created: UInt64, settings: DataKeySettings,
        random: UInt64
    ) {
        self.key = key
        self.keyVersion = keyVersion
        self.created = created
        let age = settings.ageSecondsMax * 1_000_000_000
        let early = random % (KeyLimits.successorSpreadPercent + 1)
        successorDue = created + age * (KeyLimits.successorPercent - early) / 100
        expires = created + age
    }

    /// Takes room for a batch if there is some. An unused key takes any batch: a limit smaller
    /// than one batch would otherwise never be met.
    internal mutating func reserve(
        records added: UInt64, bytes addedBytes: UInt64, settings: DataKeySettings
    ) -> Bool {
        countSealed()
        let isUnused = records == 0 && bytes == 0
        guard
            isUnused
                || (added <= settings.recordsMax - min(records, settings.recordsMax)
                    && addedBytes <= settings.bytesMax - min(bytes, settings.bytesMax))
        else { return false }
        records += added
        bytes += addedBytes
        return true
    }

    /// What is reserved is the size of a batch as it came; a compressed one holds more, and of a
    /// document each sealed field counts as a record.
    private mutating func countSealed() {
        bytes = max(bytes, key.bytesSealed)
        records = max(records, key.recordsSealed)
    }

    /// Whether so much is used that the next key should be fetched.
    internal func wantsSuccessor(now: UInt64, settings: DataKeySettings) -> Bool {
        let percent = KeyLimits.successorPercent
        return now >= successorDue || records >= settings.recordsMax * percent / 100
            || bytes >= settings.bytesMax * percent / 100
    }
}

/// What one loop has for sealing under one key-encryption key.
internal struct SealingSlot {
    internal var current: BudgetedKey?
    internal var successor: BudgetedKey?
    internal var gate = RetryGate()
    internal var lastUsed: UInt64
    /// Whom the news of this slot is for.
    internal let ticket: DataKeys.Ticket

    internal init(now: UInt64, ticket: DataKeys.Ticket) {
        lastUsed = now
        self.ticket = ticket
    }

    /// Drops what is too old to seal.
    internal mutating func dropExpired(now: UInt64) {
        if let key = current, now >= key.expires { current = nil }
        if let key = successor, now >= key.expires { successor = nil }
    }

    /// The key that a batch may be sealed with, after moving on to the successor if need be.
    internal mutating func reserve(
        records: UInt64, bytes: UInt64, settings: DataKeySettings
    ) -> SealingKey? {
        if current?.reserve(records: records, bytes: bytes, settings: settings) == true {
            return current?.key
        }
        guard var next = successor else { return nil }
        successor = nil
        _ = next.reserve(records: records, bytes: bytes, settings: settings)
        current = next
        return next.key
    }

    /// Stops sealing at once: the key-encryption key was taken away.
    internal mutating func revoke() {
        current = nil
        successor = nil
    }

    /// Puts a fetched key where it is missing.
    internal mutating func insert(_ key: BudgetedKey) {
        if current == nil { current = key } else { successor = key }
    }

    /// Whether the slot can be forgotten.
    internal func isEmpty(now: UInt64) -> Bool {
        current == nil && successor == nil && gate.isIdle(now: now) && !gate.isWanted
    }
}
