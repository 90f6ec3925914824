// LogLevel: how much a log line matters.

/// How much a line matters; a log of one level writes those above it too.
package enum LogLevel: UInt8, Sendable, CaseIterable, Comparable {
    /// Something that was asked for could not be done.
    case error = 0
    /// Something is wrong that may come right by itself, or that a peer does wrong.
    case warn = 1
    /// What happens in the life of the process and its connections.
    case info = 2
    /// Every request that is changed, and why.
    case debug = 3

    /// `error`, `warn`, `info` or `debug`.
    package var name: String {
        switch self {
        case .error: "error"
        case .warn: "warn"
        case .info: "info"
        case .debug: "debug"
        }
    }

    /// The level with this name.
    package init?(name: String) {
        guard let level = LogLevel.allCases.first(where: { $0.name == name }) else { return nil }
        self = level
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// How lines are written.
package enum LogFormat: String, Sendable, CaseIterable {
    /// For people: `2026-11-21T11:03:05.123Z INFO  listener opened port=9092`.
    case text
    /// For machines: one JSON object per line (RFC 8259).
    case json
}
