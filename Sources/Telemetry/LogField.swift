// LogField: one key and value of a log line.

/// One key and value of a log line. Keys are constants of the code; values may come from peers and
/// are escaped, but never are payloads, keys or credentials.
package struct LogField: Sendable, Equatable {
    /// What a value is; JSON lines keep numbers and truth values as such.
    package enum Value: Sendable, Equatable {
        case text(String)
        case integer(Int64)
        case boolean(Bool)
    }

    package let key: String
    package let value: Value

    package init(_ key: String, _ value: String) {
        self.key = key
        self.value = .text(value)
    }

    /// Numbers beyond 64 signed bits are cut to the nearest that fits.
    package init(_ key: String, _ value: some BinaryInteger) {
        self.key = key
        self.value = .integer(Int64(clamping: value))
    }

    package init(_ key: String, _ value: Bool) {
        self.key = key
        self.value = .boolean(value)
    }

    /// The same as `LogField(key, value)`, for lists: `[.field("port", 9092)]`.
    package static func field(_ key: String, _ value: String) -> LogField { LogField(key, value) }

    package static func field(_ key: String, _ value: some BinaryInteger) -> LogField {
        LogField(key, value)
    }

    package static func field(_ key: String, _ value: Bool) -> LogField { LogField(key, value) }
}
