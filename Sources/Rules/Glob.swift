// Glob: patterns of names, `*` for any run of bytes and `?` for one.

/// A pattern that did not parse.
package enum GlobError: Error, Equatable, Sendable {
    case empty
    case tooLong(byteCount: Int)
}

/// A pattern of names: `*` stands for any run of bytes, none included, `?` for one byte, and
/// everything else for itself. There is no escape, because names of topics hold neither.
package struct Glob: Hashable, Sendable, CustomStringConvertible {
    /// Longest pattern in UTF-8 bytes.
    package static let patternBytesMax = 512

    /// The pattern as it was written.
    package let pattern: String
    /// The same with runs of `*` made one, which mean the same and cost less.
    internal let tokens: [UInt8]
    /// Whether it has `*` or `?`; without them it names exactly one thing.
    package let hasWildcards: Bool

    internal static let run = UInt8(ascii: "*")
    internal static let one = UInt8(ascii: "?")

    /// - Parameter pattern: 1 to `patternBytesMax` bytes.
    package init(_ pattern: String) throws(GlobError) {
        let bytes = Array(pattern.utf8)
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= Glob.patternBytesMax else { throw .tooLong(byteCount: bytes.count) }
        var tokens: [UInt8] = []
        for byte in bytes where byte != Glob.run || tokens.last != Glob.run { tokens.append(byte) }
        self.pattern = pattern
        self.tokens = tokens
        hasWildcards = tokens.contains { $0 == Glob.run || $0 == Glob.one }
    }

    package var description: String { pattern }

    /// Whether the whole of `name` fits. Takes no memory, and at most one step per byte of the
    /// name and byte of the pattern: only the last `*` is ever tried again.
    package func matches(_ name: String) -> Bool {
        // Bytes, because == on strings takes two spellings of a letter for one.
        guard hasWildcards else { return name.utf8.elementsEqual(pattern.utf8) }
        return matches(name.utf8Span.span)
    }

    private func matches(_ name: Span<UInt8>) -> Bool {
        var at = 0
        var token = 0
        var afterRun: Int?
        var runEnd = 0
        while at < name.count {
            if token < tokens.count, tokens[token] == Glob.run {
                token += 1
                afterRun = token
                runEnd = at
            } else if token < tokens.count,
                tokens[token] == Glob.one || tokens[token] == name[at]
            {
                token += 1
                at += 1
            } else if let back = afterRun {
                // The run takes one more byte.
                runEnd += 1
                at = runEnd
                token = back
            } else {
                return false
            }
        }
        if token < tokens.count, tokens[token] == Glob.run { token += 1 }
        return token == tokens.count
    }

    /// Whether some name fits both patterns. Takes a step per pair of their bytes.
    package func intersects(_ other: Glob) -> Bool {
        if !hasWildcards { return other.matches(pattern) }
        if !other.hasWildcards { return matches(other.pattern) }
        guard mayIntersect(other) else { return false }
        let width = other.tokens.count + 1
        // Whether names exist that take this pattern to position i and the other to j.
        var isReached = [Bool](repeating: false, count: (tokens.count + 1) * width)
        isReached[0] = true
        for i in 0...tokens.count {
            for j in 0..<width where isReached[i * width + j] {
                let mine = i < tokens.count ? tokens[i] : nil
                let theirs = j < other.tokens.count ? other.tokens[j] : nil
                // A run may end here, or take what the other pattern asks for.
                if mine == Glob.run {
                    isReached[(i + 1) * width + j] = true
                    if theirs != nil { isReached[i * width + j + 1] = true }
                }
                if theirs == Glob.run {
                    isReached[i * width + j + 1] = true
                    if mine != nil { isReached[(i + 1) * width + j] = true }
                }
                if let mine, let theirs, mine != Glob.run, theirs != Glob.run,
                    mine == theirs || mine == Glob.one || theirs == Glob.one
                {
                    isReached[(i + 1) * width + j + 1] = true
                }
            }
        }
        return isReached[isReached.count - 1]
    }

    /// Whether the bytes before the first run and after the last can be the same: most patterns
    /// that have nothing in common show it here.
    private func mayIntersect(_ other: Glob) -> Bool {
        for (mine, theirs) in zip(tokens, other.tokens) {
            if mine == Glob.run || theirs == Glob.run { break }
            if mine != theirs, mine != Glob.one, theirs != Glob.one { return false }
        }
        for (mine, theirs) in zip(tokens.reversed(), other.tokens.reversed()) {
            if mine == Glob.run || theirs == Glob.run { break }
            if mine != theirs, mine != Glob.one, theirs != Glob.one { return false }
        }
        return true
    }
}
