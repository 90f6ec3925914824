// KeyProbeTests: the start finds everything that is wrong with the keys, in time.

import Crypto
import Synchronization
import Testing

@testable import KeyService

/// Time that passes when somebody sleeps.
private final class SleepingClock: Sendable {
    private let time = Mutex<UInt64>(1_000 * second)

    var now: UInt64 { time.withLock { $0 } }
    var probeClock: ProbeClock {
        ProbeClock(
            now: { self.now },
            sleep: { nanoseconds in
                self.time.withLock { $0 += nanoseconds }
                await Task.yield()
            })
    }
}

@Suite struct KeyProbeTests {
    private let fake = FakeKeyService()
    private let clock = SleepingClock()

    private func keys(_ names: [String], service: String = "corp") throws -> [KEKReference] {
        try names.map { try #require(KEKReference(service: service, name: $0)) }
    }

    @Test func `every key that is wrong is named, in order, and each key is tried once`()
        async throws
    {
        let names = (0..<40).map { "k\($0)" }
        fake.fail { name in name.hasSuffix("3") ? .denied : name == "k7" ? .notFound : nil }
        let failures = await probe(
            keys: try keys(names + names), services: ["corp": fake], clock: clock.probeClock)
        #expect(failures.map(\.reference.name) == ["k3", "k7", "k13", "k23", "k33"])
        #expect(failures.map(\.error.code) == [.denied, .notFound, .denied, .denied, .denied])
        #expect(fake.seen.generated == 40)
        #expect(fake.seen.mostUnderWay <= 8)
        #expect(clock.now == 1_000 * second, "a refusal is not waited out")
    }

    @Test func `all well is an empty list`() async throws {
        let failures = await probe(keys: try keys(["a", "b"]), services: ["corp": fake])
        #expect(failures == [])
        #expect(await probe(keys: [], services: [:]) == [])
    }

    @Test func `a key of a service that is not there is reported`() async throws {
        let failures = await probe(
            keys: try keys(["a"], service: "none"), services: ["corp": fake])
        #expect(
            failures.map(\.description) == [
                "none/a: notFound: there is no key service of that name"
            ])
    }

    @Test func `a service that is starting is waited for`() async throws {
        let clock = clock
        let start = clock.now
        fake.fail { _ in clock.now < start + 20 * second ? .unavailable : nil }
        let failures = await probe(
            keys: try keys(["a"]), services: ["corp": fake],
            startWaitNanoseconds: 30 * second, clock: clock.probeClock
        ) { failure in
            #expect(failure.error.isRetriable)
        }
        #expect(failures == [])
        #expect(clock.now >= start + 20 * second)
        #expect(fake.seen.generated < 20, "at pauses that grow")
    }

    @Test func `a service that stays out refuses the start after the wait, for all its keys`()
        async throws
    {
        let start = clock.now
        fake.fail { _ in .unavailable }
        let names = (0..<100).map { "k\($0)" }
        let other = FakeKeyService()
        let all = try keys(names) + (try keys(["fine"], service: "other"))
        let failures = await probe(
            keys: all, services: ["corp": fake, "other": other],
            startWaitNanoseconds: 30 * second, clock: clock.probeClock)
        #expect(failures.map(\.reference.name) == names)
        #expect(failures.allSatisfy { $0.error.code == .unavailable })
        #expect(failures.filter { $0.tries == 0 }.count >= 80, "their time-outs are spared")
        #expect(clock.now >= start + 30 * second)
        #expect(other.seen.generated == 1)
    }

    @Test func `without a wait each key is tried once`() async throws {
        fake.fail { _ in .unavailable }
        let failures = await probe(
            keys: try keys(["a"]), services: ["corp": fake], startWaitNanoseconds: 0,
            clock: clock.probeClock)
        #expect(failures.map(\.tries) == [1])
        #expect(fake.seen.generated == 1)
    }
}
