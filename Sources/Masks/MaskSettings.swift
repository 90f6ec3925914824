// MaskSettings: the settings of one mask by name, each checked for its type and bounds.

internal import Limits

/// The arguments of one mask. Every error names the setting and the mask.
internal struct MaskSettings {
    private let kind: String
    private let values: [String: MaskArgument]

    /// - Parameters:
    ///   - main: what an argument without a name is for.
    ///   - known: the settings that the kind has.
    internal init(
        kind: String, main: String?, known: [String],
        _ arguments: [(name: String, value: MaskArgument)]
    ) throws(MaskError) {
        self.kind = kind
        var values: [String: MaskArgument] = [:]
        for (given, value) in arguments {
            guard let name = given.isEmpty ? main : given else {
                guard let first = known.first else {
                    throw MaskError("mask `\(kind)` has no settings")
                }
                throw MaskError(
                    "mask `\(kind)` takes its settings by name, as in `{\(first): ...}`")
            }
            guard known.contains(name) else {
                throw MaskError(
                    known.isEmpty
                        ? "mask `\(kind)` has no settings"
                        : "mask `\(kind)` has no setting \(quoted(name))",
                    unknownWord: name, knownWords: known)
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw MaskError("`\(name)` of mask `\(kind)` is given twice")
            }
        }
        self.values = values
    }

    internal func missing(_ name: String) -> MaskError {
        MaskError("mask `\(kind)` needs `\(name)`")
    }

    private func wrong(_ name: String, _ what: String) -> MaskError {
        MaskError("`\(name)` of mask `\(kind)` must be \(what)")
    }

    internal func bool(_ name: String) throws(MaskError) -> Bool? {
        switch values[name] {
        case nil: nil
        case .bool(let value): value
        default: throw wrong(name, "true or false")
        }
    }

    internal func integer(
        _ name: String, _ bounds: ClosedRange<Int>
    ) throws(MaskError) -> Int? {
        guard let value = values[name] else { return nil }
        guard case .integer(let number) = value, bounds.contains(Int(number)) else {
            throw wrong(name, "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return Int(number)
    }

    /// A text that is shown or used as it is.
    internal func text(_ name: String) throws(MaskError) -> String? {
        guard let value = values[name] else { return nil }
        guard case .text(let text) = value, text.utf8.count <= MaskLimits.textBytesMax else {
            throw wrong(name, "a text of at most \(MaskLimits.textBytesMax) bytes")
        }
        return text
    }

    /// The JSON text of a number.
    internal func number(_ name: String) throws(MaskError) -> [UInt8]? {
        switch values[name] {
        case nil: return nil
        case .integer(let number): return Array(String(number).utf8)
        case .number(let text):
            guard text.utf8.count <= MaskLimits.textBytesMax, JSONText.isNumber(text) else { break }
            return Array(text.utf8)
        default: break
        }
        throw wrong(name, "a number as JSON writes it")
    }

    /// A text, a number or a truth value, whichever is given.
    internal func constant(_ name: String) throws(MaskError) -> Constant {
        switch values[name] {
        case nil: throw missing(name)
        case .bool(let value):
            return Constant(type: .boolean, json: Array((value ? "true" : "false").utf8))
        case .text:
            guard let text = try text(name) else { throw missing(name) }
            return Constant(type: .text, json: JSONText.quoting(text))
        case .integer, .number:
            guard let number = try number(name) else { throw missing(name) }
            return Constant(type: .number, json: number)
        case .list: throw wrong(name, "a text, a number, true or false")
        }
    }

    /// One Unicode scalar that stands for hidden ones.
    internal func character(_ name: String) throws(MaskError) -> UInt32? {
        let text: String
        switch values[name] {
        case nil: return nil
        case .text(let given): text = given
        // A digit needs no quotes.
        case .integer(let digit): text = String(digit)
        default: throw wrong(name, "one character")
        }
        guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1,
            scalar.properties.generalCategory != .control
        else { throw wrong(name, "one character") }
        return scalar.value
    }

    /// The scalars that stay. A letter or digit among them would show what is to be hidden.
    internal func ignored(_ name: String) throws(MaskError) -> ScalarSet {
        let scalars: [Unicode.Scalar]
        switch values[name] {
        case nil: return ScalarSet()
        case .text(let text): scalars = Array(text.unicodeScalars)
        case .list(let texts): scalars = texts.flatMap { Array($0.unicodeScalars) }
        default: throw wrong(name, "a text")
        }
        guard (1...MaskLimits.ignoredCharactersMax).contains(scalars.count) else {
            throw wrong(name, "1 to \(MaskLimits.ignoredCharactersMax) characters")
        }
        guard scalars.allSatisfy(isSeparator) else {
            throw wrong(name, "punctuation, signs or spaces: others would be shown")
        }
        return ScalarSet(scalars)
    }

    private func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation, .mathSymbol,
            .currencySymbol, .modifierSymbol, .otherSymbol, .spaceSeparator, .control:
            true
        default: false
        }
    }

    /// One of the words of `type`.
    internal func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ type: Choice.Type
    ) throws(MaskError) -> Choice? {
        guard let value = values[name] else { return nil }
        let words = type.allCases.map(\.rawValue)
        guard case .text(let text) = value, let choice = Choice(rawValue: text) else {
            var word: String?
            if case .text(let text) = value { word = text }
            throw MaskError(
                "`\(name)` of mask `\(kind)` must be "
                    + words.map { "`\($0)`" }.joined(separator: " or "),
                unknownWord: word, knownWords: words)
        }
        return choice
    }

    internal func needed<Choice: RawRepresentable<String> & CaseIterable>(
        _ type: Choice.Type, _ name: String
    ) throws(MaskError) -> Choice {
        guard let value = try choice(name, type) else { throw missing(name) }
        return value
    }

    /// `[NAME]` for the name of a kind of data.
    internal func typeName(_ name: String) throws(MaskError) -> Constant {
        guard let value = values[name] else { throw missing(name) }
        let max = MaskLimits.typeNameBytesMax
        guard case .text(let text) = value, (1...max).contains(text.utf8.count),
            text.utf8.allSatisfy(isNamePart)
        else { throw wrong(name, "1 to \(max) of the characters A-Z, a-z, 0-9, `_` and `-`") }
        return Constant(type: .text, json: JSONText.quoting("[\(text)]"))
    }

    private func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The width of a bucket, above zero and without exponent.
    internal func step(_ name: String) throws(MaskError) -> BucketStep {
        guard values[name] != nil else { throw missing(name) }
        let max = MaskLimits.stepDigitsMax
        let problem = wrong(
            name, "a number above 0 of at most \(max) digits, as in `1000` or `0.05`")
        guard let text = try? number(name) else { throw problem }
        var units: UInt64 = 0
        var digits = 0
        var decimals: Int?
        for byte in text {
            if byte == UInt8(ascii: "."), decimals == nil {
                decimals = 0
                continue
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < max else {
                throw problem
            }
            units = units * 10 + UInt64(byte - UInt8(ascii: "0"))
            digits += 1
            if let count = decimals { decimals = count + 1 }
        }
        guard units > 0 else { throw problem }
        return BucketStep(units: units, decimals: decimals ?? 0)
    }
}
