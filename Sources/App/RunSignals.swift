// RunSignals: the signals that end the running process.

internal import Glibc

/// The signals that end the process, taken one at a time by the main thread.
internal enum Signals {
    private static let ending: [Int32] = [SIGTERM, SIGINT]

    /// Keeps signals from interrupting any thread; call it before threads are started.
    static func block() {
        // SAFETY: the set is filled by the two calls below and lives for the third.
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in ending { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A reader of standard error that goes away must not take the proxy with it, nor must a
        // terminal that is closed.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
    }

    /// Waits for a signal that ends the process.
    static func wait() -> String {
        // SAFETY: as above; sigwait writes one int.
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in ending { unsafe sigaddset(&set, signal) }
        var received: Int32 = 0
        while unsafe sigwait(&set, &received) != 0 {}
        return received == SIGTERM ? "SIGTERM" : "SIGINT"
    }
}
