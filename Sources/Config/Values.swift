// Values: texts, numbers, durations and sizes out of single values of the file.

extension Reading {
    /// A text as the file has it, for messages, and with variables filled in.
    struct Text {
        let shown: String
        let filled: String
        let position: Position
        /// Whether it stands in the file as it is: a place in it is a place in the file.
        let isVerbatim: Bool
    }

    /// A single value with its variables filled in, never empty.
    func text(_ node: Node, _ key: String) -> Text? {
        guard case .scalar(let raw, _) = node.content, !node.isNull else {
            let found = node.isNull ? "" : ", not \(node.kind)"
            refuse(node, "`\(key)` must be a single value\(found)")
            return nil
        }
        do {
            let filled = try Substitution.fill(raw, from: environment)
            guard !filled.isEmpty else {
                let why = raw.isEmpty ? "" : ": \(quoted(raw)) is empty in this environment"
                report(node.position, "`\(key)` is empty\(why)")
                return nil
            }
            guard !filled.utf8.contains(0) else {
                report(node.position, "`\(key)` has a zero byte")
                return nil
            }
            return Text(
                shown: quoted(raw), filled: filled, position: node.position,
                isVerbatim: filled == raw)
        } catch {
            report(node.position, "`\(key)`: \(error.reason)")
            return nil
        }
    }

    /// A path of a file, made to start from the configuration file's directory.
    func path(_ node: Node, _ key: String) -> String? {
        guard let text = text(node, key) else { return nil }
        let isAbsolute = text.filled.hasPrefix("/") || directory.isEmpty
        let path = isAbsolute ? text.filled : "\(directory)/\(text.filled)"
        guard path.utf8.count <= Bounds.pathBytesMax else {
            report(text.position, "`\(key)` has at most \(Bounds.pathBytesMax) bytes")
            return nil
        }
        return path
    }

    /// `true` or `false`.
    func bool(_ node: Node, _ key: String) -> Bool? {
        choice(node, key, [("true", true), ("false", false)])
    }

    /// One of a few words.
    func choice<Value>(_ node: Node, _ key: String, _ words: [(String, Value)]) -> Value? {
        guard let text = text(node, key) else { return nil }
        if let found = words.first(where: { $0.0 == text.filled }) { return found.1 }
        let names = words.map(\.0)
        report(
            text.position,
            "`\(key)` must be \(Spelling.either(names)), not \(text.shown)"
                + Spelling.suggestion(for: text.filled, among: names))
        return nil
    }

    /// A whole number in decimal digits.
    func integer(_ node: Node, _ key: String, in range: ClosedRange<UInt64>) -> UInt64? {
        guard let text = text(node, key) else { return nil }
        let between = "\(range.lowerBound) to \(range.upperBound)"
        guard Units.isDigits(text.filled) else {
            report(
                text.position, "`\(key)` must be a whole number, \(between), not \(text.shown)")
            return nil
        }
        guard let value = UInt64(text.filled), range.contains(value) else {
            report(text.position, "`\(key)` must be \(between), not \(text.shown)")
            return nil
        }
        return value
    }

    /// A number of nanoseconds.
    func duration(_ node: Node, _ key: String, in range: ClosedRange<UInt64>) -> UInt64? {
        quantity(node, key, in: range, Units.durations, isUnitNeeded: true, "a duration like `10s`")
    }

    /// A number of bytes.
    func size(_ node: Node, _ key: String, in range: ClosedRange<UInt64>) -> UInt64? {
        quantity(node, key, in: range, Units.sizes, isUnitNeeded: false, "a size like `64MiB`")
    }

    private func quantity(
        _ node: Node, _ key: String, in range: ClosedRange<UInt64>, _ units: [Units.Unit],
        isUnitNeeded: Bool, _ what: String
    ) -> UInt64? {
        guard let text = text(node, key) else { return nil }
        let digits = text.filled.prefix { $0.isASCII && $0.isNumber }
        let unit = text.filled.dropFirst(digits.count)
        let found = units.first { $0.name == unit }
        guard Units.isDigits(digits), found != nil || unit.isEmpty && !isUnitNeeded else {
            let names = Spelling.either(units.map(\.name))
            report(
                text.position,
                "`\(key)` must be \(what), not \(text.shown); units are \(names)")
            return nil
        }
        let (value, overflows) =
            (UInt64(digits) ?? .max).multipliedReportingOverflow(by: found?.scale ?? 1)
        guard !overflows, range.contains(value) else {
            let least = Units.show(range.lowerBound, units)
            let most = Units.show(range.upperBound, units)
            report(text.position, "`\(key)` must be \(least) to \(most), not \(text.shown)")
            return nil
        }
        return value
    }
}

/// Units of time and size.
internal enum Units {
    struct Unit: Sendable {
        let name: String
        let scale: UInt64
    }

    static let nanosecondsPerSecond: UInt64 = 1_000_000_000

    static let durations = [
        Unit(name: "ms", scale: 1_000_000), Unit(name: "s", scale: nanosecondsPerSecond),
        Unit(name: "m", scale: 60 * nanosecondsPerSecond),
        Unit(name: "h", scale: 3_600 * nanosecondsPerSecond),
        Unit(name: "d", scale: 86_400 * nanosecondsPerSecond),
    ]

    static let sizes = [
        Unit(name: "B", scale: 1), Unit(name: "KB", scale: 1_000),
        Unit(name: "KiB", scale: 1 << 10),
        Unit(name: "MB", scale: 1_000_000), Unit(name: "MiB", scale: 1 << 20),
        Unit(name: "GB", scale: 1_000_000_000), Unit(name: "GiB", scale: 1 << 30),
    ]

    /// Digits without a leading zero, which some take for octal.
    static func isDigits(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
            && (text.utf8.count == 1 || text.utf8.first != UInt8(ascii: "0"))
    }

    /// In the largest unit that leaves a whole number.
    static func show(_ value: UInt64, _ units: [Unit]) -> String {
        let fitting = units.filter { value.isMultiple(of: $0.scale) && value >= $0.scale }
        guard let unit = fitting.max(by: { $0.scale < $1.scale }) else {
            return "\(value)\(value == 0 ? units.first?.name ?? "" : "")"
        }
        return "\(value / unit.scale)\(unit.name)"
    }
}
