// CallRules: what Swift code must not call, and what to use instead.

import Foundation

enum CallRules {
    private struct Ban: Sendable {
        let pattern: String
        let instead: String
        /// Which files it holds for.
        let applies: @Sendable (TextFile) -> Bool
    }

    private static let everywhere: @Sendable (TextFile) -> Bool = { _ in true }
    private static let sources: @Sendable (TextFile) -> Bool = { !$0.isTest }
    private static let libraries: @Sendable (TextFile) -> Bool = {
        !$0.isTest && !["waxwing", "Bench"].contains($0.target)
    }
    /// Where code is pinned to one event loop and must stay there.
    private static let pinned: @Sendable (TextFile) -> Bool = {
        !$0.isTest && ["Loop", "Transport", "Proxy"].contains($0.target)
    }
    /// The one file that hands work to other threads, for calls of the key service.
    private static let onLoop: @Sendable (TextFile) -> Bool = {
        pinned($0) && $0.path != "Sources/Proxy/LoopKeys.swift"
    }

    private static let bans: [Ban] = [
        Ban(
            pattern: "try!", instead: "handle the error, or crash with a sentence",
            applies: everywhere),
        Ban(pattern: "as!", instead: "`as?` with a guard", applies: everywhere),
        Ban(
            pattern: "nonisolated(unsafe)", instead: "Mutex, Atomic or a let", applies: everywhere),
        Ban(pattern: "Task.detached", instead: "the loop, or Task", applies: everywhere),
        Ban(pattern: "print(", instead: "a Telemetry log line", applies: libraries),
        Ban(pattern: "Data(", instead: "ByteBuffer or [UInt8]", applies: sources),
        Ban(pattern: "DispatchQueue", instead: "the event loop", applies: sources),
        Ban(pattern: "Thread.sleep", instead: "the loop's timers", applies: sources),
        Ban(pattern: "MainActor", instead: "an actor pinned to its loop", applies: pinned),
        Ban(pattern: "Task.sleep", instead: "the loop's timers", applies: pinned),
        Ban(pattern: "Task.yield", instead: "the loop's next tick", applies: pinned),
        Ban(pattern: "Task {", instead: "the loop; only LoopKeys leaves it", applies: onLoop),
    ]

    static func bannedCalls(_ source: SwiftSource) -> [Violation] {
        guard source.file.path != "Package.swift" else { return [] }
        return bans.filter { $0.applies(source.file) }.flatMap { ban in
            source.lines(containing: ban.pattern).filter { line in
                startsWord(source.code[line - 1], ban.pattern)
            }.map { source.file.violation($0, "`\(ban.pattern)` is banned: use \(ban.instead)") }
        }
    }

    /// Whether `pattern` stands in `line` without a letter before it (`Data(` but not `fooData(`).
    private static func startsWord(_ line: String, _ pattern: String) -> Bool {
        let text = Array(line.utf8)
        let wanted = Array(pattern.utf8)
        guard text.count >= wanted.count else { return false }
        return (0...text.count - wanted.count).contains { at in
            guard text[at..<at + wanted.count].elementsEqual(wanted) else { return false }
            guard at > 0 else { return true }
            let before = Character(UnicodeScalar(text[at - 1]))
            return !(before.isLetter || before.isNumber || before == "_" || before == ".")
        }
    }

    /// A crash says in a sentence what went wrong.
    static func crashes(_ source: SwiftSource) -> [Violation] {
        ["fatalError(", "preconditionFailure("].flatMap { call in
            source.lines(containing: call).filter { line in
                !hasSentence(source.file.lines, from: line - 1, after: call)
            }.map { source.file.violation($0, "`\(call)` without a sentence that says why") }
        }
    }

    /// Whether the text after `call`, there or in the next line, begins with a string of words.
    private static func hasSentence(_ lines: [String], from line: Int, after call: String) -> Bool {
        let text = lines[line...min(line + 1, lines.count - 1)].joined(separator: " ")
        guard let start = text.range(of: call)?.upperBound else { return false }
        let trimmed = text[start...].drop { $0 == " " }
        guard trimmed.hasPrefix("\"") else { return false }
        return trimmed.dropFirst().prefix { $0 != "\"" }.contains(" ")
    }

    static func unchecked(_ source: SwiftSource) -> [Violation] {
        source.lines(containing: "@unchecked Sendable").filter {
            !source.isMarked($0, with: "// SENDABLE:")
        }.map {
            source.file.violation($0, "`@unchecked Sendable` without a `// SENDABLE:` line")
        }
    }

    /// Every function that says `unsafe` says why that is safe.
    static func unsafe(_ source: SwiftSource) -> [Violation] {
        guard source.file.path != "Package.swift" else { return [] }
        var reported: Set<Int> = []
        return source.lines(containing: "unsafe ").compactMap { line in
            guard startsWord(source.code[line - 1].replacing("@unsafe", with: " "), "unsafe ")
            else {
                return nil
            }
            let enclosing = source.functions.filter { $0.lines.contains(line) }
                .min { $0.lines.count < $1.lines.count }
            guard let enclosing else {
                return source.isMarked(line, with: "SAFETY:")
                    ? nil : source.file.violation(line, "`unsafe` without a `// SAFETY:` line")
            }
            let first = enclosing.lines.lowerBound
            let isExplained =
                enclosing.lines.contains { source.file.lines[$0 - 1].contains("// SAFETY:") }
                || source.isMarked(first, with: "SAFETY:")
            guard !isExplained, reported.insert(first).inserted else { return nil }
            return source.file.violation(
                first, "says `unsafe` in line \(line) but has no `// SAFETY:` line")
        }
    }
}
