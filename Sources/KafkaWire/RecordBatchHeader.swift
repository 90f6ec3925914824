// RecordBatchHeader: the fixed fields of a record batch (magic 2) and where they stand.

package import Bytes

/// The 61 bytes before the records of a batch (KIP-98 message format, magic 2).
package struct RecordBatchHeader: Equatable, Sendable {
    /// Bytes before the first record.
    package static let byteCount = 61
    /// Bytes of `baseOffset` and `batchLength`, which `batchLength` does not count.
    package static let lengthPrefixBytes = 12
    /// Fewest bytes that one record takes: seven one-byte fields.
    package static let recordBytesMin = 7

    /// Offsets of the fields from the start of the batch.
    package enum At {
        package static let baseOffset = 0
        package static let batchLength = 8
        package static let partitionLeaderEpoch = 12
        package static let magic = 16
        package static let crc = 17
        package static let attributes = 21
        package static let lastOffsetDelta = 23
        package static let baseTimestamp = 27
        package static let maxTimestamp = 35
        package static let producerID = 43
        package static let producerEpoch = 51
        package static let baseSequence = 53
        package static let recordCount = 57
    }

    package var baseOffset: Int64
    /// Bytes of the batch after this field.
    package var batchLength: Int32
    /// Not covered by the checksum: the leader writes it.
    package var partitionLeaderEpoch: Int32
    package var crc: UInt32
    package var attributes: RecordBatchAttributes
    /// Offset of the last record of the batch as it was produced, from `baseOffset`; compaction
    /// may have removed that record.
    package var lastOffsetDelta: Int32
    /// What the records' timestamp deltas count from, milliseconds; the delete horizon when that
    /// attribute is set.
    package var baseTimestamp: Int64
    package var maxTimestamp: Int64
    package var producerID: Int64
    package var producerEpoch: Int16
    package var baseSequence: Int32
    /// Records that are present, 0 or more.
    package var recordCount: Int32

    /// Reads the header at the start of `batch`.
    ///
    /// - Throws: `WireError` when bytes are missing, the magic is not 2, or the record count is
    ///   negative.
    package init(_ batch: RawSpan) throws(WireError) {
        var cursor = ByteCursor(batch)
        baseOffset = try cursor.int64()
        batchLength = try cursor.int32()
        partitionLeaderEpoch = try cursor.int32()
        guard try cursor.int8() == 2 else { throw .invalid(at: At.magic, "magic") }
        crc = try cursor.uint32()
        attributes = RecordBatchAttributes(rawValue: UInt16(bitPattern: try cursor.int16()))
        lastOffsetDelta = try cursor.int32()
        baseTimestamp = try cursor.int64()
        maxTimestamp = try cursor.int64()
        producerID = try cursor.int64()
        producerEpoch = try cursor.int16()
        baseSequence = try cursor.int32()
        recordCount = try cursor.int32()
        guard recordCount >= 0 else { throw .badLength(at: At.recordCount, Int(recordCount)) }
    }

    /// The checksum that `batch`, exactly one whole batch, should carry.
    package static func checksum(of batch: RawSpan) -> UInt32 {
        CRC32C.checksum(batch.extracting(At.attributes..<batch.byteCount))
    }

    /// The sequence number `advance` records after `base`; after 2^31-1 comes 0 (KIP-98). A base
    /// below 0 means that there is no sequence, and stays.
    package static func sequence(_ base: Int32, advancedBy advance: Int) -> Int32 {
        guard base >= 0 else { return base }
        return Int32((Int64(base) + Int64(advance)) & 0x7fff_ffff)
    }
}

/// The attributes field of a batch.
package struct RecordBatchAttributes: RawRepresentable, Equatable, Sendable {
    package var rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Bits 0-2: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd (KIP-110).
    package var codec: UInt8 {
        get { UInt8(rawValue & 0x07) }
        set { rawValue = rawValue & ~0x07 | UInt16(newValue & 0x07) }
    }
    /// The records carry the broker's append time, which is the batch's `maxTimestamp`.
    package var isLogAppendTime: Bool { rawValue & 0x08 != 0 }
    package var isTransactional: Bool { rawValue & 0x10 != 0 }
    /// A transaction marker or another record of the broker's own.
    package var isControl: Bool { rawValue & 0x20 != 0 }
    /// `baseTimestamp` is the time at which tombstones may go (KIP-534).
    package var hasDeleteHorizon: Bool { rawValue & 0x40 != 0 }
}
