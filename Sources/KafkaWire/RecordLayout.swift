// RecordLayout: where the parts of one record (magic 2) stand in a run of records.

package import Bytes

/// A header key of up to eight bytes, held as a number so that looking for it costs one compare.
package struct RecordHeaderKey: Equatable, Sendable {
    /// Bytes of the key, 1 to 8.
    package let byteCount: Int
    private let packed: UInt64

    /// - Parameter key: ASCII, one to eight characters.
    package init(_ key: StaticString) {
        precondition((1...8).contains(key.utf8CodeUnitCount), "a short header key has 1-8 bytes")
        byteCount = key.utf8CodeUnitCount
        packed = key.description.utf8.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Whether the bytes before `end`, which the caller knows to be there, are this key.
    @inline(__always)
    internal func stands(in records: RawSpan, before end: Int) -> Bool {
        Varint.packed(records, byteCount, before: end) == packed
    }
}

/// The parts of one record, as offsets into the span that was read.
///
/// A record is: length, attributes, timestamp delta, offset delta, key, value, headers; numbers
/// are zig-zag varints, -1 is the length of null.
package struct RecordLayout: Equatable, Sendable {
    /// Offset of the record's length field.
    package internal(set) var start = 0
    /// Offset of the attributes, the first byte that the length counts.
    package internal(set) var bodyStart = 0
    /// Offset after the record.
    package internal(set) var end = 0
    /// Milliseconds from the batch's base timestamp; may be negative.
    package internal(set) var timestampDelta: Int64 = 0
    package internal(set) var offsetDelta: Int32 = 0
    /// Where the offset delta's varint stands.
    package internal(set) var offsetDeltaStart = 0
    package internal(set) var offsetDeltaEnd = 0
    /// Offset of the value's length field; from `bodyStart` to here nothing depends on the value.
    package internal(set) var valueLengthStart = 0
    package internal(set) var valueStart = 0
    /// Bytes of the value, -1 for null.
    package internal(set) var valueBytes = -1
    package internal(set) var headerCount = 0
    /// Offset of the first header, after the count.
    package internal(set) var headersStart = 0

    /// How many headers carry the key that was looked for.
    package internal(set) var markCount = 0
    /// Whole extent of the last such header.
    package internal(set) var markStart = 0
    package internal(set) var markEnd = 0
    package internal(set) var markValueStart = 0
    /// Bytes of that header's value, -1 for null.
    package internal(set) var markValueBytes = -1

    package init() {}

    /// Reads the record at `offset` and notes the headers whose key is `mark`.
    ///
    /// Every length is checked, the headers are walked to the end, and the record must end where
    /// its length says. Nothing is copied. After an error the content is unspecified.
    ///
    /// - Throws: `WireError` with the offset in `records`.
    package mutating func read(
        _ records: RawSpan, at offset: Int, mark: RecordHeaderKey
    ) throws(WireError) {
        var at = offset
        start = offset
        let length = try RecordLayout.number(records, &at)
        bodyStart = at
        guard length > 0, length <= records.byteCount - at else {
            throw .badLength(at: offset, length)
        }
        end = at + length
        at += 1  // Record attributes: unused, kept.
        if let short = Varint.short(records, at: &at) {
            timestampDelta = Int64(short)
        } else {
            timestampDelta = try Varint.read64(records, at: &at)
        }
        offsetDeltaStart = at
        offsetDelta = Int32(truncatingIfNeeded: try RecordLayout.number(records, &at))
        offsetDeltaEnd = at
        try skipNullable(records, &at)
        valueLengthStart = at
        valueBytes = try skipNullable(records, &at)
        valueStart = at - max(valueBytes, 0)
        let countStart = at
        headerCount = try RecordLayout.number(records, &at)
        headersStart = at
        markCount = 0
        if headerCount != 0 { try readHeaders(records, &at, mark, countStart) }
        guard at == end else { throw .badLength(at: offset, length) }
    }

    private mutating func readHeaders(
        _ records: RawSpan, _ at: inout Int, _ mark: RecordHeaderKey, _ countStart: Int
    ) throws(WireError) {
        // A header takes at least two bytes; this also bounds the loop below.
        guard headerCount >= 0, headerCount <= (end - headersStart) / 2 else {
            throw .badLength(at: countStart, headerCount)
        }
        var left = headerCount
        while left > 0 {
            left -= 1
            let headerStart = at
            let keyBytes = try skipNullable(records, &at)
            guard keyBytes >= 0 else { throw .badLength(at: headerStart, keyBytes) }
            let isMarked = keyBytes == mark.byteCount && mark.stands(in: records, before: at)
            let valueBytes = try skipNullable(records, &at)
            if isMarked {
                markCount += 1
                markStart = headerStart
                markEnd = at
                markValueBytes = valueBytes
                markValueStart = at - max(valueBytes, 0)
            }
        }
    }

    @inline(__always)
    private static func number(_ records: RawSpan, _ at: inout Int) throws(WireError) -> Int {
        if let short = Varint.short(records, at: &at) { return short }
        return try Varint.read32(records, at: &at)
    }

    /// A length and that many bytes, stepped over; -1 is null, less is an error. Nothing beyond the
    /// record's end is stepped over.
    @inline(__always)
    @discardableResult
    private func skipNullable(_ records: RawSpan, _ at: inout Int) throws(WireError) -> Int {
        let start = at
        let length = try RecordLayout.number(records, &at)
        guard length >= -1, length <= end - at else { throw .badLength(at: start, length) }
        if length > 0 { at += length }
        return length
    }
}
