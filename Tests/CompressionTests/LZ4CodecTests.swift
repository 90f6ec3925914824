// LZ4CodecTests: frames of other writers, the header Kafka expects, checksums and sizes.

import Bytes
import Compression
import Testing

@Suite struct LZ4CodecTests {
    private static let blocks = """
        39000000ff1f77617877696e6773207374726970206120726f77616e207472656520696e206f6e6520616674
        65726e6f6f6e3b202e0044506f6f6e3b20
        """
    /// From Kafka's Java client: independent blocks, nothing else.
    private static let java = "04224d18604082" + blocks + "00000000"
    /// From kafka-python: with the content size.
    private static let sized = "04224d1868408a00000000000000e8" + blocks + "00000000"
    /// From liblz4: with the content size, 4 MiB blocks, block and content checksums.
    private static let checked =
        "04224d187c408a0000000000000080" + blocks + "b7330365000000001af5d1cc"
    /// From Rust's lz4: linked blocks, block and content checksums.
    private static let linked = "04224d185440ae" + blocks + "b7330365000000001af5d1cc"

    @Test(arguments: [java, sized, checked, linked])
    func `frames of other writers are read`(_ frame: String) throws {
        #expect(try decompressed(.lz4, hex(frame)) == rowanText)
    }

    @Test func `what is written is what the Java client writes`() throws {
        #expect(try compressed(.lz4, rowanText) == hex(LZ4CodecTests.java))
        #expect(try compressed(.lz4, []) == hex("04224d1860408200000000"))
    }

    @Test func `a stored block and a repeated one are read`() throws {
        let stored = hex("04224d18604082 03000080 616263 00000000")
        #expect(try decompressed(.lz4, stored) == Array("abc".utf8))
    }

    @Test func `linked blocks reach back while the output moves`() throws {
        // 65,536 bytes of "a", then a block whose only match lies in the one before.
        var first: [UInt8] = [0x1f, 0x61, 0x01, 0x00]
        var rest = 65_536 - 1 - 4 - 15 - 5
        while rest >= 255 {
            first.append(255)
            rest -= 255
        }
        first += [UInt8(rest), 0x50] + Array("aaaaa".utf8)
        let second = hex("0f 0080 00 50") + Array("bcdef".utf8)
        var frame = hex("04224d18 4040c0")
        for block in [first, second] {
            frame += [UInt8(block.count & 255), UInt8(block.count >> 8), 0, 0] + block
        }
        frame += [0, 0, 0, 0]
        let content = try decompressed(.lz4, frame)
        #expect(content.count == 65_536 + 19 + 5)
        #expect(content.prefix(65_536 + 19).allSatisfy { $0 == 0x61 })
        #expect(Array(content.suffix(5)) == Array("bcdef".utf8))
    }

    @Test func `each wrong checksum is named`() {
        for at in [14, 15 + 4 + 57, 15 + 4 + 57 + 4 + 4] {
            var frame = hex(LZ4CodecTests.checked)
            frame[at] ^= 1
            guard case .corrupt(.lz4, _, .checksum) = failure(.lz4, frame) else {
                Issue.record("a wrong checksum at byte \(at) passed")
                continue
            }
        }
    }

    @Test func `a declared size above the limit is refused from the header`() {
        let limit = rowanText.count - 1
        // The header alone: nothing else has been looked at yet.
        let header = Array(hex(LZ4CodecTests.sized).prefix(15))
        #expect(failure(.lz4, header, outputBytesMax: limit) == .outputTooLarge(limit: limit))
        #expect(failure(.lz4, header, outputBytesMax: limit + 1) != nil)
    }

    @Test func `a second frame or any other tail is refused`() {
        let one = hex(LZ4CodecTests.java)
        #expect(failure(.lz4, one + one) == .corrupt(.lz4, at: one.count, .trailingBytes))
        #expect(failure(.lz4, one + [0]) == .corrupt(.lz4, at: one.count, .trailingBytes))
    }

    @Test(arguments: [
        "502a4d18 04000000 61626364",  // a skippable frame has no records
        "02214c18 00000000",  // the format before frames
        "04224d18 404082 00000000",  // header checksum of another header
        "04224d18 a04082 00000000",  // version 2
        "04224d18 604182 00000000",  // reserved bits
    ])
    func `headers of anything else are refused`(_ frame: String) {
        guard case .corrupt(.lz4, _, let defect) = failure(.lz4, hex(frame)) else {
            Issue.record("a strange header passed")
            return
        }
        #expect(defect == .header || defect == .checksum)
    }

    @Test func `frames with large blocks do not spoil the next ones`() throws {
        let codecs = Codecs()
        let large = hex("04224d18 607073 03000080 616263 00000000")
        for _ in 0..<3 {
            #expect(try decompressed(.lz4, large, by: codecs) == Array("abc".utf8))
            #expect(try decompressed(.lz4, hex(LZ4CodecTests.java), by: codecs) == rowanText)
        }
    }
}
