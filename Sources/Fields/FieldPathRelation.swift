// FieldPathRelation: what two paths have in common, whatever the document.

internal import Limits

/// All three are about places that some document can have: `$.a` and `$[0]` have none in common,
/// since no value is an object and an array.
extension FieldPath {
    /// Whether some value can be selected by both.
    package func overlaps(_ other: FieldPath) -> Bool { PathPair(self, other).overlap }

    /// Whether every value that `other` selects is, or lies in, a value that this path selects.
    ///
    /// For paths that take too long to compare (`FieldLimits.comparedStatesMax`) the answer is no.
    package func contains(_ other: FieldPath) -> Bool {
        PathPair(self, other).isInside(orBelow: true)
    }

    /// Whether every value that `other` selects is selected by this path too, so that behind it
    /// `other` never counts. For paths that take too long to compare the answer is no.
    package func covers(_ other: FieldPath) -> Bool {
        PathPair(self, other).isInside(orBelow: false)
    }

    /// Whether some value that `other` selects can lie in a value that this path selects, below it
    /// and not as the value itself.
    package func reachesOver(_ other: FieldPath) -> Bool { PathPair(self, other).nesting }
}

/// Follows two paths through all places at once. How far a path has been followed is the number of
/// its segments that have been gone through; several such numbers can hold at a place, one bit
/// each.
private struct PathPair {
    private let outer: [FieldPath.Segment]
    private let inner: [FieldPath.Segment]
    /// Steps from a value to one in it. Names and places that neither path says all behave alike:
    /// one of each stands for them.
    private let letters: [FieldPath.Selector]

    init(_ outer: FieldPath, _ inner: FieldPath) {
        self.outer = outer.segments
        self.inner = inner.segments
        let said = (outer.segments + inner.segments).map(\.selector)
        let longest = said.map { if case .name(let name) = $0 { name.count } else { 0 } }.max()
        let unused = (0...said.count).first { !said.contains(.index($0)) } ?? said.count
        let others: [FieldPath.Selector] = [
            .name([UInt8](repeating: 0x78, count: (longest ?? 0) + 1)), .index(unused),
        ]
        letters = Array(Set(said.filter { $0 != .any } + others))
    }

    /// Where a path can be after `letter`, from `state`.
    private func step(
        _ path: [FieldPath.Segment], _ state: UInt64, _ letter: FieldPath.Selector
    ) -> UInt64 {
        var next: UInt64 = 0
        for (index, segment) in path.enumerated() where state >> UInt64(index) & 1 == 1 {
            if segment.selector == .any || segment.selector == letter {
                next |= 1 << UInt64(index + 1)
            }
            if segment.isDescendant { next |= 1 << UInt64(index) }
        }
        return next
    }

    private func selects(_ path: [FieldPath.Segment], _ state: UInt64) -> Bool {
        state >> UInt64(path.count) & 1 == 1
    }

    private struct Pair: Hashable {
        var outer: UInt64
        var inner: UInt64
    }

    /// One position of each path at a time: at most 33 times 33 pairs.
    var overlap: Bool {
        search { pair in selects(outer, pair.outer) && selects(inner, pair.inner) }
    }

    /// Like `overlap`, with a step below a value that the outer path selects.
    var nesting: Bool {
        let below: UInt64 = 1 << UInt64(outer.count)
        return search { pair in
            guard pair.outer == below else { return false }
            // The rest of the inner path takes a step at least, and every step can be taken.
            return !selects(inner, pair.inner) && pair.inner != 0
        }
    }

    private func search(_ isFound: (Pair) -> Bool) -> Bool {
        var waiting = [Pair(outer: 1, inner: 1)]
        var known = Set(waiting)
        while let pair = waiting.popLast() {
            if isFound(pair) { return true }
            for letter in letters {
                let outers = Self.bits(step(outer, pair.outer, letter))
                for inner in Self.bits(step(inner, pair.inner, letter)) {
                    for outer in outers {
                        let next = Pair(outer: outer, inner: inner)
                        if known.insert(next).inserted { waiting.append(next) }
                    }
                }
            }
        }
        return false
    }

    private static func bits(_ state: UInt64) -> [UInt64] {
        (0..<64).map { 1 << UInt64($0) }.filter { state & $0 != 0 }
    }

    /// Whether there is no place that the inner path selects and the outer one does not. For the
    /// outer path all positions that can hold have to be kept together.
    func isInside(orBelow: Bool) -> Bool {
        var waiting = [Pair(outer: 1, inner: 1)]
        var known = Set(waiting)
        while let pair = waiting.popLast() {
            if selects(outer, pair.outer) {
                if orBelow { continue }
            } else if selects(inner, pair.inner) {
                return false
            }
            guard known.count < FieldLimits.comparedStatesMax else { return false }
            for letter in letters {
                let outer = step(outer, pair.outer, letter)
                for inner in Self.bits(step(inner, pair.inner, letter)) {
                    let next = Pair(outer: outer, inner: inner)
                    if known.insert(next).inserted { waiting.append(next) }
                }
            }
        }
        return true
    }
}
