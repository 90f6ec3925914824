// FileKeyServiceTests: data keys from a keyring, rotation, disabling, reloading.

import Bytes
import Crypto
import FileKeys
import KeyService
import Synchronization
import Testing

/// A clock that the test moves, and what the service reported.
private final class Watch: Sendable {
    private struct State {
        var now: UInt64 = 5_000_000_000
        var reloads: [String] = []
    }

    private let state = Mutex(State())

    func advance(milliseconds: UInt64) {
        state.withLock { $0.now += milliseconds * 1_000_000 }
    }

    func service(_ folder: KeyringFolder) throws -> FileKeyService {
        try FileKeyService(path: folder.keyring, clock: { self.state.withLock { $0.now } }) {
            reload in
            let text: String
            switch reload {
            case .loaded(let keys): text = "loaded \(keys)"
            case .failed(let error): text = "failed: \(error.message)"
            }
            self.state.withLock { $0.reloads.append(text) }
        }
    }

    var reloads: [String] { state.withLock { $0.reloads } }
}

@Suite struct FileKeyServiceTests {
    private let folder: KeyringFolder
    private let watch = Watch()

    init() throws {
        folder = try KeyringFolder()
        _ = try folder.file.create("pay")
    }

    private func code(
        _ body: () async throws -> Void
    ) async throws -> KeyServiceError.Code {
        try await #require(throws: KeyServiceError.self) { try await body() }.code
    }

    @Test func `a data key comes back from its wrapped form`() async throws {
        let service = try watch.service(folder)
        let made = try await service.generateDataKey(under: "pay")
        #expect(made.plaintext.count == 32)
        #expect(made.keyVersion == 1)
        #expect(made.wrapped.count == 41)
        #expect(made.wrapped[0] == 1)
        let opened = try await service.unwrap(made.wrapped, under: "pay")
        #expect(opened.constantTimeEquals(made.plaintext))
        let next = try await service.generateDataKey(under: "pay")
        #expect(!next.plaintext.constantTimeEquals(made.plaintext))
        try await service.probe("pay")
    }

    @Test func `the wrapped form is the version and RFC 3394 under the key of the file`()
        async throws
    {
        try folder.write(jwkSet(jwk(kid: "pay/300")))
        let service = try watch.service(folder)
        let made = try await service.generateDataKey(under: "pay")
        #expect(Array(made.wrapped.prefix(2)) == [0xac, 0x02])
        let ones = ByteBuffer()
        for _ in 0..<32 { ones.append(UInt8(1)) }
        let kek = SecretBytes(copying: ones.bytes)
        #expect(
            try AESKeyWrap.wrap(key: made.plaintext, under: kek)
                == Array(made.wrapped.dropFirst(2)))
    }

    @Test func `a rotation reaches a running service and former versions go on opening`()
        async throws
    {
        let service = try watch.service(folder)
        let first = try await service.generateDataKey(under: "pay")
        _ = try folder.file.rotate("pay")
        watch.advance(milliseconds: 999)
        #expect(try await service.generateDataKey(under: "pay").keyVersion == 1)
        watch.advance(milliseconds: 1)
        let second = try await service.generateDataKey(under: "pay")
        #expect(second.keyVersion == 2)
        #expect(watch.reloads == ["loaded 2"])
        for made in [first, second] {
            let opened = try await service.unwrap(made.wrapped, under: "pay")
            #expect(opened.constantTimeEquals(made.plaintext))
        }
        let restarted = try watch.service(folder)
        let opened = try await restarted.unwrap(first.wrapped, under: "pay")
        #expect(opened.constantTimeEquals(first.plaintext))
    }

    @Test func `a disabled version neither wraps nor unwraps`() async throws {
        let service = try watch.service(folder)
        let made = try await service.generateDataKey(under: "pay")
        try folder.replace("\"active\"", "\"disabled\"")
        watch.advance(milliseconds: 1_000)
        #expect(
            try await code { _ = try await service.unwrap(made.wrapped, under: "pay") }
                == .disabled)
        #expect(try await code { _ = try await service.generateDataKey(under: "pay") } == .disabled)
        try folder.replace("\"disabled\"", "\"retired\"")
        watch.advance(milliseconds: 1_000)
        let opened = try await service.unwrap(made.wrapped, under: "pay")
        #expect(opened.constantTimeEquals(made.plaintext))
        #expect(try await code { _ = try await service.generateDataKey(under: "pay") } == .disabled)
    }

    @Test func `missing keys and versions are not found`() async throws {
        let service = try watch.service(folder)
        #expect(
            try await code { _ = try await service.generateDataKey(under: "other") } == .notFound)
        #expect(try await code { try await service.probe("other") } == .notFound)
        var wrapped = try await service.generateDataKey(under: "pay").wrapped
        wrapped[0] = 2
        #expect(
            try await code { _ = try await service.unwrap(wrapped, under: "pay") } == .notFound)
    }

    @Test func `a changed or foreign wrapped key is corrupt`() async throws {
        _ = try folder.file.create("orders")
        let service = try watch.service(folder)
        let wrapped = try await service.generateDataKey(under: "pay").wrapped
        for index in 1..<wrapped.count {
            var changed = wrapped
            changed[index] ^= 0x10
            #expect(
                try await code { _ = try await service.unwrap(changed, under: "pay") } == .corrupt)
        }
        #expect(
            try await code { _ = try await service.unwrap(wrapped, under: "orders") } == .corrupt)
        for count in 0..<wrapped.count {
            let cut = Array(wrapped.prefix(count))
            #expect(try await code { _ = try await service.unwrap(cut, under: "pay") } == .corrupt)
        }
        #expect(
            try await code { _ = try await service.unwrap(wrapped + [0], under: "pay") }
                == .corrupt)
    }

    @Test func `a keyring that became unusable is reported once and the keys of before stay`()
        async throws
    {
        let service = try watch.service(folder)
        let made = try await service.generateDataKey(under: "pay")
        let good = try folder.text
        for break_ in [
            { try folder.write("{") }, { try folder.write(good, mode: 0o644) },
        ] {
            try break_()
            for _ in 0..<3 {
                watch.advance(milliseconds: 1_000)
                _ = try await service.unwrap(made.wrapped, under: "pay")
            }
        }
        #expect(watch.reloads.count == 2)
        #expect(watch.reloads.allSatisfy { $0.hasPrefix("failed: ") })
        try folder.setMode(0o600)
        watch.advance(milliseconds: 1_000)
        #expect(try await service.generateDataKey(under: "pay").keyVersion == 1)
        #expect(watch.reloads.last == "loaded 1")
    }

    @Test func `a service does not start with a keyring that it would refuse`() throws {
        try folder.setMode(0o644)
        #expect(throws: KeyringError.self) { try watch.service(folder) }
    }
}
