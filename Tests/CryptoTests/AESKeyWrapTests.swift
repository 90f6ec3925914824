// AESKeyWrapTests: the vectors of RFC 3394 for 256-bit keys, and what does not unwrap.

import Bytes
import Crypto
import Testing

@Suite struct AESKeyWrapTests {
    private static let kek = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

    /// RFC 3394 sections 4.3, 4.5 and 4.6.
    @Test(arguments: [
        (
            "00112233445566778899AABBCCDDEEFF",
            "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"
        ),
        (
            "00112233445566778899AABBCCDDEEFF0001020304050607",
            "A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1"
        ),
        (
            "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
            "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"
        ),
    ])
    func `the published vectors come out in both directions`(
        _ key: String, _ wrapped: String
    ) throws {
        let kek = secret(hex(AESKeyWrapTests.kek))
        #expect(try AESKeyWrap.wrap(key: secret(hex(key)), under: kek) == hex(wrapped))
        let input = buffer(hex(wrapped))
        #expect(try AESKeyWrap.unwrap(input.bytes, under: kek).array == hex(key))
    }

    @Test func `a change of any byte, and another key, do not unwrap`() throws {
        let kek = try SecretBytes.random(count: 32)
        let wrapped = try AESKeyWrap.wrap(key: .random(count: 32), under: kek)
        for index in wrapped.indices {
            var changed = wrapped
            changed[index] ^= 1
            let input = buffer(changed)
            #expect(throws: CryptoError.authenticationFailed) {
                try AESKeyWrap.unwrap(input.bytes, under: kek)
            }
        }
        let input = buffer(wrapped)
        let other = try SecretBytes.random(count: 32)
        #expect(throws: CryptoError.authenticationFailed) {
            try AESKeyWrap.unwrap(input.bytes, under: other)
        }
    }

    @Test func `lengths that the algorithm does not take are refused`() throws {
        let kek = try SecretBytes.random(count: 32)
        for count in [0, 8, 15, 33, 4_104] {
            #expect(throws: CryptoError.badLength(of: "key to wrap", bytes: count)) {
                try AESKeyWrap.wrap(key: .random(count: count), under: kek)
            }
            let input = buffer([UInt8](repeating: 1, count: count + 8))
            #expect(throws: CryptoError.badLength(of: "wrapped key", bytes: count + 8)) {
                try AESKeyWrap.unwrap(input.bytes, under: kek)
            }
        }
        #expect(throws: CryptoError.badLength(of: "A256KW key", bytes: 16)) {
            try AESKeyWrap.wrap(key: kek, under: .random(count: 16))
        }
    }
}
