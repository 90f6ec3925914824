// GoldenVectorTests: the frozen records of the stored format, made by another implementation.

import Bytes
import Crypto
import Foundation
import Testing

@testable import Envelope
@testable import Records

@Suite struct GoldenVectorTests {
    /// One entry of conformance/vectors/format-v1.json; bytes are hexadecimal.
    struct Vector: Decodable, CustomTestStringConvertible {
        let name: String
        let topic: String
        let dataKey: String
        let dataKeyID: String
        let reference: String
        let wrappedKey: String
        let salt: String
        let counter: UInt64
        let header: String
        let value: String
        /// Nil when the record must not open.
        let plaintext: String?
        /// The header of an earlier record of the batch.
        let namedBefore: String?

        var testDescription: String { name }
    }

    private struct File: Decodable {
        let format: Int
        let vectors: [Vector]
    }

    static let vectors: [Vector] = {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appending(path: "conformance/vectors/format-v1.json")
        guard let data = try? Data(contentsOf: file),
            let content = try? JSONDecoder().decode(File.self, from: data)
        else { return [] }
        return content.vectors
    }()

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).compactMap { at in
            let start = hex.index(hex.startIndex, offsetBy: at)
            return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16)
        }
    }

    private func secret(_ vector: Vector) -> SecretBytes {
        let key = filled(bytes(vector.dataKey))
        return SecretBytes(copying: key.bytes)
    }

    @Test func `the vector file is there and has both kinds`() {
        #expect(Self.vectors.count >= 20)
        #expect(Self.vectors.contains { $0.plaintext == nil })
        #expect(Self.vectors.contains { $0.namedBefore != nil })
    }

    @Test(arguments: vectors)
    func `a golden record opens to its plaintext or not at all`(_ vector: Vector) throws {
        let id = try #require(UInt64(vector.dataKeyID, radix: 16))
        let keys = KeysAtHand()
        keys.keys[bytes(vector.wrappedKey)] = try OpeningKey(
            id: id, reference: vector.reference, key: secret(vector))
        var records = [
            PlainRecord(
                key: [1], value: bytes(vector.value),
                headers: [.init("wax", bytes(vector.header)), .init("other", nil)])
        ]
        if let before = vector.namedBefore {
            // The value belongs to the later record, but opens with the header before as well.
            let first = PlainRecord(
                key: [0], value: bytes(vector.value), headers: [.init("wax", bytes(before))])
            records.insert(first, at: 0)
        }
        let stored = try batch(records)
        let output = ByteBuffer()
        let opener = BatchOpener()
        guard let plaintext = vector.plaintext else {
            #expect(throws: RecordError.self) {
                try opener.open(
                    records: stored.bytes, topic: vector.topic, keys: keys, into: output)
            }
            #expect(output.count == 0)
            return
        }
        _ = try opener.open(
            records: stored.bytes, topic: vector.topic, keys: keys, into: output)
        let opened = try #require(try read(output.array).first?.records.last)
        #expect(opened.value == bytes(plaintext))
        #expect(opened.headers == [.init("other", nil)])
    }

    @Test(arguments: vectors.filter { $0.plaintext != nil && $0.namedBefore == nil })
    func `sealing gives the golden bytes`(_ vector: Vector) throws {
        let key = try SealingKey(
            id: try #require(UInt64(vector.dataKeyID, radix: 16)), reference: vector.reference,
            wrapped: bytes(vector.wrappedKey), key: secret(vector),
            salt: try #require(UInt32(vector.salt, radix: 16)))
        key.counter = vector.counter
        let plaintext = try #require(vector.plaintext)
        let original = try batch([PlainRecord(key: [1], value: bytes(plaintext))])
        let output = ByteBuffer()
        _ = try BatchSealer().seal(
            batch: original.bytes, topic: vector.topic, key: key, batchBytesMax: 1 << 20,
            into: output)
        let stored = try #require(try read(output.array).first?.records.first)
        #expect(stored.value == bytes(vector.value))
        #expect(stored.headers == [.init("wax", bytes(vector.header))])
    }
}
