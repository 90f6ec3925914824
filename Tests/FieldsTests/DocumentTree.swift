// DocumentTree: a plain reader of JSON that makes a tree, to compare the scanner with.

import Fields

/// One step from a value to a value in it. Names are UTF-16, as the escapes of JSON say them, so
/// that nothing of the scanner's way to decode them is taken over.
enum TreeStep: Hashable {
    case name([UInt16])
    case index(Int)
}

final class TreeNode {
    let kind: JSONKind
    let start: Int
    var end = 0
    /// UTF-16 of a string.
    var units: [UInt16] = []
    var children: [Child] = []

    struct Child {
        let step: TreeStep
        let start: Int
        let node: TreeNode
    }

    init(_ kind: JSONKind, _ start: Int) {
        self.kind = kind
        self.start = start
    }

    var isSealedText: Bool { kind == .string && units.starts(with: Array("wax1:".utf16)) }

    /// Whether a string below this value begins with `wax1:`.
    var containsSealedText: Bool {
        children.contains { $0.node.isSealedText || $0.node.containsSealedText }
    }
}

/// Reads byte by byte with one function per rule of the grammar, and relies on the standard
/// library for UTF-8.
struct DocumentTree {
    struct Malformed: Error {}

    let bytes: [UInt8]
    private var at = 0
    private let depthMax: Int

    /// The document's root; nil when it is not one JSON text.
    static func read(_ bytes: [UInt8], depthMax: Int = 512) -> TreeNode? {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = DocumentTree(bytes: bytes, depthMax: depthMax)
        return try? reader.document()
    }

    private init(bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    private var next: Character? {
        at < bytes.count ? Character(Unicode.Scalar(bytes[at])) : nil
    }

    private mutating func take() throws -> Character {
        guard let next else { throw Malformed() }
        at += 1
        return next
    }

    private mutating func skipSpace() {
        while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at += 1 }
    }

    private mutating func document() throws -> TreeNode {
        skipSpace()
        let root = try value(depth: 0)
        skipSpace()
        guard at == bytes.count else { throw Malformed() }
        return root
    }

    private mutating func value(depth: Int) throws -> TreeNode {
        guard let first = next else { throw Malformed() }
        let start = at
        let node: TreeNode
        switch first {
        case "{", "[": node = try container(first == "{" ? .object : .array, depth: depth)
        case "\"":
            node = TreeNode(.string, start)
            node.units = try string()
        case "t": node = try word("true", .bool)
        case "f": node = try word("false", .bool)
        case "n": node = try word("null", .null)
        default: node = try number()
        }
        node.end = at
        return node
    }

    private mutating func container(_ kind: JSONKind, depth: Int) throws -> TreeNode {
        guard depth < depthMax else { throw Malformed() }
        let node = TreeNode(kind, at)
        let close: Character = kind == .object ? "}" : "]"
        at += 1
        skipSpace()
        if next == close {
            at += 1
            return node
        }
        while true {
            let start = at
            var step = TreeStep.index(node.children.count)
            if kind == .object {
                guard next == "\"" else { throw Malformed() }
                step = .name(try string())
                skipSpace()
                guard try take() == ":" else { throw Malformed() }
                skipSpace()
            }
            let child = try value(depth: depth + 1)
            node.children.append(TreeNode.Child(step: step, start: start, node: child))
            skipSpace()
            let separator = try take()
            if separator == close { return node }
            guard separator == "," else { throw Malformed() }
            skipSpace()
        }
    }

    private mutating func string() throws -> [UInt16] {
        at += 1
        var units: [UInt16] = []
        var plain: [UInt8] = []
        while true {
            guard at < bytes.count, bytes[at] >= 0x20 else { throw Malformed() }
            let byte = bytes[at]
            at += 1
            guard byte == 0x22 || byte == 0x5c else {
                plain.append(byte)
                continue
            }
            units += String(decoding: plain, as: UTF8.self).utf16
            plain = []
            if byte == 0x22 { return units }
            units.append(try escape())
        }
    }

    private mutating func escape() throws -> UInt16 {
        let plain: [Character: UInt16] = [
            "\"": 0x22, "\\": 0x5c, "/": 0x2f, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
        ]
        let letter = try take()
        if let unit = plain[letter] { return unit }
        guard letter == "u" else { throw Malformed() }
        var digits = ""
        for _ in 0..<4 { digits.append(try take()) }
        guard digits.allSatisfy({ "0123456789abcdefABCDEF".contains($0) }),
            let unit = UInt16(digits, radix: 16)
        else { throw Malformed() }
        return unit
    }

    private mutating func word(_ word: String, _ kind: JSONKind) throws -> TreeNode {
        let node = TreeNode(kind, at)
        for letter in word { guard try take() == letter else { throw Malformed() } }
        return node
    }

    private mutating func number() throws -> TreeNode {
        let node = TreeNode(.number, at)
        if next == "-" { at += 1 }
        if next == "0" { at += 1 } else { try digits() }
        if next == "." {
            at += 1
            try digits()
        }
        if next == "e" || next == "E" {
            at += 1
            if next == "+" || next == "-" { at += 1 }
            try digits()
        }
        return node
    }

    private mutating func digits() throws {
        let start = at
        while let digit = next, "0123456789".contains(digit) { at += 1 }
        guard at > start else { throw Malformed() }
    }
}
