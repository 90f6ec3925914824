// ExitCode: what the process tells whoever started it.

/// Exit codes, as `waxwing --help` documents them.
internal enum ExitCode {
    static let success: Int32 = 0
    /// Something failed while it was done.
    static let failure: Int32 = 1
    /// The command line or the configuration file is wrong; trying again changes nothing.
    static let usage: Int32 = 2
}
