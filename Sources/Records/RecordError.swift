// RecordError: why a batch cannot be sealed or opened, and where.

/// What went wrong with one partition's records. It says where, and never carries payload or key
/// bytes.
package struct RecordError: Error, Equatable, Sendable {
    /// The kinds of failure; each maps to one answer to the client.
    package enum Code: Equatable, Sendable {
        /// Checksum or structure is wrong.
        case corruptBatch
        /// A producer sent what it may not send: the reserved header, an old message format, a
        /// control or empty batch, several batches, a base offset.
        case invalidRecord
        /// A codec number that Kafka does not define.
        case unsupportedCompression
        /// One record alone is over the limit when sealed.
        case tooLarge
        /// A bound of this process is passed: a decompression bomb, or output out of proportion.
        case limitExceeded
        /// The cipher refused to seal.
        case sealFailed
        /// A sealed record does not open: changed, moved from another topic, or its data key is
        /// not named in its batch.
        case openFailed
        /// A record carries the `wax` header, but not in a form that this version knows.
        case unsupportedFormat
        /// The rules do not let the records be delivered: a record without seal that is refused,
        /// or one to leave out where that cannot be done.
        case refused
    }

    package let code: Code
    /// One phrase for people.
    package let reason: String
    /// Position of the record in the batch as it came, from 0.
    package let recordIndex: Int?
    /// Log offset of the record, or of the batch's start; nil for a produced batch.
    package let offset: Int64?

    package init(
        _ code: Code, _ reason: String, recordIndex: Int? = nil, offset: Int64? = nil
    ) {
        self.code = code
        self.reason = reason
        self.recordIndex = recordIndex
        self.offset = offset
    }

    /// Kafka's error code for a Produce response: of several that fit the one that makes stock
    /// clients do the right thing (a too large batch is split by the Java client, a corrupt one is
    /// sent again, the others fail for good). For Fetch, what cannot be opened is 2.
    package var kafkaCode: Int16 {
        switch code {
        case .corruptBatch, .openFailed, .unsupportedFormat: 2  // CORRUPT_MESSAGE
        case .invalidRecord: 87  // INVALID_RECORD
        case .unsupportedCompression: 76  // UNSUPPORTED_COMPRESSION_TYPE
        case .tooLarge, .limitExceeded: 10  // MESSAGE_TOO_LARGE
        case .sealFailed: -1  // UNKNOWN_SERVER_ERROR
        case .refused: 29  // TOPIC_AUTHORIZATION_FAILED
        }
    }

    /// The same failure with a place, where it has none yet.
    internal func at(recordIndex: Int? = nil, offset: Int64?) -> RecordError {
        RecordError(
            code, reason, recordIndex: self.recordIndex ?? recordIndex,
            offset: self.offset ?? offset)
    }
}

extension RecordError: CustomStringConvertible {
    package var description: String {
        var text = reason
        if let recordIndex { text += " (record \(recordIndex) of the batch)" }
        if let offset { text += " (offset \(offset))" }
        return text
    }
}
