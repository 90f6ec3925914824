// MaskFit: whether a mask can be put to a value, or only redacts it.

internal import Bytes
internal import Crypto
internal import JSON
internal import Masks

/// Finds values that a mask does not fit. Masks keep the type of a value: a mask of texts makes of
/// a number what `redact` does.
internal struct MaskFit {
    private let masker: Masker

    /// - Parameter hasTokenKey: whether keyed masks have their secret.
    init(_ hasTokenKey: Bool) {
        masker = Masker(
            tokenKey: hasTokenKey ? try? SecretBytes.random(count: AESGCM.keyBytes) : nil)
    }

    private static let textMasks: Set<String> = [
        "maskFirst", "maskLast", "keepFirst", "keepLast", "keepEnds", "card", "email", "shape",
        "type", "sha256", "token", "dateTruncate", "dateShift",
    ]

    /// The kinds of leaves in `value`, a JSON text, that the mask does not fit: `a number`.
    func misfits(_ mask: Mask, _ value: RawSpan) -> [String] {
        guard mask.kind != "redact", mask.kind != "null" else { return [] }
        var found: [String] = []
        guard let spot = try? JSONReader.document(value) else { return [] }
        visit(mask, value, spot, &found)
        return found
    }

    private func visit(
        _ mask: Mask, _ text: RawSpan, _ spot: JSONSpot, _ found: inout [String]
    ) {
        switch spot.kind {
        case .null: return
        case .array:
            for element in (try? JSONReader.elements(of: spot, in: text)) ?? [] {
                visit(mask, text, element, &found)
            }
            return
        case .object:
            for member in members(text, spot) {
                guard let value = try? JSONReader.document(text.extracting(member)) else {
                    continue
                }
                visit(mask, text.extracting(member), value, &found)
            }
            return
        case .string, .number, .boolean: break
        }
        let name =
            switch spot.kind {
            case .number: "a number"
            case .boolean: "a truth value"
            default: "a text that it is not made for"
            }
        if !found.contains(name), isMisfit(mask, text.extracting(spot.range), spot.kind) {
            found.append(name)
        }
    }

    /// Where the values of an object stand.
    private func members(_ text: RawSpan, _ object: JSONSpot) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var cursor = ByteCursor(text)
        var isFirst = true
        do {
            try cursor.skip(object.range.lowerBound)
            try JSONReader.expect("{", &cursor)
            while try JSONReader.nextMember(&cursor, isFirst: &isFirst) != nil {
                ranges.append(try JSONReader.value(&cursor))
            }
        } catch {
            // The object was read before.
            return ranges
        }
        return ranges
    }

    private func isMisfit(_ mask: Mask, _ value: RawSpan, _ kind: JSONKind) -> Bool {
        switch (mask.kind, kind) {
        case ("bucket", .number), (_, .null): return false
        case (let name, .number), (let name, .boolean):
            if MaskFit.textMasks.contains(name) { return !mask.allowsTypeChange }
        default: break
        }
        if mask.allowsTypeChange { return false }
        // Anything else shows by giving what a redaction gives.
        let (shown, redacted) = (ByteBuffer(), ByteBuffer())
        masker.apply(mask, to: value, into: shown)
        masker.apply(.redact, to: value, into: redacted)
        return shown.bytes.sameBytes(as: redacted.bytes)
    }
}
