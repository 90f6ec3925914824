// BatchKeyring: the data keys that one batch names, and which of them a record needs.

internal import Bytes
internal import Envelope
internal import KafkaWire
internal import Limits

/// What a record's `wax` header says.
internal struct RecordMark {
    /// How the value was compressed before it was sealed.
    internal let compression: EnvelopeCompression
    /// Whether fields of the value are sealed, and not the value itself.
    internal let isFields: Bool
    /// Whether the header names its key by id only.
    internal let isLean: Bool
    /// Which key: a place in the keyring; -1 when the batch does not name it.
    internal let naming: Int
}

/// Knows which data keys the headers of one batch name, and asks for those that are needed.
///
/// Names are remembered also of records that are not opened: a later one may name its key by id.
/// Neighbours nearly always carry the same header bytes; those are taken apart once.
internal struct BatchKeyring {
    /// A data key named in the batch.
    private struct Naming {
        let id: UInt64
        /// The header's value in the records, and its parts.
        let place: Range<Int>
        let reference: Range<Int>
        let wrapped: Range<Int>
        var key: OpeningKey?
        /// It was asked for, and is not at hand.
        var isMissing = false
        /// A record that is delivered as it is stored carries this header.
        var isDelivered = false
    }

    /// Version and suite, which differ between headers that name the same key.
    private static let unnamedBytes = 2

    private var namings: [Naming] = []
    /// Where the last header that was asked for stands in the batch, and the answer.
    private var lastPlace = 0..<0
    private var last: RecordMark?

    internal mutating func removeAll() {
        if !namings.isEmpty { namings.removeAll(keepingCapacity: true) }
        lastPlace = 0..<0
        last = nil
    }

    /// What the header of the record in `layout` says.
    ///
    /// - Throws: `unsupportedFormat` or `limitExceeded`, without a place.
    internal mutating func mark(
        _ body: RawSpan, _ layout: borrowing RecordLayout
    ) throws(RecordError) -> RecordMark {
        guard layout.markCount == 1 else {
            throw RecordError(.unsupportedFormat, "more than one wax header")
        }
        guard layout.valueBytes >= 0 else {
            throw RecordError(.unsupportedFormat, "a null value with a wax header")
        }
        let start = layout.markValueStart
        let place = start..<start + max(layout.markValueBytes, 0)
        let value = body.extracting(place)
        if let last, value.sameBytes(as: body.extracting(lastPlace)) { return last }
        let header: EnvelopeHeader
        do {
            header = try EnvelopeHeader(value)
        } catch {
            throw RecordError(.unsupportedFormat, "\(error)")
        }
        let naming =
            header.hasWrappedKey
            ? try note(body, place, header)
            : namings.lastIndex { $0.id == header.dataKeyID } ?? -1
        let mark = RecordMark(
            compression: header.compression, isFields: header.isFields,
            isLean: !header.hasWrappedKey, naming: naming)
        lastPlace = place
        last = mark
        return mark
    }

    private mutating func note(
        _ body: RawSpan, _ place: Range<Int>, _ header: EnvelopeHeader
    ) throws(RecordError) -> Int {
        let name = body.extracting(place.lowerBound + BatchKeyring.unnamedBytes..<place.upperBound)
        for (index, naming) in namings.enumerated() where naming.id == header.dataKeyID {
            let start = naming.place.lowerBound + BatchKeyring.unnamedBytes
            if body.extracting(start..<naming.place.upperBound).sameBytes(as: name) { return index }
        }
        guard namings.count < RecordLimits.dataKeysPerBatchMax else {
            throw RecordError(.limitExceeded, "too many data keys in one batch")
        }
        let start = place.lowerBound
        namings.append(
            Naming(
                id: header.dataKeyID, place: place,
                reference: start + header.reference.lowerBound..<start
                    + header.reference.upperBound,
                wrapped: start + header.wrapped.lowerBound..<start + header.wrapped.upperBound))
        return namings.count - 1
    }

    /// The key that `mark` names, when it was given before.
    internal func known(_ mark: RecordMark) -> OpeningKey? {
        mark.naming < 0 ? nil : namings[mark.naming].key
    }

    /// The key that `mark` names, bound to `topic`; nil when it is not at hand.
    ///
    /// - Throws: `openFailed`, without a place.
    internal mutating func key(
        _ mark: RecordMark, _ body: RawSpan, _ topic: String, _ keys: some OpeningKeys
    ) throws(RecordError) -> OpeningKey? {
        guard mark.naming >= 0 else {
            throw RecordError(.openFailed, "the record's data key is not named in its batch")
        }
        let naming = namings[mark.naming]
        if let key = naming.key { return key }
        if naming.isMissing { return nil }
        let reference = body.extracting(naming.reference)
        guard
            let key = keys.openingKey(
                reference: reference, wrapped: body.extracting(naming.wrapped), id: naming.id)
        else {
            namings[mark.naming].isMissing = true
            return nil
        }
        // What a ciphertext is bound to comes from the key; the header must claim the same.
        guard key.isNamed(id: naming.id, reference: reference) else {
            throw RecordError(.openFailed, "the wax header names another data key")
        }
        do {
            try key.bind(topic: topic)
        } catch {
            throw RecordError(.openFailed, "\(error)")
        }
        namings[mark.naming].key = key
        return key
    }

    /// Notes that a record with the header `mark` is delivered sealed.
    ///
    /// - Returns: where the header stands that this record must carry in place of its own, when
    ///   the one that names its key by more than an id is not delivered before it.
    internal mutating func deliver(_ mark: RecordMark) -> Range<Int>? {
        guard mark.naming >= 0 else { return nil }
        let isDelivered = namings[mark.naming].isDelivered
        namings[mark.naming].isDelivered = true
        return mark.isLean && !isDelivered ? namings[mark.naming].place : nil
    }
}
