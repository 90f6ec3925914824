// Masker: applies masks to the texts of JSON values.

package import Bytes
package import Crypto
internal import Limits

/// Applies masks. One per event loop; scratch space is used again and nothing is allocated per
/// value.
package final class Masker {
    private let keys: MaskKeys
    private let digest: SHA256?
    /// What the string at hand says, in UTF-8.
    private var text = ByteBuffer(capacity: 256)
    /// Digests and digits.
    private let work = ByteBuffer(capacity: 256)
    /// The objects and arrays around the leaf at hand, one byte each.
    private let nesting = ByteBuffer(capacity: 64)

    /// - Parameter tokenKey: for keyed masks, 16 to 64 bytes; nil when no rule uses one. Without
    ///   a key, or with one of another length, keyed masks redact. Tokens are made with the key
    ///   itself. Dates are moved under a key of its own, derived from it, so that the token of an
    ///   entity does not tell by how much the entity's dates were moved.
    package convenience init(tokenKey: SecretBytes?) {
        self.init(tokenKey: tokenKey, shiftKey: tokenKey.flatMap(MaskKeys.shiftKey))
    }

    /// - Parameters:
    ///   - tokenKey: for tokens, 16 to 64 bytes.
    ///   - shiftKey: for moving dates, 16 to 64 bytes.
    package init(tokenKey: SecretBytes?, shiftKey: SecretBytes?) {
        keys = MaskKeys(tokenKey: tokenKey, shiftKey: shiftKey)
        digest = try? SHA256()
    }

    /// Appends what is shown for `value`, the exact text of one JSON value, quotes included. It
    /// always succeeds: what a mask cannot be applied to is redacted, and what is no JSON value
    /// becomes `"********"`.
    ///
    /// - Parameters:
    ///   - value: white space around it is left out. It must not lie in `output`.
    ///   - entity: whose value it is, for masks that treat all values of one entity alike; the
    ///     record's key is a good one. Empty when nothing is known.
    package func apply(
        _ mask: Mask, to value: RawSpan, entity: RawSpan = RawSpan(), into output: ByteBuffer
    ) {
        if JSONText.isPlainString(value) {
            let content = value.extracting(1..<value.byteCount - 1)
            return string(mask, content, isPlain: true, entity, output)
        }
        let start = output.count
        var offset = JSONText.skipSpace(value, 0)
        let done = show(mask, value, &offset, entity, output)
        if !done || JSONText.skipSpace(value, offset) != value.byteCount {
            output.truncate(to: start)
            Redaction.hide(output)
        }
        if text.capacity > MaskLimits.scratchBytesKept { text = ByteBuffer(capacity: 256) }
    }

    /// One value at `offset`; false when it is malformed.
    private func show(
        _ mask: Mask, _ span: RawSpan, _ offset: inout Int, _ entity: RawSpan,
        _ output: ByteBuffer
    ) -> Bool {
        let first = JSONText.byte(span, offset)
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            return leaf(mask, span, &offset, entity, output)
        }
        let start = output.count
        guard container(mask, span, &offset, entity, output) else { return false }
        // Some masks replace it as a whole, but only when it is well-formed.
        switch mask.action {
        case .null:
            output.truncate(to: start)
            output.append("null")
        case .constant(let constant) where mask.allowsTypeChange:
            output.truncate(to: start)
            output.append(constant.json)
        default: break
        }
        return true
    }
}

// MARK: objects and arrays

extension Masker {
    private enum Expected { case value, valueOrEnd, name, nameOrEnd, separator }

    /// Every leaf of the object or array at `offset`; all else is copied.
    private func container(
        _ mask: Mask, _ span: RawSpan, _ offset: inout Int, _ entity: RawSpan,
        _ output: ByteBuffer
    ) -> Bool {
        let start = output.count
        var copied = offset
        var expected = Expected.value
        nesting.removeAll()
        while true {
            offset = JSONText.skipSpace(span, offset)
            let byte = JSONText.byte(span, offset)
            switch (expected, byte) {
            case (.value, UInt8(ascii: "{")), (.valueOrEnd, UInt8(ascii: "{")),
                (.value, UInt8(ascii: "[")), (.valueOrEnd, UInt8(ascii: "[")):
                guard nesting.count < MaskLimits.depthMax else { return false }
                nesting.append(byte)
                offset += 1
                expected = byte == UInt8(ascii: "{") ? .nameOrEnd : .valueOrEnd
            case (.valueOrEnd, UInt8(ascii: "]")), (.nameOrEnd, UInt8(ascii: "}")),
                (.separator, UInt8(ascii: "]")), (.separator, UInt8(ascii: "}")):
                guard close(byte) else { return false }
                offset += 1
                expected = .separator
                if nesting.count == 0 {
                    output.append(span.extracting(copied..<offset))
                    return true
                }
            case (.value, _), (.valueOrEnd, _):
                output.append(span.extracting(copied..<offset))
                guard leaf(mask, span, &offset, entity, output),
                    output.count - start <= MaskLimits.outputBytesMax
                else { return false }
                copied = offset
                expected = .separator
            case (.name, _), (.nameOrEnd, _):
                guard JSONText.readString(span, &offset, into: nil) != .malformed else {
                    return false
                }
                offset = JSONText.skipSpace(span, offset)
                guard JSONText.byte(span, offset) == UInt8(ascii: ":") else { return false }
                offset += 1
                expected = .value
            case (.separator, UInt8(ascii: ",")):
                offset += 1
                expected = innermost == UInt8(ascii: "{") ? .name : .value
            case (.separator, _): return false
            }
        }
    }

    private var innermost: UInt8 {
        let nesting = nesting
        let levels = nesting.bytes
        return JSONText.byte(levels, levels.byteCount - 1)
    }

    /// Leaves the innermost object or array when `byte` is its end.
    private func close(_ byte: UInt8) -> Bool {
        // In ASCII an opening bracket and its end are two apart.
        guard nesting.count > 0, innermost + 2 == byte else { return false }
        nesting.truncate(to: nesting.count - 1)
        return true
    }
}

// MARK: leaves

extension Masker {
    /// The string, number or literal at `offset`; false when it is malformed.
    private func leaf(
        _ mask: Mask, _ span: RawSpan, _ offset: inout Int, _ entity: RawSpan,
        _ output: ByteBuffer
    ) -> Bool {
        let start = offset
        switch JSONText.byte(span, offset) {
        case UInt8(ascii: "\""):
            let end = JSONText.plainEnd(span, start + 1)
            if JSONText.byte(span, end) == UInt8(ascii: "\"") {
                offset = end + 1
                let content = span.extracting(start + 1..<end)
                string(mask, content, isPlain: true, entity, output)
                break
            }
            let text = text
            text.removeAll()
            let found = JSONText.readString(span, &offset, into: mask.readsText ? text : nil)
            if found == .malformed { return false }
            if found == .unpaired, mask.readsText {
                Redaction.hide(output)
            } else {
                string(mask, text.bytes, isPlain: false, entity, output)
            }
        case UInt8(ascii: "n"):
            guard JSONText.skip("null", span, &offset) else { return false }
            output.append("null")
        case UInt8(ascii: "t"):
            guard JSONText.skip("true", span, &offset) else { return false }
            boolean(mask, span.extracting(start..<offset), entity, output)
        case UInt8(ascii: "f"):
            guard JSONText.skip("false", span, &offset) else { return false }
            boolean(mask, span.extracting(start..<offset), entity, output)
        default:
            guard let isDecimal = JSONText.skipNumber(span, &offset) else { return false }
            let literal = span.extracting(start..<offset)
            number(mask, literal, isDecimal: isDecimal, entity, output)
        }
        return true
    }

    /// A string.
    ///
    /// - Parameters:
    ///   - content: what it says, in UTF-8; anything for a mask that does not read it.
    ///   - isPlain: `content` is printable ASCII that needs no escapes.
    private func string(
        _ mask: Mask, _ content: RawSpan, isPlain: Bool, _ entity: RawSpan, _ output: ByteBuffer
    ) {
        switch mask.action {
        case .hide: Redaction.hide(output)
        case .redact(let redaction): output.append(redaction.text)
        case .null: output.append("null")
        case .constant(let constant):
            if constant.type == .text || mask.allowsTypeChange {
                output.append(constant.json)
            } else {
                Redaction.hide(output)
            }
        default: quoted(mask, content, isPlain: isPlain, entity, output)
        }
    }

    private func boolean(
        _ mask: Mask, _ literal: RawSpan, _ entity: RawSpan, _ output: ByteBuffer
    ) {
        switch mask.action {
        case .hide: output.append("false")
        case .redact(let redaction): output.append(redaction.boolean ? "true" : "false")
        case .null: output.append("null")
        case .constant(let constant) where constant.type == .boolean || mask.allowsTypeChange:
            output.append(constant.json)
        default:
            if mask.makesText {
                quoted(mask, literal, isPlain: true, entity, output)
            } else {
                output.append("false")
            }
        }
    }

    private func number(
        _ mask: Mask, _ literal: RawSpan, isDecimal: Bool, _ entity: RawSpan, _ output: ByteBuffer
    ) {
        let start = output.count
        switch mask.action {
        case .hide: break
        case .redact(let redaction):
            if let number = redaction.number { return output.append(number) }
        case .null: return output.append("null")
        case .constant(let constant):
            if constant.type == .number || mask.allowsTypeChange {
                return output.append(constant.json)
            }
        case .bucket(let step):
            if step.append(literal, isDecimal: isDecimal, work, to: output) { return }
        default:
            if mask.makesText {
                return quoted(mask, literal, isPlain: true, entity, output)
            }
        }
        output.truncate(to: start)
        output.append(isDecimal ? "0.0" : "0")
    }

    /// `content` masked, as a JSON string.
    private func quoted(
        _ mask: Mask, _ content: RawSpan, isPlain: Bool, _ entity: RawSpan, _ output: ByteBuffer
    ) {
        let start = output.count
        output.append(UInt8(ascii: "\""))
        if masked(mask, content, isPlain: isPlain, entity, output) {
            output.append(UInt8(ascii: "\""))
        } else {
            output.truncate(to: start)
            Redaction.hide(output)
        }
    }

    /// `content` masked, without quotes; false when the mask does not fit it.
    private func masked(
        _ mask: Mask, _ content: RawSpan, isPlain: Bool, _ entity: RawSpan, _ output: ByteBuffer
    ) -> Bool {
        switch mask.action {
        case .hide, .redact, .null, .constant: return false
        case .characters(let mask): mask.append(content, isPlain: isPlain, to: output)
        case .counted(let mask, let ignored):
            mask.append(content, ignored: ignored, to: output)
        case .card(let card): card.append(content, to: output)
        case .email(let email): return email.append(content, to: output)
        case .shape: ShapeMask.append(content, to: output)
        case .sha256:
            let work = work
            work.removeAll()
            guard let digest, (try? digest.append(digestOf: content, to: work)) != nil else {
                return false
            }
            TokenForm.hex.append(work.bytes, to: output)
        case .token(let form):
            let work = work
            work.removeAll()
            guard keys.token(content, into: work) else { return false }
            form.append(work.bytes, to: output)
        case .truncateDate(let unit):
            guard let found = DateText(content), let date = found.date.truncated(to: unit) else {
                return false
            }
            date.append(to: output)
            found.appendTime(of: content, zeroed: true, to: output)
        case .shiftDate(let shift):
            guard let found = DateText(content),
                let days = keys.days(shift, entity, date: content),
                let date = found.date.moved(days: days)
            else { return false }
            date.append(to: output)
            found.appendTime(of: content, zeroed: false, to: output)
        case .bucket(let step):
            var end = 0
            guard let isDecimal = JSONText.skipNumber(content, &end), end == content.byteCount
            else { return false }
            return step.append(content, isDecimal: isDecimal, work, to: output)
        }
        return true
    }
}

extension Mask {
    /// Whether the result depends on what a string says.
    fileprivate var readsText: Bool {
        switch action {
        case .hide, .redact, .null, .constant: false
        default: true
        }
    }

    /// Whether a value of another type becomes a text.
    fileprivate var makesText: Bool {
        switch action {
        case .hide, .redact, .null, .constant, .bucket: false
        default: allowsTypeChange
        }
    }
}
