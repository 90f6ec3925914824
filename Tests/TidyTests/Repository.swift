// Repository: the files of this checkout, and how a broken rule is reported.

import Foundation

/// A rule that is broken, and where.
struct Violation: Equatable, CustomStringConvertible {
    /// Relative to the top of the repository.
    let path: String
    /// From 1; 0 when the whole file is meant.
    let line: Int
    let what: String

    var description: String { line > 0 ? "\(path):\(line): \(what)" : "\(path): \(what)" }
}

/// One text file of the repository.
struct TextFile {
    /// Relative to the top of the repository, with `/` between folders.
    let path: String
    let text: String
    let lines: [String]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
    }

    var name: String { String(path.split(separator: "/").last ?? "") }
    var isSwift: Bool { path.hasSuffix(".swift") }

    /// `Bytes` for `Sources/Bytes/…`, `BytesTests` for `Tests/BytesTests/…`.
    var target: String? {
        let parts = path.split(separator: "/")
        guard parts.count >= 3, parts[0] == "Sources" || parts[0] == "Tests" else { return nil }
        return String(parts[1])
    }

    var isGenerated: Bool { path.hasPrefix("Sources/KafkaWire/Generated/") }
    var isTest: Bool { path.hasPrefix("Tests/") }

    func violation(_ line: Int, _ what: String) -> Violation {
        Violation(path: path, line: line, what: what)
    }
}

enum Repository {
    /// Folders that hold what was built, downloaded or generated, never what was written.
    private static let skipped: Set<String> = [
        ".build", ".git", ".venv", "venv", "build", "out", "__pycache__", "node_modules",
        ".swiftpm", ".vscode", ".idea", ".pytest_cache",
    ]

    static let root: URL = {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        repeat {
            folder.deleteLastPathComponent()
            let manifest = folder.appendingPathComponent("Package.swift").path
            if FileManager.default.fileExists(atPath: manifest) { return folder }
        } while folder.path != "/"
        fatalError("no Package.swift above \(#filePath)")
    }()

    /// Every text file, in the order of its path.
    static let files: [TextFile] = {
        var found: [TextFile] = []
        collect(root, "", into: &found)
        return found.sorted { $0.path < $1.path }
    }()

    static let swiftFiles: [SwiftSource] = files.filter(\.isSwift).map(SwiftSource.init)

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    /// The names of the folders inside `path`.
    static func folders(in path: String) -> Set<String> {
        let folder = root.appendingPathComponent(path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return Set(names.filter { isFolder(folder.appendingPathComponent($0)) })
    }

    private static func collect(_ folder: URL, _ prefix: String, into found: inout [TextFile]) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names where !skipped.contains(name) {
            let url = folder.appendingPathComponent(name)
            let path = prefix + name
            if isFolder(url) {
                collect(url, path + "/", into: &found)
            } else if !(path.hasPrefix("keys/") && path.hasSuffix(".json")),
                let bytes = FileManager.default.contents(atPath: url.path),
                let text = String(data: bytes, encoding: .utf8)
            {
                found.append(TextFile(path: path, text: text))
            }
        }
    }

    private static func isFolder(_ url: URL) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
        return attributes?[.type] as? FileAttributeType == .typeDirectory
    }
}
