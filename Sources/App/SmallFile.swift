// SmallFile: reads a file of bounded size, or standard input, as a whole.

internal import Glibc

/// Why a file was not read.
internal struct FileError: Error, CustomStringConvertible {
    let path: String
    let reason: String
    var description: String { "\(path): \(reason)" }
}

internal enum SmallFile {
    /// What stands in the file, or comes on standard input for the path `-`.
    static func bytes(_ path: String, bytesMax: Int) throws(FileError) -> [UInt8] {
        // SAFETY: the path is lent for the call; the buffer lives for each read.
        let file = path == "-" ? 0 : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError(path: path, reason: reason(errno)) }
        defer { if file != 0 { close(file) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError(path: path, reason: reason(errno)) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= bytesMax else {
                throw FileError(path: path, reason: "larger than \(bytesMax) bytes")
            }
        }
    }

    /// A short text in a file, without white space at its ends.
    static func text(_ path: String) throws(FileError) -> String {
        let bytes = try bytes(path, bytesMax: 65_536)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileError(path: path, reason: "not UTF-8")
        }
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        let start = text.firstIndex { !isSpace($0) } ?? text.endIndex
        let end = text.lastIndex { !isSpace($0) }.map { text.index(after: $0) } ?? text.endIndex
        guard start < end else { throw FileError(path: path, reason: "empty") }
        return String(text[start..<end])
    }

    /// Opens a file to be written at its end; it is made, readable for its owner alone, when it is
    /// not there. The descriptor is the caller's.
    static func appending(_ path: String) throws(FileError) -> Int32 {
        // SAFETY: the path is lent for the call.
        let file = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FileError(path: path, reason: reason(errno)) }
        return file
    }

    static func reason(_ code: Int32) -> String {
        // SAFETY: strerror returns a constant text, copied before the next call of this thread.
        unsafe String(cString: strerror(code))
    }
}
