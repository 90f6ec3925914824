// FakeKeyService: a key service in memory that holds its calls until a test lets them go.

import Crypto
import KeyService
import Synchronization

/// Makes keys whose wrapped form names their version and number; each wrapped key opens to the
/// secret it was made with.
final class FakeKeyService: KeyService {
    struct Seen: Equatable {
        var generated = 0
        var unwrapped = 0
        var underWay = 0
        var mostUnderWay = 0
    }

    private struct State {
        var seen = Seen()
        var version: UInt32 = 1
        var secrets: [[UInt8]: SecretBytes] = [:]
        var failure: (@Sendable (_ name: String) -> KeyServiceError.Code?)?
        var isHolding = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var seen: Seen { state.withLock { $0.seen } }

    /// The version that new data keys are wrapped with.
    func rotate(to version: UInt32) { state.withLock { $0.version = version } }

    /// What calls for a key end with from now on.
    func fail(_ failure: (@Sendable (String) -> KeyServiceError.Code?)?) {
        state.withLock { $0.failure = failure }
    }

    /// Lets no call return until `letGo`.
    func hold() { state.withLock { $0.isHolding = true } }

    func letGo() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for call in held { call.resume() }
    }

    private func enter(_ name: String) async throws(KeyServiceError) {
        await withCheckedContinuation { call in
            let waits = state.withLock { state in
                state.seen.underWay += 1
                state.seen.mostUnderWay = max(state.seen.mostUnderWay, state.seen.underWay)
                if state.isHolding { state.held.append(call) }
                return state.isHolding
            }
            if !waits { call.resume() }
        }
        await Task.yield()
        let code = state.withLock { state in
            state.seen.underWay -= 1
            return state.failure?(name)
        }
        if let code { throw KeyServiceError(code, key: name, "planted") }
    }

    func generateDataKey(under name: String) async throws(KeyServiceError) -> GeneratedDataKey {
        state.withLock { $0.seen.generated += 1 }
        try await enter(name)
        guard let secret = try? SecretBytes.random(count: 32) else {
            throw KeyServiceError(.unavailable, key: name, "no random bytes")
        }
        return state.withLock { state in
            var wrapped = [UInt8](name.utf8)
            wrapped += bytes(UInt32(state.secrets.count))
            state.secrets[wrapped] = secret
            return GeneratedDataKey(
                plaintext: secret, wrapped: wrapped, keyVersion: state.version)
        }
    }

    private func bytes(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    func unwrap(
        _ wrapped: [UInt8], under name: String
    ) async throws(KeyServiceError) -> SecretBytes {
        state.withLock { $0.seen.unwrapped += 1 }
        try await enter(name)
        guard let secret = state.withLock({ $0.secrets[wrapped] }) else {
            throw KeyServiceError(.corrupt, key: name, "not made here")
        }
        return secret
    }

    /// Waits, giving way to others, until something is so.
    static func until(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }
}
