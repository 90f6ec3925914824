// DataKeysHarness: a machine with a clock and results that the test sets.

import Bytes
import Crypto
import Envelope
import KeyService
import Testing

let second: UInt64 = 1_000_000_000
let millisecond: UInt64 = 1_000_000

/// Drives one `DataKeys` by hand. The random source gives 0 unless told: a refresh at exactly
/// 80 %, and a pause of half its length.
final class DataKeysHarness {
    let keys: DataKeys
    var now: UInt64 = 1_000 * second
    let kek: KEKReference
    private var made: UInt8 = 0

    init(_ settings: DataKeySettings = DataKeySettings(), random: UInt64 = 0) throws {
        keys = DataKeys(settings: settings, random: { random })
        kek = try #require(KEKReference("local/payments"))
    }

    static func generated(_ number: UInt8) throws -> GeneratedDataKey {
        GeneratedDataKey(
            plaintext: try SecretBytes.random(count: 32),
            wrapped: [UInt8](repeating: number, count: 41), keyVersion: UInt32(number))
    }

    func reserve(records: Int = 1, bytes: Int = 100) -> DataKeys.SealingAnswer {
        keys.reserve(kek, records: records, bytes: bytes, now: now)
    }

    /// Answers a `generate` call with a new key.
    func succeed() throws {
        made += 1
        keys.generated(kek, .success(try DataKeysHarness.generated(made)), now: now)
    }

    func fail(_ code: KeyServiceError.Code) {
        keys.generated(kek, .failure(error(code)), now: now)
    }

    func error(_ code: KeyServiceError.Code) -> KeyServiceError {
        KeyServiceError(code, key: kek.text, "planted")
    }

    /// Asks for a first key and delivers it.
    func start() throws {
        #expect(reserve(records: 0, bytes: 0).isWait)
        #expect(keys.takeActions() == [.generate(kek)])
        try succeed()
    }

    func advance(_ nanoseconds: UInt64) {
        now += nanoseconds
        keys.tick(now: now)
    }

    /// Looks up what a record header names.
    func open(
        _ wrapped: [UInt8], id: UInt64 = 7, reference: String = "local/payments"
    ) -> DataKeys.OpeningAnswer {
        let name = ByteBuffer()
        name.append(reference)
        let content = ByteBuffer()
        content.append(wrapped)
        return keys.openingKey(
            reference: name.bytes, wrapped: content.bytes, id: id, now: now)
    }

    func request(_ wrapped: [UInt8], id: UInt64 = 7) -> UnwrapRequest {
        UnwrapRequest(reference: kek, wrapped: wrapped, id: id)
    }

    func deliver(_ wrapped: [UInt8], id: UInt64 = 7) throws {
        keys.unwrapped(request(wrapped, id: id), .success(try .random(count: 32)), now: now)
    }

    func refuse(_ wrapped: [UInt8], id: UInt64 = 7, _ code: KeyServiceError.Code) {
        keys.unwrapped(request(wrapped, id: id), .failure(error(code)), now: now)
    }
}

extension DataKeys.SealingAnswer {
    var isWait: Bool { if case .wait = self { true } else { false } }
    var id: UInt64? { if case .ready(let key) = self { key.id } else { nil } }
    var code: KeyServiceError.Code? {
        if case .failed(let error) = self { error.code } else { nil }
    }
}

extension DataKeys.OpeningAnswer {
    var isWait: Bool { if case .wait = self { true } else { false } }
    var key: OpeningKey? { if case .hit(let key) = self { key } else { nil } }
    var code: KeyServiceError.Code? {
        if case .failed(let error) = self { error.code } else { nil }
    }
}
