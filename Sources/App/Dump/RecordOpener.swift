// RecordOpener: opens single records of a dump.

internal import Bytes
internal import Envelope
internal import KafkaWire
internal import Records

/// Opens records one by one, as batches of one, by the code that opens what consumers fetch. So a
/// record that does not open costs no other.
internal struct RecordOpener {
    /// What a record came to.
    enum Outcome: Equatable {
        /// It carries no seal.
        case plain
        /// Its value, as the producer sent it.
        case opened([UInt8])
        case failed(String)
    }

    private let keys: DumpKeys
    private let opener = BatchOpener()
    private let batch = ByteBuffer(capacity: 4_096)
    private let output = ByteBuffer(capacity: 4_096)
    private var names = SealNames()
    private let mark = RecordHeaderKey(EnvelopeFormat.headerKey)

    init(keys: DumpKeys) { self.keys = keys }

    /// - Parameter topic: the name that values were bound to when they were sealed.
    mutating func open(_ record: StoredRecord, topic: String) -> Outcome {
        let seals = record.headers.filter(\.isSeal)
        guard let first = seals.first else { return .plain }
        var values = seals.map(\.value)
        if seals.count == 1, let value = first.value {
            do throws(EnvelopeError) {
                values = [try names.read(value, partition: record.partition).value]
            } catch {
                return .failed("\(error)")
            }
        }
        write(record, values)
        let (batch, output) = (batch, output)
        output.removeAll()
        do throws(RecordError) {
            let result = try opener.open(
                records: batch.bytes, topic: topic, keys: keys, into: output)
            switch result {
            case .missingKeys: return .failed(keys.failure)
            case .unchanged: return .failed("the record is not opened")
            case .opened(let range): return value(range)
            }
        } catch {
            let hint =
                RecordOpener.looksRewritten(record)
                ? "; it holds U+FFFD, as text does that was read as UTF-8 and written again" : ""
            return .failed(error.reason + hint)
        }
    }

    private func write(_ record: StoredRecord, _ seals: [[UInt8]?]) {
        batch.removeAll()
        var writer = RecordBatchWriter(batch)
        writer.append(
            key: nil, value: record.value,
            headers: seals.map { (EnvelopeFormat.headerKey.description, $0) }, into: batch)
        writer.finish(batch)
    }

    /// The value of the one record of the batch at `range` of the output.
    private func value(_ range: Range<Int>) -> Outcome {
        let output = output
        let body = output.bytes(
            in: range.lowerBound + RecordBatchHeader.byteCount..<range.upperBound)
        var layout = RecordLayout()
        do {
            try layout.read(body, at: 0, mark: mark)
        } catch {
            return .failed("\(error)")
        }
        guard layout.valueBytes >= 0, layout.markCount == 0 else {
            return .failed("the record is not opened")
        }
        return .opened(
            body.extracting(layout.valueStart..<layout.valueStart + layout.valueBytes).array)
    }

    /// Whether bytes that were no UTF-8 may have been replaced.
    private static func looksRewritten(_ record: StoredRecord) -> Bool {
        let parts = record.headers.filter(\.isSeal).map(\.value) + [record.value]
        return parts.contains { bytes in
            let bytes = bytes ?? []
            return bytes.indices.dropLast(2).contains {
                bytes[$0] == 0xef && bytes[$0 + 1] == 0xbf && bytes[$0 + 2] == 0xbd
            }
        }
    }
}
