// MemoryDumps: keeps keys in memory from being written to disk by a crash.

internal import Glibc

internal enum MemoryDumps {
    /// Switches core dumps off for this process, for good.
    /// - Returns: false when the system lets some part of memory be dumped even so.
    static func disable() -> Bool {
        // SAFETY: the structure lives for the call.
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        let isLimited = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0
        // The limit does not hold for dumps that go to a program (core_pattern with `|`, core(5));
        // the filter leaves all memory out of those.
        return isLimited && writeFilter()
    }

    private static func writeFilter() -> Bool {
        // SAFETY: a constant path and one byte, neither kept.
        let file = unsafe open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        let nothing: [UInt8] = [UInt8(ascii: "0")]
        return unsafe write(file, nothing, nothing.count) == nothing.count
    }
}
