// SealFacts: how one stored record is sealed, as far as it can be seen without a key.

internal import Bytes
internal import Envelope
internal import Fields

/// What the `wax` header of a record and the form of its value tell.
internal struct SealFacts: Equatable {
    enum Form: String {
        /// The whole value is sealed.
        case whole
        /// Fields of the value are.
        case fields
        /// There is no seal.
        case plain
        /// There is no value, and nothing to seal.
        case null
        /// There is a seal that this version cannot read.
        case invalid
    }

    var form = Form.plain
    /// First byte of the header, and low nibble of the second; nil without them.
    var version: UInt8?
    var suite: UInt8?
    var compression = EnvelopeCompression.none
    /// Whether the record names its data key by the id only.
    var isLean = false
    /// `service/name`; nil when the dump does not say it before the record.
    var reference: String?
    var dataKeyID: UInt64?
    /// Sealed fields; 1 for a whole value.
    var sealedValues = 0
    /// Bytes of the value before it was sealed; of a compressed one when it was compressed.
    var plainBytes = 0
    /// Bytes by which sealing made the record larger, without the growth of lengths.
    var addedBytes = 0
    /// Why the form is invalid.
    var problem: String?

    /// The data-key id as it is written elsewhere, 16 hexadecimal digits.
    var dataKey: String? {
        dataKeyID.map { id in
            let digits = String(id, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
    }
}

/// Looks at records, one after the other.
internal struct SealInspector {
    private let scanner = FieldScanner()
    private let scratch = ByteBuffer(capacity: 256)
    private let noPaths: FieldPathSet
    private var names = SealNames()

    init() {
        do throws(FieldPathError) {
            noPaths = try FieldPathSet([])
        } catch {
            fatalError("a set without paths is refused: \(error)")
        }
    }

    mutating func facts(_ record: StoredRecord) -> SealFacts {
        var facts = SealFacts()
        facts.plainBytes = record.value?.count ?? 0
        let seals = record.headers.filter(\.isSeal)
        guard let first = seals.first else {
            facts.form = record.value == nil ? .null : .plain
            return facts
        }
        facts.form = .invalid
        facts.version = first.value?.first
        facts.suite = first.value?.dropFirst().first.map { $0 & 0x0f }
        guard seals.count == 1, let header = first.value else {
            facts.problem = seals.count == 1 ? "a wax header of null" : "more than one wax header"
            return facts
        }
        do throws(EnvelopeError) {
            let seal = try names.read(header, partition: record.partition)
            facts.compression = seal.parts.compression
            facts.isLean = !seal.isNamed
            facts.reference = seal.reference
            facts.dataKeyID = seal.parts.dataKeyID
            addSizes(record, header, isFields: seal.parts.isFields, &facts)
        } catch {
            facts.problem = "\(error)"
        }
        return facts
    }

    private func addSizes(
        _ record: StoredRecord, _ header: [UInt8], isFields: Bool, _ facts: inout SealFacts
    ) {
        guard let value = record.value else {
            facts.problem = "a null value with a wax header"
            return
        }
        let nameBytes = EnvelopeFormat.headerKey.utf8CodeUnitCount
        facts.addedBytes =
            Varint.byteCount(of: nameBytes) + nameBytes + Varint.byteCount(of: header.count)
            + header.count
        guard isFields else {
            guard value.count >= EnvelopeFormat.sealedOverheadBytes else {
                facts.problem = "a sealed value that is cut short"
                return
            }
            facts.form = .whole
            facts.sealedValues = 1
            facts.plainBytes = value.count - EnvelopeFormat.sealedOverheadBytes
            facts.addedBytes += EnvelopeFormat.sealedOverheadBytes
            return
        }
        // SAFETY: UInt8 has no padding; the array outlives the span.
        let bytes = unsafe value.span.bytes
        let document = bytes.extracting(FieldScanner.bodyStart(of: bytes)..<bytes.byteCount)
        do {
            try scanner.scanSealedText(document, noPaths)
        } catch {
            facts.problem = "the document with sealed fields: \(error)"
            return
        }
        for hit in scanner.hits {
            scratch.removeAll()
            guard FieldText.decode(document.extracting(hit.value), into: scratch) else {
                facts.problem = "the text of a sealed field is malformed"
                return
            }
            let grown =
                hit.value.count - (scratch.count - EnvelopeFormat.sealedOverheadBytes)
            facts.addedBytes += grown
            facts.plainBytes -= grown
        }
        facts.form = .fields
        facts.sealedValues = scanner.hits.count
    }
}
