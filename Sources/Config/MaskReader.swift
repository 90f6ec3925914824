// MaskReader: how a field is shown, out of the file.

internal import Masks
internal import Rules

/// Reads what stands behind a path of `mask`: `email`, `{keepLast: 4}` or
/// `{keepEnds: {first: 2, last: 2}}`.
internal struct MaskReader {
    let reading: Reading

    /// What is no mask and may stand where one does.
    private static let words: [(String, Showing)] = [
        ("clear", .clear), ("sealed", .sealed), ("drop", .drop),
    ]

    func showing(_ node: Node) -> Showing? {
        switch node.content {
        case .scalar("null", isPlain: true): return make("null", [], node)
        case .scalar:
            guard let text = reading.text(node, "mask") else { return nil }
            if let word = MaskReader.words.first(where: { $0.0 == text.filled }) { return word.1 }
            guard Mask.kinds.contains(text.filled) else {
                let known = Mask.kinds + MaskReader.words.map(\.0)
                reading.report(
                    text.position,
                    "`mask`: there is no mask \(text.shown)"
                        + Spelling.suggestion(for: text.filled, among: known))
                return nil
            }
            return make(text.filled, [], node)
        case .map(let entries):
            guard entries.count == 1 else {
                reading.report(
                    node.position, "`mask`: a path has one mask, such as `{keepLast: 4}`")
                return nil
            }
            return mask(entries[0])
        case .list, .refused:
            reading.refuse(node, "`mask`: a mask is a name or a mapping, such as `{keepLast: 4}`")
            return nil
        }
    }

    private func mask(_ entry: Node.Entry) -> Showing? {
        guard Mask.kinds.contains(entry.key) else {
            reading.report(
                entry.keyPosition,
                "`mask`: there is no mask \(quoted(entry.key))"
                    + Spelling.suggestion(for: entry.key, among: Mask.kinds))
            return nil
        }
        guard case .map(let settings) = entry.value.content else {
            guard let argument = argument(entry.value, entry.key) else { return nil }
            return make(entry.key, [Setting("", argument, entry.value)], entry.value)
        }
        var read: [Setting] = []
        for setting in settings {
            guard let argument = argument(setting.value, setting.key) else { continue }
            read.append(
                Setting(
                    setting.key, argument, setting.value, keyPosition: setting.keyPosition))
        }
        return read.count == settings.count ? make(entry.key, read, entry.value) : nil
    }

    // MARK: settings

    /// A setting and where it stands.
    private struct Setting {
        let name: String
        let value: MaskArgument
        let keyPosition: Position
        let position: Position

        init(_ name: String, _ value: MaskArgument, _ node: Node, keyPosition: Position? = nil) {
            self.name = name
            self.value = value
            self.keyPosition = keyPosition ?? node.position
            position = node.position
        }
    }

    private func make(_ kind: String, _ settings: [Setting], _ node: Node) -> Showing? {
        do {
            return .mask(
                try Mask.make(kind: kind, arguments: settings.map { ($0.name, $0.value) }))
        } catch {
            var position = node.position
            var hint = ""
            if let word = error.unknownWord {
                hint = Spelling.suggestion(for: word, among: error.knownWords)
                if let named = settings.first(where: { $0.name == word }) {
                    position = named.keyPosition
                } else if let holding = settings.first(where: { $0.value == .text(word) }) {
                    position = holding.position
                }
            } else if let wrong = settings.first(where: {
                error.description.hasPrefix("`\($0.name)` ")
            }) {
                position = wrong.position
            }
            reading.report(position, "`mask`: \(error.description)\(hint)")
            return nil
        }
    }

    /// The value of a setting. Without quotes `4`, `0.5` and `true` are no texts.
    private func argument(_ node: Node, _ key: String) -> MaskArgument? {
        switch node.content {
        case .scalar(_, let isPlain):
            guard let text = filled(node, key) else { return nil }
            return isPlain ? MaskReader.argument(plain: text) : .text(text)
        case .list(let items):
            let texts = items.compactMap { filled($0, key) }
            return texts.count == items.count ? .list(texts) : nil
        case .map, .refused:
            reading.refuse(node, "`\(key)` must be a single value or a list")
            return nil
        }
    }

    private static func argument(plain text: String) -> MaskArgument {
        if text == "true" || text == "false" { return .bool(text == "true") }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        if Units.isDigits(digits), let number = Int64(text) { return .integer(number) }
        let isNumber =
            digits.utf8.first.map { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ?? false
        if isNumber, text.utf8.allSatisfy("0123456789+-.eE".utf8.contains), Double(text) != nil,
            !digits.hasPrefix("0") || digits.utf8.dropFirst().first == UInt8(ascii: ".")
        {
            return .number(text)
        }
        return .text(text)
    }

    /// A text that may be empty when it is quoted.
    private func filled(_ node: Node, _ key: String) -> String? {
        if case .scalar("", isPlain: false) = node.content { return "" }
        return reading.text(node, key)?.filled
    }
}
