// TextRules: what no text file may hold: secrets, open marks, registries, dead links.

import Foundation

enum TextRules {
    // The words are put together so that this file does not break its own rules.
    private static let openMarks = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK:"]
    private static let pemHeader = "-----" + "BEGIN "
    private static let registries = [
        "py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com",
        "crates" + ".io", "maven" + ".org", "maven" + ".apache.org", "golang" + ".org",
        "ruby" + "gems.org", "docker" + ".io", "docker" + ".com", "ghcr" + ".io", "quay" + ".io",
        "gcr" + ".io", "debian" + ".org", "index" + "-url", "arti" + "factory",
    ]

    static func openMarks(_ file: TextFile) -> [Violation] {
        each(file, openMarks) { "`\($0)`: finish it, or describe it in an issue" }
    }

    /// Names of package registries go stale and leak where something was built.
    static func registries(_ file: TextFile) -> [Violation] {
        each(file, registries) { "names a package registry (\($0)): the client knows its own" }
    }

    private static func each(
        _ file: TextFile, _ words: [String], _ what: (String) -> String
    ) -> [Violation] {
        let present = words.filter(file.text.contains)
        guard !present.isEmpty, file.path != "LICENSE" else { return [] }
        return file.lines.enumerated().flatMap { index, line in
            present.filter { word in contains(line, word) }
                .map { file.violation(index + 1, what($0)) }
        }
    }

    /// Whether `word` stands in `line` with no letter or digit on either side.
    private static func contains(_ line: String, _ word: String) -> Bool {
        var rest = line[...]
        while let range = rest.range(of: word) {
            let before = rest[..<range.lowerBound].last
            let after = rest[range.upperBound...].first
            if !isWordPart(before), !isWordPart(after) { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }

    private static func isWordPart(_ character: Character?) -> Bool {
        guard let character else { return false }
        return character.isLetter || character.isNumber
    }

    /// No private key, certificate or 32-byte key in hexadecimal outside tests and vectors.
    static func secrets(_ file: TextFile) -> [Violation] {
        guard !file.isTest, !file.path.hasPrefix("conformance/vectors/") else { return [] }
        return file.lines.enumerated().compactMap { index, line in
            if line.contains(pemHeader) { return file.violation(index + 1, "a PEM block") }
            return hasHexKey(line)
                ? file.violation(index + 1, "64 hexadecimal digits look like a key") : nil
        }
    }

    private static func hasHexKey(_ line: String) -> Bool {
        guard line.utf8.count >= 64 else { return false }
        return line.split { !$0.isHexDigit }.contains { run in
            guard run.count == 64, Set(run).count > 4 else { return false }
            let before = line[..<run.startIndex].last
            let after = line[run.endIndex...].first
            return !isWordPart(before) && !isWordPart(after)
        }
    }

    // MARK: links

    /// Every relative link of a Markdown file leads to a file, and its fragment to a heading.
    static func links(
        _ file: TextFile, exists: (String) -> Bool, text: (String) -> TextFile?
    ) -> [Violation] {
        guard file.path.hasSuffix(".md") else { return [] }
        return proseLines(file).flatMap { number, line in
            targets(line).compactMap { target in
                guard !target.contains("://"), !target.hasPrefix("mailto:") else { return nil }
                let parts = target.split(
                    separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                let path = parts[0].isEmpty ? file.path : resolve(parts[0], from: file.path)
                guard let path, exists(path) else {
                    return file.violation(number, "link to \(target), which is not there")
                }
                guard parts.count == 2, path.hasSuffix(".md"), let page = text(path) else {
                    return nil
                }
                return headings(page).contains(String(parts[1]))
                    ? nil : file.violation(number, "link to \(target): no such heading")
            }
        }
    }

    /// The lines outside fenced code, with their numbers.
    private static func proseLines(_ file: TextFile) -> [(Int, String)] {
        var isFenced = false
        return file.lines.enumerated().compactMap { index, line in
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                isFenced.toggle()
                return nil
            }
            return isFenced ? nil : (index + 1, line)
        }
    }

    /// What stands in `](…)`, outside `code`.
    private static func targets(_ line: String) -> [String] {
        let parts = line.split(separator: "`", omittingEmptySubsequences: false)
        let prose = parts.indices.map { $0.isMultiple(of: 2) ? parts[$0] : "code" }.joined()
        return prose.components(separatedBy: "](").dropFirst().compactMap { rest in
            rest.split(separator: ")", maxSplits: 1).first
                .flatMap { $0.split(separator: " ").first }.map(String.init)
        }
    }

    private static func resolve(_ link: Substring, from path: String) -> String? {
        var parts = path.split(separator: "/").dropLast().map(String.init)
        for part in link.split(separator: "/") {
            switch part {
            case ".": break
            case "..":
                guard parts.popLast() != nil else { return nil }
            default: parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }

    /// The fragments that lead to headings, made as the common renderers make them.
    private static func headings(_ page: TextFile) -> Set<String> {
        Set(
            proseLines(page).map(\.1).filter { $0.hasPrefix("#") }.map { line in
                let title = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces)
                return String(
                    title.lowercased().compactMap { character in
                        if character == " " { return "-" }
                        let isKept =
                            character.isLetter || character.isNumber || "-_".contains(character)
                        return isKept ? character : nil
                    })
            })
    }
}
