// ShapeRules: how long things may be, how files begin, and what names may say.

/// The limits, with the reasons in docs/STYLE.md.
enum ShapeRules {
    static let columnsMax = 100
    static let functionLinesMax = 70
    static let fileLinesMax = 500

    private static let limitedEndings = [".swift", ".c", ".h", ".py", ".sh"]

    /// Lines and files that are too long, in Swift, C, Python and shell alike.
    static func lengths(_ file: TextFile) -> [Violation] {
        guard limitedEndings.contains(where: file.path.hasSuffix), !file.isGenerated else {
            return []
        }
        var found: [Violation] = []
        if file.lines.count > fileLinesMax {
            found.append(
                file.violation(0, "\(file.lines.count) lines; a file has \(fileLinesMax) at most"))
        }
        for (index, line) in file.lines.enumerated() where line.count > columnsMax {
            found.append(
                file.violation(index + 1, "\(line.count) columns; \(columnsMax) at most"))
        }
        return found
    }

    static func functionLengths(_ source: SwiftSource) -> [Violation] {
        guard !source.file.isGenerated else { return [] }
        return source.functions.filter { !$0.isProperty && $0.lines.count > functionLinesMax }.map {
            source.file.violation(
                $0.lines.lowerBound,
                "a function of \($0.lines.count) lines; \(functionLinesMax) at most")
        }
    }

    /// The first line is `// Name: what it owns.` with the name of the file.
    static func header(_ file: TextFile) -> [Violation] {
        guard file.isSwift, file.path != "Package.swift" else { return [] }
        let first = file.lines.first ?? ""
        let name = file.name.dropLast(".swift".count)
        let names = name == "main" ? [Substring(file.target ?? ""), name] : [name]
        if let start = names.map({ "// \($0): " }).first(where: first.hasPrefix),
            first.count > start.count
        {
            let what = first.dropFirst(start.count)
            return what.hasPrefix("placeholder")
                ? [file.violation(1, "nothing is here yet: write it or remove it")] : []
        }
        return [file.violation(1, "the first line must be `// \(names[0]): what it owns.`")]
    }

    /// Words that name a drawer instead of a thing, put together here so as not to be found.
    private static let drawers: Set<String> = [
        "Util", "Utils", "Utility", "Utilities", "Common", "Core", "Helper", "Helpers", "Misc",
    ]
    private static let typeWords: Set<String> = [
        "struct", "class", "enum", "actor", "protocol", "typealias",
    ]

    static func names(_ source: SwiftSource) -> [Violation] {
        var found: [Violation] = []
        for part in source.file.path.split(separator: "/") {
            for word in words(part) where drawers.contains(word) {
                found.append(source.file.violation(0, "`\(word)` in a name says nothing"))
            }
        }
        for (index, line) in source.code.enumerated() {
            let tokens = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            for (token, next) in zip(tokens, tokens.dropFirst())
            where typeWords.contains(String(token)) {
                for word in words(next) where drawers.contains(word) {
                    found.append(
                        source.file.violation(index + 1, "`\(word)` in type \(next) says nothing"))
                }
            }
        }
        return found
    }

    /// `ByteBufferTests.swift` as Byte, Buffer, Tests, swift.
    private static func words(_ name: Substring) -> [String] {
        var words: [String] = []
        var current = ""
        for character in name {
            if !(character.isLetter || character.isNumber) || character.isUppercase {
                if !current.isEmpty { words.append(current) }
                current = ""
            }
            if character.isLetter || character.isNumber { current.append(character) }
        }
        if !current.isEmpty { words.append(current) }
        return words
    }
}
