// SeededRandom: repeatable randomness for tests.

/// A generator (SplitMix64) that gives the same numbers for the same seed on every machine, so
/// that a failure can be run again. Never for anything secret.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// That many bytes with nothing to compress in them.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            var word = next()
            for _ in 0..<min(8, count - result.count) {
                result.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
        }
        return result
    }

    /// That many bytes that look like records: words that come again, and some digits.
    package mutating func compressibleBytes(_ count: Int) -> [UInt8] {
        let words = ["rowan ", "berry ", "crest ", "flight ", "{\"id\":", "winter ", "}\n"]
        var result: [UInt8] = []
        result.reserveCapacity(count + 16)
        while result.count < count {
            result += words[Int(next() % UInt64(words.count))].utf8
            if next() % 4 == 0 { result += String(next() % 100_000).utf8 }
        }
        return Array(result.prefix(count))
    }
}
