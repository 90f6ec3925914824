// LZ4BlockTests: short values as bare LZ4 blocks with their length in front.

import Bytes
import TestSupport
import Testing

@testable import Compression

@Suite struct LZ4BlockTests {
    /// The compressed form, or nil; what was in the output before has to stay.
    private func compressed(_ value: [UInt8]) -> [UInt8]? {
        let (input, output) = (ByteBuffer(), ByteBuffer())
        input.append(value)
        output.append(9)
        guard LZ4Block.compress(input.bytes, into: output) else {
            #expect(output.array == [9])
            return nil
        }
        return Array(output.array.dropFirst())
    }

    private func decompressed(
        _ bytes: [UInt8], limit: Int = 1 << 20
    ) throws(CompressionError) -> [UInt8] {
        let (input, output) = (ByteBuffer(), ByteBuffer())
        input.append(bytes)
        output.append(9)
        do throws(CompressionError) {
            try LZ4Block.decompress(input.bytes, into: output, outputBytesMax: limit)
        } catch {
            #expect(output.array == [9])
            throw error
        }
        return Array(output.array.dropFirst())
    }

    private func text(_ count: Int) -> [UInt8] {
        let words = [UInt8](#"{"name":"Ada","city":"London","name":"Ada"}"#.utf8)
        return (0..<count).map { words[$0 % words.count] }
    }

    @Test func `what repeats becomes shorter and comes back`() throws {
        for count in [80, 100, 127, 128, 1_000, 16_383, 16_384, 100_000] {
            let value = text(count)
            let bytes = try #require(compressed(value))
            #expect(bytes.count < count)
            #expect(try decompressed(bytes) == value)
            #expect(try decompressed(bytes, limit: count) == value)
            #expect(throws: CompressionError.outputTooLarge(limit: count - 1)) {
                try decompressed(bytes, limit: count - 1)
            }
        }
    }

    @Test func `what would not become shorter is left alone`() {
        var random = SeededRandom(seed: 4)
        for count in [0, 1, 2, 3, 10, 100, 1_000, 100_000] {
            #expect(compressed(random.bytes(count)) == nil)
        }
    }

    @Test func `a block cut at any byte is refused`() throws {
        let bytes = try #require(compressed(text(300)))
        for count in 0..<bytes.count {
            #expect(throws: CompressionError.self) {
                try decompressed(Array(bytes.prefix(count)))
            }
        }
    }

    @Test func `a wrong length is refused`() throws {
        let bytes = try #require(compressed(text(300)))
        let block = bytes.dropFirst(2)
        for length in [0, 1, 299, 301, 65_535, 1 << 20, 1 << 28] as [UInt32] {
            let lying = ByteBuffer()
            lying.append(uvarint: length)
            #expect(throws: CompressionError.self) { try decompressed(lying.array + block) }
        }
        #expect(throws: CompressionError.self) {
            try decompressed([0xff, 0xff, 0xff, 0xff, 0xff, 0x01] + block)
        }
    }

    @Test func `seeded garbage never crashes and never passes the limit`() {
        var random = SeededRandom(seed: 11)
        for round in 0..<4_000 {
            var bytes = random.bytes(Int(random.next() % 60))
            if round % 2 == 0, let good = compressed(text(200)) {
                bytes = good
                bytes[Int(random.next() % UInt64(good.count))] ^= UInt8(1 + random.next() % 255)
            }
            guard let value = try? decompressed(bytes, limit: 5_000) else { continue }
            #expect(value.count <= 5_000)
        }
    }
}
