// DocumentShower: what a reader is shown of one JSON document.

internal import Bytes
internal import Envelope
internal import Fields
internal import Limits
internal import Masks

/// Finds the fields of documents, opens those that have to be, and builds the document that is
/// shown. Scratch space is used again; nothing is allocated per document.
internal final class DocumentShower {
    /// What a document comes to.
    internal enum Outcome {
        /// It is shown as it is stored, and something in it stays sealed.
        case asStored
        /// `shown` is delivered in its place.
        case shown(leavesSealed: Bool)
        /// The document itself is left out.
        case dropped
        /// It takes the data key, which was not given.
        case needsKey
    }

    /// What is done to one value of the document.
    private struct Edit {
        var hit: FieldHit
        /// Place of the action in the view.
        var action: Int
        /// Whether the value is the text of a sealed field, and not shown as it is stored.
        let isSealed: Bool
        /// Whether a path selects the value itself, or an object or array around it.
        var isDirect: Bool
        var isAround = false
    }

    /// The document that is shown, prefix included, after `shown`.
    internal private(set) var shown = ByteBuffer(capacity: 256)
    /// What became of the last document's values.
    internal private(set) var counts = OpeningCounts()

    private let masker: Masker
    private let scanner = FieldScanner()
    private var removal = FieldRemoval()
    private var sealed = ByteBuffer(capacity: 256)
    private var text = ByteBuffer(capacity: 256)
    private var edits: [Edit] = []

    /// Bytes that stand before a JSON document whose schema is in a registry: zero and an id.
    internal static let schemaPrefixBytes = 5
    /// What is shown of a whole value that is not JSON: eight characters, whatever its length.
    private static let redaction: StaticString = "********"
    private static let none = paths([])
    private static let root = paths(["$"])

    private static func paths(_ texts: [String]) -> FieldPathSet {
        do throws(FieldPathError) {
            var paths: [FieldPath] = []
            for text in texts { paths.append(try FieldPath(text)) }
            return try FieldPathSet(paths)
        } catch {
            fatalError("a path that every document has is refused: \(error)")
        }
    }

    internal init(masker: Masker) { self.masker = masker }

    /// Gives scratch space back that an unusually large document made grow.
    internal func release() {
        if shown.capacity > RecordLimits.scratchBytesKept { shown = ByteBuffer(capacity: 256) }
        if sealed.capacity > RecordLimits.scratchBytesKept { sealed = ByteBuffer(capacity: 256) }
        if text.capacity > RecordLimits.scratchBytesKept { text = ByteBuffer(capacity: 256) }
    }

    /// Bytes before the document in `value`.
    private static func prefixBytes(_ value: RawSpan) -> Int {
        let isPrefixed = value.byteCount > schemaPrefixBytes && ByteCursor(value).peek() == 0
        return isPrefixed ? schemaPrefixBytes : 0
    }

    // MARK: documents

    /// Shows a document with sealed fields.
    ///
    /// - Parameter key: the record's data key; nil when it is not at hand.
    /// - Throws: `openFailed` for what is no document, or has a sealed field that does not open.
    internal func show(
        _ value: RawSpan, _ view: RecordView, key: OpeningKey?
    ) throws(RecordError) -> Outcome {
        let prefix = DocumentShower.prefixBytes(value)
        let document = value.extracting(prefix..<value.byteCount)
        do {
            try find(document, view, isSealed: true)
        } catch {
            throw RecordError(.openFailed, "the document with sealed fields: \(error)")
        }
        if key == nil, edits.contains(where: { DocumentShower.needsKey($0, view) }) {
            return .needsKey
        }
        shown.removeAll()
        shown.append(value.extracting(0..<prefix))
        return try build(document, view, key)
    }

    /// Shows a document that carries no seal, its fields as if they had been sealed.
    ///
    /// - Returns: nil when the value is no document.
    internal func show(plain value: RawSpan, _ view: RecordView) -> Outcome? {
        let prefix = DocumentShower.prefixBytes(value)
        let document = value.extracting(prefix..<value.byteCount)
        do {
            try find(document, view, isSealed: false)
        } catch {
            return nil
        }
        if edits.isEmpty { return .asStored }
        shown.removeAll()
        shown.append(value.extracting(0..<prefix))
        return try? build(document, view, nil)
    }

    private static func needsKey(_ edit: Edit, _ view: RecordView) -> Bool {
        guard edit.isSealed else { return false }
        return switch view.actions[edit.action] {
        case .clear, .mask: true
        case .sealed, .drop: false
        }
    }

    /// Writes the document, but for what the edits say.
    private func build(
        _ document: RawSpan, _ view: RecordView, _ key: OpeningKey?
    ) throws(RecordError) -> Outcome {
        counts = OpeningCounts()
        removal.begin()
        var at = 0
        var decided = -1
        var leavesSealed = false
        for edit in edits where edit.hit.value.lowerBound >= max(at, decided + 1) {
            let range = edit.hit.value
            decided = range.lowerBound
            switch (view.actions[edit.action], edit.isSealed) {
            case (.clear, false): continue
            case (.sealed, true):
                leavesSealed = true
                counts.leftSealed += 1
                continue
            case (.drop, _):
                counts.droppedFields += 1
                guard let gone = removal.removal(of: edit.hit, in: document) else {
                    return .dropped
                }
                shown.append(document.extracting(at..<max(at, gone.lowerBound)))
                at = max(at, gone.upperBound)
                continue
            case (.clear, true):
                shown.append(document.extracting(at..<range.lowerBound))
                try open(document.extracting(range), edit.hit, key, into: shown)
                counts.opened += 1
            case (.mask(let mask), true):
                shown.append(document.extracting(at..<range.lowerBound))
                text.removeAll()
                try open(document.extracting(range), edit.hit, key, into: text)
                let text = text
                masker.apply(mask, to: text.bytes, into: shown)
                counts.masked += 1
            case (.mask(let mask), false):
                shown.append(document.extracting(at..<range.lowerBound))
                masker.apply(mask, to: document.extracting(range), into: shown)
                counts.masked += 1
            case (.sealed, false):
                shown.append(document.extracting(at..<range.lowerBound))
                masker.apply(.redact, to: document.extracting(range), into: shown)
                counts.masked += 1
            }
            at = range.upperBound
        }
        if leavesSealed, at == 0 { return .asStored }
        shown.append(document.extracting(at..<document.byteCount))
        return .shown(leavesSealed: leavesSealed)
    }

    /// Appends the text that the field had before it was sealed.
    private func open(
        _ field: RawSpan, _ hit: FieldHit, _ key: OpeningKey?, into output: ByteBuffer
    ) throws(RecordError) {
        sealed.removeAll()
        guard let key, FieldText.decode(field, into: sealed) else {
            throw RecordError(.openFailed, "the text of a sealed field is malformed")
        }
        let (sealed, names) = (sealed, scanner.names)
        do {
            try key.open(field: sealed.bytes, path: names.bytes(in: hit.name), into: output)
        } catch {
            throw RecordError(.openFailed, "a sealed field does not open: \(error)")
        }
    }

    // MARK: finding fields

    /// Fills `edits` with the values of `document` that the view says something of, in the order
    /// of their places.
    ///
    /// - Parameter isSealed: strings with the mark of sealed text are sealed fields.
    private func find(
        _ document: RawSpan, _ view: RecordView, isSealed: Bool
    ) throws(FieldScanError) {
        edits.removeAll(keepingCapacity: true)
        try scanner.scan(document, view.selected, notesSealedText: isSealed)
        for hit in scanner.hits {
            let isText = isSealed && hit.isSealedText
            if !isText {
                // Paths may select something inside, and sealed fields may lie there.
                if hit.kind == .object || hit.kind == .array {
                    return try findNested(document, view, isSealed: isSealed)
                }
                if !view.masksPlain { continue }
            }
            edits.append(
                Edit(
                    hit: hit, action: view.action(ofPath: hit.path), isSealed: isText,
                    isDirect: true))
        }
    }

    /// The same for a document in which an object or array is selected. A scan reports the outer
    /// one of two values only, so each path is followed by itself; a field has the action of the
    /// first path that selects it, or else of the first that selects something around it.
    private func findNested(
        _ document: RawSpan, _ view: RecordView, isSealed: Bool
    ) throws(FieldScanError) {
        edits.removeAll(keepingCapacity: true)
        if isSealed {
            try scanner.scan(document, DocumentShower.none, notesSealedText: true)
            for hit in scanner.hits {
                edits.append(
                    Edit(
                        hit: hit, action: view.action(ofPath: -1), isSealed: true, isDirect: false))
            }
        }
        let sealedCount = edits.count
        for (path, set) in view.single.enumerated() {
            try scanner.scan(document, set, notesSealedText: isSealed)
            for hit in scanner.hits where hit.path >= 0 {
                note(hit, path, view, isSealed: isSealed, sealedCount)
            }
        }
        if isSealed {
            // The names of the sealed fields, which the other scans have replaced.
            try scanner.scan(document, DocumentShower.none, notesSealedText: true)
        }
        edits.sort {
            ($0.hit.value.lowerBound, $0.action) < ($1.hit.value.lowerBound, $1.action)
        }
    }

    /// Notes what `path` selects. The first `sealedCount` edits are the sealed fields.
    private func note(
        _ hit: FieldHit, _ path: Int, _ view: RecordView, isSealed: Bool, _ sealedCount: Int
    ) {
        var index = firstSealed(from: hit.value.lowerBound, sealedCount)
        let isText = isSealed && hit.isSealedText
        while index < sealedCount, edits[index].hit.value.lowerBound < hit.value.upperBound {
            if isText {
                if !edits[index].isDirect {
                    edits[index].action = path
                    edits[index].isDirect = true
                }
            } else if !edits[index].isDirect, !edits[index].isAround {
                edits[index].action = path
                edits[index].isAround = true
            }
            index += 1
        }
        guard !isText, view.masksPlain else { return }
        edits.append(Edit(hit: hit, action: path, isSealed: false, isDirect: true))
    }

    /// Place of the first sealed field that begins at or behind `offset`.
    private func firstSealed(from offset: Int, _ sealedCount: Int) -> Int {
        var (low, high) = (0, sealedCount)
        while low < high {
            let middle = (low + high) / 2
            if edits[middle].hit.value.lowerBound < offset {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    // MARK: whole values

    /// Masks a whole value: a JSON text as the mask says, anything else by eight characters.
    ///
    /// - Returns: whether null is shown; `shown` has the value otherwise.
    internal func mask(whole value: RawSpan, _ mask: Mask) -> Bool {
        hide()
        shown.removeAll()
        if show(json: value, from: 0, mask) { return false }
        // Four bytes are shown as they are only before what is surely a document.
        if DocumentShower.prefixBytes(value) > 0,
            show(json: value, from: DocumentShower.schemaPrefixBytes, mask)
        {
            return false
        }
        counts.notJSON = 1
        if mask == .null { return true }
        shown.append(DocumentShower.redaction.description)
        return false
    }

    /// Shows the eight characters.
    internal func hide() {
        counts = OpeningCounts()
        counts.masked = 1
        shown.removeAll()
        shown.append(DocumentShower.redaction.description)
    }

    private func show(json value: RawSpan, from start: Int, _ mask: Mask) -> Bool {
        let document = value.extracting(start..<value.byteCount)
        do {
            try scanner.scan(document, DocumentShower.root, notesSealedText: false)
        } catch {
            return false
        }
        guard let hit = scanner.hits.first else { return false }
        if start > 0, hit.kind != .object, hit.kind != .array { return false }
        shown.append(value.extracting(0..<start + hit.value.lowerBound))
        masker.apply(mask, to: document.extracting(hit.value), into: shown)
        shown.append(document.extracting(hit.value.upperBound..<document.byteCount))
        return true
    }
}
