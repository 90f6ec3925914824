// SampleRecord: takes one sample value through sealing and opening, as a proxy would.

internal import Bytes
internal import Crypto
internal import Envelope
internal import Fields
internal import KafkaWire
internal import KeyService
internal import Limits
internal import Masks
internal import Proxy
internal import Records
internal import Rules

/// A value that is produced and fetched again, under a data key that nobody keeps.
internal struct SampleRecord {
    /// What the broker would store.
    enum Stored: Equatable {
        /// The record is refused.
        case refused(String)
        case asItCame([UInt8])
        /// The whole value is sealed.
        case whole([UInt8])
        /// The document has sealed fields.
        case fields([UInt8])
    }

    /// What the client would be given.
    enum Seen: Equatable {
        /// Byte for byte what is stored.
        case asStored
        case value([UInt8])
        case null
        /// The record is not delivered.
        case dropped
        /// The partition answers with an error.
        case refused(String)
    }

    let value: [UInt8]
    var recordKey: [UInt8]?
    /// Name and value of the header that names the key.
    var keyHeader: (name: String, value: String)?

    private let stored = ByteBuffer(capacity: 4_096)

    init(value: [UInt8]) { self.value = value }

    // MARK: producing

    /// Produces the value to the topic of `outlook`.
    ///
    /// - Parameter protection: the topic's own; nil when no rule seals it.
    func produce(_ outlook: TopicOutlook, _ protection: Protection?) -> Stored {
        let batch = ByteBuffer(capacity: value.count + 256)
        var writer = RecordBatchWriter(batch)
        let headers = keyHeader.map { [(key: $0.name, value: Array($0.value.utf8))] } ?? []
        writer.append(
            key: recordKey, value: value, headers: headers.map { ($0.key, $0.value) }, into: batch)
        writer.finish(batch)
        stored.removeAll()
        guard let protection, !outlook.isOff else {
            stored.append(batch.bytes)
            return .asItCame(value)
        }
        do {
            var plan = outlook.plan
            plan.bytesMax = RecordLimits.outputBytesMax
            let sealed = try BatchSealer().seal(
                batch: batch.bytes, plan: plan, keys: try keys(protection), into: stored)
            guard sealed.sealedCount > 0 else { return .asItCame(value) }
            let found = try SampleRecord.record(stored, 0..<stored.count)
            let bytes = found.value ?? []
            return found.isFields ? .fields(bytes) : .whole(bytes)
        } catch {
            stored.removeAll()
            return .refused(SampleRecord.reason(error))
        }
    }

    /// Throwaway data keys under the names that the rule gives.
    private func keys(_ protection: Protection) throws -> SealingKeyChoice {
        switch protection.key {
        case .fixed(let name):
            return .one(try SampleRecord.key("\(protection.service)/\(name)"))
        case .byHeader(let naming):
            guard let keyHeader, keyHeader.name == naming.header else {
                // The sealer says what is missing.
                return .byHeader(HeaderKeys(header: naming.header, keys: []))
            }
            guard let name = naming.name(for: keyHeader.value) else {
                throw SampleError(
                    description: "the record header \(naming.header.debugDescription) makes no"
                        + " key name")
            }
            let key = try SampleRecord.key("\(protection.service)/\(name)")
            return .byHeader(
                HeaderKeys(header: naming.header, keys: [(keyHeader.value, key)]))
        }
    }

    /// What each wrapped key of a keyring file takes.
    private static let wrappedBytes = 41
    private static let secret: SecretBytes? = try? SecretBytes.random(count: AESGCM.keyBytes)

    private static func key(_ reference: String) throws -> SealingKey {
        guard let secret else { throw SampleError(description: "no random bytes are to be had") }
        return try SealingKey(
            id: try SecureRandom.uint64(), reference: reference,
            wrapped: [UInt8](repeating: 0, count: wrappedBytes), key: secret,
            salt: try SecureRandom.uint32())
    }

    // MARK: fetching

    /// Fetches what `produce` stored.
    func fetch(_ outlook: TopicOutlook, _ masker: Masker) -> Seen {
        guard stored.count > 0 else { return .refused("nothing was stored") }
        guard let view = outlook.view else { return .asStored }
        let output = ByteBuffer(capacity: value.count + 256)
        do {
            let result = try BatchOpener(masker: masker).open(
                records: stored.bytes, topic: outlook.plan.topic, view: view,
                keys: ThrowawayKeys(SampleRecord.secret), mayDrop: true, into: output)
            switch result {
            case .unchanged: return .asStored
            case .missingKeys: return .refused("the data key is not at hand")
            case .opened(let range):
                let header = try RecordBatchHeader(output.bytes(in: range))
                guard header.recordCount > 0, !header.attributes.isControl else {
                    return .dropped
                }
                return try SampleRecord.record(output, range).value.map { .value($0) } ?? .null
            }
        } catch {
            return .refused(SampleRecord.reason(error))
        }
    }

    /// Without the place in a batch that nobody asked for.
    private static func reason(_ error: any Error) -> String {
        (error as? RecordError)?.reason ?? "\(error)"
    }

    /// The value of the one record in a batch, and whether it has sealed fields.
    private static func record(
        _ batch: ByteBuffer, _ range: Range<Int>
    ) throws -> (value: [UInt8]?, isFields: Bool) {
        let start = range.lowerBound + RecordBatchHeader.byteCount
        let body = batch.bytes(in: start..<range.upperBound)
        var layout = RecordLayout()
        try layout.read(body, at: 0, mark: RecordHeaderKey(EnvelopeFormat.headerKey))
        var isFields = false
        if layout.markCount > 0 {
            let mark = layout.markValueStart..<layout.markValueStart + layout.markValueBytes
            isFields = try EnvelopeHeader(body.extracting(mark)).isFields
        }
        guard layout.valueBytes >= 0 else { return (nil, isFields) }
        let value = layout.valueStart..<layout.valueStart + layout.valueBytes
        return (body.extracting(value).array, isFields)
    }
}

/// Why a sample cannot be sealed.
private struct SampleError: Error, CustomStringConvertible {
    let description: String
}

/// Gives the one data key under any name.
private final class ThrowawayKeys: OpeningKeys {
    private let secret: SecretBytes?

    init(_ secret: SecretBytes?) { self.secret = secret }

    func openingKey(reference: RawSpan, wrapped: RawSpan, id: UInt64) -> OpeningKey? {
        secret.flatMap { try? OpeningKey(id: id, reference: reference.text, key: $0) }
    }
}
