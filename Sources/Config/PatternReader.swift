// PatternReader: patterns of topics and principals, and paths of fields, out of the file.

internal import Fields
internal import Rules

extension Reading {
    // MARK: topics

    func globs(_ node: Node, _ key: String) -> [Located<Glob>] {
        var patterns: [Located<Glob>] = []
        for item in items(
            node, key, max: Bounds.patternsMax, example: "[payments, \"orders.*\"]")
        {
            guard let text = text(item, key), let glob = glob(text, key) else { continue }
            if let same = patterns.first(where: { $0.value == glob }) {
                report(
                    item.position,
                    "`\(key)` lists \(text.shown) twice (line \(same.position.line))")
            }
            patterns.append(Located(value: glob, position: item.position))
        }
        return patterns
    }

    /// Refuses what fits no topic: a typing error must not leave a topic unprotected.
    private func glob(_ text: Text, _ key: String) -> Glob? {
        let isPattern: (UnicodeScalar) -> Bool = { scalar in
            scalar.isASCII
                && (TopicName.allows(UInt8(scalar.value)) || "*?".unicodeScalars.contains(scalar))
        }
        if let odd = text.filled.unicodeScalars.first(where: { !isPattern($0) }) {
            report(
                text.position,
                "`\(key)`: \(text.shown) fits no topic, because no name has \(quoted(String(odd)));"
                    + " `*` is any run of characters, `?` is one")
            return nil
        }
        do {
            let glob = try Glob(text.filled)
            guard text.filled.utf8.filter({ $0 != UInt8(ascii: "*") }).count <= TopicName.bytesMax
            else { throw GlobError.tooLong(byteCount: text.filled.utf8.count) }
            return glob
        } catch {
            // Empty texts were refused before.
            report(
                text.position,
                "`\(key)`: names of topics have at most \(TopicName.bytesMax) characters")
            return nil
        }
    }

    // MARK: principals

    func principals(_ node: Node) -> [Located<PrincipalPattern>] {
        var patterns: [Located<PrincipalPattern>] = []
        for item in items(node, "principals", max: Bounds.patternsMax, example: "[\"User:ada\"]") {
            guard let text = text(item, "principals"), let pattern = principal(text) else {
                continue
            }
            if let same = patterns.first(where: { $0.value == pattern }) {
                report(
                    item.position,
                    "`principals` lists \(text.shown) twice (line \(same.position.line))")
            }
            patterns.append(Located(value: pattern, position: item.position))
        }
        if patterns.count > 1,
            let everybody = patterns.first(where: { $0.value == .everybody })
        {
            warn(everybody.position, "`principals`: `*` is everybody, so the others say nothing")
        }
        return patterns
    }

    private func principal(_ text: Text) -> PrincipalPattern? {
        do {
            return try PrincipalPattern(text.filled)
        } catch .form {
            let isBare = text.isVerbatim && !text.filled.contains(":")
            let hint =
                isBare && !text.filled.contains("*")
                ? Spelling.suggestion("User:\(text.filled)") : ""
            report(
                text.position,
                "`principals` must list `User:name`, `group:name` or `*`, not \(text.shown)\(hint)")
        } catch {
            report(
                text.position,
                "`principals`: a pattern has at most \(Glob.patternBytesMax) bytes")
        }
        return nil
    }

    // MARK: paths

    /// - Parameter position: where the text stands, its quote included.
    /// - Parameter isVerbatim: whether a place in the text is a place in the file.
    func fieldPath(
        _ text: String, _ key: String, at position: Position, isPlain: Bool, isVerbatim: Bool
    ) -> FieldPath? {
        do {
            return try FieldPath(text)
        } catch {
            guard isVerbatim, !text.contains("\n"),
                let offset = text.utf8.index(
                    text.utf8.startIndex, offsetBy: error.offset, limitedBy: text.utf8.endIndex)
            else {
                report(position, "`\(key)`: \(error)")
                return nil
            }
            let before = text.unicodeScalars[..<offset].count + (isPlain ? 0 : 1)
            report(
                Position(line: position.line, column: position.column + before),
                "`\(key)`: \(error.reason)")
            return nil
        }
    }
}
