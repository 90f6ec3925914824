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
        let value: Range<Int>
        /// The value's path in `names`.
        let name: Range<Int>
        /// Place of the value's hit among those it was found with.
        let hit: Int
        /// Place of the action in the view; of two paths the lower counts.
        let action: Int
        /// Whether the value is the text of a sealed field, and not shown as it is stored.
        let isSealed: Bool
    }

    /// A plain value that is shown in clear: paths behind `action` say nothing of what is in it.
    private struct ClearArea {
        let end: Int
        let action: Int
    }

    /// The document that is shown, prefix included, after `shown`.
    internal let shown = ByteBuffer(capacity: 256)
    /// What became of the last document's values.
    internal private(set) var counts = OpeningCounts()

    private let masker: Masker
    private let scanner: FieldScanner
    private let names: ByteBuffer
    private var removal = FieldRemoval()
    private let sealed = ByteBuffer(capacity: 256)
    private let text = ByteBuffer(capacity: 256)
    /// Whether `edits` says what is done; else each hit of the scanner is a sealed field.
    private var isListed = false
    private var edits: [Edit] = []
    /// The hits of `edits` when several scans found them; else empty, and the scanner has them.
    private var nested: [FieldHit] = []
    private var clearAreas: [ClearArea] = []

    /// What is shown of a whole value that is not JSON: eight characters, whatever its length.
    private static let redaction: StaticString = "********"
    private static let root: FieldPathSet = {
        do throws(FieldPathError) {
            return try FieldPathSet([FieldPath("$")])
        } catch {
            fatalError("the path of the document itself is refused: \(error)")
        }
    }()

    internal init(masker: Masker) {
        self.masker = masker
        scanner = FieldScanner()
        names = scanner.names
    }

    /// Gives scratch space back that an unusually large document made grow.
    internal func release() {
        for buffer in [shown, sealed, text] {
            buffer.removeAll(keepingAtMost: RecordLimits.scratchBytesKept)
        }
    }

    // MARK: documents

    /// Shows a document with sealed fields.
    ///
    /// - Parameters:
    ///   - key: the record's data key; nil when it is not at hand.
    ///   - entity: the record's own key: whose values they are.
    /// - Throws: `openFailed` for what is no document, or has a sealed field that does not open.
    internal func show(
        _ value: RawSpan, _ view: RecordView, key: OpeningKey?, entity: RawSpan
    ) throws(RecordError) -> Outcome {
        let prefix = FieldScanner.bodyStart(of: value)
        let document = value.extracting(prefix..<value.byteCount)
        do {
            try find(document, view, isSealed: true)
        } catch {
            throw RecordError(.openFailed, "the document with sealed fields: \(error)")
        }
        if key == nil, needsKey(view) { return .needsKey }
        shown.removeAll()
        shown.append(value.extracting(0..<prefix))
        return try build(document, view, key, entity)
    }

    /// Shows a document that carries no seal, its fields as if they had been sealed. One that is
    /// beyond the limits of what can be looked into is hidden.
    ///
    /// - Returns: nil when the value is no document.
    internal func show(plain value: RawSpan, _ view: RecordView, entity: RawSpan) -> Outcome? {
        let prefix = FieldScanner.bodyStart(of: value)
        let document = value.extracting(prefix..<value.byteCount)
        do {
            try find(document, view, isSealed: false)
        } catch {
            guard error.isLimit else { return nil }
            hide()
            return .shown(leavesSealed: false)
        }
        shown.removeAll()
        shown.append(value.extracting(0..<prefix))
        guard let outcome = try? build(document, view, nil, entity) else { return nil }
        if case .shown = outcome, counts.masked + counts.droppedFields == 0 { return .asStored }
        return outcome
    }

    private func needsKey(_ view: RecordView) -> Bool {
        let hits = scanner.hits
        return (0..<(isListed ? edits.count : hits.count)).contains { place in
            let edit = edit(place, hits, view)
            let step = view.steps[edit.action]
            return edit.isSealed && (step == .clear || step == .mask)
        }
    }

    /// One of the edits, in the order of their places. The hits, which are the scanner's, are a
    /// parameter so that no reference is counted for each.
    @inline(__always)
    private func edit(_ place: Int, _ hits: [FieldHit], _ view: RecordView) -> Edit {
        if isListed { return edits[place] }
        return Edit(
            value: hits[place].value, name: hits[place].name, hit: place,
            action: view.action(ofPath: hits[place].path), isSealed: true)
    }

    /// Writes the document, but for what the edits say.
    private func build(
        _ document: RawSpan, _ view: RecordView, _ key: OpeningKey?, _ entity: RawSpan
    ) throws(RecordError) -> Outcome {
        counts = OpeningCounts()
        removal.begin()
        // Held here, so that no reference is counted per field.
        let (shown, text, masker, names, sealed) = (shown, text, masker, names, sealed)
        let (steps, masks, hits) = (view.steps, view.masks, scanner.hits)
        var at = 0
        var decided = -1
        if !clearAreas.isEmpty { clearAreas.removeAll(keepingCapacity: true) }
        var leavesSealed = false
        for place in 0..<(isListed ? edits.count : hits.count) {
            let edit = edit(place, hits, view)
            let range = edit.value
            guard range.lowerBound >= max(at, decided + 1) else { continue }
            decided = range.lowerBound
            let step = steps[edit.action]
            if edit.isSealed, step == .sealed {
                leavesSealed = true
                counts.leftSealed += 1
                continue
            }
            if !edit.isSealed {
                if isClear(edit) { continue }
                if step == .clear {
                    clearAreas.append(ClearArea(end: range.upperBound, action: edit.action))
                    continue
                }
            }
            if step == .drop {
                counts.droppedFields += 1
                let isNested = isListed && !nested.isEmpty
                let hit = isNested ? nested[edit.hit] : hits[edit.hit]
                guard let gone = removal.removal(of: hit, in: document) else { return .dropped }
                shown.append(document.extracting(at..<max(at, gone.lowerBound)))
                at = max(at, gone.upperBound)
                continue
            }
            shown.append(document.extracting(at..<range.lowerBound))
            at = range.upperBound
            let field = document.extracting(range)
            if !edit.isSealed {
                masker.apply(masks[edit.action], to: field, entity: entity, into: shown)
                counts.masked += 1
            } else if step == .clear {
                try DocumentShower.open(field, edit.name, key, names, sealed, into: shown)
                counts.opened += 1
            } else {
                text.removeAll()
                try DocumentShower.open(field, edit.name, key, names, sealed, into: text)
                masker.apply(masks[edit.action], to: text.bytes, entity: entity, into: shown)
                counts.masked += 1
            }
        }
        if leavesSealed, at == 0 { return .asStored }
        shown.append(document.extracting(at..<document.byteCount))
        return .shown(leavesSealed: leavesSealed)
    }

    /// Appends the text that a field had before it was sealed. The buffers are parameters so that
    /// no reference is counted per field.
    private static func open(
        _ field: RawSpan, _ name: Range<Int>, _ key: OpeningKey?, _ names: ByteBuffer,
        _ sealed: ByteBuffer, into output: ByteBuffer
    ) throws(RecordError) {
        sealed.removeAll()
        guard key != nil, FieldText.decode(field, into: sealed) else {
            throw RecordError(.openFailed, "the text of a sealed field is malformed")
        }
        do {
            try key?.open(field: sealed.bytes, path: names.bytes(in: name), into: output)
        } catch {
            throw RecordError(.openFailed, "a sealed field does not open: \(error)")
        }
    }

    /// Whether a value around this plain one is shown in clear by an earlier path.
    private func isClear(_ edit: Edit) -> Bool {
        let start = edit.value.lowerBound
        while let last = clearAreas.last, last.end <= start { clearAreas.removeLast() }
        return clearAreas.contains { $0.action < edit.action }
    }

    // MARK: finding fields

    /// Finds the values of `document` that the view says something of.
    ///
    /// - Parameter isSealed: strings with the mark of sealed text are sealed fields.
    private func find(
        _ document: RawSpan, _ view: RecordView, isSealed: Bool
    ) throws(FieldScanError) {
        isListed = view.masksPlain
        if !isListed { return try scanner.scanSealedText(document, view.selected) }
        edits.removeAll(keepingCapacity: true)
        nested.removeAll(keepingCapacity: true)
        try scanner.scan(document, view.selected, notesSealedText: isSealed)
        for (place, hit) in scanner.hits.enumerated() {
            let action = view.action(ofPath: hit.path)
            let isContainer = hit.kind == .object || hit.kind == .array
            // Paths may say something else of what lies in it.
            if isContainer, view.steps[action] == .clear {
                return try findNested(document, view, isSealed: isSealed)
            }
            let isSealedText = isSealed && hit.isSealedText
            edits.append(
                Edit(
                    value: hit.value, name: hit.name, hit: place, action: action,
                    isSealed: isSealedText))
        }
    }

    /// The same as `find` where a plain object or array is shown in clear. A scan reports the outer
    /// one of two values only, so each path is followed by itself.
    private func findNested(
        _ document: RawSpan, _ view: RecordView, isSealed: Bool
    ) throws(FieldScanError) {
        edits.removeAll(keepingCapacity: true)
        for (path, set) in view.single.enumerated() {
            try scanner.scan(document, set, notesSealedText: false)
            for hit in scanner.hits where !(isSealed && hit.isSealedText) {
                edits.append(
                    Edit(
                        value: hit.value, name: hit.name, hit: nested.count, action: path,
                        isSealed: false))
                nested.append(hit)
            }
        }
        // Last, because the names of the sealed fields are needed to open them.
        if isSealed {
            try scanner.scanSealedText(document, view.selected)
            for hit in scanner.hits {
                edits.append(
                    Edit(
                        value: hit.value, name: hit.name, hit: nested.count,
                        action: view.action(ofPath: hit.path), isSealed: true))
                nested.append(hit)
            }
        }
        edits.sort { ($0.value.lowerBound, $0.action) < ($1.value.lowerBound, $1.action) }
    }

    // MARK: whole values

    /// Masks a whole value: a JSON text as the mask says, anything else by eight characters.
    ///
    /// - Returns: whether null is shown; `shown` has the value otherwise.
    internal func mask(whole value: RawSpan, _ mask: Mask, entity: RawSpan) -> Bool {
        hide()
        shown.removeAll()
        if show(json: value, from: 0, mask, entity) { return false }
        // Four bytes are shown as they are only before what is surely a document.
        let prefix = FieldScanner.bodyStart(of: value)
        if prefix > 0, show(json: value, from: prefix, mask, entity) { return false }
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

    private func show(
        json value: RawSpan, from start: Int, _ mask: Mask, _ entity: RawSpan
    ) -> Bool {
        let document = value.extracting(start..<value.byteCount)
        do {
            try scanner.scan(document, DocumentShower.root, notesSealedText: false)
        } catch {
            return false
        }
        guard let hit = scanner.hits.first else { return false }
        if start > 0, hit.kind != .object, hit.kind != .array { return false }
        shown.append(value.extracting(0..<start + hit.value.lowerBound))
        masker.apply(mask, to: document.extracting(hit.value), entity: entity, into: shown)
        shown.append(document.extracting(hit.value.upperBound..<document.byteCount))
        return true
    }
}
