// ProduceRequest: where the parts of a Produce request stand in its frame (versions 3 to 13).

internal import Bytes
internal import KafkaWire
internal import Limits

/// An index over a Produce request frame. Nothing is copied: ranges point into the frame, so that
/// what is not changed is sent as it came, unknown tagged fields included.
internal struct ProduceRequest {
    struct Topic {
        /// The topic's name or id, as encoded.
        var identity: Range<Int>
        /// The name's bytes, up to version 12.
        var name: Range<Int>
        /// The id's 16 bytes, from version 13.
        var id: Range<Int>
        /// Its partitions' places in `partitions`.
        var partitions: Range<Int>
        /// The tag buffer, empty in versions without.
        var tags: Range<Int>
    }

    struct Partition {
        /// Its topic's place in `topics`.
        var topic: Int
        var index: Int32
        /// The content of the records field, empty when null.
        var records: Range<Int>
        /// The tag buffer, empty in versions without.
        var tags: Range<Int>
        /// The whole element.
        var element: Range<Int>
    }

    let version: Int16
    let isFlexible: Bool
    let correlation: Int32
    private(set) var acks: Int16 = 0
    private(set) var topics: [Topic] = []
    private(set) var partitions: [Partition] = []
    /// The frame up to the topics array, its size field included.
    private(set) var head: Range<Int> = 0..<0
    /// The tag buffer of the request.
    private(set) var tags: Range<Int> = 0..<0

    static let topicIDVersion: Int16 = 13

    /// Reads the index.
    /// - Parameter frame: the frame with its size field.
    init(frame: RawSpan, version: Int16, correlation: Int32) throws(WireError) {
        self.version = version
        self.correlation = correlation
        isFlexible = version >= 9
        var cursor = ByteCursor(frame)
        try cursor.skip(12)
        try cursor.skipNullableString()  // client id, never compact
        if isFlexible { try cursor.skipTags() }
        if isFlexible {
            try cursor.skipCompactString()
        } else {
            try cursor.skipNullableString()
        }
        acks = try cursor.int16()
        try cursor.skip(4)
        head = 0..<cursor.offset
        let topicCount = try cursor.arrayCount(compact: isFlexible)
        topics.reserveCapacity(min(topicCount, 64))
        for _ in 0..<topicCount {
            guard topics.count + partitions.count < ProxyLimits.partitionsPerRequestMax else {
                throw .badLength(at: cursor.offset, topicCount)
            }
            try readTopic(&cursor)
        }
        tags = try cursor.tagRange(isFlexible)
        guard cursor.isAtEnd else { throw .invalid(at: cursor.offset, "bytes after the request") }
    }

    /// The `acks` of a request of which only the first bytes are there.
    /// - Throws: `truncated` with the number of bytes that are missing.
    static func acks(_ start: RawSpan, version: Int16) throws(WireError) -> Int16 {
        var cursor = ByteCursor(start)
        try cursor.skip(12)
        try cursor.skipNullableString()
        if version >= 9 {
            try cursor.skipTags()
            try cursor.skipCompactString()
        } else {
            try cursor.skipNullableString()
        }
        return try cursor.int16()
    }

    private mutating func readTopic(_ cursor: inout ByteCursor) throws(WireError) {
        let start = cursor.offset
        var name = 0..<0
        var id = 0..<0
        if version >= ProduceRequest.topicIDVersion {
            try cursor.skip(16)
            id = start..<cursor.offset
        } else {
            name = try cursor.stringRange(compact: isFlexible)
        }
        let identity = start..<cursor.offset
        let first = partitions.count
        let count = try cursor.arrayCount(compact: isFlexible)
        // An element takes bytes on the wire but many more here, so bytes alone are no bound.
        guard first + count <= ProxyLimits.partitionsPerRequestMax else {
            throw .badLength(at: cursor.offset, count)
        }
        for _ in 0..<count {
            let element = cursor.offset
            let index = try cursor.int32()
            let records = try cursor.bytesRange(compact: isFlexible)
            let tags = try cursor.tagRange(isFlexible)
            partitions.append(
                Partition(
                    topic: topics.count, index: index, records: records, tags: tags,
                    element: element..<cursor.offset))
        }
        topics.append(
            Topic(
                identity: identity, name: name, id: id, partitions: first..<partitions.count,
                tags: try cursor.tagRange(isFlexible)))
    }
}

extension ByteCursor {
    /// The count of an array that may not be null and whose elements take a byte or more each.
    internal mutating func arrayCount(compact: Bool) throws(WireError) -> Int {
        let at = offset
        let count = compact ? Int(try uvarint()) - 1 : Int(try int32())
        guard count >= 0, count <= remaining else { throw .badLength(at: at, count) }
        return count
    }

    internal mutating func stringRange(compact: Bool) throws(WireError) -> Range<Int> {
        let at = offset
        let length = compact ? Int(try uvarint()) - 1 : Int(try int16())
        guard length >= 0, length <= Int(Int16.max) else { throw .badLength(at: at, length) }
        try skip(length)
        return offset - length..<offset
    }

    /// The content of a bytes field; null is an empty range.
    internal mutating func bytesRange(compact: Bool) throws(WireError) -> Range<Int> {
        let at = offset
        let length = compact ? Int(try uvarint()) - 1 : Int(try int32())
        guard length >= -1 else { throw .badLength(at: at, length) }
        guard length > 0 else { return offset..<offset }
        try skip(length)
        return offset - length..<offset
    }

    internal mutating func skipNullableString() throws(WireError) {
        let at = offset
        let length = Int(try int16())
        guard length >= -1 else { throw .badLength(at: at, length) }
        try skip(max(0, length))
    }

    internal mutating func skipCompactString() throws(WireError) {
        try skip(max(0, Int(try uvarint()) - 1))
    }

    internal mutating func tagRange(_ isFlexible: Bool) throws(WireError) -> Range<Int> {
        let start = offset
        if isFlexible { try skipTags() }
        return start..<offset
    }
}
