// LineLimiter: how often a line that peers provoke may be written.

/// Lets a few lines of each message through per interval and counts the rest.
///
/// Memory is bounded: when there are more messages than `messagesMax`, those that are not known
/// share one count.
internal struct LineLimiter {
    /// Lines of one message per interval.
    static let linesMax = 50
    static let intervalSeconds: Int64 = 10
    static let messagesMax = 256

    private struct Window {
        var start: Int64
        var lines = 0
        var suppressed = 0
    }

    private var windows: [String: Window] = [:]
    private static let others = ""

    /// - Returns: nil when the line must not be written, else how many like it were left out since
    ///   the last that was.
    mutating func admit(_ message: String, seconds: Int64) -> Int? {
        let isKnown = windows[message] != nil || windows.count < LineLimiter.messagesMax
        let key = isKnown ? message : LineLimiter.others
        var window = windows[key] ?? Window(start: seconds)
        // A clock that was set back begins a new interval as well.
        if seconds < window.start || seconds - window.start >= LineLimiter.intervalSeconds {
            window.start = seconds
            window.lines = 0
        }
        guard window.lines < LineLimiter.linesMax else {
            window.suppressed += 1
            windows[key] = window
            return nil
        }
        let suppressed = window.suppressed
        window.lines += 1
        window.suppressed = 0
        windows[key] = window
        return suppressed
    }
}
