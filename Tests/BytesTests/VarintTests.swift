// VarintTests: predicted sizes against what is written.

import Bytes
import TestSupport
import Testing

@Suite struct VarintTests {
    @Test func `the size is known before the number is written`() {
        var random = SeededRandom(seed: 61)
        var values: [Int64] = [0, -1, 1, .min, .max]
        for bit in 0..<63 { values += [1 << bit, (1 << bit) - 1, -(1 << bit), -(1 << bit) - 1] }
        for _ in 0..<2_000 { values.append(Int64(bitPattern: random.next())) }
        for value in values {
            #expect(Varint.byteCount(of: value) == written { $0.append(varint: value) }.count)
            let unsigned = UInt32(truncatingIfNeeded: value)
            let size = Varint.byteCount(unsigned: UInt64(unsigned))
            #expect(size == written { $0.append(uvarint: unsigned) }.count)
        }
        #expect(Varint.byteCount(unsigned: .max) == 10)
    }
}
