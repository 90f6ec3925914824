// Socket: one non-blocking TCP socket, closed exactly once.

package import Bytes
internal import CLinux
internal import Glibc

/// A non-blocking TCP socket. Whoever holds it last closes it.
package final class Socket {
    internal private(set) var fd: Int32

    internal init(owning fd: Int32) { self.fd = fd }

    deinit { close() }

    /// Closes the socket now; calling it again does nothing.
    package func close() {
        guard fd >= 0 else { return }
        _ = Glibc.close(fd)
        fd = -1
    }

    package var isClosed: Bool { fd < 0 }

    /// An open socket on its way to another thread.
    package struct Parcel: Sendable { internal let fd: Int32 }

    /// Gives the socket up, so that another thread can take it.
    package func intoParcel() -> Parcel {
        defer { fd = -1 }
        return Parcel(fd: fd)
    }

    /// Takes over a socket from another thread. A parcel is opened once.
    package convenience init(_ parcel: Parcel) { self.init(owning: parcel.fd) }

    /// A socket that starts to connect; it becomes writable when the outcome is known.
    package static func connecting(to address: SocketAddress) throws(SystemError) -> Socket {
        let socket = Socket(
            owning: try SystemCalls.retry("socket") { wax_stream_socket(address.family) })
        socket.setNoDelay()
        do {
            // SAFETY: the address lives for the call.
            _ = try SystemCalls.retry("connect") {
                unsafe address.withPointer { unsafe connect(socket.fd, $0, $1) }
            }
        } catch {
            guard error.code == EINPROGRESS else { throw error }
        }
        return socket
    }

    /// The outcome of a connection attempt, 0 for success, else an errno value.
    package func pendingError() -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        // SAFETY: the kernel fills one int.
        let result = unsafe getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length)
        return result == 0 ? code : errno
    }

    /// A socket that listens on `address`.
    package static func listening(
        on address: SocketAddress, backlog: Int
    ) throws(SystemError) -> Socket {
        let socket = Socket(
            owning: try SystemCalls.retry("socket") { wax_stream_socket(address.family) })
        // A restart must not wait for the old connections' TIME_WAIT.
        socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
        // SAFETY: the address lives for the call.
        _ = try SystemCalls.retry("bind") {
            unsafe address.withPointer { unsafe bind(socket.fd, $0, $1) }
        }
        _ = try SystemCalls.retry("listen") { listen(socket.fd, Int32(backlog)) }
        return socket
    }

    /// The next waiting connection, or nil when there is none.
    package func accept() throws(SystemError) -> (socket: Socket, peer: SocketAddress)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        do {
            // SAFETY: the kernel fills the storage given.
            let accepted = try SystemCalls.retry("accept") {
                unsafe wax_accept(fd, &storage, &length)
            }
            let socket = Socket(owning: accepted)
            socket.setNoDelay()
            return (socket, SocketAddress(storage: storage, length: length))
        } catch {
            switch error.code {
            case EAGAIN, EWOULDBLOCK, ECONNABORTED, EPROTO: return nil
            default: throw error
            }
        }
    }

    /// The address that this socket is bound to.
    package func localAddress() throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // SAFETY: the kernel fills the storage given, which holds any family.
        _ = try SystemCalls.retry("getsockname") {
            unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(fd, $0, &length)
                }
            }
        }
        return SocketAddress(storage: storage, length: length)
    }

    private func setNoDelay() { setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

    private func setOption(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        // SAFETY: the kernel reads one int. Failing to set an option is harmless.
        unsafe setsockopt(fd, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Appends what the peer has sent to `buffer`, at most `bytesMax` bytes.
    package func read(into buffer: ByteBuffer, bytesMax: Int) throws(SystemError) -> Transfer {
        var outcome = Transfer.wouldBlock
        // SAFETY: the room is the buffer's own and the kernel stays inside it.
        try unsafe buffer.appendUninitialized(bytesMax) { room throws(SystemError) in
            outcome = try unsafe SystemCalls.read(fd, room)
            if case .bytes(let count) = outcome { return count }
            return 0
        }
        return outcome
    }

    /// Sends the pieces in order, as many bytes as the kernel takes.
    package func send(_ pieces: borrowing SendPieces) throws(SystemError) -> Transfer {
        // SAFETY: the pieces point into buffers that the caller keeps unchanged for the call.
        try unsafe SystemCalls.send(fd, pieces.list)
    }

    /// Tells the peer that nothing more will be sent.
    package func shutdownSending() { _ = shutdown(fd, Int32(SHUT_WR)) }
}

/// Up to a fixed number of byte runs for one send, reused from send to send.
@safe
package struct SendPieces: ~Copyable {
    private let room: UnsafeMutableBufferPointer<iovec>
    private let capacity: Int
    private var used = 0
    /// Bytes in all pieces.
    package private(set) var byteCount = 0

    package init(capacity: Int) {
        // SAFETY: freed in deinit; only the first `used` entries are ever read.
        self.capacity = capacity
        unsafe room = UnsafeMutableBufferPointer<iovec>.allocate(capacity: capacity)
    }

    deinit {
        // SAFETY: allocated in init, and no send is under way.
        unsafe room.deallocate()
    }

    package var isFull: Bool { used == capacity }
    package var isEmpty: Bool { used == 0 }

    package mutating func removeAll() {
        used = 0
        byteCount = 0
    }

    /// Adds a part of a buffer, which must stay as it is until the send has returned.
    package mutating func add(_ buffer: ByteBuffer, _ range: Range<Int>) {
        precondition(!isFull, "more pieces than one send takes")
        // SAFETY: the pointer is used only by the send that follows, while the buffer is alive.
        unsafe buffer.bytes(in: range).withUnsafeBytes { bytes in
            unsafe room[used] = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                iov_len: bytes.count)
        }
        used += 1
        byteCount += range.count
    }

    internal var list: UnsafeBufferPointer<iovec> {
        // SAFETY: `add` filled the first `used` entries.
        unsafe UnsafeBufferPointer(rebasing: room[..<used])
    }
}
