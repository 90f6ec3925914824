// DataKeysSealingTests: budgets, successors, one call at a time, failures, expiry.

import Crypto
import Envelope
import Testing

@testable import KeyService

@Suite struct DataKeysSealingTests {
    // MARK: the first key

    @Test func `a first batch waits, asks once, and is ready when the key is there`() throws {
        let it = try DataKeysHarness()
        #expect(it.reserve().isWait)
        #expect(it.reserve().isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        #expect(it.keys.takeActions() == [])
        try it.succeed()
        guard case .ready(let key) = it.reserve(records: 10, bytes: 500) else {
            Issue.record("no key")
            return
        }
        #expect(key.reference == "local/payments")
        #expect(key.wrapped == [UInt8](repeating: 1, count: 41))
        #expect(it.keys.takeActions() == [])
        #expect(
            it.keys.status(now: it.now + 3 * second) == [
                DataKeyStatus(
                    reference: it.kek, keyVersion: 1, id: key.id, use: .sealing, ageSeconds: 3,
                    records: 10, bytes: 500, expiresInSeconds: 3_597)
            ])
    }

    @Test func `each key-encryption key has its own flight and data key`() throws {
        let it = try DataKeysHarness()
        let other = try #require(KEKReference("local/orders"))
        #expect(it.reserve().isWait)
        #expect(it.keys.reserve(other, records: 1, bytes: 1, now: it.now).isWait)
        #expect(Set(it.keys.takeActions()) == [.generate(it.kek), .generate(other)])
        try it.succeed()
        #expect(it.reserve().id != nil)
        #expect(it.keys.reserve(other, records: 1, bytes: 1, now: it.now).isWait)
    }

    @Test func `a result that nobody asked for is dropped`() throws {
        let it = try DataKeysHarness()
        try it.succeed()
        #expect(it.keys.status(now: it.now) == [])
        try it.start()
        let id = it.reserve().id
        try it.succeed()
        #expect(it.keys.status(now: it.now).map(\.id) == [id])
    }

    @Test func `a key service that returns no usable key is a refusal`() throws {
        let it = try DataKeysHarness()
        #expect(it.reserve().isWait)
        let short = GeneratedDataKey(
            plaintext: try .random(count: 16), wrapped: [1], keyVersion: 1)
        it.keys.generated(it.kek, .success(short), now: it.now)
        #expect(it.reserve().code == .corrupt)
    }

    // MARK: limits

    @Test(arguments: [(80, 1), (1, 80_000)])
    func `a successor is asked for at four fifths of records or bytes`(
        _ records: Int, _ bytes: Int
    ) throws {
        let it = try DataKeysHarness(DataKeySettings(recordsMax: 100, bytesMax: 100_000))
        try it.start()
        let first = it.reserve(records: records - 1, bytes: bytes - 1).id
        #expect(it.keys.takeActions() == [])
        #expect(it.reserve(records: 1, bytes: 1).id == first)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        #expect(it.reserve(records: 1, bytes: 1).id == first)
        #expect(it.keys.takeActions() == [], "one call at a time")
        try it.succeed()
        #expect(it.reserve(records: 1, bytes: 1).id == first, "the current key is used up first")
        #expect(it.keys.takeActions() == [], "one successor is enough")
        #expect(it.keys.status(now: it.now).map(\.use) == [.sealing, .successor])
        let next = it.reserve(records: 60, bytes: 60_000).id
        #expect(next != nil && next != first)
        #expect(it.keys.status(now: it.now).map(\.keyVersion) == [2])
    }

    @Test func `no data key seals more than its limits`() throws {
        let it = try DataKeysHarness(DataKeySettings(recordsMax: 100, bytesMax: 1_000))
        try it.start()
        var used: [UInt64: (records: Int, bytes: Int)] = [:]
        for _ in 0..<1_000 {
            let answer = it.reserve(records: 7, bytes: 90)
            if let id = answer.id {
                used[id, default: (0, 0)].records += 7
                used[id, default: (0, 0)].bytes += 90
            }
            for _ in it.keys.takeActions() { try it.succeed() }
        }
        #expect(used.count > 50)
        #expect(used.values.allSatisfy { $0.records <= 100 && $0.bytes <= 1_000 })
        #expect(used.values.reduce(0) { $0 + $1.records } == 7_000, "nothing had to wait")
    }

    @Test func `a batch that does not fit waits when there is no successor, a smaller one goes`()
        throws
    {
        let it = try DataKeysHarness(DataKeySettings(recordsMax: 100))
        try it.start()
        let first = it.reserve(records: 70).id
        #expect(it.reserve(records: 31).isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        #expect(it.reserve(records: 30).id == first)
        try it.succeed()
        #expect(it.reserve(records: 31).id != first)
    }

    @Test func `small limits have their four fifths too`() throws {
        let it = try DataKeysHarness(DataKeySettings(recordsMax: 5))
        try it.start()
        #expect(it.reserve(records: 3).id != nil)
        #expect(it.keys.takeActions() == [])
        #expect(it.reserve(records: 1).id != nil)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
    }

    @Test func `a batch above the limit gets a key of its own`() throws {
        let it = try DataKeysHarness(DataKeySettings(recordsMax: 10))
        try it.start()
        let first = it.reserve(records: 500).id
        #expect(first != nil)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        try it.succeed()
        #expect(it.reserve(records: 1).id != first)
    }

    @Test func `settings never pass the hard caps`() {
        let settings = DataKeySettings(
            recordsMax: .max, bytesMax: .max, ageSecondsMax: .max, openingKeysMax: .max,
            openingKeySecondsMax: .max)
        #expect(settings.recordsMax == 1 << 32)
        #expect(settings.bytesMax == 256 << 30)
        #expect(settings.ageSecondsMax == 604_800)
        #expect(settings.openingKeysMax == 65_536)
        #expect(settings.openingKeySecondsMax == 3_600)
        let least = DataKeySettings(
            recordsMax: 0, bytesMax: 0, ageSecondsMax: 0, openingKeysMax: -1,
            openingKeySecondsMax: 0)
        #expect(least.recordsMax == 1 && least.bytesMax == 1 && least.ageSecondsMax == 1)
        #expect(least.openingKeysMax == 1 && least.openingKeySecondsMax == 1)
    }

    // MARK: age

    @Test func `a successor is asked for at four fifths of the age and takes over at the end`()
        throws
    {
        let it = try DataKeysHarness(DataKeySettings(ageSecondsMax: 100))
        try it.start()
        let first = it.reserve().id
        it.advance(79 * second)
        #expect(it.reserve().id == first)
        #expect(it.keys.takeActions() == [])
        it.advance(second)
        #expect(it.reserve().id == first)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        it.advance(second)
        try it.succeed()
        it.advance(18 * second)
        #expect(it.reserve().id == first)
        it.advance(second)
        let next = it.reserve().id
        #expect(next != nil && next != first)
        #expect(it.keys.takeActions() == [])
    }

    @Test func `the refresh is spread over a tenth of the age`() throws {
        let it = try DataKeysHarness(DataKeySettings(ageSecondsMax: 100), random: 10)
        try it.start()
        it.advance(70 * second)
        #expect(it.reserve().id != nil)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
    }

    @Test func `a key that is too old does not seal and is dropped without being used`() throws {
        let it = try DataKeysHarness(DataKeySettings(ageSecondsMax: 100))
        try it.start()
        let first = it.reserve().id
        it.advance(100 * second)
        #expect(it.keys.status(now: it.now) == [])
        #expect(it.reserve().isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        try it.succeed()
        #expect(it.reserve().id != first)
    }

    @Test func `an idle machine asks for nothing and needs no timer`() throws {
        let it = try DataKeysHarness(DataKeySettings(ageSecondsMax: 20))
        #expect(it.keys.nextDeadline == nil)
        try it.start()
        while let next = it.keys.nextDeadline, it.now < 1_100 * second {
            it.now = max(it.now, next)
            it.keys.tick(now: it.now)
        }
        #expect(it.keys.nextDeadline == nil)
        #expect(it.now <= 1_025 * second)
        #expect(it.keys.takeActions() == [])
    }

    // MARK: failures

    @Test func `during an outage a waiter is answered by tries at growing intervals`() throws {
        let it = try DataKeysHarness()
        #expect(it.reserve().isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        var pauses: [UInt64] = []
        for _ in 0..<10 {
            it.fail(.unavailable)
            #expect(it.reserve().isWait, "asks for the next try")
            #expect(it.keys.takeActions() == [], "not before the pause is over")
            let next = try #require(it.keys.nextDeadline)
            pauses.append((next - it.now) / millisecond)
            it.advance(next - it.now - 1)
            #expect(it.keys.takeActions() == [])
            it.advance(1)
            if it.keys.takeActions() != [.generate(it.kek)] {
                // The first deadline may be the sweep of held keys; the try follows.
                it.advance(try #require(it.keys.nextDeadline) - it.now)
                #expect(it.keys.takeActions() == [.generate(it.kek)])
            }
        }
        #expect(pauses.prefix(6) == [50, 100, 200, 400, 800, 1_600])
        #expect(pauses.allSatisfy { $0 <= 10_000 })
        try it.succeed()
        #expect(it.reserve().id != nil)
    }

    @Test func `the pause is spread up to its whole length`() throws {
        let it = try DataKeysHarness(random: 50 * millisecond)
        #expect(it.reserve().isWait)
        it.fail(.unavailable)
        #expect(it.reserve().isWait)
        #expect(it.keys.nextDeadline == it.now + 100 * millisecond)
    }

    @Test func `without a waiter an outage makes no calls`() throws {
        let it = try DataKeysHarness()
        #expect(it.reserve().isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        it.fail(.unavailable)
        for _ in 0..<100 { it.advance(second) }
        #expect(it.keys.takeActions() == [])
    }

    @Test(arguments: [KeyServiceError.Code.notFound, .denied, .disabled, .corrupt])
    func `a refusal is answered from memory for some seconds`(
        _ code: KeyServiceError.Code
    ) throws {
        let it = try DataKeysHarness()
        #expect(it.reserve().isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        it.fail(code)
        #expect(it.reserve().code == code)
        it.advance(4_999 * millisecond)
        #expect(it.reserve().code == code)
        #expect(it.keys.takeActions() == [])
        it.advance(millisecond)
        #expect(it.reserve().isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        try it.succeed()
        #expect(it.reserve().id != nil)
    }

    @Test func `a busy key goes on through an outage until its limit`() throws {
        let it = try DataKeysHarness(DataKeySettings(ageSecondsMax: 100))
        try it.start()
        let first = it.reserve().id
        var tries = 0
        for _ in 0..<99 {
            it.advance(second)
            #expect(it.reserve().id == first)
            for _ in it.keys.takeActions() {
                tries += 1
                it.fail(.unavailable)
            }
        }
        #expect((5...12).contains(tries), "tries are spaced: \(tries)")
        it.advance(second)
        #expect(it.reserve().isWait)
        for _ in 0..<11 { it.advance(second) }
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        try it.succeed()
        #expect(it.reserve().id != nil)
    }

    @Test func `dropping all keys makes a call under way come to nothing`() throws {
        let it = try DataKeysHarness()
        #expect(it.reserve().isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        it.keys.removeAll()
        try it.succeed()
        #expect(it.keys.status(now: it.now) == [])
        #expect(it.keys.nextDeadline == nil)
    }

    @Test func `the least recently used keys give way at the limit`() throws {
        let it = try DataKeysHarness()
        var references: [KEKReference] = []
        for number in 0...10_000 {
            let reference = try #require(KEKReference("local/k\(number)"))
            references.append(reference)
            it.now += 1
            #expect(it.keys.reserve(reference, records: 1, bytes: 1, now: it.now).isWait)
            if number < 10_000 {
                it.keys.generated(
                    reference, .success(try DataKeysHarness.generated(1)), now: it.now)
            }
        }
        #expect(it.keys.status(now: it.now).count == 8_750)
        #expect(it.keys.reserve(references[9_999], records: 1, bytes: 1, now: it.now).id != nil)
        #expect(it.keys.reserve(references[0], records: 1, bytes: 1, now: it.now).isWait)
    }
}
