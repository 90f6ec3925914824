// Log: structured lines on standard error, for every thread.

package import Synchronization

/// Writes structured log lines. Safe to use from every thread; a line that is below the level
/// costs one relaxed load, and neither its message nor its fields are built.
package final class Log: Sendable {
    @usableFromInline internal let threshold: Atomic<UInt8>
    private let format: LogFormat
    private let output: Mutex<LogOutput>
    private let limiter = Mutex(LineLimiter())
    private let clock: @Sendable () -> LogTime

    /// - Parameter descriptor: where the lines go; standard error by default.
    package convenience init(level: LogLevel, format: LogFormat, descriptor: Int32 = 2) {
        self.init(level: level, format: format, descriptor: descriptor) { LogTime.now }
    }

    internal init(
        level: LogLevel, format: LogFormat, descriptor: Int32,
        clock: @escaping @Sendable () -> LogTime
    ) {
        threshold = Atomic(level.rawValue)
        self.format = format
        output = Mutex(LogOutput(descriptor: descriptor))
        self.clock = clock
    }

    /// The level, which may be changed at any time.
    package var level: LogLevel {
        get { LogLevel(rawValue: threshold.load(ordering: .relaxed)) ?? .info }
        set { threshold.store(newValue.rawValue, ordering: .relaxed) }
    }

    /// Whether lines of this level are written.
    @inlinable @inline(__always)
    package func isEnabled(_ level: LogLevel) -> Bool {
        level.rawValue <= threshold.load(ordering: .relaxed)
    }

    @inlinable
    package func error(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> [LogField] = []
    ) {
        if isEnabled(.error) { emit(.error, message(), fields()) }
    }

    @inlinable
    package func warn(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> [LogField] = []
    ) {
        if isEnabled(.warn) { emit(.warn, message(), fields()) }
    }

    @inlinable
    package func info(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> [LogField] = []
    ) {
        if isEnabled(.info) { emit(.info, message(), fields()) }
    }

    @inlinable
    package func debug(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> [LogField] = []
    ) {
        if isEnabled(.debug) { emit(.debug, message(), fields()) }
    }

    @inlinable
    package func write(
        _ level: LogLevel, _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> [LogField] = []
    ) {
        if isEnabled(level) { emit(level, message(), fields()) }
    }

    /// A line that a peer can provoke as often as it likes: at most 50 of each message are written
    /// in 10 seconds, and the next one after that says how many were left out (`suppressed`).
    /// - Parameter message: a constant; what varies belongs in fields.
    @inlinable
    package func limited(
        _ level: LogLevel, _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> [LogField] = []
    ) {
        guard isEnabled(level) else { return }
        let message = message()
        guard let suppressed = admit(message) else { return }
        var fields = fields()
        if suppressed > 0 { fields.append(LogField("suppressed", suppressed)) }
        emit(level, message, fields)
    }

    @usableFromInline
    internal func admit(_ message: String) -> Int? {
        let seconds = clock().seconds
        return limiter.withLock { $0.admit(message, seconds: seconds) }
    }

    /// Writes the line, whatever the level.
    @usableFromInline @inline(never)
    internal func emit(_ level: LogLevel, _ message: String, _ fields: [LogField]) {
        let time = clock()
        let line = LogLine(
            format: format, level: level, time: time, message: message, fields: fields)
        output.withLock { output in
            if output.droppedLines > 0 {
                let lost = LogLine(
                    format: format, level: .warn, time: time, message: "log lines dropped",
                    fields: [LogField("count", output.droppedLines)])
                guard output.write(lost.bytes) else { return }
            }
            _ = output.write(line.bytes)
        }
    }
}
