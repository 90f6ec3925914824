// LocalSocket: questions of one line over a UNIX-domain socket, for the process's own operator.

internal import CLinux
internal import Glibc
internal import Loop
internal import Synchronization

/// Why a local socket cannot be served or asked.
package struct LocalSocketError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// How long and how large a question and its answer may be.
package struct LocalSocketLimits: Sendable {
    /// A request with its line end.
    package var requestBytesMax: Int
    package var answerBytesMax: Int
    /// For the request; the answer may take six times as long.
    package var milliseconds: UInt64

    package init(requestBytesMax: Int, answerBytesMax: Int, milliseconds: UInt64) {
        self.requestBytesMax = requestBytesMax
        self.answerBytesMax = answerBytesMax
        self.milliseconds = milliseconds
    }
}

/// What a request line is answered with: `ok COUNT` or `error COUNT` in a line, then so many bytes.
/// The count shows whether an answer was cut.
package enum LocalAnswer: Equatable, Sendable {
    case ok([UInt8])
    /// A sentence for people.
    case refused(String)
}

/// A socket file that only its owner may open, served by one thread, one connection at a time.
package final class LocalServer: Sendable {
    private let listener: LocalDescriptor
    private let stopping: LocalDescriptor
    private let path: String
    private let file: LocalFile
    private let thread = Mutex<pthread_t?>(nil)

    /// Opens the socket. A file left behind by a process that is gone is replaced; one that
    /// somebody answers on, or that is no socket, is not.
    ///
    /// - Parameters:
    ///   - path: of the socket file; the system takes at most 107 bytes.
    ///   - answer: called on the server's thread with the line, without its end. It may block,
    ///     but not on `stop`.
    package init(
        path: String, limits: LocalSocketLimits,
        answer: @escaping @Sendable (String) -> LocalAnswer
    ) throws(LocalSocketError) {
        self.path = path
        listener = try LocalDescriptor.listening(path)
        guard let file = LocalFile(path) else {
            throw LocalSocketError("\(path): the socket file is gone already")
        }
        self.file = file
        stopping = try LocalDescriptor("eventfd", wax_eventfd())
        let service = LocalService(
            listener: listener, stopping: stopping, limits: limits, answer: answer)
        let thread = try LocalServer.start(service)
        self.thread.withLock { $0 = thread }
    }

    deinit { stop() }

    /// Ends the thread, waits for it, and removes the file unless it is another's by now. A
    /// question that is being answered is cut off. Calling it again does nothing.
    package func stop() {
        guard let thread = thread.withLock({ $0.take() }) else { return }
        var one: UInt64 = 1
        // SAFETY: eight bytes of a local are read.
        _ = unsafe write(stopping.number, &one, 8)
        _ = pthread_join(thread, nil)
        listener.close()
        // SAFETY: the text is lent for the call.
        if LocalFile(path) == file { _ = unsafe unlink(path) }
    }

    private static func start(_ service: LocalService) throws(LocalSocketError) -> pthread_t {
        var thread = pthread_t()
        // SAFETY: the retain made here is balanced on the new thread, or below when there is none.
        let context = unsafe Unmanaged.passRetained(service).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<LocalService>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, context)
        guard code == 0 else {
            unsafe Unmanaged<LocalService>.fromOpaque(context).release()
            throw LocalSocketError("\(SystemError("pthread_create", code: code))")
        }
        _ = unsafe wax_thread_name(thread, "admin")
        return thread
    }
}

/// What the thread does.
private final class LocalService: Sendable {
    private let listener: LocalDescriptor
    private let stopping: LocalDescriptor
    private let limits: LocalSocketLimits
    private let answer: @Sendable (String) -> LocalAnswer

    init(
        listener: LocalDescriptor, stopping: LocalDescriptor, limits: LocalSocketLimits,
        answer: @escaping @Sendable (String) -> LocalAnswer
    ) {
        self.listener = listener
        self.stopping = stopping
        self.limits = limits
        self.answer = answer
    }

    func run() {
        while listener.wait(POLLIN, until: .max, or: stopping) {
            guard let connection = listener.accepted() else {
                // Out of descriptors, or the peer is gone again: not at full speed.
                if stopping.wait(POLLIN, until: LocalDescriptor.deadline(100)) { return }
                continue
            }
            serve(connection)
            connection.close()
        }
    }

    private func serve(_ connection: LocalDescriptor) {
        let end = LocalDescriptor.deadline(limits.milliseconds)
        guard let line = requestLine(connection, until: end) else { return }
        let reply: LocalAnswer
        switch answer(line) {
        case .ok(let bytes) where bytes.count > limits.answerBytesMax:
            reply = .refused("the answer is too long")
        case let other: reply = other
        }
        let bytes: [UInt8]
        switch reply {
        case .ok(let body): bytes = Array("ok \(body.count)\n".utf8) + body
        case .refused(let reason): bytes = Array("error \(reason.utf8.count)\n\(reason)".utf8)
        }
        let sent = LocalDescriptor.deadline(limits.milliseconds * 6)
        _ = connection.send(bytes, until: sent, or: stopping)
    }

    /// Nil when it does not come in time, is too long, or is not text.
    private func requestLine(_ connection: LocalDescriptor, until end: UInt64) -> String? {
        var line: [UInt8] = []
        while line.count < limits.requestBytesMax {
            guard
                let more = connection.receive(
                    limits.requestBytesMax - line.count, until: end, or: stopping), !more.isEmpty
            else { return nil }
            line += more
            if let newline = line.firstIndex(of: UInt8(ascii: "\n")) {
                return String(validating: line[..<newline], as: UTF8.self)
            }
        }
        return nil
    }
}

/// Asks a `LocalServer`.
package enum LocalClient {
    /// Sends one line and returns the answer.
    ///
    /// - Parameter request: without a line end.
    /// - Throws: when nobody serves the socket, the answer does not come in time, is too long, was
    ///   cut, or is a refusal.
    package static func ask(
        path: String, request: String, limits: LocalSocketLimits
    ) throws(LocalSocketError) -> [UInt8] {
        let end = LocalDescriptor.deadline(limits.milliseconds * 6)
        let connection = try LocalDescriptor.connected(path, until: end)
        defer { connection.close() }
        guard connection.send(Array("\(request)\n".utf8), until: end) else {
            throw LocalSocketError("\(path): the request could not be sent")
        }
        var answer: [UInt8] = []
        // The first line has at most 20 digits, a word, a blank and the line end.
        let most = limits.answerBytesMax + 32
        while let more = connection.receive(65_536, until: end) {
            if more.isEmpty { return try body(of: answer, path) }
            answer += more
            guard answer.count <= most else {
                throw LocalSocketError("\(path): the answer is too long")
            }
        }
        throw LocalSocketError("\(path): no answer in time")
    }

    private static func body(
        of answer: [UInt8], _ path: String
    ) throws(LocalSocketError) -> [UInt8] {
        guard let newline = answer.firstIndex(of: UInt8(ascii: "\n")),
            let line = String(validating: answer[..<newline], as: UTF8.self)
        else {
            throw LocalSocketError("\(path): the answer was cut")
        }
        let words = line.split(separator: " ")
        let body = Array(answer[(newline + 1)...])
        guard words.count == 2, let count = Int(words[1]), count == body.count else {
            throw LocalSocketError("\(path): the answer was cut")
        }
        switch words[0] {
        case "ok": return body
        case "error":
            throw LocalSocketError("\(path): \(String(decoding: body, as: UTF8.self))")
        default: throw LocalSocketError("\(path): this is not Waxwing's admin socket")
        }
    }
}

/// Which file stands at a path.
private struct LocalFile: Equatable {
    let device: UInt
    let number: UInt
    let isSocket: Bool

    /// Nil when there is none.
    init?(_ path: String) {
        var status = stat()
        // SAFETY: the kernel fills the structure.
        guard unsafe lstat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        number = UInt(status.st_ino)
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
    }
}

/// A descriptor that is closed once, by whoever is done with it first.
private final class LocalDescriptor: Sendable {
    let number: Int32
    private let isClosed = Atomic(false)

    init(_ call: StaticString, _ number: Int32) throws(LocalSocketError) {
        guard number >= 0 else {
            throw LocalSocketError("\(SystemError(call, code: errno))")
        }
        self.number = number
    }

    deinit { close() }

    func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        _ = Glibc.close(number)
    }

    private static func socket() throws(LocalSocketError) -> LocalDescriptor {
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        return try LocalDescriptor("socket", Glibc.socket(AF_UNIX, Int32(kind), 0))
    }

    // MARK: making connections

    static func listening(_ path: String) throws(LocalSocketError) -> LocalDescriptor {
        let socket = try socket()
        var code = try socket.use(path, .bind)
        if code == EADDRINUSE {
            try removeStale(path)
            code = try socket.use(path, .bind)
        }
        guard code == 0 else {
            throw LocalSocketError("\(path): \(SystemError("bind", code: code))")
        }
        // Nobody can connect before `listen`, so nobody gets in before the mode is set.
        // SAFETY: the text is lent for the calls.
        guard unsafe chmod(path, S_IRUSR | S_IWUSR) == 0, listen(socket.number, 16) == 0 else {
            let failure = SystemError("listen", code: errno)
            _ = unsafe unlink(path)
            throw LocalSocketError("\(path): \(failure)")
        }
        return socket
    }

    /// Removes a socket file that nobody answers on.
    private static func removeStale(_ path: String) throws(LocalSocketError) {
        guard let file = LocalFile(path) else { return }
        guard file.isSocket else { throw LocalSocketError("\(path): a file that is no socket") }
        let probe = try socket()
        let code = try probe.use(path, .connect)
        if code == 0 || code == EAGAIN || LocalFile(path) != file {
            throw LocalSocketError("\(path): another process serves this socket")
        }
        guard code == ECONNREFUSED else {
            throw LocalSocketError("\(path): \(SystemError("connect", code: code))")
        }
        // SAFETY: the text is lent for the call.
        guard unsafe unlink(path) == 0 else {
            throw LocalSocketError("\(path): \(SystemError("unlink", code: errno))")
        }
    }

    static func connected(
        _ path: String, until end: UInt64
    ) throws(LocalSocketError) -> LocalDescriptor {
        let socket = try socket()
        while true {
            let code = try socket.use(path, .connect)
            if code == 0 { return socket }
            // The queue of the server is full.
            guard code == EAGAIN || code == EINTR, now() < end else {
                throw LocalSocketError("\(path): \(SystemError("connect", code: code))")
            }
            Pause.milliseconds(20)
        }
    }

    private enum Call { case bind, connect }

    /// - Returns: 0, or the value of `errno`.
    private func use(_ path: String, _ call: Call) throws(LocalSocketError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard !bytes.isEmpty, bytes.count < room, !bytes.contains(0) else {
            throw LocalSocketError("\(path): a path of 1 to \(room - 1) bytes is needed")
        }
        // SAFETY: the path fits with its end, by the guard; the address lives for the call.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let result = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                let size = socklen_t(MemoryLayout<sockaddr_un>.size)
                return switch call {
                case .bind: unsafe bind(number, $0, size)
                case .connect: unsafe connect(number, $0, size)
                }
            }
        }
        return result == 0 ? 0 : errno
    }

    func accepted() -> LocalDescriptor? {
        let accepted = wax_accept(number, nil, nil)
        return try? LocalDescriptor("accept", accepted)
    }

    // MARK: waiting

    static func now() -> UInt64 {
        var now = timespec()
        // SAFETY: the kernel fills the structure.
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
    }

    /// Monotonic milliseconds.
    static func deadline(_ milliseconds: UInt64) -> UInt64 { now() + milliseconds }

    /// Whether this is ready before `end` and before `stop` is.
    func wait(_ events: Int32, until end: UInt64, or stop: LocalDescriptor? = nil) -> Bool {
        while true {
            let time = LocalDescriptor.now()
            guard time < end else { return false }
            let left = end == .max ? -1 : Int32(min(end - time, 60_000))
            var polled = [
                pollfd(fd: number, events: Int16(events), revents: 0),
                pollfd(fd: stop?.number ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            // SAFETY: two entries, which the kernel fills; a negative number is passed over.
            let count = unsafe poll(&polled, 2, left)
            if polled[1].revents != 0 { return false }
            if count > 0, polled[0].revents != 0 { return true }
            if count < 0, errno != EINTR { return false }
        }
    }

    /// What came, at most `most` bytes; empty at the end, nil when time is over or it is broken.
    func receive(_ most: Int, until end: UInt64, or stop: LocalDescriptor? = nil) -> [UInt8]? {
        while wait(POLLIN, until: end, or: stop) {
            var count = 0
            var code: Int32 = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { room, filled in
                // SAFETY: the kernel writes at most the room's bytes; what it wrote is counted.
                count = unsafe recv(number, room.baseAddress, room.count, 0)
                code = errno
                filled = max(count, 0)
            }
            if count >= 0 { return bytes }
            guard code == EAGAIN || code == EINTR else { return nil }
        }
        return nil
    }

    /// Whether all was taken in time.
    func send(_ bytes: [UInt8], until end: UInt64, or stop: LocalDescriptor? = nil) -> Bool {
        var start = 0
        while start < bytes.count {
            guard wait(POLLOUT, until: end, or: stop) else { return false }
            // SAFETY: the array's own bytes and what is left of them; nothing is kept.
            let count = unsafe bytes.withUnsafeBytes { content in
                unsafe Glibc.send(
                    number, content.baseAddress.map { unsafe $0 + start }, content.count - start,
                    Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                guard errno == EAGAIN || errno == EINTR else { return false }
                continue
            }
            start += count
        }
        return true
    }
}
