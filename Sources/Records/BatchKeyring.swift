// BatchKeyring: the data keys that one batch names, and which of them a record needs.

internal import Bytes
internal import Envelope
internal import KafkaWire
internal import Limits

/// Finds the key of a sealed record by its `wax` header. Neighbours nearly always carry the same
/// header bytes; for those the caller does not ask again.
internal struct BatchKeyring {
    /// Keys whose wrapped form stood in an earlier record of the batch.
    private var known: [OpeningKey] = []
    /// Where the last header that was asked for stands in the batch, and the answer.
    private var lastHeader = 0..<0
    private var lastKey: OpeningKey?
    /// A key of this batch is not at hand, so a record that names its key by id may mean that one.
    private var isMissingOne = false

    internal mutating func removeAll() {
        if !known.isEmpty { known.removeAll(keepingCapacity: true) }
        lastHeader = 0..<0
        lastKey = nil
        isMissingOne = false
    }

    /// The key for the record in `layout`, bound to `topic`; nil when it is not at hand.
    ///
    /// - Throws: `unsupportedFormat` or `openFailed`, without a place.
    internal mutating func key(
        _ body: RawSpan, _ layout: borrowing RecordLayout, _ topic: String, _ keys: some OpeningKeys
    ) throws(RecordError) -> OpeningKey? {
        guard layout.markCount == 1 else {
            throw RecordError(.unsupportedFormat, "more than one wax header")
        }
        guard layout.valueBytes >= 0 else {
            throw RecordError(.unsupportedFormat, "a null value with a wax header")
        }
        let start = layout.markValueStart
        let place = start..<start + max(layout.markValueBytes, 0)
        let value = body.extracting(place)
        if !lastHeader.isEmpty, value.sameBytes(as: body.extracting(lastHeader)) { return lastKey }
        lastKey = try find(value, topic, keys)
        lastHeader = place
        return lastKey
    }

    private mutating func find(
        _ value: RawSpan, _ topic: String, _ keys: some OpeningKeys
    ) throws(RecordError) -> OpeningKey? {
        let header: EnvelopeHeader
        do {
            header = try EnvelopeHeader(value)
        } catch {
            throw RecordError(.unsupportedFormat, "\(error)")
        }
        guard header.hasWrappedKey else { return try known(header.dataKeyID) }
        let reference = value.extracting(header.reference)
        guard
            let key = keys.openingKey(
                reference: reference, wrapped: value.extracting(header.wrapped),
                id: header.dataKeyID)
        else {
            isMissingOne = true
            return nil
        }
        // What a ciphertext is bound to comes from the key; the header must claim the same.
        guard key.isNamed(id: header.dataKeyID, reference: reference) else {
            throw RecordError(.openFailed, "the wax header names another data key")
        }
        do {
            try key.bind(topic: topic)
        } catch {
            throw RecordError(.openFailed, "\(error)")
        }
        if !known.contains(where: { $0 === key }) {
            guard known.count < RecordLimits.dataKeysPerBatchMax else {
                throw RecordError(.limitExceeded, "too many data keys in one batch")
            }
            known.append(key)
        }
        return key
    }

    /// A key named by id only, as records after the first of a batch may do.
    private func known(_ id: UInt64) throws(RecordError) -> OpeningKey? {
        if let key = known.last(where: { $0.id == id }) { return key }
        if isMissingOne { return nil }
        throw RecordError(.openFailed, "the record's data key is not named in its batch")
    }
}
