// KeyringFile: a keyring on disk: refused when others can read it, replaced as a whole.

internal import Bytes
internal import Crypto
internal import Glibc
internal import Limits

/// Tells one state of a file from another without reading it.
internal struct FileStamp: Equatable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let bytes: Int64
    private let modified: Int64
    private let modifiedNanoseconds: Int64
    private let changed: Int64
    private let changedNanoseconds: Int64

    internal init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec)
        modifiedNanoseconds = Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec)
        changedNanoseconds = Int64(status.st_ctim.tv_nsec)
    }
}

/// A keyring file and what the command line does to it.
package struct KeyringFile: Sendable {
    /// As it was given; messages name it.
    package let path: String

    package init(path: String) { self.path = path }

    // MARK: reading

    /// The keyring in the file.
    ///
    /// - Throws: when the file is missing, is not a regular file, belongs to neither this user nor
    ///   root, can be read or written by group or others, is too large, or is not a keyring.
    package func load() throws(KeyringError) -> Keyring { try loadStamped().keyring }

    internal func loadStamped() throws(KeyringError) -> (keyring: Keyring, stamp: FileStamp) {
        // SAFETY: plain system calls on a descriptor that this function owns; the buffer has the
        // room that read() is given.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw failure("cannot be opened") }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw failure("cannot be examined") }
        try check(status)
        // One byte more than the size shows whether the file grew; no growth means no copies.
        let room = Int(status.st_size) + 1
        let text = ByteBuffer(capacity: room)
        defer { wipe(text) }
        while text.count < room {
            var got = 0
            unsafe text.appendUninitialized(room - text.count) { buffer in
                got = unsafe read(file, buffer.baseAddress, buffer.count)
                return max(got, 0)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("cannot be read") }
            if got == 0 { break }
        }
        guard text.count == Int(status.st_size) else {
            throw KeyringError(path: path, "changed while it was read")
        }
        return (try KeyringFormat.read(text.bytes, path: path), FileStamp(status))
    }

    /// The state of the file now; nil when it cannot be examined.
    internal func stamp() -> FileStamp? {
        var status = stat()
        // SAFETY: the structure lives for the call.
        return unsafe stat(path, &status) == 0 ? FileStamp(status) : nil
    }

    private func check(_ status: stat) throws(KeyringError) {
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw KeyringError(path: path, "is not a regular file")
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw KeyringError(
                path: path, "belongs to user \(status.st_uid); it must be this user's or root's")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw KeyringError(
                path: path, "has mode \(mode), open to group or others; it must be 600 or 400")
        }
        guard status.st_size <= KeyLimits.keyringBytesMax else {
            throw KeyringError(path: path, "is larger than \(KeyLimits.keyringBytesMax) bytes")
        }
    }

    // MARK: editing

    /// Adds the first version of a new key, and the file itself when it is missing.
    ///
    /// - Parameter nowSeconds: since 1970, for the `created` member.
    package func create(
        _ name: String, nowSeconds: Int64 = currentSeconds()
    ) throws(KeyringError) -> KeyVersion {
        try edit(mayBeMissing: true) { keyring throws(KeyringError) in
            try keyring.create(name, path: path, createdSeconds: nowSeconds)
        }
    }

    /// Adds a new active version of a key; the former one goes on opening what it sealed.
    package func rotate(
        _ name: String, nowSeconds: Int64 = currentSeconds()
    ) throws(KeyringError) -> KeyVersion {
        try edit(mayBeMissing: false) { keyring throws(KeyringError) in
            try keyring.rotate(name, path: path, createdSeconds: nowSeconds)
        }
    }

    /// Seconds since 1970.
    package static func currentSeconds() -> Int64 { Int64(time(nil)) }

    /// Reads, changes and replaces the file while no other edit in its directory is under way.
    private func edit(
        mayBeMissing: Bool, _ change: (inout Keyring) throws(KeyringError) -> KeyVersion
    ) throws(KeyringError) -> KeyVersion {
        // A link is followed, so that the file is replaced and not the link.
        // SAFETY: realpath allocates the result, which is copied and freed here.
        let resolved = unsafe realpath(path, nil)
        let target = unsafe resolved.map { unsafe String(cString: $0) } ?? path
        unsafe free(resolved)
        let directory = try lockedDirectory(of: target)
        defer { close(directory) }  // Closing gives the lock back.
        var status = stat()
        let exists = unsafe stat(target, &status) == 0
        guard exists || errno == ENOENT else { throw failure("cannot be examined") }
        guard exists || mayBeMissing else { throw failure("cannot be opened") }
        var keyring = exists ? try load() : Keyring()
        let changed = try change(&keyring)
        let text = KeyringFormat.write(keyring)
        defer { wipe(text) }
        guard text.count <= KeyLimits.keyringBytesMax else {
            throw KeyringError(path: path, "would be larger than it may be")
        }
        try replace(target, with: text, like: exists ? status : nil, directory: directory)
        return changed
    }

    /// An open descriptor of the directory of `target`, locked against other edits. The directory
    /// is locked and not the file, because the file is replaced.
    private func lockedDirectory(of target: String) throws(KeyringError) -> Int32 {
        let slash = target.lastIndex(of: "/")
        let name = slash.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
        // SAFETY: plain system calls; the descriptor is closed here or by the caller.
        let directory = unsafe open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("its directory cannot be opened") }
        for _ in 0..<100 {
            if flock(directory, LOCK_EX | LOCK_NB) == 0 { return directory }
            guard errno == EWOULDBLOCK || errno == EINTR else { break }
            usleep(50_000)
        }
        let problem = failure("cannot be locked; another command may be changing it")
        close(directory)
        throw problem
    }

    /// Writes a new file beside `target`, has it on disk, and puts it in place in one step.
    private func replace(
        _ target: String, with text: ByteBuffer, like old: stat?, directory: Int32
    ) throws(KeyringError) {
        let unique = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let temporary = "\(target).\(unique).new"
        // SAFETY: plain system calls on a descriptor that this function owns.
        let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("no file can be made beside it") }
        var problem: KeyringError?
        if let old, old.st_uid != geteuid() || old.st_gid != getegid(),
            fchown(file, old.st_uid, old.st_gid) != 0
        {
            problem = failure("its owner cannot be kept")
        }
        if problem == nil, !write(text, to: file) || fsync(file) != 0 {
            problem = failure("cannot be written")
        }
        if close(file) != 0, problem == nil { problem = failure("cannot be written") }
        if problem == nil, unsafe rename(temporary, target) != 0 {
            problem = failure("cannot be replaced")
        }
        if let problem {
            unsafe unlink(temporary)
            throw problem
        }
        guard fsync(directory) == 0 else { throw failure("its directory cannot be synchronised") }
    }

    private func write(_ text: ByteBuffer, to file: Int32) -> Bool {
        var written = 0
        while written < text.count {
            // SAFETY: the span covers the bytes that are left and lives for the call.
            let count = unsafe text.bytes(in: written..<text.count).withUnsafeBytes { rest in
                unsafe Glibc.write(file, rest.baseAddress, rest.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// Names the file and what the system said.
    private func failure(_ what: String) -> KeyringError {
        let code = errno
        // SAFETY: strerror returns a string that is copied at once.
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        return KeyringError(path: path, "\(what): \(reason)")
    }
}
