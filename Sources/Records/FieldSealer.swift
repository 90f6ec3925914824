// FieldSealer: replaces the selected values of a JSON document by their sealed text.

internal import Bytes
internal import Envelope
internal import Fields
internal import Limits

/// Why the fields of a value cannot be sealed.
internal enum FieldSealError: Error, Equatable, CustomStringConvertible {
    case notJSON(FieldScanError)
    /// The document cannot be looked into, whatever it is: it is beyond a limit.
    case beyondLimit(FieldScanError)
    /// A string in the document begins as sealed text does, at this byte of the value.
    case sealedText(at: Int)

    internal var description: String {
        switch self {
        case .notJSON(let error): "the value is not a JSON document: \(error)"
        case .beyondLimit(let error): "the value cannot be looked into: \(error)"
        case .sealedText(let at):
            "the value has a text that begins as sealed fields do, at byte \(at)"
        }
    }
}

/// Finds fields and seals them, document by document. What `find` found is what `seal` seals.
internal final class FieldSealer {
    private let scanner = FieldScanner()
    private let sealed = ByteBuffer(capacity: 256)
    /// Where the document of the last `find` begins in its value.
    private var documentStart = 0

    /// Looks for fields in `value`.
    ///
    /// - Returns: the bytes by which the value will grow; nil when it has none of the fields.
    internal func find(
        _ paths: FieldPathSet, in value: RawSpan
    ) throws(FieldSealError) -> Int? {
        documentStart = FieldScanner.bodyStart(of: value)
        do {
            try scanner.scan(
                value.extracting(documentStart..<value.byteCount), paths, notesSealedText: true)
        } catch {
            let placed = FieldScanError(
                offset: documentStart + error.offset, error.reason, isLimit: error.isLimit)
            throw error.isLimit ? .beyondLimit(placed) : .notJSON(placed)
        }
        var grownBytes = 0
        var hasFields = false
        var sealedTextAt: Int?
        for hit in scanner.hits {
            if hit.isSealedText { sealedTextAt = sealedTextAt ?? hit.value.lowerBound }
            guard hit.path >= 0 else { continue }
            hasFields = true
            grownBytes += FieldText.byteCount(plainBytes: hit.value.count) - hit.value.count
        }
        guard hasFields else { return nil }
        // Whoever opens the document could not tell it from a sealed field.
        if let sealedTextAt { throw .sealedText(at: documentStart + sealedTextAt) }
        // It has to be looked into again when it is opened.
        guard value.byteCount - documentStart + grownBytes <= FieldLimits.documentBytesMax else {
            throw .beyondLimit(
                FieldScanError(offset: 0, "too long a document when sealed", isLimit: true))
        }
        return grownBytes
    }

    /// Appends `value`, the one that was looked into last, with its fields sealed.
    internal func seal(
        _ value: RawSpan, _ key: SealingKey, into output: ByteBuffer
    ) throws(EnvelopeError) {
        var copied = 0
        let (sealed, names) = (sealed, scanner.names)
        for hit in scanner.hits {
            let start = documentStart + hit.value.lowerBound
            let end = documentStart + hit.value.upperBound
            output.append(value.extracting(copied..<start))
            sealed.removeAll()
            try key.seal(
                field: value.extracting(start..<end), path: names.bytes(in: hit.name), into: sealed)
            FieldText.append(sealed.bytes, to: output)
            copied = end
        }
        output.append(value.extracting(copied..<value.byteCount))
    }

    /// Gives back what an unusually large field made grow.
    internal func release() { sealed.removeAll(keepingAtMost: RecordLimits.scratchBytesKept) }
}
