// SampleText: sample values as text, with what is sealed cut short.

internal import Bytes
internal import Fields

/// Makes values readable.
internal enum SampleText {
    private static let shownBytes = 24

    /// A stored document with the text of each sealed field cut: `"wax1:…69 bytes"`.
    static func shortened(_ document: [UInt8]) -> [UInt8] {
        // SAFETY: UInt8 has no padding; the array outlives the span.
        let span = unsafe document.span.bytes
        let start = FieldScanner.bodyStart(of: span)
        let scanner = FieldScanner()
        guard let none = try? FieldPathSet([]),
            (try? scanner.scanSealedText(span.extracting(start..<span.byteCount), none)) != nil
        else { return document }
        var text: [UInt8] = []
        var at = 0
        for hit in scanner.hits {
            let range = hit.value.lowerBound + start..<hit.value.upperBound + start
            text += document[at..<range.lowerBound]
            text += Array("\"wax1:…\(range.count) bytes\"".utf8)
            at = range.upperBound
        }
        return text + document[at...]
    }

    /// A value for people: text as it is, other bytes as a few in hexadecimal.
    static func readable(_ value: [UInt8]) -> String {
        guard let text = String(validating: value, as: UTF8.self),
            !text.unicodeScalars.contains(where: isControl)
        else { return hexadecimal(value) }
        return text
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\t", "\r": false
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
    }

    private static func hexadecimal(_ value: [UInt8]) -> String {
        let shown = value.prefix(shownBytes).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        return "\(value.count) bytes, not text: \(shown)" + (value.count > shownBytes ? "…" : "")
    }
}
