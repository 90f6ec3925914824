// RecordLayout: where the parts of one record (magic 2) stand in a run of records.

package import Bytes

/// A header key of up to eight bytes, held as a number so that looking for it costs one compare.
package struct RecordHeaderKey: Equatable, Sendable {
    /// Bytes of the key, 1 to 8.
    package let byteCount: Int
    @usableFromInline internal let packed: UInt64

    /// - Parameter key: ASCII, one to eight characters.
    package init(_ key: StaticString) {
        precondition((1...8).contains(key.utf8CodeUnitCount), "a short header key has 1-8 bytes")
        byteCount = key.utf8CodeUnitCount
        packed = key.description.utf8.reduce(0) { $0 << 8 | UInt64($1) }
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
    package internal(set) var keyStart = 0
    /// Bytes of the key, -1 for null.
    package internal(set) var keyBytes = -1
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

    /// The value's bytes; empty when null.
    package var value: Range<Int> { valueStart..<valueStart + max(valueBytes, 0) }
    /// The bytes of the looked-for header's value; empty when null.
    package var markValue: Range<Int> {
        markValueStart..<markValueStart + max(markValueBytes, 0)
    }

    /// Reads the record at `offset` and notes the headers whose key is `mark`.
    ///
    /// Every length is checked, the headers are walked to the end, and the record must end where
    /// its length says. Nothing is copied. After an error the content is unspecified.
    ///
    /// - Throws: `WireError` with the offset in `records`.
    package mutating func read(
        _ records: RawSpan, at offset: Int, mark: RecordHeaderKey
    ) throws(WireError) {
        var cursor = ByteCursor(records)
        cursor.offset = offset
        start = offset
        let length = Int(try cursor.varint())
        bodyStart = cursor.offset
        guard length >= 0, length <= cursor.remaining else {
            throw .badLength(at: offset, length)
        }
        end = bodyStart + length
        try cursor.skip(1)  // Record attributes: unused, kept.
        timestampDelta = try cursor.varlong()
        offsetDeltaStart = cursor.offset
        offsetDelta = try cursor.varint()
        offsetDeltaEnd = cursor.offset
        keyBytes = try RecordLayout.nullable(&cursor)
        keyStart = cursor.offset - max(keyBytes, 0)
        valueLengthStart = cursor.offset
        valueBytes = try RecordLayout.nullable(&cursor)
        valueStart = cursor.offset - max(valueBytes, 0)
        try readHeaders(&cursor, mark)
        guard cursor.offset == end else { throw .badLength(at: offset, length) }
    }

    private mutating func readHeaders(
        _ cursor: inout ByteCursor, _ mark: RecordHeaderKey
    ) throws(WireError) {
        let countStart = cursor.offset
        headerCount = Int(try cursor.varint())
        headersStart = cursor.offset
        markCount = 0
        // A header takes at least two bytes; this also bounds the loop below.
        guard headerCount >= 0, headerCount <= (end - headersStart) / 2 else {
            throw .badLength(at: countStart, headerCount)
        }
        var left = headerCount
        while left > 0 {
            left -= 1
            let headerStart = cursor.offset
            let keyBytes = Int(try cursor.varint())
            guard keyBytes >= 0 else { throw .badLength(at: headerStart, keyBytes) }
            var isMarked = false
            if keyBytes == mark.byteCount {
                var packed: UInt64 = 0
                for _ in 0..<keyBytes { packed = packed << 8 | UInt64(try cursor.uint8()) }
                isMarked = packed == mark.packed
            } else {
                try cursor.skip(keyBytes)
            }
            let valueBytes = try RecordLayout.nullable(&cursor)
            if isMarked {
                markCount += 1
                markStart = headerStart
                markEnd = cursor.offset
                markValueBytes = valueBytes
                markValueStart = markEnd - max(valueBytes, 0)
            }
        }
    }

    /// A length and that many bytes, stepped over; -1 is null, less is an error.
    @inline(__always)
    private static func nullable(_ cursor: inout ByteCursor) throws(WireError) -> Int {
        let at = cursor.offset
        let length = Int(try cursor.varint())
        guard length >= -1 else { throw .badLength(at: at, length) }
        if length > 0 { try cursor.skip(length) }
        return length
    }
}
