// HMACSHA256Tests: SHA-256 and HMAC against published vectors, and contexts used again.

import Bytes
import Crypto
import Testing

@Suite struct HMACSHA256Tests {
    private func digest(_ function: SHA256, _ message: [UInt8]) throws -> [UInt8] {
        let (input, output) = (buffer(message), ByteBuffer())
        try function.append(digestOf: input.bytes, to: output)
        return output.array
    }

    private func authenticator(_ function: HMACSHA256, _ message: [UInt8]) throws -> [UInt8] {
        let (input, output) = (buffer(message), ByteBuffer())
        try function.append(authenticatorOf: input.bytes, to: output)
        return output.array
    }

    /// FIPS 180-4's examples, and the empty message.
    private static let digests: [([UInt8], String)] = [
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (
            Array("abc".utf8),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        ),
        (
            Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ]

    @Test func `digests are those of the standard`() throws {
        let function = try SHA256()
        for (message, expected) in Self.digests + Self.digests.reversed() {
            #expect(try digest(function, message) == hex(expected))
        }
    }

    /// RFC 4231 sections 4.2 to 4.5, 4.7 and 4.8.
    private static let authenticators: [(key: [UInt8], message: [UInt8], String)] = [
        (
            [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            Array(1...25), [UInt8](repeating: 0xcd, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131),
            Array(
                ("This is a test using a larger than block-size key and a larger than "
                    + "block-size data. The key needs to be hashed before being used by the "
                    + "HMAC algorithm.").utf8),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ]

    @Test func `authenticators are those of the standard, also when a context is used again`()
        throws
    {
        for (key, message, expected) in Self.authenticators {
            let function = try HMACSHA256(key: secret(key))
            #expect(try authenticator(function, message) == hex(expected))
            _ = try authenticator(function, [1, 2, 3])
            #expect(try authenticator(function, message) == hex(expected))
        }
    }

    @Test(arguments: [
        (1, "6e340b9cffb37a98", "6620b31f2924b8c0"),
        (55, "576a1bf8d4478657", "4b5ec9373f21d728"),
        (56, "9b20501dfd1d9916", "4c7aa878704bd973"),
        (63, "30b345906b493f06", "4272d96119f35c22"),
        (64, "d8bc63b4fc1156e5", "ef60e21f98afc56c"),
        (65, "1ee23b0fbcaecc1a", "fe5990685a94962a"),
        (119, "7a6589821178918c", "b55b5e2b9e878854"),
        (120, "655250427d56b1b0", "b190079df5c6154d"),
        (1000, "89f4ff56a25dd1db", "eb9d355af775ebd3"),
    ])
    func `messages and keys around the size of a block are right`(
        count: Int, digestStart: String, authenticatorStart: String
    ) throws {
        // The rest of the numbers were made by another implementation; their first half is enough.
        let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
        #expect(try digest(SHA256(), message).prefix(8) == hex(digestStart)[...])
        let function = try HMACSHA256(key: secret(message))
        #expect(try authenticator(function, message).prefix(8) == hex(authenticatorStart)[...])
    }

    @Test func `results are put behind what is there`() throws {
        let (input, output) = (buffer(Array("abc".utf8)), buffer([1, 2]))
        try SHA256().append(digestOf: input.bytes, to: output)
        #expect(output.array == [1, 2] + hex(Self.digests[1].1))
    }

    @Test func `an empty key is refused`() {
        #expect(throws: CryptoError.badLength(of: "HMAC key", bytes: 0)) {
            _ = try HMACSHA256(key: secret([]))
        }
    }
}
