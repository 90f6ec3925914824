// SealingFixtures: plans, and sealing and opening in one call, for the tests of sealing.

import Bytes
import Crypto
import Envelope
import Fields
import KafkaWire
import Testing

@testable import Records

/// One loop's sealer and opener.
struct SealAndOpen {
    let sealer = BatchSealer()
    let opener = BatchOpener()

    /// The parts of the sealed batch, and the output that they stand in.
    func seal(
        _ batch: ByteBuffer, _ plan: SealingPlan, _ keys: SealingKeyChoice
    ) throws(RecordError) -> (parts: SealedBatch, bytes: [UInt8]) {
        let output = ByteBuffer()
        let parts = try sealer.seal(batch: batch.bytes, plan: plan, keys: keys, into: output)
        return (parts, output.array)
    }

    /// The error of sealing, after checking that the output was left alone.
    func refusal(
        _ batch: ByteBuffer, _ plan: SealingPlan, _ keys: SealingKeyChoice
    ) -> RecordError? {
        let output = filled([1])
        do throws(RecordError) {
            _ = try sealer.seal(batch: batch.bytes, plan: plan, keys: keys, into: output)
            return nil
        } catch {
            #expect(output.array == [1])
            return error
        }
    }

    /// The records as a reader who may see everything gets them.
    func open(
        _ bytes: [UInt8], _ keys: KeysAtHand, topic: String = "orders"
    ) throws -> [PlainRecord] {
        let (input, output) = (filled(bytes), ByteBuffer())
        let result = try opener.open(
            records: input.bytes, topic: topic, keys: keys, into: output)
        switch result {
        case .unchanged: return try read(bytes).flatMap(\.records)
        case .opened(let range):
            return try read(output.bytes(in: range).array).flatMap(\.records)
        case .missingKeys:
            Issue.record("a key is missing")
            return []
        }
    }
}

/// A plan for topic `orders`.
func plan(
    lean: Bool = false, compression: EnvelopeCompression = .none, fields: [String]? = nil,
    notJSON: NotJSONChoice = .refuse, bytesMax: Int = 1 << 20
) throws -> SealingPlan {
    var plan = SealingPlan(topic: "orders", bytesMax: bytesMax)
    plan.leanForm = lean
    plan.compression = compression
    plan.fields = try fields.map { paths in
        try FieldPathSet(paths.map { try FieldPath($0) })
    }
    plan.notJSON = notJSON
    return plan
}

/// Everything of a record that sealing has to keep; offset deltas are the broker's.
func contents(_ records: [PlainRecord]) -> [PlainRecord] {
    records.map { record in
        var record = record
        record.offsetDelta = nil
        return record
    }
}

extension PlainRecord {
    /// A record of a text value.
    init(text: String, headers: [Header] = []) {
        self.init(key: nil, value: Array(text.utf8), headers: headers)
    }

    /// The value of the `wax` header.
    var wax: [UInt8]? { headers.first { $0.key == "wax" }?.value }

    /// The flags in the `wax` header; nil when the record has none.
    var waxFlags: UInt8? { wax.map { $0[1] & 0xf0 } }
}
