// AESGCMTests: published vectors, tampering, and what a failure leaves behind.

import Bytes
import Testing

@testable import Crypto

@Suite struct AESGCMTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        let key: String
        let nonce: String
        var aad = ""
        var plaintext = ""
        var ciphertext = ""
        let tag: String
        var testDescription: String { name }
    }

    private static let zeroKey = String(repeating: "00", count: 32)
    private static let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
    private static let plaintext = """
        d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
        1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39
        """
    private static let ciphertext = """
        522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
        8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
        """

    /// Test cases 13 to 16 of the GCM specification that was submitted to NIST.
    static let vectors = [
        Vector(
            name: "13: nothing", key: zeroKey, nonce: "000000000000000000000000",
            tag: "530f8afbc74536b9a963b4f1c4cb738b"),
        Vector(
            name: "14: one zero block", key: zeroKey, nonce: "000000000000000000000000",
            plaintext: "00000000000000000000000000000000",
            ciphertext: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919"),
        Vector(
            name: "15: four blocks", key: key, nonce: "cafebabefacedbaddecaf888",
            plaintext: plaintext + "1aafd255", ciphertext: ciphertext + "898015ad",
            tag: "b094dac5d93471bdec1a502270e3cc6c"),
        Vector(
            name: "16: associated data", key: key, nonce: "cafebabefacedbaddecaf888",
            aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            plaintext: plaintext, ciphertext: ciphertext,
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    private func nonce(_ text: String) throws -> Nonce {
        let bytes = buffer(hex(text))
        var cursor = ByteCursor(bytes.bytes)
        return Nonce(
            salt: try cursor.uint32(), counter: UInt64(bitPattern: try cursor.int64()))
    }

    @Test(arguments: vectors)
    func `the published vectors come out in both directions`(_ vector: Vector) throws {
        let cipher = try AESGCM(key: secret(hex(vector.key)))
        let aad = buffer(hex(vector.aad))
        let plaintext = buffer(hex(vector.plaintext))
        let sealed = buffer([0xaa])
        try cipher.seal(
            plaintext.bytes, nonce: nonce(vector.nonce), aad: aad.bytes, into: sealed)
        let wanted = hex(vector.nonce) + hex(vector.ciphertext) + hex(vector.tag)
        #expect(sealed.array == [0xaa] + wanted)
        let opened = buffer([0xbb])
        try cipher.open(sealed.bytes(in: 1..<sealed.count), aad: aad.bytes, into: opened)
        #expect(opened.array == [0xbb] + plaintext.array)
    }

    @Test func `one object seals and opens many messages of all lengths`() throws {
        let cipher = try AESGCM(key: .random(count: 32))
        let aad = buffer([1, 2, 3])
        for count in Array(0...130) + [511, 512, 513, 1_024, 65_537, 16, 0] {
            let plaintext = buffer((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            let sealed = ByteBuffer()
            let opened = ByteBuffer()
            try cipher.seal(
                plaintext.bytes, nonce: Nonce(salt: 9, counter: UInt64(count)), aad: aad.bytes,
                into: sealed)
            #expect(sealed.count == count + AESGCM.overheadBytes)
            try cipher.open(sealed.bytes, aad: aad.bytes, into: opened)
            #expect(opened.array == plaintext.array)
        }
    }

    @Test func `short and long messages are written and read alike`() throws {
        #expect(ShortGCM.isUsable)
        let key = try SecretBytes.random(count: 32)
        let short = try ShortGCM(key: key)
        let sealing = try GCMContext(key: key, sealing: true)
        let opening = try GCMContext(key: key, sealing: false)
        let aads = [0, 1, 15, 16, 17, 70, 400].map { [UInt8](repeating: 0x5a, count: $0) }
        for count in 0...ShortGCM.bytesMax {
            let aad = aads[count % aads.count]
            let counter = UInt64.max / 2 &+ UInt64(count) &* 0x1_0000_0001
            let nonce = Nonce(salt: 0xfeed_0000 | UInt32(count), counter: counter)
            let nonceBytes = ByteBuffer()
            nonceBytes.append(int32: Int32(bitPattern: nonce.salt))
            nonceBytes.append(int64: Int64(bitPattern: nonce.counter))
            let plaintext = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ count) }
            var one = nonceBytes.array + [UInt8](repeating: 0, count: count + 16)
            var other = one
            var opened = [UInt8](repeating: 0, count: count + 1)
            // SAFETY: `one` and `other` have 28 bytes more than `count`, `opened` one more.
            unsafe plaintext.withUnsafeBytes { plain in
                unsafe aad.withUnsafeBytes { aad in
                    unsafe one.withUnsafeMutableBytes { room in
                        guard let start = room.baseAddress else { return }
                        #expect(
                            unsafe short.seal(plain, aad, nonceBytes: start, output: start + 12))
                    }
                    unsafe other.withUnsafeMutableBytes { room in
                        guard let start = room.baseAddress else { return }
                        #expect(
                            unsafe sealing.seal(
                                plain, aad, nonce, nonceBytes: start, output: start + 12))
                    }
                    unsafe opened.withUnsafeMutableBytes { room in
                        guard let start = room.baseAddress else { return }
                        #expect(
                            unsafe other.withUnsafeBytes { sealed in
                                unsafe short.open(sealed, aad, count: count, output: start)
                            })
                        #expect(unsafe room.prefix(count).elementsEqual(plain))
                        #expect(
                            unsafe one.withUnsafeBytes { sealed in
                                unsafe opening.open(sealed, aad, count: count, output: start)
                            })
                        #expect(unsafe room.prefix(count).elementsEqual(plain))
                    }
                }
            }
            #expect(one == other, "\(count) bytes")
        }
    }

    @Test func `a message that is too long for the short way is refused by it`() throws {
        let short = try ShortGCM(key: .random(count: 32))
        let plaintext = [UInt8](repeating: 1, count: ShortGCM.bytesMax + 1)
        var room = [UInt8](repeating: 0, count: 12 + plaintext.count + 16)
        // SAFETY: the room is that of nonce, ciphertext and tag.
        let sealed = unsafe plaintext.withUnsafeBytes { plain in
            unsafe room.withUnsafeMutableBytes { room in
                guard let start = room.baseAddress else { return true }
                return unsafe short.seal(
                    plain, UnsafeRawBufferPointer(start: nil, count: 0), nonceBytes: start,
                    output: start + 12)
            }
        }
        #expect(!sealed)
        #expect(room.allSatisfy { $0 == 0 })
    }

    @Test func `a change of any byte of a sealed value is noticed`() throws {
        let cipher = try AESGCM(key: .random(count: 32))
        let aad = buffer([1, 2, 3])
        let plaintext = buffer(Array("forty bytes of text that nobody may alter".utf8))
        let sealed = ByteBuffer()
        try cipher.seal(
            plaintext.bytes, nonce: Nonce(salt: 1, counter: 2), aad: aad.bytes, into: sealed)
        let original = sealed.array
        for index in original.indices {
            for bit in [UInt8(1), 0x80] {
                var changed = original
                changed[index] ^= bit
                let input = buffer(changed)
                let output = buffer([7])
                #expect(throws: CryptoError.authenticationFailed) {
                    try cipher.open(input.bytes, aad: aad.bytes, into: output)
                }
                #expect(output.array == [7])
            }
        }
        let output = ByteBuffer()
        try cipher.open(sealed.bytes, aad: aad.bytes, into: output)
        #expect(output.array == plaintext.array)
    }

    @Test func `other associated data, another key and a cut value do not open`() throws {
        let cipher = try AESGCM(key: .random(count: 32))
        let other = try AESGCM(key: .random(count: 32))
        let aad = buffer([1, 2, 3])
        let wrong = buffer([1, 2, 4])
        let none = ByteBuffer()
        let sealed = ByteBuffer()
        try cipher.seal(aad.bytes, nonce: Nonce(salt: 1, counter: 2), aad: aad.bytes, into: sealed)
        for (cipher, aad) in [(cipher, wrong), (cipher, none), (other, aad)] {
            #expect(throws: CryptoError.authenticationFailed) {
                try cipher.open(sealed.bytes, aad: aad.bytes, into: ByteBuffer())
            }
        }
        for count in 0..<sealed.count {
            let expected: CryptoError =
                count < AESGCM.overheadBytes
                ? .badLength(of: "sealed value", bytes: count) : .authenticationFailed
            #expect(throws: expected) {
                try cipher.open(sealed.bytes(in: 0..<count), aad: aad.bytes, into: ByteBuffer())
            }
        }
    }

    @Test func `bytes that did not authenticate are zeroed in the output's storage`() throws {
        let cipher = try AESGCM(key: .random(count: 32))
        let none = ByteBuffer()
        let plaintext = buffer([UInt8](repeating: 0x55, count: 100))
        let sealed = ByteBuffer()
        try cipher.seal(
            plaintext.bytes, nonce: Nonce(salt: 1, counter: 2), aad: none.bytes, into: sealed)
        sealed.set(byte: ~sealed.array[sealed.count - 1], at: sealed.count - 1)
        let output = buffer([UInt8](repeating: 0xee, count: 300))
        output.truncate(to: 1)
        #expect(throws: CryptoError.authenticationFailed) {
            try cipher.open(sealed.bytes, aad: none.bytes, into: output)
        }
        // SAFETY: the storage was filled with 300 bytes above.
        unsafe output.appendUninitialized(101) { _ in 101 }
        #expect(
            output.array == [0xee] + [UInt8](repeating: 0, count: 100) + [0xee],
            "the plaintext was there before the tag was found wrong")
    }

    @Test(arguments: [0, 16, 31, 33])
    func `a key of another length is refused`(_ count: Int) throws {
        #expect(throws: CryptoError.badLength(of: "AES-256 key", bytes: count)) {
            try AESGCM(key: .random(count: count))
        }
    }
}
