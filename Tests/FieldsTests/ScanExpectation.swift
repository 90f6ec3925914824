// ScanExpectation: what a scan should find, taken from the tree, and scans that are easy to call.

import Bytes
import Fields
import Testing

/// A hit with its path's text.
struct FoundField: Equatable, CustomStringConvertible {
    var hit: FieldHit
    var name: String

    /// The hit's own place in the names differs with what was found before and is left out.
    static func == (left: FoundField, right: FoundField) -> Bool {
        var other = right.hit
        other.name = left.hit.name
        return left.hit == other && left.name == right.name
    }

    var description: String { "\(name): \(hit)" }
}

enum ScanMode: CaseIterable { case selected, selectedAndSealed, sealed }

extension FieldScanner {
    func find(
        _ bytes: [UInt8], _ set: FieldPathSet, _ mode: ScanMode = .selected
    ) throws -> [FoundField] {
        let buffer = ByteBuffer(capacity: bytes.count)
        buffer.append(bytes)
        return try find(buffer.bytes, set, mode)
    }

    func find(
        _ document: RawSpan, _ set: FieldPathSet, _ mode: ScanMode = .selected
    ) throws -> [FoundField] {
        if mode == .sealed {
            try scanSealedText(document, set)
        } else {
            try scan(document, set, notesSealedText: mode == .selectedAndSealed)
        }
        let names = names
        return hits.map { FoundField(hit: $0, name: names.bytes(in: $0.name).text) }
    }
}

func pathSet(_ paths: String...) throws -> FieldPathSet {
    try FieldPathSet(try paths.map { try FieldPath($0) })
}

func withSpan<Result>(_ text: String, _ body: (RawSpan) throws -> Result) rethrows -> Result {
    let buffer = ByteBuffer(capacity: text.utf8.count)
    buffer.append(text)
    return try body(buffer.bytes)
}

/// Walks the tree and lists what a scan should find.
struct ScanExpectation {
    private let mode: ScanMode
    private let path: [ObjectIdentifier: Int]
    private var found: [FoundField] = []

    static func fields(
        _ root: TreeNode, _ paths: [ModelPath], _ mode: ScanMode
    ) -> [FoundField] {
        var path: [ObjectIdentifier: Int] = [:]
        for (index, model) in paths.enumerated() {
            for node in model.nodes(root) {
                path[ObjectIdentifier(node)] = min(path[ObjectIdentifier(node)] ?? index, index)
            }
        }
        var expectation = ScanExpectation(mode: mode, path: path)
        expectation.walk(root, root.start, nil, 0, "$", -1)
        return expectation.found
    }

    private init(mode: ScanMode, path: [ObjectIdentifier: Int]) {
        self.mode = mode
        self.path = path
    }

    private mutating func walk(
        _ node: TreeNode, _ start: Int, _ parent: TreeNode?, _ index: Int, _ name: String,
        _ inherited: Int
    ) {
        var path = path[ObjectIdentifier(node)] ?? -1
        if mode == .sealed {
            if path < 0 || (inherited >= 0 && inherited < path) { path = inherited }
        }
        let isHit =
            switch mode {
            case .selected: path >= 0
            case .selectedAndSealed: path >= 0 || node.isSealedText
            case .sealed: node.isSealedText
            }
        if isHit {
            let hit = FieldHit(
                value: node.start..<node.end, kind: node.kind, path: path,
                isSealedText: node.isSealedText, containsSealedText: node.containsSealedText,
                name: 0..<0, member: start..<node.end, container: parent?.start ?? -1,
                index: index)
            found.append(FoundField(hit: hit, name: name))
            return
        }
        for (place, child) in node.children.enumerated() {
            let below = name + Self.step(child.step)
            walk(child.node, child.start, node, place, below, path)
        }
    }

    /// RFC 9535 section 2.7, and half surrogate pairs as escapes.
    private static func step(_ step: TreeStep) -> String {
        guard case .name(let units) = step else {
            guard case .index(let index) = step else { return "" }
            return "[\(index)]"
        }
        var text = "['"
        var rest = units[...]
        while let unit = rest.popFirst() {
            switch unit {
            case 8: text += "\\b"
            case 9: text += "\\t"
            case 10: text += "\\n"
            case 12: text += "\\f"
            case 13: text += "\\r"
            case 0x27: text += "\\'"
            case 0x5c: text += "\\\\"
            case 0..<0x10: text += "\\u000" + String(unit, radix: 16)
            case 0x10..<0x20: text += "\\u00" + String(unit, radix: 16)
            case 0xd800..<0xdc00 where rest.first.map { (0xdc00..<0xe000).contains($0) } ?? false:
                text += String(decoding: [unit, rest.removeFirst()], as: UTF16.self)
            case 0xd800..<0xe000: text += "\\u" + String(unit, radix: 16)
            default: text += String(decoding: [unit], as: UTF16.self)
            }
        }
        return text + "']"
    }
}
