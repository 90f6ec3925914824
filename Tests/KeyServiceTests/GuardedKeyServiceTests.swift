// GuardedKeyServiceTests: many callers at once in front of one key service.

import Crypto
import Synchronization
import Testing

@testable import KeyService

/// A clock that a test sets.
private final class TestClock: Sendable {
    private let time = Mutex<UInt64>(1_000 * second)
    var now: UInt64 { time.withLock { $0 } }
    func advance(_ nanoseconds: UInt64) { time.withLock { $0 += nanoseconds } }
}

@Suite struct GuardedKeyServiceTests {
    private let fake = FakeKeyService()
    private let clock = TestClock()

    private func guarded(
        random: UInt64 = 0, _ change: (inout ServiceGateSettings) -> Void = { _ in }
    ) -> GuardedKeyService {
        var settings = ServiceGateSettings()
        change(&settings)
        let clock = clock
        return GuardedKeyService(
            fake, name: "corp", settings: settings, clock: { clock.now }, random: { random },
            changed: { _ in })
    }

    private static func outcome<Value: Sendable>(
        _ body: () async throws(KeyServiceError) -> Value
    ) async -> Result<Value, KeyServiceError> {
        do throws(KeyServiceError) { return .success(try await body()) } catch {
            return .failure(error)
        }
    }

    @Test func `many loops that ask for one wrapped key make one call and share the secret`()
        async throws
    {
        let service = guarded()
        let made = try await service.generateDataKey(under: "k")
        fake.hold()
        let secrets = await withTaskGroup(of: SecretBytes?.self) { group in
            for _ in 0..<64 {
                group.addTask { try? await service.unwrap(made.wrapped, under: "k") }
            }
            await FakeKeyService.until { service.status?.counts.joined == 63 }
            fake.letGo()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(fake.seen.unwrapped == 1)
        #expect(secrets.count == 64)
        let first = try #require(secrets[0])
        #expect(secrets.allSatisfy { $0 === first }, "one object, so one place to zero")
    }

    @Test func `a shared failure reaches everybody`() async {
        let service = guarded()
        fake.hold()
        fake.fail { _ in .disabled }
        let codes = await withTaskGroup(of: KeyServiceError.Code?.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let result = await GuardedKeyServiceTests.outcome {
                        () throws(KeyServiceError) in
                        try await service.unwrap([1], under: "k")
                    }
                    guard case .failure(let error) = result else { return nil }
                    return error.code
                }
            }
            await FakeKeyService.until { service.status?.counts.joined == 15 }
            fake.letGo()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes == Array(repeating: .disabled, count: 16))
        #expect(fake.seen.unwrapped == 1)
    }

    @Test func `every caller has a data key of its own, and few calls are under way`() async {
        let service = guarded { $0.callsMax = 4 }
        let wrapped = await withTaskGroup(of: [UInt8]?.self) { group in
            for _ in 0..<100 {
                group.addTask { try? await service.generateDataKey(under: "k").wrapped }
            }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(wrapped.count == 100)
        #expect(!wrapped.contains(nil))
        #expect((1...4).contains(fake.seen.mostUnderWay))
        #expect(service.status?.underWay == 0)
        #expect(service.status?.queued == 0)
    }

    @Test func `an outage costs a few calls whatever is asked, and ends by itself`() async throws {
        let service = guarded()
        fake.fail { _ in .unavailable }
        for _ in 0..<1_000 { _ = try? await service.generateDataKey(under: "k") }
        #expect(fake.seen.generated == 3)
        #expect(service.status?.state == .open)
        // Ten minutes, asked once a second.
        for _ in 0..<600 {
            clock.advance(second)
            _ = try? await service.generateDataKey(under: "k")
        }
        #expect((50...120).contains(fake.seen.generated), "\(fake.seen.generated)")
        fake.fail(nil)
        clock.advance(15 * second)
        _ = try await service.generateDataKey(under: "k")
        #expect(service.status?.state == .closed)
        #expect(service.status?.lastFailure == nil)
    }

    @Test func `the outage and its end are told once`() async {
        let clock = clock
        let log = StateLog()
        let service = GuardedKeyService(
            fake, name: "corp", clock: { clock.now }, random: { 0 }, changed: { log.add($0) })
        fake.fail { _ in .unavailable }
        for _ in 0..<100 {
            clock.advance(second)
            _ = try? await service.generateDataKey(under: "k")
        }
        fake.fail(nil)
        clock.advance(20 * second)
        for _ in 0..<3 { _ = try? await service.generateDataKey(under: "k") }
        #expect(log.states == [.open, .closed])
    }

    @Test func `observers hear of a key that was taken away, not of an outage`() async {
        let service = guarded()
        let log = NameLog()
        service.observeRefusals { name, error in log.add("\(name): \(error.code)") }
        fake.fail { name in name == "gone" ? .notFound : name == "bad" ? .corrupt : .unavailable }
        for name in ["out", "gone", "gone", "bad"] {
            _ = try? await service.generateDataKey(under: name)
        }
        #expect(log.names == ["gone: notFound"])
    }

    @Test func `a probe reaches the service even while the breaker is open`() async throws {
        let service = guarded()
        fake.fail { name in name == "bad" ? .unavailable : nil }
        for _ in 0..<3 { _ = try? await service.generateDataKey(under: "bad") }
        #expect(service.status?.state == .open)
        try await service.probe("good")
    }

    @Test(arguments: 0..<8)
    func `whatever comes together, every call ends, and the gate is empty after it`(
        _ seed: UInt64
    ) async {
        let service = guarded(random: seed) {
            $0.callsMax = 3
            $0.queuedMax = 20
        }
        let clock = clock
        fake.fail { name in
            switch name.utf8.last.map({ $0 % 4 }) {
            case 0: .unavailable
            case 1: .denied
            default: nil
            }
        }
        let ended = await withTaskGroup(of: Int.self) { group in
            for worker in 0..<24 {
                group.addTask {
                    var random = SplitMix(state: seed &* 1_000 &+ UInt64(worker))
                    for _ in 0..<60 {
                        let choice = random.next()
                        let name = "k\(choice % 7)"
                        if choice & 8 == 0 {
                            _ = try? await service.generateDataKey(under: name)
                        } else {
                            let wrapped = [UInt8(truncatingIfNeeded: choice >> 8 & 3)]
                            _ = try? await service.unwrap(wrapped, under: name)
                        }
                        clock.advance((choice >> 16 & 63) * millisecond)
                    }
                    return 60
                }
            }
            return await group.reduce(0, +)
        }
        #expect(ended == 24 * 60)
        let status = service.status
        #expect(status?.underWay == 0)
        #expect(status?.queued == 0)
        // The breaker's try may come on top of the limit while old calls are under way.
        #expect(fake.seen.mostUnderWay <= 4)
        let counts = status?.counts
        #expect(
            (counts?.made ?? 0) + (counts?.refused ?? 0) + (counts?.joined ?? 0) >= 24 * 60)
        #expect(Int(counts?.made ?? 0) == fake.seen.generated + fake.seen.unwrapped)
    }
}

/// What was told, in order.
private final class StateLog: Sendable {
    private let list = Mutex<[ServiceStatus.State]>([])
    var states: [ServiceStatus.State] { list.withLock { $0 } }
    func add(_ status: ServiceStatus) { list.withLock { $0.append(status.state) } }
}

private final class NameLog: Sendable {
    private let list = Mutex<[String]>([])
    var names: [String] { list.withLock { $0 } }
    func add(_ name: String) { list.withLock { $0.append(name) } }
}

/// Numbers from a seed.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
