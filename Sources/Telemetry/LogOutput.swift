// LogOutput: writes lines to a descriptor, one call per line, without waiting for its reader.

internal import Glibc

/// Where lines go. Used under a lock, so that lines of several threads do not mix.
internal struct LogOutput {
    let descriptor: Int32
    /// Lines that were dropped since the last that was written.
    private(set) var droppedLines = 0

    /// A reader that falls behind may hold up the writer once for this long; from then on lines
    /// are dropped until it reads again. Event loops write here, and they must not stand still.
    private static let patienceMilliseconds: Int32 = 5

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// - Returns: whether the line was written.
    mutating func write(_ line: [UInt8]) -> Bool {
        guard canWrite(), send(line) else {
            droppedLines += 1
            return false
        }
        droppedLines = 0
        return true
    }

    /// A pipe says so when it takes PIPE_BUF bytes, which no line exceeds; files always do.
    private func canWrite() -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let patience = droppedLines == 0 ? LogOutput.patienceMilliseconds : 0
        while true {
            // SAFETY: one entry is given and said to be one.
            let count = unsafe poll(&entry, 1, patience)
            if count < 0, errno == EINTR { continue }
            // With an error set the reader is gone, and a write would raise SIGPIPE.
            return count == 1 && entry.revents & Int16(POLLOUT | POLLERR) == Int16(POLLOUT)
        }
    }

    private func send(_ line: [UInt8]) -> Bool {
        while true {
            // SAFETY: the array's own bytes and count; write keeps no pointer.
            let count = unsafe line.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            return count == line.count
        }
    }
}
