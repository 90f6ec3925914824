// KeyServiceErrorTests: the start-up probe, and what errors say.

import Crypto
import KeyService
import Testing

/// A service that answers as it is told.
private struct PlannedService: KeyService {
    var made: Result<GeneratedDataKey, KeyServiceError>
    var opened: Result<SecretBytes, KeyServiceError>

    func generateDataKey(under name: String) async throws(KeyServiceError) -> GeneratedDataKey {
        try made.get()
    }

    func unwrap(
        _ wrapped: [UInt8], under name: String
    ) async throws(KeyServiceError) -> SecretBytes {
        try opened.get()
    }
}

@Suite struct KeyServiceErrorTests {
    @Test func `a probe passes only when the same key comes back`() async throws {
        let key = try SecretBytes.random(count: 32)
        let made = GeneratedDataKey(plaintext: key, wrapped: [1], keyVersion: 1)
        try await PlannedService(made: .success(made), opened: .success(key)).probe("k")

        let other = PlannedService(made: .success(made), opened: .success(try .random(count: 32)))
        let corrupt = await #expect(throws: KeyServiceError.self) { try await other.probe("k") }
        #expect(corrupt?.code == .corrupt)
        let denied = KeyServiceError(.denied, key: "k", "no")
        await #expect(throws: denied) {
            try await PlannedService(made: .failure(denied), opened: .success(key)).probe("k")
        }
        await #expect(throws: denied) {
            try await PlannedService(made: .success(made), opened: .failure(denied)).probe("k")
        }
    }

    @Test func `only an unreachable service is worth another try`() {
        #expect(KeyServiceError(.unavailable, key: "k", "").isRetriable)
        for code in [KeyServiceError.Code.notFound, .denied, .disabled, .corrupt] {
            #expect(!KeyServiceError(code, key: "k", "").isRetriable)
        }
    }

    @Test func `an error says which key and why`() {
        let error = KeyServiceError(.disabled, key: "local/pay", "version 3 is disabled")
        #expect("\(error)" == "key local/pay: disabled: version 3 is disabled")
    }
}
