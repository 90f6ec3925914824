// SystemCalls: the only place that calls the kernel; would-block is a value, EINTR is retried.

internal import CLinux
internal import Glibc

/// A system call that failed, and why.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call, for example `connect`.
    package let call: StaticString
    /// The value of `errno`.
    package let code: Int32

    package init(_ call: StaticString, code: Int32) {
        self.call = call
        self.code = code
    }

    package static func == (left: SystemError, right: SystemError) -> Bool {
        left.code == right.code && left.call.description == right.call.description
    }

    package var description: String {
        // SAFETY: strerror returns a C string that is copied at once.
        "\(call): \(unsafe String(cString: strerror(code)))"
    }
}

/// What a non-blocking call did.
package enum Transfer: Equatable, Sendable {
    /// Bytes moved; for a read, 0 means that the peer has finished sending.
    case bytes(Int)
    /// Nothing can be moved now; the loop will say when.
    case wouldBlock
}

internal enum SystemCalls {
    /// Runs a call until a signal no longer interrupts it. errno is read before anything else can
    /// change it, and a bad descriptor or address is our own bug.
    @inline(never)
    static func retry<T: SignedInteger>(
        _ name: StaticString, _ body: () -> T
    ) throws(SystemError) -> T {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code == EINTR { continue }
            precondition(code != EBADF && code != EFAULT, "\(name): programmer error \(code)")
            throw SystemError(name, code: code)
        }
    }

    static func transfer(
        _ name: StaticString, _ body: () -> Int
    ) throws(SystemError) -> Transfer {
        do {
            return .bytes(try retry(name, body))
        } catch {
            if error.code == EAGAIN || error.code == EWOULDBLOCK { return .wouldBlock }
            throw error
        }
    }

    static func read(_ fd: Int32, _ room: UnsafeMutableRawBufferPointer) throws(SystemError)
        -> Transfer
    {
        // SAFETY: the kernel writes at most `count` bytes to the room given.
        try transfer("recv") { unsafe recv(fd, room.baseAddress, room.count, 0) }
    }

    static func send(_ fd: Int32, _ pieces: UnsafeBufferPointer<iovec>) throws(SystemError)
        -> Transfer
    {
        // SAFETY: the caller keeps the pieces alive during the call.
        try transfer("send") { unsafe wax_send(fd, pieces.baseAddress, pieces.count) }
    }

    static func monotonicNanoseconds() -> UInt64 {
        var now = timespec()
        // SAFETY: the kernel fills the structure.
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
    }
}
