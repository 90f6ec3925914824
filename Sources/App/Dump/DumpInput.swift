// DumpInput: a file or standard input of any size, read piece by piece.

internal import Bytes
internal import Glibc
internal import Limits

/// Bytes that are read when they are asked for, and forgotten when they were stepped over.
internal final class DumpInput {
    /// As it was given; messages name it.
    let path: String
    /// Bytes stepped over.
    private(set) var position: Int64 = 0

    private let file: Int32
    private var buffer = ByteBuffer(capacity: CommandLimits.readBytes)
    /// Where the first byte stands that was not stepped over.
    private var start = 0
    private var isOver = false

    /// - Parameter path: `-` is standard input.
    init(path: String) throws(FileError) {
        self.path = path
        // SAFETY: the path is lent for the call.
        file = path == "-" ? 0 : unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError(path: path, reason: SmallFile.reason(errno)) }
    }

    deinit { if file > 0 { Glibc.close(file) } }

    /// Bytes at hand, of those that were not stepped over.
    var available: Int { buffer.count - start }

    /// Whether `count` bytes are left; afterwards they are at hand.
    func has(_ count: Int) throws(FileError) -> Bool {
        while available < count, !isOver { try read(count) }
        return available >= count
    }

    /// Where `range`, counted from the first byte that was not stepped over, stands in `bytes`.
    func place(_ range: Range<Int>) -> Range<Int> {
        range.lowerBound + start..<range.upperBound + start
    }

    /// What is at hand, to be asked for ranges that `place` gave.
    var bytes: ByteBuffer { buffer }

    func skip(_ count: Int) {
        precondition(count <= available, "a step over bytes that were not read")
        start += count
        position += Int64(count)
    }

    /// The bytes of the next line without its end; nil when nothing is left. Nothing is stepped
    /// over.
    ///
    /// - Returns: `bytesMax` and no end when the line is longer.
    func line(bytesMax: Int) throws(FileError) -> (count: Int, hasEnd: Bool)? {
        var searched = 0
        while true {
            if let found = newline(from: searched) { return (found, true) }
            searched = available
            if searched >= bytesMax { return (bytesMax, false) }
            guard try has(searched + 1) else {
                return searched == 0 ? nil : (searched, true)
            }
        }
    }

    private func newline(from: Int) -> Int? {
        let held = buffer
        let unread = held.bytes(in: start + from..<held.count)
        // SAFETY: the index is used within the closure's own bytes.
        let found = unsafe unread.withUnsafeBytes { bytes in
            unsafe bytes.firstIndex(of: UInt8(ascii: "\n"))
        }
        return found.map { $0 + from }
    }

    private func read(_ wanted: Int) throws(FileError) {
        if start > 0 {
            if available == 0, buffer.capacity > CommandLimits.readBytes * 16 {
                buffer = ByteBuffer(capacity: CommandLimits.readBytes)
            } else {
                buffer.removeFirst(start)
            }
            start = 0
        }
        let asked = min(max(wanted - available, CommandLimits.readBytes), 16 << 20)
        var code: Int32 = 0
        var got = 0
        // SAFETY: read writes at most the bytes of the room that it is given.
        unsafe buffer.appendUninitialized(asked) { room in
            got = unsafe Glibc.read(file, room.baseAddress, room.count)
            code = errno
            return max(got, 0)
        }
        if got < 0, code == EINTR { return }
        guard got >= 0 else { throw FileError(path: path, reason: SmallFile.reason(code)) }
        if got == 0 { isOver = true }
    }
}
