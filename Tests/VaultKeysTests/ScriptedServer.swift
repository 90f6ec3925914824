// ScriptedServer: an HTTP server on loopback that answers as a test says.

import Bytes
import Foundation
import TestSupport

/// What a client sent.
struct SeenRequest: Sendable {
    let method: String
    let path: String
    /// Names in lower case.
    let headers: [String: String]
    let body: String
    /// Counts the connections that were made, from 1.
    let connection: Int

    var token: String? { headers["x-vault-token"] }
}

/// What the server does with a request.
enum ScriptedAnswer: Sendable {
    case json(Int, String)
    /// Bytes as they are; the connection is closed after them.
    case raw(String)
    case redirect(Int, String)
    /// Nothing, until the client goes away.
    case hang
    /// The answer once the gate is open.
    indirect case after(Gate, ScriptedAnswer)
    case close
}

final class ScriptedServer: Sendable {
    private struct State {
        var seen: [SeenRequest] = []
        var sockets: [BlockingSocket] = []
        var connections = 0
    }

    private let listener: BlockingListener
    private let state = Monitor(State())
    private let answer: @Sendable (SeenRequest) -> ScriptedAnswer

    init(_ answer: @escaping @Sendable (SeenRequest) -> ScriptedAnswer) throws {
        listener = try BlockingListener()
        self.answer = answer
        let listener = listener
        let state = state
        BlockingThread.start {
            while let socket = listener.accept() {
                let number = state.with { state in
                    state.connections += 1
                    state.sockets.append(socket)
                    return state.connections
                }
                BlockingThread.start {
                    while ScriptedServer.serve(socket, number, state, answer) {}
                    socket.close()
                }
            }
        }
    }

    deinit {
        listener.interrupt()
        for socket in state.with({ $0.sockets }) { socket.interrupt() }
    }

    var address: String { "http://127.0.0.1:\(listener.port)" }
    var port: UInt16 { listener.port }
    var seen: [SeenRequest] { state.with { $0.seen } }
    var connections: Int { state.with { $0.connections } }

    func count(_ part: String) -> Int { seen.count { $0.path.contains(part) } }

    /// Waits until that many requests for `part` have come, on a thread of its own.
    func wait(for count: Int, _ part: String) async -> Bool {
        let state = state
        return await withCheckedContinuation { continuation in
            BlockingThread.start {
                let hasCome = state.wait { state in
                    state.seen.count { $0.path.contains(part) } >= count ? true : nil
                }
                continuation.resume(returning: hasCome ?? false)
            }
        }
    }

    // MARK: serving

    /// - Returns: whether the connection goes on.
    private static func serve(
        _ socket: BlockingSocket, _ number: Int, _ state: Monitor<State>,
        _ answer: (SeenRequest) -> ScriptedAnswer
    ) -> Bool {
        guard let request = try? receive(socket, number) else { return false }
        state.with { $0.seen.append(request) }
        return (try? send(answer(request), to: socket)) ?? false
    }

    private static func send(_ answer: ScriptedAnswer, to socket: BlockingSocket) throws -> Bool {
        switch answer {
        case .json(let status, let body):
            let head = "HTTP/1.1 \(status) Status\r\nContent-Type: application/json\r\n"
            try socket.send("\(head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
            return true
        case .raw(let text):
            try socket.send(text.utf8)
            return false
        case .redirect(let status, let target):
            let head = "HTTP/1.1 \(status) Status\r\nLocation: \(target)\r\n"
            try socket.send("\(head)Content-Length: 0\r\n\r\n".utf8)
            return true
        case .hang:
            _ = try socket.receiveSome()
            return false
        case .after(let gate, let later):
            guard gate.wait() else { return false }
            return try send(later, to: socket)
        case .close: return false
        }
    }

    private static func receive(_ socket: BlockingSocket, _ number: Int) throws -> SeenRequest {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while bytes.count < 4 || Array(bytes.suffix(4)) != end { bytes += try socket.receive(1) }
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        guard words.count == 3 else { throw SocketFailure.ended(received: bytes.count) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        let body = try socket.receive(Int(headers["content-length"] ?? "0") ?? 0)
        return SeenRequest(
            method: words[0], path: words[1], headers: headers,
            body: String(decoding: body, as: UTF8.self), connection: number)
    }
}
