// MaskError: a mask that makes no sense, and what may have been meant.

/// A mask that makes no sense, and why.
package struct MaskError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One phrase for people, without the place in the file.
    package let description: String
    /// The word that is not known, nil when something else is wrong.
    package let unknownWord: String?
    /// The words that are known in its place, for a guess at what was meant.
    package let knownWords: [String]

    package init(_ description: String, unknownWord: String? = nil, knownWords: [String] = []) {
        self.description = description
        self.unknownWord = unknownWord
        self.knownWords = knownWords
    }
}

/// `text` in quotes for a message, without odd characters and not too long.
internal func quoted(_ text: String) -> String {
    let shownMax = 40
    let scalars = text.unicodeScalars
    var shown = scalars.prefix(shownMax).map { scalar in
        scalar.isASCII && scalar.value >= 0x20 && scalar.value < 0x7f ? String(scalar) : "?"
    }.joined()
    if scalars.count > shownMax { shown += "..." }
    return "`\(shown)`"
}
