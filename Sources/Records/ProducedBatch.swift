// ProducedBatch: what one partition of a Produce request must look like before it is touched.

internal import Bytes
internal import KafkaWire

/// What the header of a produced batch tells before any record is looked at.
package struct BatchInspection: Equatable, Sendable {
    /// Records in the batch, at least 1.
    package let records: Int
    /// Bytes of the batch as it came, compressed or not.
    package let bytes: Int
}

/// The checks that the broker would make (Kafka's LogValidator), made before records change, so
/// that a client sees the error that it would see without a proxy between.
internal enum ProducedBatch {
    /// The header of `batch`, which must be exactly one batch of magic 2 with records in it.
    internal static func check(_ batch: RawSpan) throws(RecordError) -> RecordBatchHeader {
        guard let frame = try frame(batch) else {
            throw RecordError(.corruptBatch, "the batch is cut short")
        }
        guard frame.magic == 2 else {
            throw RecordError(.invalidRecord, "message format \(frame.magic) is not accepted")
        }
        guard frame.end == batch.byteCount else {
            throw RecordError(.invalidRecord, "more than one batch for a partition")
        }
        let header = try self.header(batch)
        guard header.baseOffset == 0 else {
            throw RecordError(.invalidRecord, "base offset \(header.baseOffset) is not 0")
        }
        guard !header.attributes.isControl else {
            throw RecordError(.invalidRecord, "a control batch from a client")
        }
        guard header.recordCount > 0, header.lastOffsetDelta == header.recordCount - 1 else {
            throw RecordError(
                .invalidRecord,
                "\(header.recordCount) records with last offset \(header.lastOffsetDelta)")
        }
        guard header.attributes.codec <= 4 else {
            throw RecordError(.unsupportedCompression, "codec \(header.attributes.codec)")
        }
        return header
    }

    /// The checksum goes over the bytes as they came, before they are decompressed.
    internal static func verifyChecksum(
        _ batch: RawSpan, _ header: RecordBatchHeader
    ) throws(RecordError) {
        guard RecordBatchHeader.checksum(of: batch) == header.crc else {
            throw RecordError(.corruptBatch, "the batch's checksum is wrong")
        }
    }

    private static func frame(_ batch: RawSpan) throws(RecordError) -> RecordBatchFrame? {
        do {
            return try RecordBatchFrame.next(in: batch, at: 0)
        } catch {
            throw RecordError(.corruptBatch, "batch header: \(error)")
        }
    }

    private static func header(_ batch: RawSpan) throws(RecordError) -> RecordBatchHeader {
        do {
            return try RecordBatchHeader(batch)
        } catch {
            throw RecordError(.corruptBatch, "batch header: \(error)")
        }
    }
}
