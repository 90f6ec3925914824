// ProduceResponse: where the parts of a Produce response stand in its frame (versions 3 to 13).

internal import Bytes
internal import KafkaWire

/// An index over a Produce response frame, for the cases in which Waxwing puts an answer together
/// from several, or adds partitions that it refused itself.
internal struct ProduceResponse {
    struct Partition {
        /// The topic's name or id, as encoded.
        var identity: Range<Int>
        var index: Int32
        var errorCode: Int16
        var baseOffset: Int64
        /// The whole element.
        var element: Range<Int>
        /// Where the base offset stands.
        var baseOffsetAt: Int
        /// Where the batch indexes of the record errors stand.
        var recordErrorsAt: [Int]
    }

    private(set) var partitions: [Partition] = []
    private(set) var throttleMilliseconds: Int32 = 0
    /// The response's tag buffer (leader hints, KIP-951).
    private(set) var tags: Range<Int> = 0..<0

    init(frame: RawSpan, version: Int16) throws(WireError) {
        let isFlexible = version >= 9
        var cursor = ByteCursor(frame)
        try cursor.skip(8)
        if isFlexible { try cursor.skipTags() }
        let topicCount = try cursor.arrayCount(compact: isFlexible)
        for _ in 0..<topicCount {
            let start = cursor.offset
            if version >= ProduceRequest.topicIDVersion {
                try cursor.skip(16)
            } else {
                _ = try cursor.stringRange(compact: isFlexible)
            }
            let identity = start..<cursor.offset
            let count = try cursor.arrayCount(compact: isFlexible)
            for _ in 0..<count {
                partitions.append(
                    try ProduceResponse.readPartition(&cursor, identity, version: version))
            }
            if isFlexible { try cursor.skipTags() }
        }
        if version >= 1 { throttleMilliseconds = try cursor.int32() }
        tags = try cursor.tagRange(isFlexible)
        guard cursor.isAtEnd else { throw .invalid(at: cursor.offset, "bytes after the response") }
    }

    private static func readPartition(
        _ cursor: inout ByteCursor, _ identity: Range<Int>, version: Int16
    ) throws(WireError) -> Partition {
        let isFlexible = version >= 9
        let start = cursor.offset
        let index = try cursor.int32()
        let errorCode = try cursor.int16()
        let baseOffsetAt = cursor.offset
        let baseOffset = try cursor.int64()
        if version >= 2 { try cursor.skip(8) }
        if version >= 5 { try cursor.skip(8) }
        var recordErrorsAt: [Int] = []
        if version >= 8 {
            let count = try cursor.arrayCount(compact: isFlexible)
            for _ in 0..<count {
                recordErrorsAt.append(cursor.offset)
                try cursor.skip(4)
                try skipMessage(&cursor, isFlexible)
                if isFlexible { try cursor.skipTags() }
            }
            try skipMessage(&cursor, isFlexible)
        }
        if isFlexible { try cursor.skipTags() }
        return Partition(
            identity: identity, index: index, errorCode: errorCode, baseOffset: baseOffset,
            element: start..<cursor.offset, baseOffsetAt: baseOffsetAt,
            recordErrorsAt: recordErrorsAt)
    }

    private static func skipMessage(
        _ cursor: inout ByteCursor, _ isFlexible: Bool
    ) throws(WireError) {
        if isFlexible {
            try cursor.skipCompactString()
        } else {
            try cursor.skipNullableString()
        }
    }

    /// Appends a partition's element that says why it was refused.
    static func appendRefusal(
        index: Int32, error: Int16, message: String, version: Int16, to output: ByteBuffer
    ) {
        let isFlexible = version >= 9
        output.append(int32: index)
        output.append(int16: error)
        output.append(int64: -1)
        if version >= 2 { output.append(int64: -1) }
        if version >= 5 { output.append(int64: -1) }
        if version >= 8 {
            if isFlexible { output.append(uvarint: 1) } else { output.append(int32: 0) }
            // A letter that is cut in half is replaced by a mark of three bytes.
            let text = String(decoding: message.utf8.prefix(1_000), as: UTF8.self)
            output.append(kafkaString: text, isFlexible: isFlexible)
        }
        if isFlexible { output.append(uvarint: 0) }
    }
}
