// BatchOpener+Records: what is done to the single records of a batch.

internal import Bytes
internal import Envelope
internal import KafkaWire

extension BatchOpener {
    // MARK: sealed records

    /// Shows the current record, which has a `wax` header, and those after it whose header is the
    /// same.
    internal func openSealed(
        _ records: RawSpan, _ body: RawSpan, _ header: RecordBatchHeader, _ task: OpeningTask,
        _ keys: some OpeningKeys, _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        let mark: RecordMark
        do throws(RecordError) {
            mark = try keyring.mark(body, walk.layout)
        } catch {
            try deliver(unopenable: error, nil, records, body, task, &progress, &walk)
            return try walk.advance(body)
        }
        if mark.isFields {
            return try showDocuments(mark, records, body, header, task, keys, &progress, &walk)
        }
        switch task.view.whole {
        case .sealed:
            try leaveRun(mark, records, body, task, &progress, &walk)
        case .drop:
            try progress.verify(records, header)
            try dropRun(records, body, task, &progress, &walk)
        case .clear, .mask:
            try progress.verify(records, header)
            try showValues(mark, records, body, task, keys, &progress, &walk)
        }
    }

    /// Leaves the current record and those like it as they are stored.
    private func leaveRun(
        _ mark: RecordMark, _ records: RawSpan, _ body: RawSpan, _ task: OpeningTask,
        _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        let first = walk.index
        try leave(mark, records, body, task, &progress, &walk)
        try skipRun(body, &walk)
        counts.leftSealed += walk.index - first
    }

    /// Leaves the current record as it is stored, but for a header that others must complete.
    private func leave(
        _ mark: RecordMark, _ records: RawSpan, _ body: RawSpan, _ task: OpeningTask,
        _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        guard let place = keyring.deliver(mark), !progress.isMissingKeys else { return }
        try progress.change(records, body, task.output)
        let start = walk.layout.valueStart
        try OpenedRecord.write(
            body, &walk, value: body.extracting(start..<start + walk.layout.valueBytes),
            isNull: false, .complete(place), task.output)
    }

    private func dropRun(
        _ records: RawSpan, _ body: RawSpan, _ task: OpeningTask,
        _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        let markStart = walk.layout.markValueStart
        let mark = body.extracting(markStart..<markStart + walk.layout.markValueBytes)
        repeat {
            try drop(records, body, task, &progress, &walk)
            try walk.advance(body)
        } while walk.repeats(mark, in: body)
    }

    /// Leaves the current record out.
    private func drop(
        _ records: RawSpan, _ body: RawSpan, _ task: OpeningTask,
        _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        guard task.mayDrop else {
            throw RecordError(.refused, "the record is not shown, and cannot be left out here")
        }
        guard !progress.isMissingKeys else { return }
        try progress.change(records, body, task.output)
        progress.drop(body, &walk, task.output)
        counts.droppedRecords += 1
    }

    /// Steps over the current record and those after it that carry the same `wax` header.
    private func skipRun(_ body: RawSpan, _ walk: inout RecordWalk) throws(RecordError) {
        let markStart = walk.layout.markValueStart
        let mark = body.extracting(markStart..<markStart + max(walk.layout.markValueBytes, 0))
        repeat { try walk.advance(body) } while walk.repeats(mark, in: body)
    }

    /// Deals with a record that does not open: an error, or it is delivered as it is stored.
    ///
    /// - Parameter mark: what its header says; nil when that is not known.
    private func deliver(
        unopenable error: RecordError, _ mark: RecordMark?, _ records: RawSpan, _ body: RawSpan,
        _ task: OpeningTask, _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        guard task.view.deliversUnopenable,
            error.code == .openFailed || error.code == .unsupportedFormat
        else { throw error }
        counts.unopenable += 1
        if let mark { try leave(mark, records, body, task, &progress, &walk) }
    }

    // MARK: whole values

    /// Opens or masks the current record and those like it.
    private func showValues(
        _ mark: RecordMark, _ records: RawSpan, _ body: RawSpan, _ task: OpeningTask,
        _ keys: some OpeningKeys, _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        let key: OpeningKey
        do throws(RecordError) {
            guard let found = try keyring.key(mark, body, task.topic, keys) else {
                progress.missKey()
                return try skipRun(body, &walk)
            }
            key = found
        } catch {
            try deliver(unopenable: error, mark, records, body, task, &progress, &walk)
            return try walk.advance(body)
        }
        guard !progress.isMissingKeys else { return try skipRun(body, &walk) }
        try progress.change(records, body, task.output)
        if case .clear = task.view.whole, mark.compression == .none {
            return try openRun(mark, key, records, body, task, &progress, &walk)
        }
        let markStart = walk.layout.markValueStart
        let markValue = body.extracting(markStart..<markStart + walk.layout.markValueBytes)
        repeat {
            do throws(RecordError) {
                try showValue(mark, key, body, task, &walk)
            } catch {
                try deliver(unopenable: error, mark, records, body, task, &progress, &walk)
            }
            try walk.advance(body)
        } while walk.repeats(markValue, in: body)
    }

    /// Opens the current record and those like it, straight into the output. The key is a
    /// parameter so that no reference is counted per record.
    private func openRun(
        _ mark: RecordMark, _ key: OpeningKey, _ records: RawSpan, _ body: RawSpan,
        _ task: OpeningTask, _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        let output = task.output
        let markStart = walk.layout.markValueStart
        let markValue = body.extracting(markStart..<markStart + walk.layout.markValueBytes)
        repeat {
            let before = output.count
            do throws(RecordError) {
                try openRecord(body, key, walk, output)
                walk.copied = walk.layout.markEnd
                counts.opened &+= 1
            } catch {
                output.truncate(to: before)
                try deliver(unopenable: error, mark, records, body, task, &progress, &walk)
            }
            try walk.advance(body)
        } while walk.repeats(markValue, in: body)
    }

    /// Appends everything that is not in the output yet, up to the headers that follow the `wax`
    /// header of the current record, with its value opened.
    @inline(__always)
    private func openRecord(
        _ body: RawSpan, _ key: OpeningKey, _ walk: borrowing RecordWalk, _ output: ByteBuffer
    ) throws(RecordError) {
        let plainBytes = walk.layout.valueBytes - EnvelopeFormat.sealedOverheadBytes
        guard plainBytes >= 0 else {
            throw RecordError(.openFailed, "the sealed value is cut short")
        }
        let headerCount = walk.layout.headerCount - 1
        let headersStart = walk.layout.headersStart
        let markBytes = walk.layout.markEnd - walk.layout.markStart
        let length =
            walk.layout.valueLengthStart - walk.layout.bodyStart
            + Varint.byteCount(of: plainBytes) + plainBytes
            + Varint.byteCount(of: headerCount) + walk.at - headersStart - markBytes
        output.append(
            body.extracting(walk.copied..<walk.layout.start), varint: length,
            body.extracting(walk.layout.bodyStart..<walk.layout.valueLengthStart),
            varint: plainBytes)
        let valueStart = walk.layout.valueStart
        do {
            try key.open(
                body.extracting(valueStart..<valueStart + walk.layout.valueBytes), into: output)
        } catch {
            throw RecordError(.openFailed, "the sealed value does not open: \(error)")
        }
        output.append(varint: Int64(headerCount))
        if walk.layout.markStart > headersStart {
            output.append(body.extracting(headersStart..<walk.layout.markStart))
        }
    }

    /// Writes the current record with its value opened, decompressed and masked.
    private func showValue(
        _ mark: RecordMark, _ key: OpeningKey, _ body: RawSpan, _ task: OpeningTask,
        _ walk: inout RecordWalk
    ) throws(RecordError) {
        let start = walk.layout.valueStart
        plaintext.removeAll()
        do {
            try key.open(
                body.extracting(start..<start + walk.layout.valueBytes),
                compression: mark.compression, into: plaintext)
        } catch {
            throw RecordError(.openFailed, "the sealed value does not open: \(error)")
        }
        var value = plaintext
        if mark.compression != .none {
            let compressed = plaintext
            inflated.removeAll()
            try inflater.inflate(value: compressed.bytes, mark.compression, into: inflated)
            value = inflated
        }
        if case .mask(let mask) = task.view.whole {
            let own = OpenedRecord.key(body, walk)
            let isNull = shower.mask(whole: value.bytes, mask, entity: body.extracting(own))
            let shown = shower.shown
            try OpenedRecord.write(
                body, &walk, value: shown.bytes, isNull: isNull, .remove, task.output)
            counts.add(shower.counts)
        } else {
            try OpenedRecord.write(
                body, &walk, value: value.bytes, isNull: false, .remove, task.output)
            counts.opened += 1
        }
    }

    // MARK: documents

    /// Shows the current record, a document with sealed fields, and those after it whose header is
    /// the same.
    private func showDocuments(
        _ mark: RecordMark, _ records: RawSpan, _ body: RawSpan, _ header: RecordBatchHeader,
        _ task: OpeningTask, _ keys: some OpeningKeys, _ progress: inout OpeningProgress,
        _ walk: inout RecordWalk
    ) throws(RecordError) {
        let markStart = walk.layout.markValueStart
        let markValue = body.extracting(markStart..<markStart + walk.layout.markValueBytes)
        var key = keyring.known(mark)
        try progress.verify(records, header)
        repeat {
            do throws(RecordError) {
                let start = walk.layout.valueStart
                let value = body.extracting(start..<start + walk.layout.valueBytes)
                let isLooking = progress.isMissingKeys
                let own = OpenedRecord.key(body, walk)
                var outcome = try shower.show(
                    value, task.view, key: isLooking ? nil : key, entity: body.extracting(own))
                if case .needsKey = outcome {
                    key = try keyring.key(mark, body, task.topic, keys)
                    if key != nil, !isLooking {
                        outcome = try shower.show(
                            value, task.view, key: key, entity: body.extracting(own))
                    }
                }
                try take(outcome, mark, records, body, task, &progress, &walk)
            } catch {
                try deliver(unopenable: error, mark, records, body, task, &progress, &walk)
            }
            try walk.advance(body)
        } while walk.repeats(markValue, in: body)
    }

    /// Writes the current record as `outcome` says.
    private func take(
        _ outcome: DocumentShower.Outcome, _ mark: RecordMark, _ records: RawSpan, _ body: RawSpan,
        _ task: OpeningTask, _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        switch outcome {
        case .needsKey: return progress.missKey()
        case .dropped: return try drop(records, body, task, &progress, &walk)
        case .asStored: try leave(mark, records, body, task, &progress, &walk)
        case .shown(let leavesSealed):
            guard !progress.isMissingKeys else { return }
            try progress.change(records, body, task.output)
            var change = MarkChange.remove
            if leavesSealed { change = keyring.deliver(mark).map { .complete($0) } ?? .keep }
            let shown = shower.shown
            try OpenedRecord.write(
                body, &walk, value: shown.bytes, isNull: false, change, task.output)
        }
        counts.add(shower.counts)
    }

    // MARK: plain records

    /// Shows the current record, which has a value and no seal.
    internal func showPlain(
        _ records: RawSpan, _ body: RawSpan, _ header: RecordBatchHeader, _ task: OpeningTask,
        _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        counts.plain += 1
        switch task.view.plain {
        case .deliver: return
        case .refuse:
            throw RecordError(.refused, "a record without seal, which the rule refuses")
        case .mask: break
        }
        try progress.verify(records, header)
        let start = walk.layout.valueStart
        let value = body.extracting(start..<start + walk.layout.valueBytes)
        guard task.view.isByField else {
            return try showPlain(whole: value, records, body, task, &progress, &walk)
        }
        let own = OpenedRecord.key(body, walk)
        switch shower.show(plain: value, task.view, entity: body.extracting(own)) {
        case nil:
            counts.notJSON += 1
            try showPlain(whole: value, records, body, task, &progress, &walk)
        case .asStored?, .needsKey?: return
        case .dropped?: try drop(records, body, task, &progress, &walk)
        case .shown?:
            try writePlain(isNull: false, records, body, task, &progress, &walk)
        }
    }

    private func showPlain(
        whole value: RawSpan, _ records: RawSpan, _ body: RawSpan, _ task: OpeningTask,
        _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        switch task.view.whole {
        case .clear: return
        case .drop: try drop(records, body, task, &progress, &walk)
        case .sealed:
            // There is nothing sealed to show: what may not be seen is hidden.
            shower.hide()
            try writePlain(isNull: false, records, body, task, &progress, &walk)
        case .mask(let mask):
            let own = OpenedRecord.key(body, walk)
            let isNull = shower.mask(whole: value, mask, entity: body.extracting(own))
            try writePlain(isNull: isNull, records, body, task, &progress, &walk)
        }
    }

    private func writePlain(
        isNull: Bool, _ records: RawSpan, _ body: RawSpan, _ task: OpeningTask,
        _ progress: inout OpeningProgress, _ walk: inout RecordWalk
    ) throws(RecordError) {
        counts.add(shower.counts)
        guard !progress.isMissingKeys else { return }
        try progress.change(records, body, task.output)
        let shown = shower.shown
        try OpenedRecord.write(body, &walk, value: shown.bytes, isNull: isNull, .keep, task.output)
    }
}
