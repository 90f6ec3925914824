// DataKeysOutageTests: what goes on while a key service is out, and that all resumes by itself.

import Envelope
import Testing

@testable import KeyService

@Suite struct DataKeysOutageTests {
    private let wrapped = [UInt8](repeating: 5, count: 41)

    /// What the guard in front of a service says while it is out.
    private func out(_ it: DataKeysHarness, for nanoseconds: UInt64 = second) -> KeyServiceError {
        KeyServiceError(
            .unavailable, key: it.kek.text, "planted", retryAfterNanoseconds: nanoseconds)
    }

    /// Answers every call that is asked for with an outage.
    private func refuseAll(_ it: DataKeysHarness) -> Int {
        let actions = it.keys.takeActions()
        for action in actions {
            switch action {
            case .generate(let reference):
                it.keys.generated(reference, .failure(out(it)), now: it.now)
            case .unwrap(let request):
                it.keys.unwrapped(request, .failure(out(it)), now: it.now)
            }
        }
        return actions.count
    }

    // MARK: sealing

    @Test(arguments: [(1_000, 1), (1, 1_000)])
    func `in an outage a topic goes on to the last record or byte of its data key`(
        _ records: Int, _ bytes: Int
    ) throws {
        let limits = DataKeySettings(
            recordsMax: UInt64(records) * 10, bytesMax: UInt64(bytes) * 10)
        let it = try DataKeysHarness(limits)
        try it.start()
        let first = it.reserve(records: records, bytes: bytes).id
        for _ in 0..<9 {
            it.advance(second)
            #expect(it.reserve(records: records, bytes: bytes).id == first)
            _ = refuseAll(it)
        }
        it.advance(second)
        #expect(it.reserve(records: records, bytes: bytes).code == .unavailable)
    }

    @Test func `while the service is known to be out sealing fails at once, also during a try`()
        throws
    {
        let it = try DataKeysHarness()
        #expect(it.reserve().isWait, "nobody knows yet")
        #expect(refuseAll(it) == 1)
        #expect(it.reserve().code == .unavailable)
        it.advance(second)
        #expect(it.keys.takeActions() == [.generate(it.kek)], "the refused caller had it tried")
        #expect(it.reserve().code == .unavailable, "nobody waits for the try")
        try it.succeed()
        #expect(it.reserve().id != nil)
    }

    @Test func `an outage of ten minutes costs a loop few calls and ends by itself`() throws {
        let it = try DataKeysHarness(DataKeySettings(ageSecondsMax: 60))
        try it.start()
        let first = it.reserve().id
        var calls = 0
        var sealed = 0
        var waits = 0
        for _ in 0..<6_000 {
            it.advance(100 * millisecond)
            switch it.reserve() {
            case .ready(let key):
                #expect(key.id == first)
                sealed += 1
            case .failed(let error): #expect(error.isRetriable)
            case .wait: waits += 1
            }
            calls += refuseAll(it)
        }
        #expect(sealed == 599, "to the end of the key's age")
        #expect(waits <= 1, "only who asks first after everything was forgotten: \(waits)")
        #expect((500...560).contains(calls), "one a second: \(calls)")
        it.advance(second)
        _ = it.reserve()
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        try it.succeed()
        let next = it.reserve().id
        #expect(next != nil && next != first)
    }

    @Test func `a service that fails without being known to be out is waited for`() throws {
        let it = try DataKeysHarness()
        #expect(it.reserve().isWait)
        it.fail(.unavailable)
        #expect(it.reserve().isWait)
    }

    // MARK: opening

    @Test func `in an outage a held key opens to the end of its time and not longer`() throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeySecondsMax: 100))
        #expect(it.open(wrapped).isWait)
        try it.deliver(wrapped)
        _ = it.keys.takeActions()
        var tries = 0
        for _ in 0..<99 {
            it.advance(second)
            #expect(it.open(wrapped).key != nil)
            tries += refuseAll(it)
        }
        #expect(tries >= 15, "refreshes are tried: \(tries)")
        it.advance(second)
        #expect(it.open(wrapped).key == nil)
        #expect(it.keys.openingKeyCount == 0)
        #expect(it.keys.status(now: it.now) == [])
    }

    @Test func `records that need a service that is out wait to the end of the beat`() throws {
        let it = try DataKeysHarness()
        #expect(it.open(wrapped).isWait)
        #expect(refuseAll(it) == 1)
        _ = it.keys.takeNews()
        guard case .wait(let ticket) = it.open(wrapped) else {
            Issue.record("answered at once")
            return
        }
        #expect(it.keys.nextDeadline == it.now + 450 * millisecond)
        it.advance(449 * millisecond)
        #expect(it.keys.takeNews() == [])
        #expect(it.open(wrapped).isWait)
        it.advance(millisecond)
        #expect(it.keys.takeNews() == [ticket])
        #expect(it.open(wrapped).code == .unavailable)
        it.advance(50 * millisecond)
        #expect(it.open(wrapped).isWait, "the next beat")
        it.advance(500 * millisecond)
        #expect(it.keys.takeActions() == [.unwrap(it.request(wrapped))])
        try it.deliver(wrapped)
        #expect(Set(it.keys.takeNews()) == [ticket])
        #expect(it.open(wrapped).key != nil)
    }

    @Test func `a key that gives way while somebody waits for it is told of later`() throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeysMax: 1))
        guard case .wait(let ticket) = it.open(wrapped, id: 1) else {
            Issue.record("no wait")
            return
        }
        it.refuse(wrapped, id: 1, .unavailable)
        #expect(it.open(wrapped, id: 1).isWait)
        _ = it.keys.takeNews()
        #expect(it.open(wrapped, id: 2).isWait, "takes the only place")
        #expect(it.keys.takeNews() == [], "told at once, the two would fight for ever")
        it.advance(100 * millisecond)
        #expect(it.keys.takeNews() == [ticket])
    }

    @Test func `news names those that it is for`() throws {
        let it = try DataKeysHarness()
        let other = [UInt8](repeating: 6, count: 41)
        guard case .wait(let sealing) = it.reserve(), case .wait(let first) = it.open(wrapped),
            case .wait(let second) = it.open(other, id: 8)
        else {
            Issue.record("no wait")
            return
        }
        #expect(Set([sealing, first, second]).count == 3)
        #expect(it.keys.takeNews() == [])
        try it.deliver(wrapped)
        #expect(it.keys.takeNews() == [first])
        it.refuse(other, id: 8, .denied)
        #expect(it.keys.takeNews() == [second])
        try it.succeed()
        #expect(it.keys.takeNews() == [sealing])
    }

    // MARK: status

    @Test func `the status lists what is held and for how long, without secrets`() throws {
        let it = try DataKeysHarness(
            DataKeySettings(recordsMax: 100, ageSecondsMax: 100, openingKeySecondsMax: 50))
        try it.start()
        let current = try #require(it.reserve(records: 85, bytes: 10).id)
        try it.succeed()
        it.now += 20 * second
        #expect(it.open(wrapped, id: 1).isWait)
        try it.deliver(wrapped, id: 1)
        it.now += second
        #expect(it.open(wrapped, id: 2).isWait)
        try it.deliver(wrapped, id: 2)
        it.now += 9 * second
        let status = it.keys.status(now: it.now)
        #expect(status.map(\.use) == [.sealing, .successor, .opening, .opening])
        #expect(status.map(\.keyVersion) == [1, 2, nil, nil])
        #expect(status.map(\.ageSeconds) == [30, 30, 9, 10])
        #expect(status.map(\.expiresInSeconds) == [70, 70, 41, 40])
        #expect(status.map(\.records) == [85, 0, nil, nil])
        #expect(status.map(\.bytes) == [10, 0, nil, nil])
        #expect(status.map(\.id).prefix(1) == [current])
        #expect(status.map(\.id).suffix(2) == [2, 1], "used last first")
        it.now += 41 * second
        #expect(it.keys.status(now: it.now).map(\.use) == [.sealing, .successor])
    }

    @Test func `of many opening keys the last used are listed`() throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeysMax: 2_000))
        for id in 0..<UInt64(1_500) {
            it.now += 1
            #expect(it.open(wrapped, id: id).isWait)
            try it.deliver(wrapped, id: id)
        }
        let listed = it.keys.status(now: it.now).map(\.id)
        #expect(listed == Array((500..<1_500).reversed()))
        #expect(it.keys.openingKeyCount == 1_500)
    }
}
