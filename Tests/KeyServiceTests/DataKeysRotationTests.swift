// DataKeysRotationTests: new key versions come into use, revoked keys go out of it.

import Envelope
import Testing

@testable import KeyService

@Suite struct DataKeysRotationTests {
    private let wrapped = [UInt8](repeating: 5, count: 41)

    // MARK: rotation

    @Test func `a new key version seals after the data key's age at most, and old ones open`()
        throws
    {
        let it = try DataKeysHarness(DataKeySettings(recordsMax: 1_000, ageSecondsMax: 100))
        try it.start()
        let first = try #require(it.reserve().id)
        // A successor made early is still of the old version: it may not carry it on.
        #expect(it.reserve(records: 850).id == first)
        try it.succeed()
        it.advance(10 * second)
        // The key service is rotated here. The harness counts versions: what is made next is of
        // version 3, and 1 and 2 are old.
        let rotated = it.now
        var versions: Set<UInt32> = []
        while it.now < rotated + 200 * second {
            it.advance(second)
            let answer = it.reserve(records: 1)
            if answer.isWait {
                #expect(it.keys.takeActions() == [.generate(it.kek)])
                try it.succeed()
                continue
            }
            let inUse = it.keys.status(now: it.now).first { $0.use == .sealing }?.keyVersion
            if it.now >= rotated + 100 * second { versions.insert(try #require(inUse)) }
            if !it.keys.takeActions().isEmpty { try it.succeed() }
        }
        #expect(!versions.isEmpty)
        #expect(versions.allSatisfy { $0 >= 3 })
        #expect(it.open(wrapped, id: first).isWait)
        try it.deliver(wrapped, id: first)
        #expect(it.open(wrapped, id: first).key != nil)
    }

    // MARK: revocation

    @Test(arguments: [KeyServiceError.Code.notFound, .denied, .disabled])
    func `a refused successor ends sealing at once, whatever the current key could do`(
        _ code: KeyServiceError.Code
    ) throws {
        let it = try DataKeysHarness(DataKeySettings(recordsMax: 100))
        try it.start()
        weak let held: SealingKey? = {
            if case .ready(let key) = it.reserve(records: 85) { key } else { nil }
        }()
        #expect(held != nil)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        it.fail(code)
        #expect(it.reserve(records: 1).code == code)
        #expect(held == nil, "the key object is gone, and with it its bytes")
        #expect(it.keys.status(now: it.now) == [])
        // Given back, it seals again, with another data key.
        it.advance(5 * second)
        #expect(it.reserve(records: 1).isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        try it.succeed()
        #expect(it.reserve(records: 1).id != nil)
    }

    @Test func `a successor that comes back damaged leaves the current key its limits`() throws {
        let it = try DataKeysHarness(DataKeySettings(recordsMax: 100))
        try it.start()
        let first = it.reserve(records: 85).id
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        it.fail(.corrupt)
        #expect(it.reserve(records: 10).id == first)
        #expect(it.reserve(records: 10).code == .corrupt)
    }

    @Test func `what another loop was refused stops sealing here too`() throws {
        let it = try DataKeysHarness()
        let other = try #require(KEKReference("local/orders"))
        try it.start()
        #expect(it.keys.reserve(other, records: 1, bytes: 1, now: it.now).isWait)
        it.keys.generated(other, .success(try DataKeysHarness.generated(9)), now: it.now)
        #expect(it.reserve().id != nil)
        it.keys.refused(it.kek, it.error(.unavailable), now: it.now)
        #expect(it.reserve().id != nil, "an outage is not for passing on")
        it.keys.refused(it.kek, it.error(.disabled), now: it.now)
        #expect(it.reserve().code == .disabled)
        #expect(it.keys.reserve(other, records: 1, bytes: 1, now: it.now).id != nil)
    }

    @Test func `a call under way when another loop was refused brings its own answer`() throws {
        let it = try DataKeysHarness()
        #expect(it.reserve().isWait)
        #expect(it.keys.takeActions() == [.generate(it.kek)])
        it.keys.refused(it.kek, it.error(.disabled), now: it.now)
        #expect(it.reserve().isWait)
        try it.succeed()
        #expect(it.reserve().id != nil)
    }

    @Test(arguments: [KeyServiceError.Code.notFound, .denied, .disabled, .corrupt])
    func `a refused refresh drops an opening key at once`(_ code: KeyServiceError.Code) throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeySecondsMax: 100))
        #expect(it.open(wrapped).isWait)
        try it.deliver(wrapped)
        it.advance(80 * second)
        weak let held = it.open(wrapped).key
        #expect(held != nil)
        it.refuse(wrapped, code)
        #expect(it.open(wrapped).code == code)
        #expect(held == nil)
    }

    @Test func `a revoked key stops opening within the cache time however busy it is`() throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeySecondsMax: 100))
        #expect(it.open(wrapped).isWait)
        try it.deliver(wrapped)
        _ = it.keys.takeActions()
        let fetched = it.now
        // Revoked here: every call from now on is refused.
        var opened: UInt64 = 0
        for _ in 0..<3_000 {
            it.advance(100 * millisecond)
            if it.open(wrapped).key != nil { opened = it.now }
            if !it.keys.takeActions().isEmpty { it.refuse(wrapped, .disabled) }
        }
        #expect(opened > fetched)
        #expect(opened - fetched < 100 * second)
    }

    @Test func `a disabled old version does not end sealing under the new one`() throws {
        let it = try DataKeysHarness()
        try it.start()
        #expect(it.open(wrapped).isWait)
        it.refuse(wrapped, .disabled)
        #expect(it.reserve().id != nil)
    }
}
