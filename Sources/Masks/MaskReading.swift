// MaskReading: makes masks from the names and values that a rule gives, and refuses the others.

internal import Limits

/// A setting's value, as a configuration file holds it.
package enum MaskArgument: Hashable, Sendable {
    case text(String)
    case integer(Int64)
    /// A number that is not a whole one of 64 bits, as it is written.
    case number(String)
    case bool(Bool)
    case list([String])
}

extension Mask {
    /// A kind, the setting that a bare value is for, and all settings in the order of the
    /// documentation.
    private struct Form {
        let kind: Kind
        let main: String?
        let settings: [String]
    }

    private static let forms = [
        Form(kind: .redact, main: nil, settings: ["text", "number", "boolean"]),
        Form(kind: .null, main: nil, settings: []),
        Form(kind: .constant, main: "value", settings: ["value", "allowTypeChange"]),
        Form(kind: .maskFirst, main: "count", settings: characterSettings),
        Form(kind: .maskLast, main: "count", settings: characterSettings),
        Form(kind: .keepFirst, main: "count", settings: characterSettings),
        Form(kind: .keepLast, main: "count", settings: characterSettings),
        Form(
            kind: .keepEnds, main: nil,
            settings: ["first", "last", "with", "ignore", "allowTypeChange"]),
        Form(kind: .card, main: nil, settings: ["first", "last", "with", "allowTypeChange"]),
        Form(kind: .email, main: "style", settings: ["style", "with"]),
        Form(kind: .shape, main: nil, settings: ["allowTypeChange"]),
        Form(kind: .type, main: "name", settings: ["name", "allowTypeChange"]),
        Form(kind: .sha256, main: nil, settings: ["allowTypeChange"]),
        Form(kind: .token, main: "form", settings: ["form", "allowTypeChange"]),
        Form(kind: .dateTruncate, main: "unit", settings: ["unit"]),
        Form(kind: .dateShift, main: "days", settings: ["days", "entity"]),
        Form(kind: .bucket, main: "step", settings: ["step"]),
    ]
    private static let characterSettings = ["count", "with", "ignore", "allowTypeChange"]

    /// The names of all kinds.
    package static let kinds = forms.map(\.kind.rawValue)

    /// The names of the settings of `kind`; empty for a kind that is not known.
    package static func settings(of kind: String) -> [String] {
        forms.first { $0.kind.rawValue == kind }?.settings ?? []
    }

    /// A mask from a rule.
    ///
    /// - Parameters:
    ///   - kind: one of `kinds`.
    ///   - arguments: settings by name. The name of a bare value, as in `{keepLast: 4}`, is empty.
    /// - Throws: when the kind or a setting is not known, missing, given twice or out of bounds.
    package static func make(
        kind: String, arguments: [(name: String, value: MaskArgument)] = []
    ) throws(MaskError) -> Mask {
        guard let form = forms.first(where: { $0.kind.rawValue == kind }) else {
            throw MaskError(
                "unknown mask \(quoted(kind))", unknownWord: kind, knownWords: kinds)
        }
        let settings = try MaskSettings(
            kind: kind, main: form.main, known: form.settings, arguments)
        return Mask(
            kind: form.kind, action: try action(form.kind, settings),
            allowsTypeChange: try settings.bool("allowTypeChange") ?? false)
    }

    private static func action(
        _ kind: Kind, _ settings: MaskSettings
    ) throws(MaskError) -> Action {
        switch kind {
        case .redact: try redaction(settings)
        case .null: .null
        case .constant: .constant(try settings.constant("value"))
        case .maskFirst: try characters(.hideFirst(try count("count", settings)), settings)
        case .maskLast: try characters(.hideLast(try count("count", settings)), settings)
        case .keepFirst:
            try characters(.keep(first: try count("count", settings), last: 0), settings)
        case .keepLast:
            try characters(.keep(first: 0, last: try count("count", settings)), settings)
        case .keepEnds:
            try characters(
                .keep(first: try count("first", settings), last: try count("last", settings)),
                settings)
        case .card: .card(try card(settings))
        case .email:
            .email(
                EmailMask(
                    style: try settings.choice("style", EmailMask.Style.self) ?? .domain,
                    with: try settings.character("with") ?? star))
        case .shape: .shape
        case .type: .constant(try settings.typeName("name"))
        case .sha256: .sha256
        case .token: .token(try settings.choice("form", TokenForm.self) ?? .hex)
        case .dateTruncate: .truncateDate(try settings.needed(DateUnit.self, "unit"))
        case .dateShift: .shiftDate(try shift(settings))
        case .bucket: .bucket(try settings.step("step"))
        }
    }

    private static let star = UInt32(UInt8(ascii: "*"))

    private static func redaction(_ settings: MaskSettings) throws(MaskError) -> Action {
        var redaction = Redaction()
        if let text = try settings.text("text") { redaction.text = JSONText.quoting(text) }
        redaction.number = try settings.number("number")
        if let boolean = try settings.bool("boolean") { redaction.boolean = boolean }
        return redaction == Redaction() ? .hide : .redact(redaction)
    }

    private static func characters(
        _ part: CharacterMask.Part, _ settings: MaskSettings
    ) throws(MaskError) -> Action {
        let mask = CharacterMask(part: part, with: try settings.character("with") ?? star)
        let ignored = try settings.ignored("ignore")
        return ignored.isEmpty ? .characters(mask) : .counted(mask, ignored: ignored)
    }

    private static func count(
        _ name: String, _ settings: MaskSettings
    ) throws(MaskError) -> Int {
        guard let count = try settings.integer(name, 1...MaskLimits.charactersMax) else {
            throw settings.missing(name)
        }
        return count
    }

    private static func card(_ settings: MaskSettings) throws(MaskError) -> CardMask {
        CardMask(
            first: try settings.integer("first", 0...MaskLimits.cardFirstMax) ?? 6,
            last: try settings.integer("last", 0...MaskLimits.cardLastMax) ?? 4,
            with: try settings.character("with") ?? star)
    }

    private static func shift(_ settings: MaskSettings) throws(MaskError) -> DateShift {
        DateShift(
            days: try settings.integer("days", 1...MaskLimits.shiftDaysMax) ?? 100,
            entity: try settings.text("entity").map { Array($0.utf8) } ?? [])
    }
}
