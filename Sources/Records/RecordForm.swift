// RecordForm: writes one record of a produced batch, sealed or as it came.

internal import Bytes
internal import Envelope
internal import KafkaWire

/// The shape of a record in the output. Nothing here decides anything.
internal enum RecordForm {
    /// - Throws: `invalidRecord` when the current record has the reserved header.
    @inline(__always)
    internal static func checkUnmarked(_ walk: borrowing RecordWalk) throws(RecordError) {
        guard walk.layout.markCount == 0 else {
            throw RecordError(
                .invalidRecord, "the record header \"wax\" is reserved", recordIndex: walk.index)
        }
    }

    /// Appends the current record as it is, but for its offset delta.
    internal static func copy(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ delta: Int, _ output: ByteBuffer
    ) {
        let layout = walk.layout
        if Int(layout.offsetDelta) == delta {
            return output.append(records.extracting(layout.start..<layout.end))
        }
        let growth = Varint.byteCount(of: delta) - (layout.offsetDeltaEnd - layout.offsetDeltaStart)
        output.append(varint: Int64(layout.end - layout.bodyStart + growth))
        output.append(records.extracting(layout.bodyStart..<layout.offsetDeltaStart))
        output.append(varint: Int64(delta))
        output.append(records.extracting(layout.offsetDeltaEnd..<layout.end))
    }

    /// Appends the current record with its value sealed and the header put first.
    @inline(__always)
    internal static func seal(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ delta: Int, _ key: SealingKey,
        _ waxHeader: ByteBuffer, _ output: ByteBuffer
    ) throws(RecordError) {
        let valueStart = walk.layout.valueStart
        let value = records.extracting(valueStart..<valueStart + walk.layout.valueBytes)
        begin(
            records, walk, delta,
            valueBytes: walk.layout.valueBytes + EnvelopeFormat.sealedOverheadBytes,
            headerBytes: waxHeader.count, output)
        do {
            try key.seal(value, into: output)
        } catch {
            throw RecordError(.sealFailed, "\(error)", recordIndex: walk.index)
        }
        end(records, walk, waxHeader, output)
    }

    /// Appends what stands before the value, when that will have `valueBytes` and the record a
    /// further header of `headerBytes`.
    @inline(__always)
    internal static func begin(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ delta: Int, valueBytes: Int,
        headerBytes: Int, _ output: ByteBuffer
    ) {
        let headerCount = walk.layout.headerCount + 1
        let bodyStart = walk.layout.bodyStart
        let valueLengthStart = walk.layout.valueLengthStart
        var length =
            valueLengthStart - bodyStart + Varint.byteCount(of: valueBytes) + valueBytes
            + Varint.byteCount(of: headerCount) + headerBytes
            + (walk.at - walk.layout.headersStart)
        if Int(walk.layout.offsetDelta) == delta {
            output.append(
                varint: length, records.extracting(bodyStart..<valueLengthStart),
                varint: valueBytes)
        } else {
            let (start, end) = (walk.layout.offsetDeltaStart, walk.layout.offsetDeltaEnd)
            length += Varint.byteCount(of: delta) - (end - start)
            output.append(varint: Int64(length))
            output.append(
                records.extracting(bodyStart..<start), varint: delta,
                records.extracting(end..<valueLengthStart), varint: valueBytes)
        }
    }

    /// Appends what stands behind the value, with the header put first.
    @inline(__always)
    internal static func end(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ waxHeader: ByteBuffer,
        _ output: ByteBuffer
    ) {
        output.append(
            varint: walk.layout.headerCount + 1, waxHeader.bytes,
            records.extracting(walk.layout.headersStart..<walk.at))
    }
}
