// FrameHeaderTests: headers of requests and responses in every version.

import Bytes
import Testing

@testable import KafkaWire

struct FrameHeaderTests {
    private func request(_ text: String) throws -> RequestHeader {
        let frame = ByteBuffer.holding(Hex.bytes(text))
        return try RequestHeader.parse(frame.bytes)
    }

    private func response(_ text: String, _ key: Int16, _ version: Int16) throws -> ResponseHeader {
        let frame = ByteBuffer.holding(Hex.bytes(text))
        return try ResponseHeader.parse(frame.bytes, apiKey: key, version: version)
    }

    @Test func `an old header has a client id and no tags`() throws {
        let header = try request("0003 0008 00000007 0003 616263 ffff")
        #expect(
            header
                == RequestHeader(
                    apiKey: 3, apiVersion: 8, correlationID: 7, clientID: 10..<13, end: 13))
    }

    @Test func `a flexible header keeps the client id's 16-bit length and has tags`() throws {
        let header = try request("0003 0009 80000001 0000 02 0001aa 0500 ffff")
        #expect(header.clientID == 10..<10)
        #expect(header.correlationID == Int32.min + 1)
        #expect(header.end == 16)
    }

    @Test func `a null client id is none`() throws {
        let header = try request("0000 0009 00000001 ffff 00 aa")
        #expect(header.clientID == nil)
        #expect(header.end == 11)
    }

    @Test func `requests that never became flexible have no tags`() throws {
        #expect(try request("0011 0001 00000001 ffff 01").end == 10)
        #expect(try request("002f 0000 00000001 ffff 01").end == 10)
    }

    @Test func `the oldest header ends behind the correlation id`() throws {
        #expect(try request("0007 0000 00000001 00000003").end == 8)
        #expect(try request("0007 0001 00000001 ffff").end == 10)
    }

    @Test func `an unknown key has a prefix only`() throws {
        #expect(throws: WireError.invalid(at: 0, "API key")) {
            try request("4000 0000 00000001 ffff")
        }
        let frame = ByteBuffer.holding(Hex.bytes("4000 0001 00000002"))
        let prefix = try RequestHeader.prefix(frame.bytes)
        #expect(prefix.apiKey == 0x4000)
        #expect(prefix.apiVersion == 1)
        #expect(prefix.correlationID == 2)
    }

    @Test func `a header that ends early is truncated at every length`() {
        let whole = Hex.bytes("0003 0009 80000001 0002 6162 02 0001aa 0500")
        for count in 0..<whole.count {
            let frame = ByteBuffer.holding(Array(whole[..<count]))
            do {
                _ = try RequestHeader.parse(frame.bytes)
                Issue.record("\(count) bytes were enough")
            } catch {
                guard case .truncated = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test func `bad lengths and tag orders are refused`() {
        #expect(throws: WireError.badLength(at: 8, -2)) { try request("0003 0008 00000007 fffe") }
        #expect(throws: WireError.invalid(at: 13, "order of tags")) {
            try request("0003 0009 00000007 ffff 02 0100 0100")
        }
    }

    @Test func `a response header has tags from the flexible version on`() throws {
        #expect(try response("00000005 00", 0, 8).end == 4)
        #expect(try response("00000005 01 07 02 aaaa ff", 0, 9).end == 9)
    }

    @Test func `the header of ApiVersions responses never has tags`() throws {
        for version: Int16 in 0...9 {
            #expect(try response("00000005", 18, version) == .init(correlationID: 5, end: 4))
        }
    }
}
