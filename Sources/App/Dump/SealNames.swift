// SealNames: the wrapped keys that a dump has named, for records that name theirs by its id only.

internal import Bytes
internal import Envelope
internal import Limits

/// A `wax` header that was read.
internal struct SealHeader {
    /// The value, with the wrapped key wherever one was found.
    let value: [UInt8]
    let parts: EnvelopeHeader
    /// `service/name`; nil for a record without wrapped key where none was named before.
    let reference: String?
    /// Whether the record itself carried the wrapped key.
    let isNamed: Bool

    /// Whether a wrapped key stands in `value`.
    var isComplete: Bool { reference != nil }
}

/// Remembers wrapped keys by data-key id, those of each partition for itself.
///
/// A batch names each of its keys in its first record of it. A dump may begin or have been filtered
/// behind that record; then one that was named before in the same partition is taken, which can
/// only be the same: were it not, the value would not open.
internal struct SealNames {
    private struct Name: Hashable {
        let partition: Int64
        let id: UInt64
    }

    /// Header values that hold a wrapped key.
    private var named: [Name: [UInt8]] = [:]

    /// Reads the header of a record.
    ///
    /// - Throws: when it is not of a form that this version knows.
    mutating func read(
        _ value: [UInt8], partition: Int64?
    ) throws(EnvelopeError) -> SealHeader {
        // SAFETY: UInt8 has no padding; the array outlives the span.
        let own = try EnvelopeHeader(unsafe value.span.bytes)
        let name = Name(partition: partition ?? 0, id: own.dataKeyID)
        if own.hasWrappedKey {
            if named[name] != value {
                if named.count >= CommandLimits.namedKeysMax { named.removeAll() }
                named[name] = value
            }
            return SealHeader(
                value: value, parts: own, reference: SealNames.reference(value, own),
                isNamed: true)
        }
        guard let before = named[name] else {
            return SealHeader(value: value, parts: own, reference: nil, isNamed: false)
        }
        // Flags are each record's own; the names are those of the earlier one.
        let unnamedBytes = 2
        let complete =
            [value[0], value[1] | EnvelopeFormat.flagWrappedKey] + before.dropFirst(unnamedBytes)
        // SAFETY: as above.
        let parts = try EnvelopeHeader(unsafe complete.span.bytes)
        return SealHeader(
            value: complete, parts: parts, reference: SealNames.reference(complete, parts),
            isNamed: false)
    }

    private static func reference(_ value: [UInt8], _ parts: EnvelopeHeader) -> String {
        String(decoding: value[parts.reference], as: UTF8.self)
    }
}
