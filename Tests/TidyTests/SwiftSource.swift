// SwiftSource: a Swift file with its strings and comments told apart from its code.

/// A Swift file, seen twice: as it is, and with strings, comments and quoted names blanked.
///
/// The reading is approximate on purpose (no compiler library is used): it knows strings of every
/// kind, nested comments, quoted identifiers and brackets, which is all that the rules need.
struct SwiftSource {
    let file: TextFile
    /// The lines with all but code replaced by blanks; as long as the lines of the file.
    let code: [String]
    let functions: [Function]

    /// A function, initialiser, subscript or property with a body.
    struct Function {
        /// Lines from 1, the declaration's first and the closing brace's.
        let lines: ClosedRange<Int>
        /// Whether it is a property, whose length is not limited but whose `unsafe` is looked at.
        let isProperty: Bool
    }

    init(_ file: TextFile) {
        self.file = file
        let blanked = Blanker.blank(Array(file.text.utf8))
        var code = String(decoding: blanked, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if code.count > file.lines.count { code.removeLast() }
        self.code = code
        functions = FunctionFinder(blanked).find()
    }

    init(path: String, _ text: String) { self.init(TextFile(path: path, text: text)) }

    /// The lines whose code contains `pattern`, from 1.
    func lines(containing pattern: String) -> [Int] {
        code.indices.filter { code[$0].contains(pattern) }.map { $0 + 1 }
    }

    /// Whether line `line` or the comments and attributes right above it contain `mark`.
    func isMarked(_ line: Int, with mark: String) -> Bool {
        if file.lines[line - 1].contains(mark) { return true }
        var above = line - 2
        while above >= 0 {
            let text = file.lines[above].drop { $0 == " " }
            guard text.hasPrefix("//") || text.hasPrefix("@") else { return false }
            if text.contains(mark) { return true }
            above -= 1
        }
        return false
    }
}

/// Replaces everything that is not code by blanks, byte for byte, line breaks kept.
private struct Blanker {
    private let source: [UInt8]
    private var result: [UInt8]
    private var at = 0

    private init(_ source: [UInt8]) {
        self.source = source
        result = source
    }

    static func blank(_ source: [UInt8]) -> [UInt8] {
        var blanker = Blanker(source)
        while blanker.at < source.count { blanker.step() }
        return blanker.result
    }

    private func isAt(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard at + count <= source.count else { return false }
        return "\(text)".utf8.elementsEqual(source[at..<at + count])
    }

    private mutating func hide(_ count: Int = 1) {
        for _ in 0..<count where at < source.count {
            if source[at] != UInt8(ascii: "\n") { result[at] = UInt8(ascii: " ") }
            at += 1
        }
    }

    private mutating func step() {
        switch source[at] {
        case UInt8(ascii: "/") where isAt("//"):
            while at < source.count, source[at] != UInt8(ascii: "\n") { hide() }
        case UInt8(ascii: "/") where isAt("/*"): hideBlockComment()
        case UInt8(ascii: "\""): hideString(hashes: 0)
        case UInt8(ascii: "#"): hashes()
        case UInt8(ascii: "`"):
            at += 1
            while at < source.count, source[at] != UInt8(ascii: "`") {
                result[at] = UInt8(ascii: "_")
                at += 1
            }
            at += 1
        default: at += 1
        }
    }

    private mutating func hashes() {
        var end = at
        while end < source.count, source[end] == UInt8(ascii: "#") { end += 1 }
        if end < source.count, source[end] == UInt8(ascii: "\"") {
            let hashes = end - at
            hide(hashes)
            hideString(hashes: hashes)
        } else {
            at = end
        }
    }

    private mutating func hideBlockComment() {
        var depth = 0
        while at < source.count {
            if isAt("/*") {
                depth += 1
                hide(2)
            } else if isAt("*/") {
                depth -= 1
                hide(2)
                if depth == 0 { return }
            } else {
                hide()
            }
        }
    }

    private mutating func hideString(hashes: Int) {
        let quotes = isAt("\"\"\"") ? 3 : 1
        hide(quotes)
        while at < source.count {
            if source[at] == UInt8(ascii: "\\"), run(of: UInt8(ascii: "#"), from: at + 1) >= hashes
            {
                hide(1 + hashes)
                if at < source.count, source[at] == UInt8(ascii: "(") {
                    hideInterpolation()
                } else {
                    hide()
                }
            } else if run(of: UInt8(ascii: "\""), from: at) >= quotes,
                run(of: UInt8(ascii: "#"), from: at + quotes) >= hashes
            {
                return hide(quotes + hashes)
            } else {
                hide()
            }
        }
    }

    private mutating func hideInterpolation() {
        var depth = 0
        while at < source.count {
            switch source[at] {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: "\""):
                hideString(hashes: 0)
                continue
            default: break
            }
            hide()
            if depth == 0 { return }
        }
    }

    private func run(of byte: UInt8, from start: Int) -> Int {
        var end = start
        while end < source.count, source[end] == byte { end += 1 }
        return end - start
    }
}

/// Finds declarations with bodies in code whose strings and comments are blanked.
private struct FunctionFinder {
    private let code: [UInt8]
    private var line = 1
    private var at = 0
    private var found: [SwiftSource.Function] = []

    init(_ code: [UInt8]) { self.code = code }

    consuming func find() -> [SwiftSource.Function] {
        var finder = self
        var before: UInt8 = UInt8(ascii: "\n")
        while finder.at < finder.code.count {
            let byte = finder.code[finder.at]
            if Self.isLetter(byte), !Self.isLetter(before), before != UInt8(ascii: ".") {
                finder.word()
                before = UInt8(ascii: "a")
                continue
            }
            if byte == UInt8(ascii: "\n") { finder.line += 1 }
            before = byte
            finder.at += 1
        }
        return finder.found
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private mutating func word() {
        let start = at
        while at < code.count, Self.isLetter(code[at]) { at += 1 }
        switch String(decoding: code[start..<at], as: UTF8.self) {
        case "func", "init", "deinit", "subscript": declaration(isProperty: false)
        case "var": declaration(isProperty: true)
        default: break
        }
    }

    /// Looks ahead for the body; the scan itself goes on right here, so that nested ones are seen.
    private mutating func declaration(isProperty: Bool) {
        guard let open = body(isProperty: isProperty) else { return }
        var depth = 0
        var close = open
        while close < code.count {
            if code[close] == UInt8(ascii: "{") { depth += 1 }
            if code[close] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { break }
            close += 1
        }
        let lines = code[at..<min(close, code.count)].reduce(0) {
            $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0)
        }
        found.append(.init(lines: line...line + lines, isProperty: isProperty))
    }

    /// The offset of the brace that opens the body, if there is one.
    private func body(isProperty: Bool) -> Int? {
        var depth = 0
        var next = at
        while next < code.count {
            switch code[next] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"):
                depth -= 1
                if depth < 0 { return nil }
            case UInt8(ascii: "{") where depth == 0: return next
            case UInt8(ascii: "}") where depth == 0: return nil
            case UInt8(ascii: ";") where depth == 0: return nil
            case UInt8(ascii: "\n") where depth == 0:
                if isProperty || !goesOn(after: next) { return nil }
            default: break
            }
            next += 1
        }
        return nil
    }

    /// Whether a declaration that reached the end of a line goes on in the next.
    private func goesOn(after newline: Int) -> Bool {
        var before = newline
        while before > at, [UInt8(ascii: " "), UInt8(ascii: "\n")].contains(code[before]) {
            before -= 1
        }
        if [UInt8(ascii: ","), UInt8(ascii: ">"), UInt8(ascii: ":")].contains(code[before]),
            code[before] != UInt8(ascii: ">") || code[before - 1] == UInt8(ascii: "-")
        {
            return true
        }
        var start = newline
        while start < code.count, [UInt8(ascii: " "), UInt8(ascii: "\n")].contains(code[start]) {
            start += 1
        }
        let ahead = String(decoding: code[start..<min(start + 8, code.count)], as: UTF8.self)
        return ["{", "->", "throws", "async", "where", "rethrows"].contains(where: ahead.hasPrefix)
    }
}
