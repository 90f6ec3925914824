// Spelling: how texts of the file are shown in messages, and what may have been meant.

/// `text` in quotes, with everything odd escaped and long texts cut.
internal func quoted(_ text: String) -> String {
    let shownMax = 60
    let cut = text.unicodeScalars.prefix(shownMax)
    var shown = String(String.UnicodeScalarView(cut))
    if text.unicodeScalars.count > shownMax { shown += "..." }
    let escaped = shown.unicodeScalars.map { scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
            "\\u{\(String(scalar.value, radix: 16))}"
        default: String(scalar)
        }
    }.joined()
    return "`\(escaped)`"
}

/// What may have been meant by a word that is not known.
package enum Spelling {
    /// `; did you mean x?` for the word that is nearest to `text`, or nothing.
    package static func suggestion(for text: String, among words: [String]) -> String {
        let typed = Array(text.lowercased().utf8)
        guard (1...64).contains(typed.count) else { return "" }
        var best: (word: String, distance: Int)?
        for word in words {
            let distance = distance(typed, Array(word.lowercased().utf8))
            // A third of the word may be wrong, or it is another word.
            let isNear = distance <= max(1, min(typed.count, word.utf8.count) / 3)
            if isNear, distance < best?.distance ?? Int.max { best = (word, distance) }
        }
        return best.map { suggestion($0.word) } ?? ""
    }

    static func suggestion(_ word: String) -> String { "; did you mean \(quoted(word))?" }

    /// The fewest letters to insert, delete, replace or swap with their neighbour.
    static func distance(_ from: [UInt8], _ to: [UInt8]) -> Int {
        var before: [Int] = []
        var last = Array(0...to.count)
        for i in 0..<from.count {
            var row = [i + 1]
            for j in 0..<to.count {
                let replaced = last[j] + (from[i] == to[j] ? 0 : 1)
                var fewest = min(replaced, last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, from[i] == to[j - 1], from[i - 1] == to[j] {
                    fewest = min(fewest, before[j - 1] + 1)
                }
                row.append(fewest)
            }
            before = last
            last = row
        }
        return last[to.count]
    }

    /// `a`, `b` or `c`.
    static func either(_ words: [String], _ conjunction: String = "or") -> String {
        let shown = words.map { "`\($0)`" }
        guard let last = shown.last, shown.count > 1 else { return shown.first ?? "" }
        return shown.dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }
}
