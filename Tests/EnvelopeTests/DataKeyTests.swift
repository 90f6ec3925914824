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
}
