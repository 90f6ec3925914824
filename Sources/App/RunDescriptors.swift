// RunDescriptors: how many connections the system lets the process have.

internal import Glibc

internal enum Descriptors {
    /// Raises the limit to what the system allows: every client connection takes two, and the
    /// usual 1,024 is a shell's default and no decision of anybody's.
    static func raiseLimit() {
        var limit = rlimit()
        // SAFETY: the structure is filled by one call and read by the other.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return
        }
        limit.rlim_cur = limit.rlim_max
        // SAFETY: as above. Without the right to, the limit stays as it is.
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
