// TestRecords: records as values, with keys and headers, and the marks of sealed ones.

import Bytes
import KafkaWire
import TestSupport
import Testing

/// A record header.
struct TestHeader: Equatable {
    var key: String
    var value: [UInt8]?

    init(_ key: String, _ value: [UInt8]?) {
        self.key = key
        self.value = value
    }

    init(_ key: String, _ text: String) { self.init(key, Array(text.utf8)) }
}

/// One record of a batch.
struct TestRecord: Equatable {
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [TestHeader] = []

    init(_ value: [UInt8]?, key: [UInt8]? = nil, headers: [TestHeader] = []) {
        self.key = key
        self.value = value
        self.headers = headers
    }

    init(_ text: String, key: [UInt8]? = nil, headers: [TestHeader] = []) {
        self.init(Array(text.utf8), key: key, headers: headers)
    }

    var text: String { String(decoding: value ?? [], as: UTF8.self) }

    /// The header that marks it as sealed, as the proxy has put it there.
    var mark: SealMark? {
        headers.first { $0.key == "wax" }.flatMap { $0.value.flatMap(SealMark.init) }
    }
}

/// What the `wax` header of a record says, read by docs/FORMAT.md.
struct SealMark: Equatable {
    let flags: UInt8
    let keyID: [UInt8]
    /// `service/name` of the key that wrapped the data key, where it is said.
    let reference: String?

    init?(_ value: [UInt8]) {
        guard value.count >= 10, value[0] == 1, value[1] & 0x0f == 1 else { return nil }
        flags = value[1] & 0xf0
        keyID = Array(value[2..<10])
        guard flags & 0x10 != 0 else {
            reference = nil
            return
        }
        // References of the tests are shorter than 128 bytes.
        guard value.count > 10, value.count > 10 + Int(value[10]) else { return nil }
        reference = String(decoding: value[11..<11 + Int(value[10])], as: UTF8.self)
    }

    var hasWrappedKey: Bool { flags & 0x10 != 0 }
    var isCompressed: Bool { flags & 0x60 != 0 }
    var isFields: Bool { flags & 0x80 != 0 }
}

extension TestBatch {
    /// One batch of records.
    static func make(_ records: [TestRecord]) -> [UInt8] {
        let buffer = ByteBuffer()
        var writer = RecordBatchWriter(buffer, baseTimestamp: 1_000)
        for record in records {
            writer.append(
                key: record.key, value: record.value,
                headers: record.headers.map { ($0.key, $0.value) }, into: buffer)
        }
        writer.finish(buffer)
        return buffer.array
    }

    /// One batch of documents or other texts.
    static func make(texts: [String]) -> [UInt8] { make(texts.map { TestRecord($0) }) }

    /// The records in uncompressed batches that lie behind each other.
    static func records(_ records: [UInt8]) throws -> [TestRecord] {
        let buffer = ByteBuffer()
        buffer.append(records)
        var found: [TestRecord] = []
        var at = 0
        while let frame = try RecordBatchFrame.next(in: buffer.bytes, at: at) {
            let header = try RecordBatchHeader(buffer.bytes(in: frame.range))
            var cursor = ByteCursor(buffer.bytes(in: frame.range))
            try cursor.skip(RecordBatchHeader.byteCount)
            for _ in 0..<header.recordCount where !header.attributes.isControl {
                found.append(try record(&cursor))
            }
            at = frame.end
        }
        return found
    }

    private static func record(_ cursor: inout ByteCursor) throws -> TestRecord {
        _ = try cursor.varint()
        try cursor.skip(1)
        _ = try cursor.varlong()
        _ = try cursor.varint()
        let key = try bytes(&cursor)
        var record = TestRecord(try bytes(&cursor), key: key)
        for _ in 0..<Int(try cursor.varint()) {
            let name = try bytes(&cursor) ?? []
            record.headers.append(
                TestHeader(String(decoding: name, as: UTF8.self), try bytes(&cursor)))
        }
        return record
    }

    private static func bytes(_ cursor: inout ByteCursor) throws -> [UInt8]? {
        let count = Int(try cursor.varint())
        return count < 0 ? nil : try cursor.slice(count).array
    }

    /// The texts of the records.
    static func texts(_ records: [UInt8]?) throws -> [String] {
        try self.records(records ?? []).map(\.text)
    }

    /// A batch with one bit of its last record's value changed, and the checksum right again: only
    /// the seal can tell.
    static func tampered(_ batch: [UInt8]) throws -> [UInt8] {
        let value = try #require(try values(batch).last ?? nil)
        var changed = batch
        let at = try #require(batch.indices.last { batch[$0...].starts(with: value) })
        // In a document: within the text of its last sealed field, letter for letter.
        let mark = Array("wax1:".utf8)
        let inValue = value.indices.last { value[$0...].starts(with: mark) }.map { $0 + 10 }
        changed[at + (inValue ?? value.count / 2)] ^= 1
        let buffer = ByteBuffer()
        buffer.append(changed)
        let sum = RecordBatchHeader.checksum(of: buffer.bytes)
        buffer.set(uint32: sum, at: RecordBatchHeader.At.crc)
        return buffer.array
    }
}
