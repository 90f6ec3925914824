// ModelPath: paths as data, written in any spelling and followed through a tree by the book.

import Fields
import TestSupport

struct ModelSegment: Hashable {
    enum Selector: Hashable {
        case name(String)
        case index(Int)
        case any
    }

    var isDescendant: Bool
    var selector: Selector

    func takes(_ step: TreeStep) -> Bool {
        switch (selector, step) {
        case (.any, _): true
        case (.name(let name), .name(let units)): Array(name.utf16) == units
        case (.index(let index), .index(let place)): index == place
        default: false
        }
    }
}

struct ModelPath: Hashable {
    var segments: [ModelSegment]

    /// The nodes that RFC 9535 section 2.5 lets the path select below `root`, itself included.
    func nodes(_ root: TreeNode) -> [TreeNode] {
        segments.reduce([root]) { nodes, segment in
            let inputs = segment.isDescendant ? nodes.flatMap(Self.withDescendants) : nodes
            return inputs.flatMap { node in
                node.children.filter { segment.takes($0.step) }.map(\.node)
            }
        }
    }

    private static func withDescendants(_ node: TreeNode) -> [TreeNode] {
        [node] + node.children.flatMap { withDescendants($0.node) }
    }

    /// Whether it selects the value at `steps`.
    func selects(_ steps: ArraySlice<TreeStep>, from place: Int = 0) -> Bool {
        guard place < segments.count else { return steps.isEmpty }
        guard let first = steps.first else { return false }
        let rest = steps.dropFirst()
        let segment = segments[place]
        if segment.takes(first), selects(rest, from: place + 1) { return true }
        return segment.isDescendant && selects(rest, from: place)
    }

    // MARK: spelling

    func text(_ random: inout SeededRandom) -> String {
        segments.reduce(into: "$") { text, segment in
            if random.next() % 8 == 0 { text += [" ", "\t", "\n", "\r", "  "].random(&random) }
            let space = random.next() % 8 == 0 ? " " : ""
            let dots = segment.isDescendant ? ".." : ""
            switch segment.selector {
            case .any:
                let isShort = random.next() % 2 == 0
                text += isShort ? (dots.isEmpty ? "." : dots) + "*" : dots + "[\(space)*\(space)]"
            case .index(let index): text += dots + "[\(space)\(index)\(space)]"
            case .name(let name):
                if Self.isShort(name), random.next() % 2 == 0 {
                    text += (dots.isEmpty ? "." : dots) + name
                } else {
                    text += dots + "[" + space + Self.quoted(name, &random) + space + "]"
                }
            }
        }
    }

    private static func isShort(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first) else {
            return false
        }
        return name.unicodeScalars.allSatisfy {
            $0.value >= 0x80 || $0.properties.isAlphabetic || ("0"..."9").contains($0)
                || $0 == "_"
        }
    }

    private static func quoted(_ name: String, _ random: inout SeededRandom) -> String {
        let quote: Unicode.Scalar = random.next() % 2 == 0 ? "'" : "\""
        var text = String(Character(quote))
        for scalar in name.unicodeScalars {
            if scalar == quote || scalar == "\\" {
                text += "\\" + String(Character(scalar))
            } else if scalar.value < 0x20 || random.next() % 6 == 0 {
                for unit in String(Character(scalar)).utf16 { text += hexEscape(unit, &random) }
            } else {
                text += String(Character(scalar))
            }
        }
        return text + String(Character(quote))
    }

    static func hexEscape(_ unit: UInt16, _ random: inout SeededRandom) -> String {
        let digits = String(unit, radix: 16, uppercase: random.next() % 2 == 0)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// A path with few different names, so that paths meet.
    static func random(
        _ random: inout SeededRandom, names: [String], segmentsMax: Int = 4
    ) -> ModelPath {
        let count = Int(random.next() % UInt64(segmentsMax + 1))
        return ModelPath(
            segments: (0..<count).map { _ in
                let selector: ModelSegment.Selector =
                    switch random.next() % 8 {
                    case 0, 1: .any
                    case 2: .index(Int(random.next() % 3))
                    default: .name(names.random(&random))
                    }
                return ModelSegment(isDescendant: random.next() % 4 == 0, selector: selector)
            })
    }
}

extension Array {
    func random(_ random: inout SeededRandom) -> Element {
        self[Int(random.next() % UInt64(count))]
    }
}
