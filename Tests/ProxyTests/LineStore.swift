// LineStore: keeps the lines of a log, for tests that read them.

import Glibc
import Telemetry
import TestSupport

/// A log in JSON whose lines can be read. They go to a file, so that none is ever dropped.
final class LineStore: Sendable {
    let log: Log
    private let descriptor: Int32

    init(_ level: LogLevel = .info) {
        var path = Array("/tmp/waxwing-\(String(repeating: "X", count: 6))".utf8CString)
        // SAFETY: the array ends in zero, and the call changes letters of it.
        descriptor = unsafe mkstemp(&path)
        precondition(descriptor >= 0, "no file for the lines of a log")
        // SAFETY: the same array. The file lives as long as its descriptor.
        _ = unsafe unlink(&path)
        log = Log(level: level, format: .json, descriptor: descriptor)
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Everything that was written up to now.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let offset = bytes.count
            // SAFETY: the kernel fills the array's own room.
            let count = unsafe chunk.withUnsafeMutableBytes { room in
                unsafe pread(descriptor, room.baseAddress, room.count, offset)
            }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    /// The whole lines, each from its message on: level and time are left out.
    var lines: [String] {
        let text = String(decoding: bytes, as: UTF8.self)
        return text.split(separator: "\n").compactMap { line in
            guard let start = line.firstRange(of: "\"message\":")?.upperBound else { return nil }
            return String(line.suffix(from: start).dropLast())
        }
    }

    /// The lines with this message.
    func lines(_ message: String) -> [String] {
        lines.filter { $0.hasPrefix("\"\(message)\"") }
    }

    /// Waits until that many lines with this message were written.
    func wait(_ message: String, count: Int = 1) -> [String] {
        for _ in 0..<3_000 {
            let found = lines(message)
            if found.count >= count { return found }
            usleep(10_000)
        }
        return lines(message)
    }
}
