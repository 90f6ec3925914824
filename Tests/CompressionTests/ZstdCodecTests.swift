// ZstdCodecTests: frames of other writers, several frames, windows and declared sizes.

import Bytes
import Compression
import Testing

@Suite struct ZstdCodecTests {
    private static let block = """
        e40277617877696e6773207374726970206120726f77616e207472656520696e206f6e652061667465726e6f
        6f6e3b200100ce38a932
        """
    /// From Kafka's Java client: no content size, an empty last block.
    private static let java = "28b52ffd0058b40100" + block + "010000"
    /// From libzstd: with the content size; without; with a checksum; with a 128 MiB window.
    private static let sized = "28b52ffd208ab50100" + block
    private static let unsized = "28b52ffd0000b50100" + block
    private static let checked = "28b52ffd248ab50100" + block + "3c5ee1f2"
    private static let windowed = "28b52ffd0088b50100" + block
    /// From libzstd, as a stream: 200,000 bytes of the text again and again, no content size.
    private static let long = """
        28b52ffd0058c40100e40277617877696e6773207374726970206120726f77616e207472656520696e206f6e
        652061667465726e6f6f6e3b2001007efe8fb92a034d0000086f01003c0d391002
        """

    @Test(arguments: [java, sized, unsized, checked, windowed])
    func `frames of other writers are read`(_ frame: String) throws {
        #expect(try decompressed(.zstd, hex(frame)) == rowanText)
    }

    @Test func `what is written carries its size`() throws {
        #expect(try compressed(.zstd, rowanText) == hex(ZstdCodecTests.sized))
        #expect(try compressed(.zstd, []) == hex("28b52ffd2000010000"))
        #expect(try decompressed(.zstd, hex("28b52ffd2000010000")) == [])
    }

    @Test func `content of unknown size over many blocks is read`() throws {
        let unit = Array("waxwings strip a rowan tree in one afternoon; ".utf8)
        let content = (0..<200_000).map { unit[$0 % unit.count] }
        let frame = hex(ZstdCodecTests.long)
        #expect(try decompressed(.zstd, frame, outputBytesMax: 200_000) == content)
        #expect(
            failure(.zstd, frame, outputBytesMax: 199_999) == .outputTooLarge(limit: 199_999))
    }

    @Test func `frames one after another are one content`() throws {
        let skippable = hex("5a2a4d18 03000000 ffffff")
        let parts = [
            hex(ZstdCodecTests.java), skippable, hex(ZstdCodecTests.sized),
            hex(ZstdCodecTests.checked),
        ]
        let all = parts.flatMap { $0 }
        #expect(try decompressed(.zstd, all) == rowanText + rowanText + rowanText)
        #expect(try decompressed(.zstd, skippable) == [])
        var boundaries: Set<Int> = []
        var end = 0
        for part in parts {
            end += part.count
            boundaries.insert(end)
        }
        for cut in 1..<all.count where !boundaries.contains(cut) {
            guard case .corrupt(.zstd, _, .truncated) = failure(.zstd, Array(all.prefix(cut)))
            else {
                Issue.record("a stream cut at \(cut) passed")
                continue
            }
        }
    }

    @Test func `the limit is for all frames together`() {
        let two = hex(ZstdCodecTests.java) + hex(ZstdCodecTests.sized)
        for limit in [0, rowanText.count - 1, rowanText.count, 2 * rowanText.count - 1] {
            #expect(failure(.zstd, two, outputBytesMax: limit) == .outputTooLarge(limit: limit))
        }
        #expect(failure(.zstd, two, outputBytesMax: 2 * rowanText.count) == nil)
    }

    @Test func `a window above 128 MiB is refused`() {
        let frame = hex("28b52ffd0090b50100" + ZstdCodecTests.block)
        #expect(failure(.zstd, frame) == .corrupt(.zstd, at: 5, .windowTooLarge))
    }

    @Test func `a large window is not paid for`() throws {
        // The limit of 138 bytes holds for the storage too, whatever window is declared.
        let result = attempt(
            .zstd, hex(ZstdCodecTests.windowed), outputBytesMax: rowanText.count, by: Codecs())
        #expect(result.produced == rowanText)
    }

    @Test func `a declared size is compared before anything is allocated`() {
        // 2^63 bytes declared, one stored block of one byte.
        let frame = hex("28b52ffd e0 0000000000000080 090000 61")
        #expect(failure(.zstd, frame) == .corrupt(.zstd, at: 0, .contentSize))
        // 100,000 bytes declared and possible, but above the limit.
        let run = hex("28b52ffd a0 a0860100 03350c 61")
        #expect(failure(.zstd, run, outputBytesMax: 99_999) == .outputTooLarge(limit: 99_999))
    }

    @Test func `a run of one byte is read, a run longer than a block is not`() throws {
        let run = hex("28b52ffd a0 a0860100 03350c 61")
        #expect(try decompressed(.zstd, run) == [UInt8](repeating: 0x61, count: 100_000))
        // 2,097,151 bytes in one block.
        let tooLong = hex("28b52ffd 00 88 fbffff 61")
        #expect(failure(.zstd, tooLong) == .corrupt(.zstd, at: 6, .block))
    }

    @Test func `wrong checksums, sizes, dictionaries and reserved bits are refused`() {
        var frame = hex(ZstdCodecTests.checked)
        frame[frame.count - 1] ^= 1
        #expect(failure(.zstd, frame) == .corrupt(.zstd, at: 0, .checksum))
        frame = hex(ZstdCodecTests.sized)
        frame[5] += 1
        #expect(failure(.zstd, frame) == .corrupt(.zstd, at: 0, .block))
        frame = hex(ZstdCodecTests.sized)
        frame[5] -= 1
        #expect(failure(.zstd, frame) == .corrupt(.zstd, at: 0, .contentSize))
        // Names dictionary 7.
        let named = hex("28b52ffd 21 07 8a b50100" + ZstdCodecTests.block)
        #expect(failure(.zstd, named) == .corrupt(.zstd, at: 0, .header))
        #expect(failure(.zstd, hex("28b52ffd 28 00 010000")) == .corrupt(.zstd, at: 4, .header))
        #expect(failure(.zstd, hex("28b52ffd 20 00 070000")) == .corrupt(.zstd, at: 6, .block))
        // A frame of the format before 0.8.
        #expect(failure(.zstd, hex("27b52ffd 00000000")) == .corrupt(.zstd, at: 0, .header))
    }

    @Test func `the position of a bad frame counts from the start of the stream`() {
        let good = hex(ZstdCodecTests.java)
        var bad = hex(ZstdCodecTests.checked)
        bad[bad.count - 1] ^= 1
        #expect(failure(.zstd, good + bad) == .corrupt(.zstd, at: good.count, .checksum))
    }

    @Test func `very many small frames cost no more than their content`() throws {
        // Each stores one byte and does not declare it.
        let frame = hex("28b52ffd 00 58 090000 61")
        let many = [[UInt8]](repeating: frame, count: 20_000).flatMap { $0 }
        let content = try decompressed(.zstd, many, outputBytesMax: 20_000)
        #expect(content == [UInt8](repeating: 0x61, count: 20_000))
    }
}
