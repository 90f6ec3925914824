// ViewFixtures: sealed batches of every form and readers with views, for tests of what is shown.

import Bytes
import Envelope
import Fields
import KafkaWire
import Masks
import Testing

@testable import Records

typealias ViewAction = RecordView.ViewAction

/// What one reader was given.
struct Shown {
    let result: OpenResult
    /// What is delivered: the output, or the input when nothing changed; empty for missing keys.
    let bytes: [UInt8]
    let counts: OpeningCounts

    /// The records of all batches.
    func records() throws -> [PlainRecord] { try read(bytes).flatMap(\.records) }

    /// The values of all records as text; nil for null.
    func texts() throws -> [String?] {
        try records().map { $0.value.map { String(decoding: $0, as: UTF8.self) } }
    }
}

/// One opener and what it is asked with.
struct Reader {
    let opener = BatchOpener(masker: Masker(tokenKey: nil))

    func open(
        _ stored: [UInt8], _ view: RecordView, _ keys: KeysAtHand, topic: String = "orders",
        mayDrop: Bool = true
    ) throws(RecordError) -> Shown {
        let input = filled(stored)
        let output = filled([8, 8])
        defer { #expect(output.array.prefix(2) == [8, 8]) }
        let result: OpenResult
        do throws(RecordError) {
            result = try opener.open(
                records: input.bytes, topic: topic, view: view, keys: keys, mayDrop: mayDrop,
                into: output)
        } catch {
            #expect(output.count == 2)
            throw error
        }
        guard case .opened(let range) = result else {
            #expect(output.count == 2)
            let bytes = result == .unchanged ? stored : []
            return Shown(result: result, bytes: bytes, counts: opener.counts)
        }
        #expect(range == 2..<output.count)
        return Shown(
            result: result, bytes: output.bytes(in: range).array, counts: opener.counts)
    }

    /// Why `stored` is not shown.
    func failure(
        _ stored: [UInt8], _ view: RecordView, _ keys: KeysAtHand, topic: String = "orders",
        mayDrop: Bool = true
    ) -> RecordError? {
        do throws(RecordError) {
            _ = try open(stored, view, keys, topic: topic, mayDrop: mayDrop)
            return nil
        } catch {
            return error
        }
    }
}

func paths(_ texts: [String]) throws -> FieldPathSet {
    try FieldPathSet(texts.map { try FieldPath($0) })
}

/// A view whose defaults are those of a reader without any grant.
func view(
    whole: ViewAction = .sealed, _ fields: [(String, ViewAction)] = [],
    rest: ViewAction = .mask(.redact), plain: PlainRecordChoice = .deliver,
    unopenable: UnopenableChoice = .refuse, protected: [String]? = nil
) throws -> RecordView {
    try RecordView(
        whole: whole, fields: fields.isEmpty ? nil : try paths(fields.map(\.0)),
        actions: fields.map(\.1), rest: rest, plain: plain, unopenable: unopenable,
        protectedFields: try protected.map { try paths($0) })
}

/// A mask by its name, with its main setting.
func mask(_ kind: String, _ setting: MaskArgument? = nil) throws -> ViewAction {
    .mask(try Mask.make(kind: kind, arguments: setting.map { [(name: "", value: $0)] } ?? []))
}

/// `records` in one batch, sealed.
func sealedBatch(
    _ records: [PlainRecord], _ pair: KeyPair, fields: [String]? = nil, lean: Bool = false,
    compression: EnvelopeCompression = .none, notJSON: NotJSONChoice = .refuse,
    topic: String = "orders"
) throws -> [UInt8] {
    var plan = SealingPlan(topic: topic, bytesMax: 64 << 20)
    plan.fields = try fields.map { try paths($0) }
    plan.leanForm = lean
    plan.compression = compression
    plan.notJSON = notJSON
    let output = ByteBuffer()
    let plain = try batch(records)
    _ = try BatchSealer().seal(
        batch: plain.bytes, plan: plan, keys: .one(pair.sealing), into: output)
    return output.array
}

/// Records with these texts as values; nil for null.
func documents(_ texts: [String?]) -> [PlainRecord] {
    texts.enumerated().map { index, text in
        PlainRecord(
            key: [UInt8]("key-\(index)".utf8), value: text.map { [UInt8]($0.utf8) },
            headers: [.init("trace", [UInt8(truncatingIfNeeded: index)])])
    }
}

/// How values are sealed.
enum Form: CaseIterable {
    case perRecord, lean, zstd, lz4

    func stored(_ records: [PlainRecord], _ pair: KeyPair) throws -> [UInt8] {
        switch self {
        case .perRecord: try sealedBatch(records, pair)
        case .lean: try sealedBatch(records, pair, lean: true)
        case .zstd: try sealedBatch(records, pair, lean: true, compression: .zstd)
        case .lz4: try sealedBatch(records, pair, compression: .lz4)
        }
    }
}
