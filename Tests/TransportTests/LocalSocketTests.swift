// LocalSocketTests: who may open the socket file, what is answered, and how it ends.

import Foundation
import Synchronization
import Testing

@testable import Transport

/// A folder that is gone after the test.
private final class Folder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "wax-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var socket: String { path + "/s" }
}

private let limits = LocalSocketLimits(
    requestBytesMax: 64, answerBytesMax: 1 << 20, milliseconds: 10_000)

private func echo(_ line: String) -> LocalAnswer { .ok(Array("you said \(line)".utf8)) }

/// A client that sends what it is told and reads to the end.
private struct RawClient {
    private let number: Int32

    init(_ path: String) throws {
        number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: test paths are short; the address lives for the call.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            unsafe room.copyBytes(from: Array(path.utf8))
        }
        let result = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
    }

    func send(_ bytes: [UInt8]) {
        // SAFETY: the array's own bytes; the test does not end by a signal.
        _ = unsafe Glibc.send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func finishSending() { _ = shutdown(number, Int32(SHUT_WR)) }

    /// Reads to the end and closes.
    func rest() -> [UInt8] {
        var all: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4_096)
        while true {
            // SAFETY: the kernel writes at most the array's bytes.
            let count = unsafe recv(number, &room, room.count, 0)
            guard count > 0 else { break }
            all += room[..<count]
        }
        _ = Glibc.close(number)
        return all
    }
}

@Suite(.serialized) struct LocalSocketTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func ask(_ request: String) throws -> String {
        String(
            decoding: try LocalClient.ask(path: folder.socket, request: request, limits: limits),
            as: UTF8.self)
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test func `a question is answered, again and again, and only its owner may ask`() throws {
        let server = try LocalServer(path: folder.socket, limits: limits, answer: echo)
        defer { server.stop() }
        #expect(try mode(folder.socket) == 0o600)
        for number in 0..<50 { #expect(try ask("line \(number)") == "you said line \(number)") }
        #expect(try ask("") == "you said ")
    }

    @Test func `a long answer arrives whole`() throws {
        let long = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let server = try LocalServer(path: folder.socket, limits: limits) { _ in .ok(long) }
        defer { server.stop() }
        #expect(
            try LocalClient.ask(path: folder.socket, request: "x", limits: limits) == long)
    }

    @Test func `a refusal is an error with its reason, and so is an answer that is too long`()
        throws
    {
        let server = try LocalServer(path: folder.socket, limits: limits) { line in
            line == "long" ? .ok([UInt8](repeating: 1, count: 1 << 20 + 1)) : .refused("no")
        }
        defer { server.stop() }
        #expect(throws: LocalSocketError("\(folder.socket): no")) { try ask("x") }
        #expect(throws: LocalSocketError("\(folder.socket): the answer is too long")) {
            try ask("long")
        }
    }

    @Test func `lines that are too long, cut or no text get no answer, and harm nobody`() throws {
        let server = try LocalServer(path: folder.socket, limits: limits, answer: echo)
        defer { server.stop() }
        let requests: [[UInt8]] = [
            [UInt8](repeating: 97, count: 200), [97, 98], [], [0xff, 0xfe, 10],
            [UInt8](repeating: 97, count: 64),
        ]
        for request in requests {
            let client = try RawClient(folder.socket)
            client.send(request)
            client.finishSending()
            #expect(client.rest().isEmpty)
        }
        #expect(try ask("still there") == "you said still there")
    }

    @Test func `a request may come byte by byte, and what follows its line is not looked at`()
        throws
    {
        let server = try LocalServer(path: folder.socket, limits: limits, answer: echo)
        defer { server.stop() }
        let client = try RawClient(folder.socket)
        for byte in Array("ab\n".utf8) { client.send([byte]) }
        #expect(client.rest() == Array("ok 11\nyou said ab".utf8))
        let hasty = try RawClient(folder.socket)
        hasty.send(Array("ab\ncd\n".utf8))
        #expect(hasty.rest().starts(with: Array("ok 11\nyou said ab".utf8)))
    }

    @Test func `a client that says nothing is let go after its time`() throws {
        let short = LocalSocketLimits(requestBytesMax: 64, answerBytesMax: 64, milliseconds: 50)
        let server = try LocalServer(path: folder.socket, limits: short, answer: echo)
        defer { server.stop() }
        let silent = try RawClient(folder.socket)
        #expect(try ask("next") == "you said next")
        #expect(silent.rest().isEmpty)
    }

    @Test func `stopping removes the file, also while a client hangs`() throws {
        let server = try LocalServer(path: folder.socket, limits: limits, answer: echo)
        let silent = try RawClient(folder.socket)
        server.stop()
        server.stop()
        #expect(silent.rest().isEmpty)
        #expect(!FileManager.default.fileExists(atPath: folder.socket))
        #expect(throws: LocalSocketError.self) { try ask("x") }
    }

    @Test func `a file left behind is replaced, one that is served is not`() throws {
        let first = try LocalServer(path: folder.socket, limits: limits, answer: echo)
        defer { first.stop() }
        #expect(
            throws: LocalSocketError("\(folder.socket): another process serves this socket")
        ) { try LocalServer(path: folder.socket, limits: limits, answer: echo) }
        #expect(try ask("x") == "you said x")
        // A second name for the same socket outlives the server, as a file does after a crash.
        let left = folder.path + "/left"
        try FileManager.default.linkItem(atPath: folder.socket, toPath: left)
        first.stop()
        let second = try LocalServer(path: left, limits: limits, answer: echo)
        defer { second.stop() }
        let answer = try LocalClient.ask(path: left, request: "y", limits: limits)
        #expect(answer == Array("you said y".utf8))
    }

    @Test func `a file that is no socket stays`() throws {
        try Data("precious".utf8).write(to: URL(fileURLWithPath: folder.socket))
        #expect(throws: LocalSocketError("\(folder.socket): a file that is no socket")) {
            try LocalServer(path: folder.socket, limits: limits, answer: echo)
        }
        #expect(FileManager.default.contents(atPath: folder.socket) == Data("precious".utf8))
    }

    @Test func `a file that another has put in its place is not removed`() throws {
        let server = try LocalServer(path: folder.socket, limits: limits, answer: echo)
        try FileManager.default.removeItem(atPath: folder.socket)
        try Data("other".utf8).write(to: URL(fileURLWithPath: folder.socket))
        server.stop()
        #expect(FileManager.default.fileExists(atPath: folder.socket))
    }

    @Test(arguments: ["", "a\0b", String(repeating: "x", count: 108)])
    func `a path that the system does not take is refused`(_ path: String) {
        #expect(throws: LocalSocketError("\(path): a path of 1 to 107 bytes is needed")) {
            try LocalServer(path: path, limits: limits, answer: echo)
        }
    }

    @Test func `a folder that is not there and a socket that nobody serves say why`() throws {
        let missing = folder.path + "/none/s"
        #expect(throws: LocalSocketError("\(missing): bind: No such file or directory")) {
            try LocalServer(path: missing, limits: limits, answer: echo)
        }
        #expect(
            throws: LocalSocketError("\(folder.socket): connect: No such file or directory")
        ) { try ask("x") }
    }

    /// Answers one client with given bytes, whatever it asks.
    private func serveRaw(_ bytes: [UInt8]) throws -> LocalSocketError? {
        let server = try LocalServer(path: folder.socket, limits: limits, answer: echo)
        server.stop()
        let listener = try RawListener(folder.socket)
        let thread = Thread {
            listener.answerOnce(bytes)
        }
        thread.start()
        defer { try? FileManager.default.removeItem(atPath: folder.socket) }
        do throws(LocalSocketError) {
            _ = try LocalClient.ask(path: folder.socket, request: "x", limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test func `an answer that was cut or is no answer is an error`() throws {
        let cut = LocalSocketError("\(folder.socket): the answer was cut")
        for text in ["", "ok", "ok 5", "ok 5\nhell", "ok 5\nhello!", "ok x\n", "ok -1\n", "\n"] {
            #expect(try serveRaw(Array(text.utf8)) == cut, "\(text)")
        }
        #expect(
            try serveRaw(Array("HTTP/1.1 0\n".utf8))
                == LocalSocketError("\(folder.socket): this is not Waxwing's admin socket"))
        #expect(try serveRaw(Array("ok 5\nhello".utf8)) == nil)
    }
}

/// A listening socket that a test answers by hand.
private final class RawListener: Sendable {
    private let number: Int32

    init(_ path: String) throws {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.number = number
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: test paths are short; the address lives for the call.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            unsafe room.copyBytes(from: Array(path.utf8))
        }
        let result = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        try #require(listen(number, 1) == 0)
    }

    deinit { _ = Glibc.close(number) }

    func answerOnce(_ bytes: [UInt8]) {
        // SAFETY: the arrays live for the calls.
        let client = accept(number, nil, nil)
        var room = [UInt8](repeating: 0, count: 64)
        _ = unsafe recv(client, &room, room.count, 0)
        _ = unsafe Glibc.send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        _ = Glibc.close(client)
    }
}
