// Overlap: whether two protect rules name the same topic, and a topic that shows it.

/// What was found out about the topics that two patterns have in common.
package enum Overlap: Equatable, Sendable {
    case none
    /// They have this topic in common; it is a shortest one.
    case topic(String)
    /// It takes too many steps to tell, so it has to be taken for an overlap.
    case undecided

    /// The topics that fit `first` and `second` and none of `exceptions`.
    ///
    /// Follows all patterns through all names at once, shortest names first. The sets of
    /// positions that patterns can be at are finite, but with many `?` after a `*` they can be
    /// very many: after `statesMax` it gives up.
    package static func between(
        _ first: Glob, _ second: Glob, exceptions: [Glob] = [], statesMax: Int = 4_096
    ) -> Overlap {
        guard first.intersects(second) else { return .none }
        var search = OverlapSearch([first, second] + exceptions)
        return search.run(statesMax: statesMax)
    }
}

/// The positions that a pattern can be at after some bytes, one bit each.
private struct Positions: Hashable {
    var words: [UInt64]

    init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

    subscript(position: Int) -> Bool { words[position / 64] >> UInt64(position % 64) & 1 == 1 }

    mutating func insert(_ position: Int) { words[position / 64] |= 1 << UInt64(position % 64) }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
}

private struct OverlapSearch {
    private let globs: [Glob]
    private let alphabet: [UInt8]

    /// A set of positions per pattern, and how it was come by.
    private struct State {
        let positions: [Positions]
        let parent: Int
        let byte: UInt8
        let depth: Int
    }

    /// The first two have to fit, the others must not.
    init(_ globs: [Glob]) {
        self.globs = globs
        var literals = Set(globs.flatMap(\.tokens))
        literals.subtract([Glob.run, Glob.one])
        // Bytes that no pattern names all behave alike: one stands for them.
        let other = (UInt8.min...UInt8.max).reversed().first {
            TopicName.allows($0) && !literals.contains($0)
        }
        alphabet = (literals.filter(TopicName.allows) + (other.map { [$0] } ?? [])).sorted()
    }

    mutating func run(statesMax: Int) -> Overlap {
        var states = [State(positions: globs.map(start), parent: -1, byte: 0, depth: 0)]
        // Without the start: it stands for the empty name, which no topic has, and a name that
        // leads back to it has to be looked at.
        var known: Set<[Positions]> = []
        var at = 0
        while at < states.count {
            let state = states[at]
            for byte in alphabet where state.depth < TopicName.bytesMax {
                let next = zip(globs, state.positions).map { step($0, $1, byte) }
                guard !next[0].isEmpty, !next[1].isEmpty, known.insert(next).inserted else {
                    continue
                }
                states.append(
                    State(positions: next, parent: at, byte: byte, depth: state.depth + 1))
                if fits(next) { return .topic(name(states, states.count - 1)) }
                guard states.count < statesMax else { return .undecided }
            }
            at += 1
        }
        return .none
    }

    private func fits(_ positions: [Positions]) -> Bool {
        zip(globs, positions).enumerated().allSatisfy { index, pair in
            pair.1[pair.0.tokens.count] == (index < 2)
        }
    }

    private func start(_ glob: Glob) -> Positions {
        var positions = Positions(count: glob.tokens.count + 1)
        enter(glob, 0, &positions)
        return positions
    }

    /// A run may be left as soon as it is entered.
    private func enter(_ glob: Glob, _ position: Int, _ positions: inout Positions) {
        positions.insert(position)
        if position < glob.tokens.count, glob.tokens[position] == Glob.run {
            positions.insert(position + 1)
        }
    }

    private func step(_ glob: Glob, _ from: Positions, _ byte: UInt8) -> Positions {
        var positions = Positions(count: glob.tokens.count + 1)
        for (position, token) in glob.tokens.enumerated() where from[position] {
            if token == Glob.run {
                enter(glob, position, &positions)
            } else if token == Glob.one || token == byte {
                enter(glob, position + 1, &positions)
            }
        }
        return positions
    }

    private func name(_ states: [State], _ last: Int) -> String {
        var bytes: [UInt8] = []
        var at = last
        while states[at].parent >= 0 {
            bytes.append(states[at].byte)
            at = states[at].parent
        }
        return String(decoding: bytes.reversed(), as: UTF8.self)
    }
}
