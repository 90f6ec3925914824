// BlockingSocket: a plain blocking TCP socket on the loopback interface, for tests.

internal import Glibc
internal import Synchronization

/// Why a test's socket did not do what it was asked.
package enum SocketFailure: Error, Equatable {
    /// Nothing happened for as long as a test waits.
    case timedOut
    /// The peer ended the connection before all that was asked for had come.
    case ended(received: Int)
    case system(call: String, code: Int32)
}

/// One end of a TCP connection on 127.0.0.1. Every call blocks, but not for ever.
package final class BlockingSocket: Sendable {
    private let fd: Int32
    private let isOpen = Atomic<Bool>(true)

    /// How long a call blocks at most: a guard against hangs.
    package static let secondsMax = 30

    internal init(owning fd: Int32) {
        self.fd = fd
        var time = timeval(tv_sec: BlockingSocket.secondsMax, tv_usec: 0)
        // SAFETY: the kernel reads a local structure of the size that is given.
        unsafe setsockopt(
            fd, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(
            fd, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    deinit { close() }

    /// Connects to a port of 127.0.0.1.
    /// - Parameter receiveBytes: the size of the kernel's receive buffer; nil leaves it.
    package static func connect(
        port: UInt16, receiveBytes: Int? = nil
    ) throws -> BlockingSocket {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard fd >= 0 else { throw SocketFailure.system(call: "socket", code: errno) }
        let connection = BlockingSocket(owning: fd)
        if let receiveBytes {
            connection.set(SOL_SOCKET, SO_RCVBUF, Int32(clamping: receiveBytes))
        }
        // SAFETY: the address lives for the call.
        let code = unsafe BlockingSocket.withLoopback(port) { unsafe Glibc.connect(fd, $0, $1) }
        guard code == 0 else { throw SocketFailure.system(call: "connect", code: errno) }
        return connection
    }

    /// 127.0.0.1 with a port, for one call.
    // SAFETY: the address is a local that lives for the closure.
    internal static func withLoopback(
        _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, length)
            }
        }
    }

    private func set(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        // SAFETY: the kernel reads one int.
        unsafe setsockopt(fd, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    // MARK: bytes

    /// Sends all bytes.
    package func send(_ bytes: some Collection<UInt8>) throws {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            // SAFETY: the kernel reads from the array, inside its bounds.
            let count = unsafe bytes.withUnsafeBytes { all in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: all[sent...])
                return unsafe Glibc.send(
                    fd, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw BlockingSocket.failure("send") }
            sent += count
        }
    }

    /// Sends as much as the kernel takes without the peer reading on, within `milliseconds`.
    /// - Returns: how many bytes it took.
    package func sendUntilStuck(_ bytes: [UInt8], milliseconds: Int32) -> Int {
        var sent = 0
        while sent < bytes.count {
            var entry = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
            // SAFETY: one entry is given; the kernel reads from the array, inside its bounds.
            guard unsafe poll(&entry, 1, milliseconds) == 1 else { return sent }
            let count = unsafe bytes.withUnsafeBytes { all in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: all[sent...])
                return unsafe Glibc.send(
                    fd, rest.baseAddress, rest.count,
                    Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            guard count > 0 else { return sent }
            sent += count
        }
        return sent
    }

    /// What has come, at most `bytesMax` bytes; empty when the peer has finished sending.
    package func receiveSome(_ bytesMax: Int = 65_536) throws -> [UInt8] {
        while true {
            var code: Int32 = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: bytesMax) { room, count in
                // SAFETY: the kernel fills the array's own room.
                let got = unsafe recv(fd, room.baseAddress, room.count, 0)
                if got < 0 { code = errno }
                count = max(0, got)
            }
            if code == 0 { return bytes }
            if code != EINTR { throw BlockingSocket.failure("recv", code) }
        }
    }

    /// Blocks until something can be read, and leaves it there.
    package func waitForBytes() {
        var byte: UInt8 = 0
        // SAFETY: one byte of a local.
        _ = unsafe recv(fd, &byte, 1, Int32(MSG_PEEK))
    }

    /// Exactly `count` bytes.
    package func receive(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try receiveSome(min(count - bytes.count, 1 << 20))
            if more.isEmpty { throw SocketFailure.ended(received: bytes.count) }
            bytes += more
        }
        return bytes
    }

    /// A Kafka frame without its size; nil when the peer has finished sending.
    package func receiveFrame() throws -> [UInt8]? {
        var head = try receiveSome(4)
        if head.isEmpty { return nil }
        if head.count < 4 { head += try receive(4 - head.count) }
        let size = head.reduce(0) { $0 << 8 | Int($1) }
        return try receive(size)
    }

    /// Whether the peer ends the connection, gracefully or not, after what it still sends.
    package func isEndedByPeer() -> Bool {
        do {
            while try !receiveSome().isEmpty {}
            return true
        } catch SocketFailure.system {
            return true
        } catch {
            return false
        }
    }

    private static func failure(_ call: String, _ code: Int32 = errno) -> SocketFailure {
        code == EAGAIN ? .timedOut : .system(call: call, code: code)
    }

    // MARK: ending

    /// Says that nothing more will be sent.
    package func finishSending() { _ = shutdown(fd, Int32(SHUT_WR)) }

    /// Wakes a thread that blocks on the socket and ends the connection both ways.
    package func interrupt() {
        if isOpen.load(ordering: .relaxed) { _ = shutdown(fd, Int32(SHUT_RDWR)) }
    }

    /// Closes the connection in order.
    package func close() {
        if isOpen.exchange(false, ordering: .relaxed) { _ = Glibc.close(fd) }
    }

    /// Breaks the connection: the peer gets a reset.
    package func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        // SAFETY: the kernel reads a local structure of the size that is given.
        unsafe setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}

/// A port of 127.0.0.1 that connections come in on.
package final class BlockingListener: Sendable {
    private let fd: Int32
    package let port: UInt16

    /// Listens on a free port.
    package init() throws {
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard fd >= 0 else { throw SocketFailure.system(call: "socket", code: errno) }
        let descriptor = fd
        let code = unsafe BlockingSocket.withLoopback(0) { unsafe bind(descriptor, $0, $1) }
        guard code == 0, listen(fd, 256) == 0 else {
            throw SocketFailure.system(call: "listen", code: errno)
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: the kernel fills a local structure of the size that is given.
        _ = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { _ = close(fd) }

    /// The next connection; nil once the listener was interrupted.
    package func accept() -> BlockingSocket? {
        while true {
            let accepted = Glibc.accept(fd, nil, nil)
            if accepted >= 0 { return BlockingSocket(owning: accepted) }
            if errno != EINTR && errno != ECONNABORTED { return nil }
        }
    }

    /// Ends listening; a thread that waits in `accept` gets nil.
    package func interrupt() { _ = shutdown(fd, Int32(SHUT_RDWR)) }

    /// Ports that were free a moment ago, all different.
    package static func freePorts(_ count: Int) throws -> [UInt16] {
        let listeners = try (0..<count).map { _ in try BlockingListener() }
        return listeners.map(\.port)
    }
}
