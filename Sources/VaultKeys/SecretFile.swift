// SecretFile: a token or another secret that somebody keeps in a file.

internal import Bytes
internal import Crypto
internal import Glibc
internal import Limits

/// A file whose only content is a secret of printable characters. Reading it may wait for a disk.
internal struct SecretFile: Sendable {
    /// Tells one state of the file from another without reading it.
    internal struct Stamp: Equatable, Sendable {
        private let numbers: [Int64]

        fileprivate init(_ status: stat) {
            numbers = [
                Int64(bitPattern: UInt64(status.st_dev)), Int64(bitPattern: UInt64(status.st_ino)),
                Int64(status.st_size), Int64(status.st_mtim.tv_sec),
                Int64(status.st_mtim.tv_nsec), Int64(status.st_ctim.tv_sec),
                Int64(status.st_ctim.tv_nsec),
            ]
        }
    }

    /// What is wrong with the file. It names the path and nothing in it.
    internal struct Problem: Error, Equatable, Sendable {
        internal let sentence: String
    }

    internal let path: String

    /// The secret without white space around it, and the state of the file that it was read in.
    internal func read() throws(Problem) -> (secret: SecretBytes, stamp: Stamp) {
        // SAFETY: plain system calls on a descriptor that this function owns; the buffer has the
        // room that read() is given.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw problem("cannot be opened", errno) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw problem("cannot be examined", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw problem("is not a regular file") }
        // Full-sized from the start, so that no copy is left behind by growing.
        let room = VaultLimits.secretFileBytesMax + 1
        let text = ByteBuffer(capacity: room)
        defer { wipe(text) }
        while text.count < room {
            var got = 0
            unsafe text.appendUninitialized(room - text.count) { buffer in
                got = unsafe Glibc.read(file, buffer.baseAddress, buffer.count)
                return max(got, 0)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw problem("cannot be read", errno) }
            if got == 0 { break }
        }
        guard text.count < room else {
            throw problem("is larger than \(VaultLimits.secretFileBytesMax) bytes")
        }
        return (try secret(in: text.bytes), Stamp(status))
    }

    private func secret(in text: RawSpan) throws(Problem) -> SecretBytes {
        var range = 0..<text.byteCount
        while let first = range.first, SecretFile.isSpace(text, first) {
            range = first + 1..<range.upperBound
        }
        while let last = range.last, SecretFile.isSpace(text, last) {
            range = range.lowerBound..<last
        }
        guard !range.isEmpty else { throw problem("is empty") }
        var cursor = ByteCursor(text.extracting(range))
        while let byte = try? cursor.uint8() {
            guard (0x21...0x7e).contains(byte) else {
                throw problem("holds more than one word of printable characters")
            }
        }
        return SecretBytes(copying: text.extracting(range))
    }

    private static func isSpace(_ text: RawSpan, _ at: Int) -> Bool {
        let byte = ByteCursor(text.extracting(at..<at + 1)).peek()
        return byte.map { [0x20, 0x09, 0x0a, 0x0d].contains($0) } ?? false
    }

    /// The state of the file now; nil when it cannot be examined.
    internal func stamp() -> Stamp? {
        var status = stat()
        // SAFETY: the structure lives for the call.
        return unsafe stat(path, &status) == 0 ? Stamp(status) : nil
    }

    private func problem(_ what: String, _ code: Int32? = nil) -> Problem {
        guard let code else { return Problem(sentence: "\(path) \(what)") }
        // SAFETY: strerror returns a string that is copied at once.
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        return Problem(sentence: "\(path) \(what): \(reason)")
    }
}
