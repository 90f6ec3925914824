// StateSet: which of the positions of all paths hold at a place of a document.

internal import Limits

/// A set of up to 256 positions, in words that no path straddles.
internal struct StateSet: Equatable, Sendable {
    internal var first: UInt64 = 0
    internal var second: UInt64 = 0
    internal var third: UInt64 = 0
    internal var fourth: UInt64 = 0

    internal static let wordBits = 64
    internal static let none = StateSet()

    @inline(__always)
    internal var isEmpty: Bool { first | second | third | fourth == 0 }

    /// The lowest position; the set must not be empty.
    internal var lowest: Int {
        if first != 0 { return first.trailingZeroBitCount }
        if second != 0 { return Self.wordBits + second.trailingZeroBitCount }
        if third != 0 { return 2 * Self.wordBits + third.trailingZeroBitCount }
        return 3 * Self.wordBits + fourth.trailingZeroBitCount
    }

    internal mutating func insert(_ position: Int) {
        let bit: UInt64 = 1 << UInt64(position % Self.wordBits)
        switch position / Self.wordBits {
        case 0: first |= bit
        case 1: second |= bit
        case 2: third |= bit
        case 3: fourth |= bit
        default: preconditionFailure("a position beyond \(FieldLimits.stateWords) words")
        }
    }

    @inline(__always)
    internal static func & (left: StateSet, right: StateSet) -> StateSet {
        StateSet(
            first: left.first & right.first, second: left.second & right.second,
            third: left.third & right.third, fourth: left.fourth & right.fourth)
    }

    @inline(__always)
    internal static func | (left: StateSet, right: StateSet) -> StateSet {
        StateSet(
            first: left.first | right.first, second: left.second | right.second,
            third: left.third | right.third, fourth: left.fourth | right.fourth)
    }

    /// The positions of the set that are not in `other`, each moved on by one.
    @inline(__always)
    internal func advanced(without other: StateSet) -> StateSet {
        StateSet(
            first: (first & ~other.first) << 1, second: (second & ~other.second) << 1,
            third: (third & ~other.third) << 1, fourth: (fourth & ~other.fourth) << 1)
    }
}
