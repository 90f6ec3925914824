// SecretBytesTests: filling, lending and comparing secrets, wiping buffers, random numbers.

import Bytes
import Crypto
import Testing

@Suite struct SecretBytesTests {
    private struct Stop: Error {}

    @Test func `a secret lends what was put in`() throws {
        let value = secret([1, 2, 3])
        #expect(value.count == 3)
        #expect(value.array == [1, 2, 3])
        let empty = secret([])
        #expect(empty.count == 0)
        #expect(empty.array == [])
        // SAFETY: the stores are inside the three bytes asked for.
        let filled = unsafe SecretBytes(count: 3) { room in unsafe room[1] = 9 }
        #expect(filled.array == [0, 9, 0])
    }

    @Test func `an error while filling comes out`() {
        #expect(throws: Stop.self) {
            // SAFETY: nothing is written.
            _ = try unsafe SecretBytes(count: 8) { _ throws(Stop) in throw Stop() }
        }
    }

    @Test func `a printed secret shows no bytes`() {
        #expect(String(describing: secret([0xde, 0xad])) == "Crypto.SecretBytes")
        #expect(String(reflecting: secret([0xde, 0xad])) == "Crypto.SecretBytes")
    }

    @Test func `comparison tells content and length apart`() {
        #expect(secret([1, 2, 3]).constantTimeEquals(secret([1, 2, 3])))
        #expect(!secret([1, 2, 3]).constantTimeEquals(secret([1, 2, 4])))
        #expect(!secret([1, 2, 3]).constantTimeEquals(secret([1, 2])))
        #expect(secret([]).constantTimeEquals(secret([])))
    }

    @Test func `a wiped buffer is empty and its storage zero`() {
        let text = buffer([UInt8](repeating: 0x77, count: 40))
        wipe(text)
        #expect(text.count == 0)
        // SAFETY: wipe() wrote all 40 bytes, so they are initialised.
        unsafe text.appendUninitialized(40) { _ in 40 }
        #expect(text.array == [UInt8](repeating: 0, count: 40))
    }

    @Test func `random values differ`() throws {
        let numbers = try (0..<64).map { _ in try SecureRandom.uint64() }
        #expect(Set(numbers).count == 64)
        let shorts = try (0..<64).map { _ in try SecureRandom.uint32() }
        #expect(Set(shorts).count > 60)
        let first = try SecretBytes.random(count: 32)
        #expect(!first.constantTimeEquals(try .random(count: 32)))
        #expect(try SecretBytes.random(count: 0).count == 0)
    }
}
