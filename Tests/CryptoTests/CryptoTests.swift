// placeholder
import Bytes
import Crypto
import Testing

@Test func `smoke`() throws {
    let gcm = try AESGCM(key: SecretBytes.random(count: 32))
    let out = ByteBuffer(), back = ByteBuffer(), text = ByteBuffer()
    text.append("hello")
    try gcm.seal(text.bytes, nonce: Nonce(salt: 1, counter: 2), aad: text.bytes, into: out)
    try gcm.open(out.bytes, aad: text.bytes, into: back)
    #expect(back.array == text.array)
}
