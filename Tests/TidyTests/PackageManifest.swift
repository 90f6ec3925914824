// PackageManifest: the targets and dependencies that Package.swift declares.

/// What Package.swift says, read from its text.
struct PackageManifest {
    /// Target name to the names that it depends on.
    private(set) var targets: [String: Set<String>] = [:]
    private(set) var violations: [Violation] = []

    private static let declarations = [
        "library(", "tests(", ".target(", ".executableTarget(", ".systemLibrary(",
    ]

    init(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if !lines.contains("    dependencies: [],") {
            report("the package must say `dependencies: []`: C libraries come from the system")
        }
        for (index, line) in lines.enumerated() where line.contains(".package(") {
            report("no package dependencies, by rule", line: index + 1)
        }
        guard let list = text.range(ofFirst: "let package = Package(") else {
            report("no package is declared")
            return
        }
        let body = text[list...]
        for declaration in Self.declarations {
            var rest = body
            while let start = rest.range(ofFirst: declaration) {
                rest = rest[start...].dropFirst(declaration.count)
                read(Self.balanced(rest), isSystem: declaration == ".systemLibrary(")
            }
        }
    }

    private mutating func report(_ what: String, line: Int = 0) {
        violations.append(Violation(path: "Package.swift", line: line, what: what))
    }

    private mutating func read(_ arguments: Substring, isSystem: Bool) {
        let quoted = Self.quoted(arguments)
        guard let name = quoted.first else { return }
        let list = arguments.drop { $0 != "[" }.prefix { $0 != "]" }
        targets[name] = isSystem ? [] : Set(Self.quoted(list))
    }

    /// The text up to the bracket that closes what was opened before `text`.
    private static func balanced(_ text: Substring) -> Substring {
        var depth = 1
        return text.prefix { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return depth > 0
        }
    }

    private static func quoted(_ text: Substring) -> [String] {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.indices.filter { !$0.isMultiple(of: 2) }.map { String(parts[$0]) }
    }
}

extension StringProtocol {
    /// Where `text` begins for the first time.
    fileprivate func range(ofFirst text: String) -> Index? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(text) { return at }
            at = index(after: at)
        }
        return nil
    }
}
