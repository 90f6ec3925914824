// GoldenFormTests: the frozen compressed records and documents, made by another implementation.

import Bytes
import Crypto
import Fields
import Foundation
import Testing

@testable import Envelope
@testable import Records

@Suite struct GoldenFormTests {
    /// One entry of a file in conformance/vectors; bytes are hexadecimal.
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
        /// What was sealed, when the value was compressed.
        let compressed: String?
        /// Paths that select the sealed fields.
        let paths: [String]?
        /// Header and value of an earlier record of the batch.
        let namedBefore: String?
        let valueBefore: String?

        var testDescription: String { name }

        /// Whether the vector is what a sealer makes of `compressed`, and not changed afterwards.
        var isAsSealed: Bool {
            compressed != nil && namedBefore == nil && !name.contains("said to be")
        }

        func bytes(_ part: KeyPath<Vector, String>) -> [UInt8] {
            Vector.bytes(self[keyPath: part])
        }

        static func bytes(_ hex: String) -> [UInt8] {
            stride(from: 0, to: hex.utf8.count, by: 2).compactMap { at in
                let start = hex.index(hex.startIndex, offsetBy: at)
                return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16)
            }
        }

        func secret() -> SecretBytes {
            let key = filled(bytes(\.dataKey))
            return SecretBytes(copying: key.bytes)
        }

        /// The data key, standing before the nonce that the vector was sealed with.
        func sealingKey() throws -> SealingKey {
            let key = try SealingKey(
                id: try #require(UInt64(dataKeyID, radix: 16)), reference: reference,
                wrapped: bytes(\.wrappedKey), key: secret(),
                salt: try #require(UInt32(salt, radix: 16)))
            key.counter = counter
            return key
        }
    }

    private struct File: Decodable {
        let format: Int
        let vectors: [Vector]
    }

    private static func vectors(in name: String) -> [Vector] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appending(path: "conformance/vectors/\(name).json")
        guard let data = try? Data(contentsOf: file),
            let content = try? JSONDecoder().decode(File.self, from: data)
        else { return [] }
        return content.vectors
    }

    static let compressed = vectors(in: "format-v1-compressed")
    static let documents = vectors(in: "format-v1-fields")

    @Test func `the vector files are there and have both kinds`() {
        for vectors in [Self.compressed, Self.documents] {
            #expect(vectors.count >= 20)
            #expect(vectors.contains { $0.plaintext == nil })
            #expect(vectors.contains { $0.namedBefore != nil && $0.plaintext != nil })
        }
    }

    @Test(arguments: compressed + documents)
    func `a golden record opens to its plaintext or not at all`(_ vector: Vector) throws {
        let keys = KeysAtHand()
        let id = try #require(UInt64(vector.dataKeyID, radix: 16))
        keys.keys[vector.bytes(\.wrappedKey)] = try OpeningKey(
            id: id, reference: vector.reference, key: vector.secret())
        let header = PlainRecord.Header("wax", vector.bytes(\.header))
        var records = [
            PlainRecord(
                key: [1], value: vector.bytes(\.value), headers: [header, .init("other", nil)])
        ]
        if let named = vector.namedBefore {
            let first = PlainRecord(
                key: [0], value: Vector.bytes(try #require(vector.valueBefore)),
                headers: [.init("wax", Vector.bytes(named))])
            records.insert(first, at: 0)
        }
        let stored = try batch(records)
        let output = ByteBuffer()
        guard let plaintext = vector.plaintext else {
            #expect(throws: RecordError.self) {
                try BatchOpener().open(
                    records: stored.bytes, topic: vector.topic, keys: keys, into: output)
            }
            #expect(output.count == 0)
            return
        }
        _ = try BatchOpener().open(
            records: stored.bytes, topic: vector.topic, keys: keys, into: output)
        let opened = try #require(try read(output.array).first?.records.last)
        #expect(opened.value == Vector.bytes(plaintext))
        #expect(opened.headers == [.init("other", nil)])
    }

    @Test(arguments: compressed.filter(\.isAsSealed))
    func `sealing what was compressed gives the golden bytes`(_ vector: Vector) throws {
        let key = try vector.sealingKey()
        let header = vector.bytes(\.header)
        let compression = try #require(EnvelopeCompression(rawValue: header[1] & 0x60))
        let plaintext = filled(Vector.bytes(try #require(vector.compressed)))
        let output = ByteBuffer()
        try key.bind(topic: vector.topic)
        try key.seal(plaintext.bytes, compression: compression, into: output)
        #expect(output.array == vector.bytes(\.value))
        let made = key.header(flags: compression.rawValue, isWrapped: true)
        #expect(made.array.suffix(header.count) == header[...])
    }

    @Test(arguments: documents.filter { $0.plaintext != nil })
    func `sealing the fields gives the golden document`(_ vector: Vector) throws {
        let paths = try #require(vector.paths).map { try FieldPath($0) }
        var plan = SealingPlan(topic: vector.topic, bytesMax: 1 << 20)
        plan.fields = try FieldPathSet(paths)
        let plaintext = Vector.bytes(try #require(vector.plaintext))
        let original = try batch([PlainRecord(key: [1], value: plaintext)])
        let output = ByteBuffer()
        _ = try BatchSealer().seal(
            batch: original.bytes, plan: plan, keys: .one(try vector.sealingKey()), into: output)
        let stored = try #require(try read(output.array).first?.records.first)
        #expect(stored.value == vector.bytes(\.value))
        let header = try #require(stored.wax)
        if vector.namedBefore == nil {
            #expect(header == vector.bytes(\.header))
        } else {
            // The golden one is lean; the first of a batch never is.
            #expect(header[1] == 0x91 && header[2..<10] == vector.bytes(\.header)[2..<10])
        }
    }
}
