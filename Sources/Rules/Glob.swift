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

    /// Whether every name that fits `other` fits this pattern too. Takes a step per pair of their
    /// bytes.
    ///
    /// A run takes any tokens of the other pattern, `?` any but a run, and everything else itself.
    /// A byte that neither pattern has stands for all that a run or `?` of the other may be, so
    /// this says yes to all that is covered and to nothing else.
    package func covers(_ other: Glob) -> Bool {
        guard other.hasWildcards else { return matches(other.pattern) }
        guard hasWildcards else { return false }
        for (mine, theirs) in zip(tokens, other.tokens) {
            if mine == Glob.run || mine == Glob.one { break }
            guard mine == theirs else { return false }
        }
        let pattern = spreadTokens
        var isReached = [Bool](repeating: false, count: pattern.count + 1)
        isReached[0] = true
        enterRuns(pattern, &isReached)
        for theirs in other.tokens {
            var next = [Bool](repeating: false, count: pattern.count + 1)
            for (position, mine) in pattern.enumerated() where isReached[position] {
                if mine == Glob.run {
                    next[position] = true
                } else if mine == theirs || mine == Glob.one && theirs != Glob.run {
                    next[position + 1] = true
                }
            }
            enterRuns(pattern, &next)
            isReached = next
        }
        return isReached[pattern.count]
    }

    /// A run may take nothing.
    private func enterRuns(_ pattern: [UInt8], _ isReached: inout [Bool]) {
        for (position, token) in pattern.enumerated() where token == Glob.run {
            if isReached[position] { isReached[position + 1] = true }
        }
    }

    /// The tokens with a run on both sides of every `?` that stands beside one: `?*` and `*?` are
    /// the same, at least one byte, and the one byte may be any of them.
    private var spreadTokens: [UInt8] {
        var spread: [UInt8] = []
        var wildcards: [UInt8] = []
        func close() {
            if wildcards.contains(Glob.run) {
                spread.append(Glob.run)
                for token in wildcards where token == Glob.one { spread += [token, Glob.run] }
            } else {
                spread += wildcards
            }
            wildcards.removeAll()
        }
        for token in tokens {
            if token == Glob.run || token == Glob.one {
                wildcards.append(token)
            } else {
                close()
                spread.append(token)
            }
        }
        close()
        return spread
    }
}
