// RecordFixtures: keys, batches and readers that the tests of sealing and opening share.

import Bytes
import Compression
import Crypto
import Envelope
import KafkaWire
import Testing

@testable import Records

/// A record as a test writes it and reads it back.
struct PlainRecord: Equatable {
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [Header] = []
    var timestamp: Int64 = 1_700_000_000_000
    var offsetDelta: Int32?

    struct Header: Equatable {
        var key: String
        var value: [UInt8]?
        init(_ key: String, _ value: [UInt8]?) {
            self.key = key
            self.value = value
        }
    }
}

/// A batch taken apart; the records' timestamps and offset deltas are as stored.
struct ReadBatch {
    let header: RecordBatchHeader
    let records: [PlainRecord]
    let checksumHolds: Bool
}

/// Keys at hand, found by their wrapped bytes; misses are kept in order.
final class KeysAtHand: OpeningKeys {
    var keys: [[UInt8]: OpeningKey] = [:]
    private(set) var misses: [UInt64] = []
    private(set) var questions = 0

    func openingKey(reference: RawSpan, wrapped: RawSpan, id: UInt64) -> OpeningKey? {
        questions += 1
        if let key = keys[wrapped.array] { return key }
        misses.append(id)
        return nil
    }
}

/// A data key for both directions.
struct KeyPair {
    let sealing: SealingKey
    let keys = KeysAtHand()
    let wrapped: [UInt8]

    init(
        id: UInt64 = 0x0102_0304_0506_0708, fill: UInt8 = 7, reference: String = "corp/kek-orders",
        wrapped: [UInt8]? = nil, salt: UInt32 = 0xdead_beef
    ) throws {
        let secret = SecretBytes(copying: filled([UInt8](repeating: fill, count: 32)).bytes)
        self.wrapped = wrapped ?? [UInt8](repeating: fill ^ 0x5a, count: 40)
        sealing = try SealingKey(
            id: id, reference: reference, wrapped: self.wrapped, key: secret, salt: salt)
        keys.keys[self.wrapped] = try OpeningKey(id: id, reference: reference, key: secret)
    }
}

/// A buffer that holds `bytes`.
func filled(_ bytes: [UInt8]) -> ByteBuffer {
    let buffer = ByteBuffer(capacity: bytes.count)
    buffer.append(bytes)
    return buffer
}

let baseTime: Int64 = 1_700_000_000_000

/// One batch of `records`, compressed with `codec`.
func batch(
    _ records: [PlainRecord], codec: CompressionCodec = .none, attributes: UInt16 = 0,
    lastOffsetDelta: Int32? = nil, change: (ByteBuffer) -> Void = { _ in }
) throws -> ByteBuffer {
    let output = ByteBuffer()
    var writer = RecordBatchWriter(
        output, baseTimestamp: baseTime, attributes: attributes | UInt16(codec.rawValue))
    for record in records {
        writer.append(
            key: record.key, value: record.value,
            headers: record.headers.map { (key: $0.key, value: $0.value) },
            timestamp: record.timestamp, offsetDelta: record.offsetDelta, into: output)
    }
    if codec != .none {
        let body = filled(output.bytes(in: writer.recordsStart..<output.count).array)
        output.truncate(to: writer.recordsStart)
        try Codecs().compress(codec, body.bytes, into: output)
    }
    change(output)
    writer.finish(output, lastOffsetDelta: lastOffsetDelta)
    return output
}

/// Takes every batch in `bytes` apart.
func read(_ bytes: [UInt8]) throws -> [ReadBatch] {
    let buffer = filled(bytes)
    var batches: [ReadBatch] = []
    var at = 0
    while let frame = try RecordBatchFrame.next(in: buffer.bytes, at: at) {
        batches.append(try readOne(filled(buffer.bytes(in: frame.range).array)))
        at = frame.end
    }
    return batches
}

private func readOne(_ batch: ByteBuffer) throws -> ReadBatch {
    let header = try RecordBatchHeader(batch.bytes)
    let body = ByteBuffer()
    let codec = try #require(CompressionCodec(rawValue: header.attributes.codec))
    if header.recordCount > 0 {
        try Codecs().decompress(
            codec, batch.bytes(in: RecordBatchHeader.byteCount..<batch.count), into: body,
            outputBytesMax: 1 << 30)
    }
    var records: [PlainRecord] = []
    var cursor = ByteCursor(body.bytes)
    for _ in 0..<header.recordCount { records.append(try readRecord(&cursor, header)) }
    let left = cursor.remaining
    #expect(left == 0)
    return ReadBatch(
        header: header, records: records,
        checksumHolds: RecordBatchHeader.checksum(of: batch.bytes) == header.crc)
}

private func readRecord(
    _ cursor: inout ByteCursor, _ header: RecordBatchHeader
) throws -> PlainRecord {
    let length = Int(try cursor.varint())
    let end = cursor.offset + length
    try cursor.skip(1)
    var record = PlainRecord(key: nil, value: nil)
    record.timestamp = header.baseTimestamp + (try cursor.varlong())
    record.offsetDelta = try cursor.varint()
    record.key = try readBytes(&cursor)
    record.value = try readBytes(&cursor)
    for _ in 0..<(try cursor.varint()) {
        let key = try #require(try readBytes(&cursor))
        record.headers.append(.init(String(decoding: key, as: UTF8.self), try readBytes(&cursor)))
    }
    let reached = cursor.offset
    #expect(reached == end)
    return record
}

private func readBytes(_ cursor: inout ByteCursor) throws -> [UInt8]? {
    let count = Int(try cursor.varint())
    guard count >= 0 else { return nil }
    return try cursor.slice(count).array
}

extension Array where Element == UInt8 {
    /// Whether `other` occurs anywhere in it.
    func contains(run other: [UInt8]) -> Bool {
        guard let first = other.first, count >= other.count else { return other.isEmpty }
        return indices.dropLast(other.count - 1).contains {
            self[$0] == first && self[$0..<$0 + other.count].elementsEqual(other)
        }
    }
}
