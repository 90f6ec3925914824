// DataKeysOpeningTests: the cache of unwrapped keys: hits, misses, expiry, revocation, eviction.

import Bytes
import Crypto
import Envelope
import KeyService
import Testing

@Suite struct DataKeysOpeningTests {
    private let wrapped = [UInt8](repeating: 5, count: 41)

    @Test func `a miss asks once and becomes a hit`() throws {
        let it = try DataKeysHarness()
        #expect(it.open(wrapped).isWait)
        #expect(it.open(wrapped).isWait)
        #expect(it.keys.takeActions() == [.unwrap(it.request(wrapped))])
        try it.deliver(wrapped)
        let key = try #require(it.open(wrapped).key)
        #expect(key.id == 7)
        #expect(key.reference == "local/payments")
        #expect(it.open(wrapped).key === key)
        #expect(it.keys.takeActions() == [])
        #expect(it.keys.openingKeyCount == 1)
    }

    @Test func `what was sealed with a generated key opens with the unwrapped one`() throws {
        let it = try DataKeysHarness()
        let made = try DataKeysHarness.generated(3)
        #expect(it.reserve().isWait)
        it.keys.generated(it.kek, .success(made), now: it.now)
        guard case .ready(let sealing) = it.reserve() else {
            Issue.record("no key")
            return
        }
        #expect(it.open(made.wrapped, id: sealing.id).isWait)
        it.keys.unwrapped(
            it.request(made.wrapped, id: sealing.id), .success(made.plaintext), now: it.now)
        let opening = try #require(it.open(made.wrapped, id: sealing.id).key)
        try sealing.bind(topic: "payments")
        try opening.bind(topic: "payments")
        let plaintext = ByteBuffer()
        plaintext.append("a value")
        let sealed = ByteBuffer()
        let opened = ByteBuffer()
        try sealing.seal(plaintext.bytes, into: sealed)
        try opening.open(sealed.bytes, into: opened)
        #expect(opened.array == plaintext.array)
    }

    @Test func `other wrapped bytes or another reference under the same id are another key`()
        throws
    {
        let it = try DataKeysHarness()
        let other = [UInt8](repeating: 6, count: 41)
        #expect(it.open(wrapped).isWait)
        try it.deliver(wrapped)
        _ = it.keys.takeActions()
        #expect(it.open(other).isWait)
        #expect(it.open(wrapped, reference: "local/orders").isWait)
        let orders = try #require(KEKReference("local/orders"))
        #expect(
            it.keys.takeActions() == [
                .unwrap(it.request(other)),
                .unwrap(UnwrapRequest(reference: orders, wrapped: wrapped, id: 7)),
            ])
        #expect(it.open(wrapped).key != nil)
    }

    @Test(arguments: ["", "local", "a/b/c", "/payments", "local/", "lo cal/x", "local/päy"])
    func `a reference that names no key is refused without a call`(_ reference: String) throws {
        let it = try DataKeysHarness()
        #expect(it.open(wrapped, reference: reference).code == .corrupt)
        #expect(it.keys.takeActions() == [])
        #expect(it.keys.nextDeadline == nil)
    }

    @Test func `a wrapped key of an impossible length is refused without a call`() throws {
        let it = try DataKeysHarness()
        #expect(it.open([]).code == .corrupt)
        #expect(it.open([UInt8](repeating: 1, count: 1_025)).code == .corrupt)
        #expect(it.keys.takeActions() == [])
    }

    @Test func `a key is held for its time only, and fetched ahead while it is used`() throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeySecondsMax: 100))
        #expect(it.open(wrapped).isWait)
        try it.deliver(wrapped)
        _ = it.keys.takeActions()
        it.advance(79 * second)
        #expect(it.open(wrapped).key != nil)
        #expect(it.keys.takeActions() == [])
        it.advance(second)
        let first = try #require(it.open(wrapped).key)
        #expect(it.keys.takeActions() == [.unwrap(it.request(wrapped))])
        #expect(it.open(wrapped).key === first)
        #expect(it.keys.takeActions() == [])
        try it.deliver(wrapped)
        let next = try #require(it.open(wrapped).key)
        #expect(next !== first)
        it.advance(99 * second)
        #expect(it.open(wrapped).key === next)
        it.advance(second)
        #expect(it.open(wrapped).isWait)
    }

    @Test func `an unused key is dropped when its time is over`() throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeySecondsMax: 100))
        #expect(it.open(wrapped).isWait)
        try it.deliver(wrapped)
        weak let held = it.open(wrapped).key
        #expect(held != nil)
        for _ in 0..<105 { it.advance(second) }
        #expect(held == nil, "the key object is gone, and with it its bytes")
        #expect(it.keys.openingKeyCount == 0)
        #expect(it.keys.nextDeadline == nil)
    }

    @Test func `an outage keeps a held key to its end, a refusal drops it at once`() throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeySecondsMax: 100))
        #expect(it.open(wrapped).isWait)
        try it.deliver(wrapped)
        it.advance(80 * second)
        #expect(it.open(wrapped).key != nil)
        it.refuse(wrapped, .unavailable)
        #expect(it.open(wrapped).key != nil)
        it.advance(second)
        _ = it.keys.takeActions()
        #expect(it.open(wrapped).key != nil)
        #expect(it.keys.takeActions() == [.unwrap(it.request(wrapped))])
        it.refuse(wrapped, .disabled)
        #expect(it.open(wrapped).code == .disabled)
        #expect(it.keys.openingKeyCount == 0)
    }

    @Test(arguments: [KeyServiceError.Code.notFound, .denied, .disabled, .corrupt])
    func `a refusal is answered from memory for some seconds`(
        _ code: KeyServiceError.Code
    ) throws {
        let it = try DataKeysHarness()
        #expect(it.open(wrapped).isWait)
        _ = it.keys.takeActions()
        it.refuse(wrapped, code)
        #expect(it.open(wrapped).code == code)
        it.now += 4_999 * millisecond
        #expect(it.open(wrapped).code == code)
        #expect(it.keys.takeActions() == [])
        it.now += millisecond
        #expect(it.open(wrapped).isWait)
        #expect(it.keys.takeActions() == [.unwrap(it.request(wrapped))])
    }

    @Test func `a waiting record is tried again when the pause is over`() throws {
        let it = try DataKeysHarness()
        #expect(it.open(wrapped).isWait)
        _ = it.keys.takeActions()
        it.refuse(wrapped, .unavailable)
        #expect(it.open(wrapped).isWait)
        #expect(it.keys.nextDeadline == it.now + 50 * millisecond)
        it.advance(50 * millisecond)
        #expect(it.keys.takeActions() == [.unwrap(it.request(wrapped))])
        try it.deliver(wrapped)
        #expect(it.open(wrapped).key != nil)
    }

    @Test func `a key of a wrong length is corrupt`() throws {
        let it = try DataKeysHarness()
        #expect(it.open(wrapped).isWait)
        it.keys.unwrapped(it.request(wrapped), .success(try .random(count: 16)), now: it.now)
        #expect(it.open(wrapped).code == .corrupt)
    }

    @Test func `the number of entries is bounded and the recently used stay`() throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeysMax: 16))
        for id in 0..<100 {
            it.now += 1
            #expect(it.open(wrapped, id: UInt64(id)).isWait)
            try it.deliver(wrapped, id: UInt64(id))
            #expect(it.open(wrapped, id: 0).key != nil, "in use, so it stays")
            #expect(it.keys.openingKeyCount <= 16)
        }
        #expect(it.open(wrapped, id: 99).key != nil)
        #expect(it.open(wrapped, id: 1).isWait)
    }

    @Test func `entries that are being fetched are bounded too`() throws {
        let it = try DataKeysHarness(DataKeySettings(openingKeysMax: 4))
        for id in 0..<4 { #expect(it.open(wrapped, id: UInt64(id)).isWait) }
        #expect(it.open(wrapped, id: 4).code == .unavailable)
        #expect(it.keys.takeActions().count == 4)
        it.refuse(wrapped, id: 2, .notFound)
        #expect(it.open(wrapped, id: 4).isWait)
    }

    @Test func `few entries share an id`() throws {
        let it = try DataKeysHarness()
        for byte in 0..<20 {
            let wrapped = [UInt8](repeating: UInt8(byte), count: 41)
            #expect(it.open(wrapped).isWait)
            try it.deliver(wrapped)
        }
        #expect(it.keys.openingKeyCount == 4)
    }
}
