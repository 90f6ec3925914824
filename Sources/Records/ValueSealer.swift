// ValueSealer: seals records one by one where they need a decision each: keys, fields, compression.

internal import Bytes
internal import Envelope
internal import Fields
internal import KafkaWire
internal import Limits

/// The general form of sealing, for all that `BatchSealer` does not do in its short loops. One per
/// event loop; its storage is used again.
internal final class ValueSealer {
    private let fields = FieldSealer()
    private let compressor = ValueCompressor()
    /// Of each key the last part, counted from 1, in which a record carries it wrapped.
    private var namedIn: [Int] = []
    /// Where the header value stands that the last record's key was found by, and that key's place.
    private var lastValue = 0..<0
    private var lastPlace: Int?

    /// What is done to the current record.
    private enum Form {
        case copied
        /// Its value is sealed.
        case whole
        /// Fields are sealed; the value grows by so many bytes.
        case fields(grownBytes: Int)
    }

    /// Seals the records of `walk`, which stands at the first, into parts of `cutter`.
    internal func seal(
        _ head: RawSpan, _ records: RawSpan, _ walk: inout RecordWalk,
        _ cutter: inout BatchCutter, _ plan: SealingPlan, _ keys: SealingKeyChoice,
        _ output: ByteBuffer
    ) throws(RecordError) {
        begin(keys)
        while walk.hasRecord {
            try RecordForm.checkUnmarked(walk)
            let plain = walk.at - walk.layout.start
            var form = Form.copied
            var place = 0
            if walk.layout.valueBytes >= 0 {
                place = try self.place(records, walk, keys)
                form = try decide(records, walk, plan)
            }
            var isNamed = plan.leanForm && namedIn[place] == cutter.partCount
            var bytes = plain + ValueSealer.addedBytes(form, keys, place, isNamed)
            if !cutter.admits(bytes) {
                cutter.finish(at: walk.index, output)
                cutter.begin(head, at: walk.index, output)
                isNamed = false
                bytes = plain + ValueSealer.addedBytes(form, keys, place, isNamed)
            }
            guard output.count + bytes <= RecordLimits.outputBytesMax else {
                throw RecordError(
                    .limitExceeded, "the sealed records would grow out of proportion",
                    recordIndex: walk.index)
            }
            try write(records, walk, form, place, isNamed, cutter, plan, keys, output)
            var isSealed = true
            if case .copied = form { isSealed = false }
            cutter.add(bytes, isSealed: isSealed, timestampDelta: walk.layout.timestampDelta)
            try walk.advance(records)
        }
    }

    /// Appends the current record.
    @inline(__always)
    private func write(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ form: Form, _ place: Int,
        _ isNamed: Bool, _ cutter: borrowing BatchCutter, _ plan: SealingPlan,
        _ keys: SealingKeyChoice, _ output: ByteBuffer
    ) throws(RecordError) {
        let delta = walk.index - cutter.firstIndex
        switch form {
        case .copied:
            RecordForm.copy(records, walk, delta, output)
        case .whole:
            let key = ValueSealer.key(keys, place)
            try sealWhole(records, walk, delta, plan, key, isNamed, output)
            namedIn[place] = cutter.partCount
        case .fields(let grownBytes):
            let key = ValueSealer.key(keys, place)
            try sealFields(records, walk, delta, grownBytes, key, isNamed, output)
            namedIn[place] = cutter.partCount
        }
    }

    /// Gives back what an unusually large batch made grow.
    internal func release() {
        compressor.release()
        fields.release()
    }

    private func begin(_ keys: SealingKeyChoice) {
        lastPlace = nil
        namedIn.removeAll(keepingCapacity: true)
        var count = 1
        // Without a key there may still be records, all with null values.
        if case .byHeader(let table) = keys { count = max(table.keys.count, 1) }
        for _ in 0..<count { namedIn.append(0) }
    }

    private static func key(_ keys: SealingKeyChoice, _ place: Int) -> SealingKey {
        switch keys {
        case .one(let key): key
        case .byHeader(let table): table.keys[place]
        }
    }

    /// A bound of what sealing adds to a record.
    private static func addedBytes(
        _ form: Form, _ keys: SealingKeyChoice, _ place: Int, _ isNamed: Bool
    ) -> Int {
        if case .copied = form { return 0 }
        let added =
            isNamed ? SealingKey.leanAddedBytesMax : key(keys, place).addedBytesMax
        guard case .fields(let grownBytes) = form else { return added }
        return grownBytes + added - EnvelopeFormat.sealedOverheadBytes
    }

    /// The place of the current record's key.
    private func place(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ keys: SealingKeyChoice
    ) throws(RecordError) -> Int {
        guard case .byHeader(let table) = keys else { return 0 }
        let found = try RecordHeaderValue.find(table.name, records, walk)
        let value = records.extracting(found)
        if let lastPlace, records.extracting(lastValue).sameBytes(as: value) { return lastPlace }
        guard let place = table.place(of: value) else {
            throw RecordError(
                .sealFailed, "no data key was reserved for the record", recordIndex: walk.index)
        }
        lastValue = found
        lastPlace = place
        return place
    }

    private func decide(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ plan: SealingPlan
    ) throws(RecordError) -> Form {
        guard let paths = plan.fields else { return .whole }
        let start = walk.layout.valueStart
        let value = records.extracting(start..<start + walk.layout.valueBytes)
        do throws(FieldSealError) {
            let grownBytes = try fields.find(paths, in: value)
            return grownBytes.map { .fields(grownBytes: $0) } ?? .copied
        } catch {
            switch (error, plan.notJSON) {
            case (.notJSON, .seal), (.beyondLimit, .seal): return .whole
            case (.notJSON, .pass): return .copied
            default:
                throw RecordError(.invalidRecord, "\(error)", recordIndex: walk.index)
            }
        }
    }

    private func sealWhole(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ delta: Int, _ plan: SealingPlan,
        _ key: SealingKey, _ isNamed: Bool, _ output: ByteBuffer
    ) throws(RecordError) {
        let start = walk.layout.valueStart
        let value = records.extracting(start..<start + walk.layout.valueBytes)
        let wanted = plan.fields == nil ? plan.compression : .none
        let compression = compressor.compress(value, wanted)
        let header = key.header(flags: compression.rawValue, isWrapped: !isNamed)
        guard compression != .none else {
            return try RecordForm.seal(records, walk, delta, key, header, output)
        }
        let shorter = compressor.scratch
        RecordForm.begin(
            records, walk, delta, valueBytes: shorter.count + EnvelopeFormat.sealedOverheadBytes,
            headerBytes: header.count, output)
        do {
            try key.seal(shorter.bytes, compression: compression, into: output)
        } catch {
            throw RecordError(.sealFailed, "\(error)", recordIndex: walk.index)
        }
        RecordForm.end(records, walk, header, output)
    }

    private func sealFields(
        _ records: RawSpan, _ walk: borrowing RecordWalk, _ delta: Int, _ grownBytes: Int,
        _ key: SealingKey, _ isNamed: Bool, _ output: ByteBuffer
    ) throws(RecordError) {
        let start = walk.layout.valueStart
        let value = records.extracting(start..<start + walk.layout.valueBytes)
        let header = key.header(flags: EnvelopeFormat.flagFields, isWrapped: !isNamed)
        RecordForm.begin(
            records, walk, delta, valueBytes: value.byteCount + grownBytes,
            headerBytes: header.count, output)
        let valueStart = output.count
        do throws(EnvelopeError) {
            try fields.seal(value, key, into: output)
        } catch {
            guard case .badPath = error else {
                throw RecordError(.sealFailed, "\(error)", recordIndex: walk.index)
            }
            throw RecordError(.invalidRecord, "\(error)", recordIndex: walk.index)
        }
        precondition(
            output.count - valueStart == value.byteCount + grownBytes,
            "a sealed document has another length than was foretold")
        RecordForm.end(records, walk, header, output)
    }
}
