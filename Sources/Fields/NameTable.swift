// NameTable: finds out which of some names stands in a text, without copying it.

internal import Bytes
internal import CJSON

/// A fixed table of names. Most names of a document are in none of the paths, and are told apart
/// by their beginnings.
internal struct NameTable: Sendable {
    /// Enough of a name to know one of up to 16 bytes, and to tell most longer ones apart.
    private struct Digest: Equatable {
        let count: Int
        /// Its first and its last 8 bytes; a shorter name is in `head` alone.
        let head: UInt64
        let tail: UInt64

        @inline(__always)
        var hash: UInt64 {
            let mixed = (head ^ UInt64(truncatingIfNeeded: count)) &* 0x9e37_79b9_7f4a_7c15
            return (mixed ^ tail) &* 0xd6e8_feb8_6659_fd93
        }
    }

    /// Tells most names that are none of some from those that may be.
    internal struct Beginnings: Sendable {
        /// Two bits for each name.
        internal private(set) var bits: UInt64 = 0

        internal static let none = Beginnings()

        fileprivate mutating func insert(_ name: [UInt8]) {
            // SAFETY: the callee reads within the name.
            unsafe name.withUnsafeBytes { name in
                bits = unsafe wax_names_with(bits, wax_name_hash(name.baseAddress, name.count))
            }
        }

        /// False when the name at `range` is none of them.
        @inline(__always)
        internal func mayHave(_ text: RawSpan, _ range: Range<Int>) -> Bool {
            // SAFETY: the callee reads within the range.
            unsafe text.extracting(range).withUnsafeBytes { name in
                unsafe wax_names_may_have(bits, wax_name_hash(name.baseAddress, name.count)) != 0
            }
        }
    }

    private let digests: [Digest]
    /// Asked for only where a digest does not say all.
    private let names: [[UInt8]]
    /// Places in both, -1 where there is none. At least three quarters are empty.
    private let slots: [Int]
    private let shift: UInt64
    internal let beginnings: Beginnings

    /// - Parameter names: no two alike.
    internal init(_ names: [[UInt8]]) {
        var bits: UInt64 = 3
        while 1 << bits < names.count * 4 { bits += 1 }
        var slots = [Int](repeating: -1, count: 1 << Int(bits))
        var beginnings = Beginnings.none
        shift = 64 - bits
        digests = names.map { name in
            let text = ByteBuffer(capacity: name.count)
            text.append(name)
            return Self.digest(text.bytes, 0..<name.count)
        }
        self.names = names
        for name in names { beginnings.insert(name) }
        for (place, digest) in digests.enumerated() {
            var slot = Int(digest.hash >> shift)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = place
        }
        self.slots = slots
        self.beginnings = beginnings
    }

    /// The place of the name that stands at `range`, -1 when it is none of them.
    internal func place(of text: RawSpan, _ range: Range<Int>) -> Int {
        let digest = Self.digest(text, range)
        var slot = Int(digest.hash >> shift)
        while slots[slot] >= 0 {
            let place = slots[slot]
            if digests[place] == digest, digest.count <= 16 || isSame(names[place], text, range) {
                return place
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return -1
    }

    private func isSame(_ name: [UInt8], _ text: RawSpan, _ range: Range<Int>) -> Bool {
        // SAFETY: bytes have no padding.
        unsafe name.span.bytes.sameBytes(as: text.extracting(range))
    }

    @inline(__always)
    private static func digest(_ text: RawSpan, _ range: Range<Int>) -> Digest {
        let count = range.count
        guard count < 8 else {
            return Digest(
                count: count, head: text.word(at: range.lowerBound),
                tail: text.word(at: range.upperBound - 8))
        }
        var head: UInt64 = 0
        if text.byteCount - range.lowerBound >= 8 {
            head = text.word(at: range.lowerBound) & (1 << UInt64(8 * count) - 1)
        } else {
            for offset in 0..<count {
                head |= UInt64(ScanText.byte(text, range.lowerBound + offset)) << UInt64(8 * offset)
            }
        }
        return Digest(count: count, head: head, tail: 0)
    }
}
