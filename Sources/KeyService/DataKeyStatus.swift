// DataKeyStatus: the data keys that a loop holds, told without secrets.

internal import Envelope
internal import Limits

/// One data key that is held.
package struct DataKeyStatus: Equatable, Sendable {
    /// What it does.
    package enum Use: String, Sendable {
        /// Seals.
        case sealing
        /// Waits to follow the one that seals.
        case successor
        /// Opens.
        case opening
    }

    /// The key that wraps it.
    package let reference: KEKReference
    /// Version of that key; nil for opening, where the service does not say.
    package let keyVersion: UInt32?
    /// The id in stored records.
    package let id: UInt64
    package let use: Use
    /// Since it was fetched.
    package let ageSeconds: UInt64
    /// Records and plaintext bytes that room was taken for; nil for opening.
    package let records: UInt64?
    package let bytes: UInt64?
    /// Until it is dropped whatever happens.
    package let expiresInSeconds: UInt64
}

extension DataKeys {
    /// Unwrapped keys held for opening.
    package var openingKeyCount: Int {
        var held = 0
        cache.forEach { if $0.key != nil { held += 1 } }
        return held
    }

    /// The keys for sealing by reference, the current one before its successor; then those for
    /// opening, last used first, at most `KeyLimits.openingKeysListedMax`: `openingKeyCount` says
    /// how many there are. Keys whose time is over are not listed.
    package func status(now: UInt64) -> [DataKeyStatus] {
        sealing(now: now) + opening(now: now)
    }

    private func sealing(now: UInt64) -> [DataKeyStatus] {
        var listed: [DataKeyStatus] = []
        for (reference, slot) in slots.sorted(by: { $0.key.text < $1.key.text }) {
            let held: [(BudgetedKey?, DataKeyStatus.Use)] = [
                (slot.current, .sealing), (slot.successor, .successor),
            ]
            for case (let key?, let use) in held where now < key.expires {
                listed.append(
                    DataKeyStatus(
                        reference: reference, keyVersion: key.keyVersion, id: key.key.id, use: use,
                        ageSeconds: DataKeys.seconds(from: key.created, to: now),
                        records: key.records, bytes: key.bytes,
                        expiresInSeconds: DataKeys.seconds(from: now, to: key.expires)))
            }
        }
        return listed
    }

    private func opening(now: UInt64) -> [DataKeyStatus] {
        var held: [OpeningEntry] = []
        cache.forEach { if $0.key != nil, now < $0.expires { held.append($0) } }
        held.sort { ($1.lastUsed, $0.request.id) < ($0.lastUsed, $1.request.id) }
        return held.prefix(KeyLimits.openingKeysListedMax).map { entry in
            DataKeyStatus(
                reference: entry.request.reference, keyVersion: nil, id: entry.request.id,
                use: .opening, ageSeconds: DataKeys.seconds(from: entry.fetched, to: now),
                records: nil, bytes: nil,
                expiresInSeconds: DataKeys.seconds(from: now, to: entry.expires))
        }
    }

    private static func seconds(from start: UInt64, to end: UInt64) -> UInt64 {
        (max(start, end) - start) / 1_000_000_000
    }
}
