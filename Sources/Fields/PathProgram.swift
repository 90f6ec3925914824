// PathProgram: all paths of a set as masks over their positions.

internal import Bytes
internal import Limits

/// Each segment of each path is a position, in the order of the paths. A position holds at a value
/// when the segments before it lead to the value, so that its own is next. One step into a member
/// moves all paths on at once: the positions that hold and whose selectors take the member,
/// shifted by one, and those of `..`, which stay.
internal final class PathProgram: Sendable {
    /// Positions that hold at the document itself.
    internal let start: StateSet
    /// Positions that are the last of their paths: a step from them selects.
    internal let last: StateSet
    /// Positions of `..` segments.
    internal let descendants: StateSet
    /// Positions whose selectors take every member and every element.
    internal let wildcards: StateSet
    /// The first path that selects the document; -1 for none.
    internal let rootPath: Int

    /// Whether a member whose name is none of the paths' leads nowhere: there are no wildcards and
    /// no `..`.
    internal let takesNamedOnly: Bool

    /// The normalized paths of those that select one place of a document only, one after another.
    private let fixedNames: [UInt8]
    /// Where they are, by the path's place; empty for others, and for the document itself.
    private let fixedNameRanges: [Range<Int>]

    /// The path that each position belongs to.
    private let pathOfPosition: [Int]
    /// `wildcards` and the positions whose selectors take the name, by the name's place in `names`.
    private let nameMasks: [StateSet]
    private let names: NameTable
    /// The same for places in arrays, in ascending order.
    private let indexes: [Int]
    private let indexMasks: [StateSet]

    internal init(_ paths: [FieldPath]) throws(FieldPathError) {
        let positions = try Positions(paths)
        var start = StateSet.none
        var last = StateSet.none
        var descendants = StateSet.none
        var wildcards = StateSet.none
        var ofName: [[UInt8]: StateSet] = [:]
        var ofIndex: [Int: StateSet] = [:]
        for (path, first) in zip(paths, positions.first) where !path.isRoot {
            start.insert(first)
            last.insert(first + path.segments.count - 1)
            for (offset, segment) in path.segments.enumerated() {
                let position = first + offset
                if segment.isDescendant { descendants.insert(position) }
                switch segment.selector {
                case .name(let name): ofName[name, default: .none].insert(position)
                case .index(let index): ofIndex[index, default: .none].insert(position)
                case .any: wildcards.insert(position)
                }
            }
        }
        self.start = start
        self.last = last
        self.descendants = descendants
        self.wildcards = wildcards
        takesNamedOnly = wildcards.isEmpty && descendants.isEmpty
        rootPath = paths.firstIndex(where: \.isRoot) ?? -1
        pathOfPosition = positions.path
        let sorted = ofName.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        names = NameTable(sorted.map(\.key))
        nameMasks = sorted.map { $0.value | wildcards }
        indexes = ofIndex.keys.sorted()
        indexMasks = indexes.map { (ofIndex[$0] ?? .none) | wildcards }
        let fixed = ByteBuffer()
        fixedNameRanges = paths.map { path in
            let start = fixed.count
            if !NormalizedPath.append(path, to: fixed) { fixed.truncate(to: start) }
            return start..<fixed.count
        }
        fixedNames = fixed.array
    }

    /// Bytes of the normalized path of the value that the path at `place` selects, when it is the
    /// same in every document; else zero.
    @inline(__always)
    internal func fixedNameCount(_ place: Int) -> Int { fixedNameRanges[place].count }

    /// Appends that path.
    @inline(__always)
    internal func appendFixedName(_ place: Int, to output: ByteBuffer) {
        // SAFETY: the bytes live for the closure.
        unsafe fixedNames.withUnsafeBytes { bytes in
            output.append(unsafe bytes.bytes.extracting(fixedNameRanges[place]))
        }
    }

    /// The path of the lowest position in `positions`, which must not be empty: the first of those
    /// that select.
    internal func firstPath(of positions: StateSet) -> Int { pathOfPosition[positions.lowest] }

    /// What the names of members that are followed begin with, when only these are.
    @inline(__always)
    internal var beginnings: NameTable.Beginnings { names.beginnings }

    /// False when no selector takes the member whose name begins at `start`; true says nothing.
    @inline(__always)
    internal func mayTake(_ text: RawSpan, _ start: Int, _ name: ScanText.Name) -> Bool {
        if !takesNamedOnly || name.hasEscapes { return true }
        return beginnings.mayHave(text, start..<name.end)
    }

    /// The place of the name that stands at `range` among the paths' names; -1 when it is none.
    @inline(__always)
    internal func place(_ text: RawSpan, _ range: Range<Int>) -> Int {
        names.place(of: text, range)
    }

    /// The positions whose selectors take a member with the name at that place.
    @inline(__always)
    internal func taking(_ place: Int) -> StateSet { place < 0 ? wildcards : nameMasks[place] }

    /// The positions whose selectors take the element at `index`.
    @inline(__always)
    internal func taking(index: Int) -> StateSet {
        indexes.isEmpty ? wildcards : search(index)
    }

    private func search(_ index: Int) -> StateSet {
        var low = 0
        var high = indexes.count
        while low < high {
            let middle = (low + high) / 2
            if indexes[middle] == index { return indexMasks[middle] }
            if indexes[middle] < index { low = middle + 1 } else { high = middle }
        }
        return wildcards
    }

    /// Where each path's positions begin, and whose each position is.
    private struct Positions {
        var first: [Int] = []
        var path: [Int] = []

        init(_ paths: [FieldPath]) throws(FieldPathError) {
            for (index, path) in paths.enumerated() {
                let count = path.segments.count
                let left = StateSet.wordBits - self.path.count % StateSet.wordBits
                // A path that does not fit in the word begins the next one.
                let unused = count > left ? left : 0
                self.path += [Int](repeating: index, count: unused + count)
                first.append(self.path.count - count)
            }
            guard self.path.count <= FieldLimits.stateWords * StateSet.wordBits else {
                throw FieldPathError(offset: 0, "the paths have too many segments together")
            }
        }
    }
}
