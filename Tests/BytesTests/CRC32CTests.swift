// CRC32CTests: known values, and the processor's instruction against the table.

import Bytes
import TestSupport
import Testing

@Suite struct CRC32CTests {
    /// RFC 3720 appendix B.4, and the check value of the CRC catalogue.
    static let vectors: [([UInt8], UInt32)] = [
        (Array("123456789".utf8), 0xe306_9283),
        ([], 0),
        (Array("a".utf8), 0xc1d0_4330),
        ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
        ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
        (Array(0..<32), 0x46dd_794e),
        (Array((0..<32).reversed()), 0x113f_db5c),
    ]

    @Test(arguments: vectors)
    func `the checksum of known bytes is the known value`(_ bytes: [UInt8], _ expected: UInt32) {
        let source = buffer(bytes)
        #expect(CRC32C.checksum(source.bytes) == expected)
        #expect(CRC32C.softwareChecksum(source.bytes) == expected)
    }

    @Test func `every length around the lane sizes agrees with the table`() {
        var random = SeededRandom(seed: 21)
        let source = buffer(random.bytes(20_100))
        let lanes = [0, 256, 512, 768, 1_536, 2_048, 4_096, 6_144, 6_912, 12_288, 18_432]
        for lane in lanes {
            for length in max(0, lane - 20)...(lane + 20) {
                for offset in 0..<9 {
                    let part = source.bytes(in: offset..<offset + length)
                    #expect(
                        CRC32C.checksum(part) == CRC32C.softwareChecksum(part),
                        "length \(length), offset \(offset)")
                }
            }
        }
    }

    @Test(arguments: [31, 32, 33, 34] as [UInt64])
    func `random lengths and offsets agree with the table`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let source = buffer(random.bytes(40_000))
        for _ in 0..<500 {
            let length = Int.random(in: 0...20_000, using: &random)
            let offset = Int.random(in: 0...20_000, using: &random)
            let part = source.bytes(in: offset..<offset + length)
            #expect(
                CRC32C.checksum(part) == CRC32C.softwareChecksum(part),
                "seed \(seed), length \(length), offset \(offset)")
        }
    }

    @Test func `a checksum goes on from what came before`() {
        var random = SeededRandom(seed: 41)
        let source = buffer(random.bytes(20_000))
        let whole = CRC32C.checksum(source.bytes)
        for _ in 0..<300 {
            let cut = Int.random(in: 0...20_000, using: &random)
            let first = CRC32C.checksum(source.bytes(in: 0..<cut))
            #expect(CRC32C.checksum(source.bytes(in: cut..<20_000), after: first) == whole)
        }
    }

    @Test func `one changed bit changes the checksum`() {
        var random = SeededRandom(seed: 51)
        let bytes = random.bytes(7_000)
        let whole = CRC32C.checksum(buffer(bytes).bytes)
        for _ in 0..<300 {
            var changed = bytes
            changed[Int.random(in: 0..<bytes.count, using: &random)] ^=
                1
                << UInt8.random(
                    in: 0..<8, using: &random)
            #expect(CRC32C.checksum(buffer(changed).bytes) != whole)
        }
    }

    @Test func `the golden batch of the protocol carries the checksum of its content`() throws {
        // Two records, magic 2; the checksum at 17 covers byte 21 to the end.
        let hex =
            "0000000000000000" + "00000045" + "00000000" + "02" + "c6ba3d88" + "0000" + "00000001"
            + "0000018bcfe56800" + "0000018bcfe56805" + "ffffffffffffffff" + "ffff" + "ffffffff"
            + "00000002" + "18000000026b02760202680231" + "0c000a0201" + "0100"
        let digits = Array(hex)
        let bytes = try stride(from: 0, to: digits.count, by: 2).map { index in
            try #require(UInt8(String(digits[index...index + 1]), radix: 16))
        }
        #expect(bytes.count == 81)
        let source = buffer(bytes)
        var cursor = ByteCursor(source.bytes(in: 17..<21))
        #expect(try cursor.uint32() == CRC32C.checksum(source.bytes(in: 21..<81)))
    }

    @Test func `the instruction is used where the processor has it`() {
        #if arch(x86_64)
            #expect(CRC32C.isHardware)
        #else
            #expect(!CRC32C.isHardware)
        #endif
    }
}
