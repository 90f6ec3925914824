// TestKeys: a key service that works, hangs or refuses as a test tells it to.

import Bytes
import Crypto
import KeyService
import TestSupport

/// Makes keys in memory. What it made stays known, so a second proxy can open what a first sealed.
final class TestKeys: KeyService {
    enum Mode {
        case work
        /// No call comes back until the mode is changed.
        case hang
        case fail(KeyServiceError.Code)
    }

    private struct State {
        var mode = Mode.work
        /// Names that are answered in another way than the rest.
        var modes: [String: Mode] = [:]
        var made: [[UInt8]: (name: String, key: SecretBytes)] = [:]
        var hanging: [CheckedContinuation<Void, Never>] = []
        var calls = 0

        func mode(of name: String) -> Mode { modes[name] ?? mode }
    }

    private let state = Monitor(State())

    /// Calls that have come in.
    var calls: Int { state.with { $0.calls } }

    /// Blocks until that many calls have come in.
    func waitForCalls(_ count: Int) -> Bool {
        state.wait { $0.calls >= count ? true : nil } ?? false
    }

    /// Sets what happens from now on; calls that hang go on.
    func become(_ mode: Mode, for name: String? = nil) {
        let hanging = state.with { state in
            if let name { state.modes[name] = mode } else { state.mode = mode }
            defer { state.hanging = [] }
            return state.hanging
        }
        for call in hanging { call.resume() }
    }

    private func enter(_ name: String) async throws(KeyServiceError) {
        state.with { $0.calls += 1 }
        while true {
            switch state.with({ $0.mode(of: name) }) {
            case .work: return
            case .fail(let code): throw KeyServiceError(code, key: name, "planted")
            case .hang: await hang(name)
            }
        }
    }

    private func hang(_ name: String) async {
        await withCheckedContinuation { call in
            let mustWait = state.with { state in
                guard case .hang = state.mode(of: name) else { return false }
                state.hanging.append(call)
                return true
            }
            if !mustWait { call.resume() }
        }
    }

    func generateDataKey(under name: String) async throws(KeyServiceError) -> GeneratedDataKey {
        try await enter(name)
        do {
            let key = try SecretBytes.random(count: 32)
            let wrapped = state.with { state in
                let number = UInt8(truncatingIfNeeded: state.made.count)
                let wrapped = [UInt8](repeating: number, count: 40)
                state.made[wrapped] = (name, key)
                return wrapped
            }
            return GeneratedDataKey(plaintext: key, wrapped: wrapped, keyVersion: 1)
        } catch {
            throw KeyServiceError(.unavailable, key: name, "\(error)")
        }
    }

    func unwrap(
        _ wrapped: [UInt8], under name: String
    ) async throws(KeyServiceError) -> SecretBytes {
        try await enter(name)
        guard let found = state.with({ $0.made[wrapped] }), found.name == name else {
            throw KeyServiceError(.corrupt, key: name, "not a key of this service")
        }
        return found.key
    }
}
