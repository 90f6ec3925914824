// ConfigurationFile: loads configuration files; the only place here that opens any.

internal import Glibc

extension Configuration {
    /// Reads and checks a file. Key services' files are not opened.
    /// - Parameter path: the file; relative paths in it start from its directory.
    /// - Parameter environment: what `${NAME}` may refer to.
    /// - Throws: everything that is wrong, with the places.
    package static func load(
        path: String, environment: Environment = .process
    ) throws(ConfigurationErrors) -> Configuration {
        let bytes: [UInt8]
        do {
            bytes = try FileBytes.read(path, bytesMax: Bounds.fileBytesMax)
        } catch {
            throw ConfigurationErrors(errors: [
                ConfigurationError(file: path, position: nil, reason: error.reason)
            ])
        }
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let isRoot = path.hasPrefix("/") && directory.isEmpty
        return try parse(
            bytes: bytes, name: path, environment: environment, directory: isRoot ? "/." : directory
        )
    }

    /// Checks a text.
    /// - Parameter name: what messages call the file.
    /// - Parameter directory: where relative paths start; they stay as they are when it is empty.
    package static func parse(
        text: String, name: String, environment: Environment = [:], directory: String = ""
    ) throws(ConfigurationErrors) -> Configuration {
        try parse(
            bytes: Array(text.utf8), name: name, environment: environment, directory: directory)
    }

    internal static func parse(
        bytes: [UInt8], name: String, environment: Environment, directory: String
    ) throws(ConfigurationErrors) -> Configuration {
        let reading = Reading(file: name, environment: environment, directory: directory)
        guard bytes.count <= Bounds.fileBytesMax else {
            reading.report(nil, FileBytes.tooLarge(Bounds.fileBytesMax))
            throw reading.errors
        }
        let reader = ConfigurationReader(reading: reading)
        guard let root = NodeBuilder.build(bytes, reading),
            let configuration = reader.configuration(root)
        else { throw reading.errors }
        return configuration
    }
}

internal enum FileBytes {
    struct Failure: Error {
        let reason: String
    }

    static func tooLarge(_ bytesMax: Int) -> String {
        "the file has more than \(Units.show(UInt64(bytesMax), Units.sizes))"
    }

    /// The whole of a file, which may also be a pipe.
    static func read(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        // SAFETY: a path that the call copies.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("cannot be opened") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            // SAFETY: read writes at most the bytes of the chunk.
            let count = unsafe Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot be read") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= bytesMax else { throw Failure(reason: tooLarge(bytesMax)) }
        }
    }

    private static func failure(_ what: String) -> Failure {
        let code = errno
        // SAFETY: strerror returns a C string that is copied at once.
        return Failure(reason: "the file \(what): \(unsafe String(cString: strerror(code)))")
    }
}

internal enum Processors {
    /// Processors that this process may run on, which is less than the machine has in a container
    /// with a CPU set.
    static var count: Int {
        let status = (try? FileBytes.read("/proc/self/status", bytesMax: 65_536)) ?? []
        let allowed = allowedCount(status: String(decoding: status, as: UTF8.self))
        let count = allowed ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        return min(max(count, 1), Int(Bounds.threads.upperBound))
    }

    /// The bits in `Cpus_allowed: f,ffffffff`, a mask in hexadecimal (proc_pid_status(5)).
    static func allowedCount(status: String) -> Int? {
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(label) }) else {
            return nil
        }
        let mask = line.dropFirst(label.count)
        let count = mask.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
        return count > 0 ? count : nil
    }

    private static let label = "Cpus_allowed:"
}
