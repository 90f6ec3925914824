// DataKeyTests: data keys seal and open for one topic at a time, within the format's limits.

import Bytes
import Crypto
import Testing

@testable import Envelope

@Suite struct DataKeyTests {
    private func buffer(_ bytes: [UInt8]) -> ByteBuffer {
        let buffer = ByteBuffer()
        buffer.append(bytes)
        return buffer
    }

    private func secret(_ fill: UInt8, count: Int = 32) -> SecretBytes {
        let bytes = buffer([UInt8](repeating: fill, count: count))
        return SecretBytes(copying: bytes.bytes)
    }

    private func sealing(
        reference: String = "s/n", wrapped: [UInt8] = [1, 2, 3], key: SecretBytes? = nil
    ) throws(EnvelopeError) -> SealingKey {
        try SealingKey(
            id: 5, reference: reference, wrapped: wrapped, key: key ?? secret(1), salt: 9)
    }

    @Test func `the record header is ready to be copied`() throws {
        #expect(
            try sealing().recordHeader.array == [6, 0x77, 0x61, 0x78, 34]
                + [1, 0x11, 0, 0, 0, 0, 0, 0, 0, 5, 3, 0x73, 0x2f, 0x6e, 1, 2, 3])
    }

    @Test func `a value opens for its topic only, also after the key served another`() throws {
        let sealing = try sealing()
        let opening = try OpeningKey(id: 5, reference: "s/n", key: secret(1))
        var stored: [(topic: String, bytes: ByteBuffer)] = []
        for topic in ["a", "b", "a", "ab"] {
            let output = ByteBuffer()
            try sealing.bind(topic: topic)
            let plain = buffer([1, 2, 3])
            try sealing.seal(plain.bytes, into: output)
            #expect(output.count == 3 + EnvelopeFormat.sealedOverheadBytes)
            stored.append((topic, output))
        }
        #expect(sealing.recordsSealed == 4 && sealing.bytesSealed == 12)
        for topic in ["a", "b", "ab"] {
            try opening.bind(topic: topic)
            for (sealedFor, bytes) in stored {
                let output = ByteBuffer()
                let opens = (try? opening.open(bytes.bytes, into: output)) != nil
                #expect(opens == (sealedFor == topic))
                #expect(output.array == (opens ? [1, 2, 3] : []))
            }
        }
    }

    @Test func `topic and reference cannot be shifted into each other`() throws {
        let output = ByteBuffer()
        let sealing = try sealing(reference: "s/nt")
        try sealing.bind(topic: "opic")
        let plain = buffer([1])
        try sealing.seal(plain.bytes, into: output)
        let other = try OpeningKey(id: 5, reference: "s/n", key: secret(1))
        try other.bind(topic: "topic")
        #expect(throws: CryptoError.self) { try other.open(output.bytes, into: ByteBuffer()) }
    }

    @Test func `parts that the format cannot hold are refused`() throws {
        #expect(throws: EnvelopeError.badReference(bytes: 0)) { try sealing(reference: "") }
        #expect(throws: EnvelopeError.badReference(bytes: 401)) {
            try sealing(reference: String(repeating: "a", count: 401))
        }
        #expect(throws: EnvelopeError.badWrappedKey(bytes: 0)) { try sealing(wrapped: []) }
        #expect(throws: EnvelopeError.badWrappedKey(bytes: 1025)) {
            try sealing(wrapped: [UInt8](repeating: 0, count: 1025))
        }
        #expect(throws: EnvelopeError.self) { try sealing(key: secret(1, count: 16)) }
        let key = try sealing()
        #expect(throws: EnvelopeError.badTopic(bytes: 0)) { try key.bind(topic: "") }
        #expect(throws: EnvelopeError.badTopic(bytes: 1026)) {
            try key.bind(topic: String(repeating: "ü", count: 513))
        }
    }

    @Test func `a key knows whether a header means it`() throws {
        let key = try OpeningKey(id: 5, reference: "s/n", key: secret(1))
        let (same, other) = (buffer([0x73, 0x2f, 0x6e]), buffer([0x73, 0x2f, 0x6f]))
        let answers = [
            key.isNamed(id: 5, reference: same.bytes), key.isNamed(id: 6, reference: same.bytes),
            key.isNamed(id: 5, reference: other.bytes),
        ]
        #expect(answers == [true, false, false])
    }

    @Test func `the bound for cutting depends on the wrapped key's class, not its bytes`() throws {
        let bounds = try [1, 40, 61, 64].map {
            try sealing(wrapped: [UInt8](repeating: 1, count: $0)).addedBytesMax
        }
        #expect(Set(bounds).count == 1)
        let longer = try sealing(wrapped: [UInt8](repeating: 1, count: 65)).addedBytesMax
        #expect(longer > bounds[0])
    }

    /// What associated data says for `use`, after the topic "t" was bound.
    private func bound(_ use: (AssociatedData) throws -> Void) throws -> [UInt8] {
        let associated = try AssociatedData(id: 5, reference: "s/n")
        try associated.bind(topic: "t")
        try use(associated)
        return associated.buffer.array
    }

    @Test func `flags and field path are part of what is bound`() throws {
        let fixed: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 5, 0, 3, 0x73, 0x2f, 0x6e, 0, 1, 0x74]
        let path = buffer([UInt8]("$['a']".utf8))
        #expect(try bound { _ in } == [0x77, 0x61, 0x78, 1, 0x01] + fixed + [0, 0])
        let expected = [0x77, 0x61, 0x78, 1, 0x81] + fixed + [0, 6] + path.array
        #expect(try bound { try $0.use(path: path.bytes) } == expected)
        for compression in EnvelopeCompression.allCases {
            let bytes = try bound { associated in
                try associated.use(path: path.bytes)
                associated.use(compression: compression)
            }
            #expect(bytes == [0x77, 0x61, 0x78, 1, 1 | compression.rawValue] + fixed + [0, 0])
        }
        // Binding again goes back to a whole value that is not compressed.
        for topic in ["t", "u"] {
            let bytes = try bound { associated in
                try associated.use(path: path.bytes)
                try associated.bind(topic: topic)
            }
            #expect(bytes[4] == 0x01 && bytes.suffix(3) == [topic.utf8.first ?? 0, 0, 0])
        }
    }

    @Test func `a field path that the format cannot hold is refused`() throws {
        let key = try sealing()
        try key.bind(topic: "t")
        for count in [0, 65_536] {
            let path = buffer([UInt8](repeating: 0x61, count: count))
            #expect(throws: EnvelopeError.badPath(bytes: count)) {
                try key.seal(field: path.bytes, path: path.bytes, into: ByteBuffer())
            }
        }
        let path = buffer([UInt8](repeating: 0x61, count: 65_535))
        try key.seal(field: path.bytes, path: path.bytes, into: ByteBuffer())
        #expect(key.recordsSealed == 1)
    }

    @Test func `headers differ in the flags, and lean ones end behind the id`() throws {
        let key = try sealing()
        for flags in [0x00, 0x20, 0x40, 0x80] as [UInt8] {
            let full = key.header(flags: flags, isWrapped: true)
            let lean = key.header(flags: flags, isWrapped: false)
            let id: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 5]
            let name: [UInt8] = [6, 0x77, 0x61, 0x78]
            #expect(
                full.array == name + [34, 1, 0x11 | flags] + id + [3, 0x73, 0x2f, 0x6e, 1, 2, 3])
            #expect(lean.array == name + [20, 1, 0x01 | flags] + id)
            #expect(key.header(flags: flags, isWrapped: true) === full)
            #expect(key.header(flags: flags, isWrapped: false) === lean)
        }
    }
}
