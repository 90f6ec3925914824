// SnappyCodecTests: xerial framing, bare blocks, and lengths that lie.

import Compression
import TestSupport
import Testing

@Suite struct SnappyCodecTests {
    private static let header = "82534e4150505900 00000001 00000001"
    /// One block of the text, the same from python-snappy, from Rust's snap and inside the
    /// stream of Kafka's Java client.
    private static let block = """
        8a01b877617877696e6773207374726970206120726f77616e207472656520696e206f6e652061667465726e
        6f6f6e3b2077fe2e006a2e00
        """
    /// From Kafka's Java client.
    private static let xerial = header + "00000038" + block
    /// From kafka-python, with blocks of 64 bytes.
    private static let smallBlocks = """
        82534e415050590000000001000000010000003440b877617877696e6773207374726970206120726f77616e
        207472656520696e206f6e652061667465726e6f6f6e3b2077422e000000003440b86f77616e207472656520
        696e206f6e652061667465726e6f6f6e3b2077617877696e6773207374726970206120726f422e000000000c
        0a24667465726e6f6f6e3b20
        """

    @Test func `a stream of the Java client is read`() throws {
        #expect(try decompressed(.snappy, hex(SnappyCodecTests.xerial)) == rowanText)
    }

    @Test func `a bare block is read`() throws {
        #expect(try decompressed(.snappy, hex(SnappyCodecTests.block)) == rowanText)
        #expect(try decompressed(.snappy, [0]) == [])
    }

    @Test func `the versions in the header are not looked at`() throws {
        var stream = hex(SnappyCodecTests.xerial)
        stream.replaceSubrange(8..<16, with: hex("01000000 01000000"))
        #expect(try decompressed(.snappy, stream) == rowanText)
    }

    @Test func `a header alone is an empty stream`() throws {
        #expect(try decompressed(.snappy, hex(SnappyCodecTests.header)) == [])
        #expect(try compressed(.snappy, []) == hex(SnappyCodecTests.header))
    }

    @Test func `a header in mid-stream is stepped over`() throws {
        let one = hex(SnappyCodecTests.xerial)
        let header = hex(SnappyCodecTests.header)
        #expect(try decompressed(.snappy, one + one) == rowanText + rowanText)
        #expect(try decompressed(.snappy, header + header + one + header) == rowanText)
        #expect(
            failure(.snappy, one + header.prefix(15))
                == .corrupt(.snappy, at: one.count, .truncated))
    }

    @Test func `what is written is what the Java client writes`() throws {
        #expect(try compressed(.snappy, rowanText) == hex(SnappyCodecTests.xerial))
    }

    @Test func `blocks hold 32 KiB of content`() throws {
        var random = SeededRandom(seed: 5)
        let content = random.bytes(70_000)
        let stream = try compressed(.snappy, content)
        var at = 16
        var sizes: [Int] = []
        while at < stream.count {
            let length = stream[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            let block = Array(stream[at + 4..<at + 4 + length])
            // The block alone is a bare one, so it tells its own size.
            sizes.append(try decompressed(.snappy, block).count)
            at += 4 + length
        }
        #expect(sizes == [32_768, 32_768, 70_000 - 65_536])
    }

    @Test func `a stream cut within a block is an error`() throws {
        let stream = hex(SnappyCodecTests.smallBlocks)
        #expect(try decompressed(.snappy, stream) == rowanText)
        // Cut between blocks it looks whole; there is no end mark in this framing.
        let boundaries = [16: 0, 72: 64, 128: 128]
        for cut in 0..<stream.count {
            let prefix = Array(stream.prefix(cut))
            if let bytes = boundaries[cut] {
                #expect(try decompressed(.snappy, prefix) == Array(rowanText.prefix(bytes)))
            } else {
                #expect(failure(.snappy, prefix) != nil, "cut at \(cut)")
            }
        }
    }

    @Test func `a bare block cut anywhere is an error`() {
        let block = hex(SnappyCodecTests.block)
        for cut in 0..<block.count {
            #expect(failure(.snappy, Array(block.prefix(cut))) != nil, "cut at \(cut)")
        }
    }

    @Test(arguments: ["00000000", "80000000", "ffffffff"])
    func `a block length that cannot be is named`(_ length: String) {
        let stream = hex(SnappyCodecTests.header + length) + hex(SnappyCodecTests.block)
        #expect(failure(.snappy, stream) == .corrupt(.snappy, at: 16, .header))
    }

    @Test func `a block longer than the stream is truncated`() {
        let stream = hex(SnappyCodecTests.header + "7fffffff" + SnappyCodecTests.block)
        #expect(failure(.snappy, stream) == .corrupt(.snappy, at: 20, .truncated))
    }

    @Test func `a size that no block of that length can have is refused`() {
        // Declares 4 GiB - 1 of content in three more bytes.
        let block = hex("ffffffff0f 000000")
        #expect(failure(.snappy, block) == .corrupt(.snappy, at: 0, .contentSize))
        let framed = hex(SnappyCodecTests.header + "00000008") + block
        #expect(failure(.snappy, framed) == .corrupt(.snappy, at: 20, .contentSize))
        // And a length of more than 32 bits.
        #expect(failure(.snappy, hex("ffffffffff01")) == .corrupt(.snappy, at: 0, .contentSize))
    }

    @Test func `a copy from before the content is an error`() {
        // 64 bytes, the first of them copied from 5 bytes back.
        #expect(failure(.snappy, hex("40 fe0500 fe0500")) == .corrupt(.snappy, at: 0, .block))
    }
}
