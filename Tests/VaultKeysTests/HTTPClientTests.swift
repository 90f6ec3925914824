// HTTPClientTests: bad networks and bad servers: slow, broken, huge, redirecting, gone.

import Bytes
import Crypto
import KeyService
import Synchronization
import TestSupport
import Testing

@testable import VaultKeys

@Suite struct HTTPClientTests {
    private func client(
        _ address: String, totalNanoseconds: UInt64 = 20_000_000_000
    ) throws -> HTTPClient {
        HTTPClient(
            HTTPSettings(
                address: try VaultAddress(address), namespace: nil, caFile: nil,
                clientCertificateFile: nil, clientKeyFile: nil, serverName: nil,
                connectNanoseconds: 10_000_000_000, usesEnvironmentProxy: false),
            totalNanoseconds: totalNanoseconds)
    }

    private func get(
        _ client: HTTPClient, _ path: String = "/v1/x", token: String? = nil
    ) async -> Result<String, HTTPFailure> {
        let secret = token.map { text in
            let buffer = ByteBuffer()
            buffer.append(text)
            return SecretBytes(copying: buffer.bytes)
        }
        return await client.send(HTTPRequest(path: path, token: secret)) { status, body in
            "\(status) \(body.text)"
        }
    }

    @Test func `calls one after the other use one connection`() async throws {
        let server = try ScriptedServer { .json(200, $0.path) }
        let client = try client(server.address)
        for number in 0..<20 {
            #expect(await get(client, "/v1/\(number)") == .success("200 /v1/\(number)"))
        }
        // One, but for a server that was too slow to be waited for.
        #expect(server.connections < 5)
    }

    @Test func `a hundred calls at once all come back, over a bounded number of connections`()
        async throws
    {
        let server = try ScriptedServer { .json(200, $0.path) }
        let client = try client(server.address)
        let answers = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<100 {
                group.addTask {
                    await get(client, "/v1/\(number)") == .success("200 /v1/\(number)")
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(answers == 100)
        #expect(server.connections <= 32)
    }

    @Test func `a server that hangs is left in time, also while others are served`() async throws {
        let server = try ScriptedServer { $0.path == "/v1/hang" ? .hang : .json(200, "") }
        let client = try client(server.address, totalNanoseconds: 700_000_000)
        async let hung = get(client, "/v1/hang")
        #expect(await get(client) == .success("200 "))
        #expect(await hung == .failure(.timedOut(isConnected: true)))
    }

    @Test func `a call that waits behind hanging ones is left in time`() async throws {
        let server = try ScriptedServer { _ in .hang }
        let client = try client(server.address, totalNanoseconds: 500_000_000)
        let failures = await withTaskGroup(of: Result<String, HTTPFailure>.self) { group in
            for _ in 0..<50 { group.addTask { await get(client) } }
            return await group.reduce(into: 0) { count, answer in
                if case .failure(.timedOut) = answer { count += 1 }
            }
        }
        #expect(failures == 50)
    }

    @Test(arguments: [
        "", "garbage\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "\u{0}\u{1}\u{2}",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 5\r\n",
    ])
    func `an answer that is broken is no answer`(_ text: String) async throws {
        let server = try ScriptedServer { _ in .raw(text) }
        let client = try client(server.address)
        let answer = await get(client)
        #expect(throws: HTTPFailure.self) { try answer.get() }
    }

    @Test func `an answer that is too large is cut off`() async throws {
        let server = try ScriptedServer { request in
            switch request.path {
            case "/v1/body": .json(200, String(repeating: "x", count: 1 << 20 | 1))
            case "/v1/most": .json(200, String(repeating: "x", count: 1 << 20))
            default:
                .raw(
                    "HTTP/1.1 200 OK\r\n"
                        + String(
                            repeating: "X-Fill: \(String(repeating: "x", count: 900))\r\n",
                            count: 90)
                        + "Content-Length: 0\r\n\r\n")
            }
        }
        let client = try client(server.address)
        #expect(await get(client, "/v1/body") == .failure(.badAnswer("is too large")))
        #expect(await get(client, "/v1/head") == .failure(.badAnswer("is too large")))
        #expect(try await get(client, "/v1/most").get().utf8.count == 4 + 1 << 20)
    }

    @Test func `nobody at the address, and no such name, are told apart`() async throws {
        let port = try #require(try BlockingListener.freePorts(1).first)
        let nobody = await get(try client("http://127.0.0.1:\(port)"))
        #expect(nobody == .failure(.unreachable("nobody accepts it")))
        let unknown = await get(try client("http://no-such-host.invalid:8200"))
        #expect(unknown == .failure(.unknownHost))
    }

    @Test func `a server that speaks no TLS is a TLS failure`() async throws {
        let listener = try BlockingListener()
        BlockingThread.start {
            guard let socket = listener.accept() else { return }
            try? socket.send("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
            socket.waitForBytes()
            socket.close()
        }
        defer { listener.interrupt() }
        let failure = await get(try client("https://127.0.0.1:\(listener.port)"))
        #expect(failure == .failure(.tls("the handshake failed")))
    }

    // MARK: redirects

    @Test func `a standby's redirect is followed with the token`() async throws {
        let active = try ScriptedServer { .json(200, $0.token ?? "none") }
        let target = active.address
        let standby = try ScriptedServer { .redirect(307, target + $0.path) }
        #expect(
            await get(try client(standby.address), token: "s.planted")
                == .success("200 s.planted"))
    }

    @Test func `redirects that never end are left`() async throws {
        let server = try ScriptedServer { request in
            .redirect(307, "http://\(request.headers["host"] ?? "")/v1/x")
        }
        #expect(
            await get(try client(server.address)) == .failure(.redirect("too often")))
        #expect(server.seen.count == 3)
    }

    @Test(arguments: [
        (301, "/v1/x"), (302, "/v1/x"), (303, "/v1/x"), (307, "/v1/other"), (307, ""),
        (308, "https:/v1/x"), (307, "ftp://127.0.0.1/v1/x"), (307, "file:///v1/x"), (304, "/v1/x"),
    ])
    func `other redirects are not followed`(_ status: Int, _ target: String) async throws {
        let server = try ScriptedServer { _ in .redirect(status, target) }
        let answer = await get(try client(server.address), token: "s.planted")
        guard case .failure(.redirect) = answer else {
            Issue.record("followed to \(target): \(answer)")
            return
        }
        #expect(server.seen.count == 1)
    }

    // MARK: closing

    @Test func `closing ends the calls under way, those that wait and later ones`() async throws {
        let server = try ScriptedServer { _ in .hang }
        let client = try client(server.address)
        async let answers = withTaskGroup(of: Result<String, HTTPFailure>.self) { group in
            for _ in 0..<50 { group.addTask { await get(client) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let hasCome = await client.onThread { true }
        #expect(hasCome == true)
        let isBusy = await server.wait(for: 32, "/v1/x")
        #expect(isBusy)
        client.close()
        #expect(await answers == Array(repeating: .failure(.closed), count: 50))
        #expect(await get(client) == .failure(.closed))
        let work = await client.onThread { true }
        #expect(work == nil)
    }
}
