// LogInMessagesTests: SASL messages of all versions, whole, cut short and wrong.

import Bytes
import TestSupport
import Testing

@testable import KafkaWire

@Suite struct LogInMessagesTests {
    private func buffer(_ bytes: some Sequence<UInt8>) -> ByteBuffer {
        let buffer = ByteBuffer(capacity: 64)
        for byte in bytes { buffer.append(byte) }
        return buffer
    }

    private func bytes(_ build: (ByteBuffer) -> Void) -> [UInt8] {
        let buffer = ByteBuffer(capacity: 64)
        build(buffer)
        return buffer.bytes.array
    }

    @Test func `a handshake names its mechanism`() throws {
        let body = bytes {
            $0.append(int16: 5)
            $0.append("PLAIN")
        }
        let request = try SASLHandshakeRequest(buffer(body).bytes, version: 1)
        #expect(request.mechanism == 2..<7)
        for count in body.indices {
            let cut = body[..<count]
            #expect(throws: WireError.self) {
                try SASLHandshakeRequest(buffer(cut).bytes, version: 1)
            }
        }
        let longer = body + [0]
        #expect(throws: WireError.self) {
            try SASLHandshakeRequest(buffer(longer).bytes, version: 1)
        }
        let null: [UInt8] = [0xff, 0xff]
        #expect(throws: WireError.self) { try SASLHandshakeRequest(buffer(null).bytes, version: 1) }
    }

    @Test(arguments: [Int16(0), 1, 2]) func `an authenticate request holds a token`(
        version: Int16
    ) throws {
        let body = bytes {
            if version >= 2 {
                $0.append(4 as UInt8)
                $0.append("abc")
                $0.append(0 as UInt8)
            } else {
                $0.append(int32: 3)
                $0.append("abc")
            }
        }
        let request = try SASLAuthenticateRequest(buffer(body).bytes, version: version)
        #expect(Array(body[request.token]) == Array("abc".utf8))
        for count in body.indices {
            let cut = body[..<count]
            #expect(throws: WireError.self) {
                try SASLAuthenticateRequest(buffer(cut).bytes, version: version)
            }
        }
    }

    @Test(arguments: [Int16(0), 1, 2]) func `an authenticate response holds error and token`(
        version: Int16
    ) throws {
        let body = bytes {
            $0.append(int16: 58)
            if version >= 2 {
                $0.append(3 as UInt8)
                $0.append("no")
                $0.append(2 as UInt8)
                $0.append("x")
            } else {
                $0.append(int16: 2)
                $0.append("no")
                $0.append(int32: 1)
                $0.append("x")
            }
            if version >= 1 { $0.append(int64: 3_600_000) }
            if version >= 2 { $0.append(0 as UInt8) }
        }
        let response = try SASLAuthenticateResponse(buffer(body).bytes, version: version)
        #expect(response.errorCode == 58)
        #expect(Array(body[response.token]) == Array("x".utf8))
        #expect(response.sessionLifetimeMilliseconds == (version >= 1 ? 3_600_000 : 0))
        for count in 0..<body.count - (version >= 2 ? 1 : 0) {
            let cut = body[..<count]
            #expect(throws: WireError.self) {
                try SASLAuthenticateResponse(buffer(cut).bytes, version: version)
            }
        }
    }

    @Test func `a null message and a null token are empty`() throws {
        let body: [UInt8] = [0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
        let response = try SASLAuthenticateResponse(buffer(body).bytes, version: 0)
        #expect(response.errorCode == 0)
        #expect(response.token.isEmpty)
    }

    @Test func `garbage is an error or a place within the body`() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<5_000 {
            let body = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            for version in Int16(0)...2 {
                if let request = try? SASLAuthenticateRequest(buffer(body).bytes, version: version)
                {
                    #expect(request.token.upperBound <= body.count)
                }
                if let response = try? SASLAuthenticateResponse(
                    buffer(body).bytes, version: version)
                {
                    #expect(response.token.upperBound <= body.count)
                }
            }
        }
    }
}
