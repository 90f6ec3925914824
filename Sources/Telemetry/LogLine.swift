// LogLine: the bytes of one log line, which no peer can forge.

/// Bounds of a line.
internal enum LogLineLimits {
    /// Bytes of a line with its end: what a pipe takes in one piece (PIPE_BUF).
    static let bytesMax = 4_096
    /// Bytes of a message or value as it came; the rest is cut away.
    static let valueBytesMax = 1_024
}

/// Builds one line. Whatever could end it, move the cursor or reverse the text is escaped.
internal struct LogLine {
    private let format: LogFormat
    private(set) var bytes: [UInt8] = []
    /// Room for what ends the line, and for saying that fields were left out.
    private static let endBytes = 32

    init(format: LogFormat, level: LogLevel, time: LogTime, message: String, fields: [LogField]) {
        self.format = format
        bytes.reserveCapacity(256)
        switch format {
        case .text:
            add(time.iso8601)
            add(" ")
            add(LogLine.column(level))
            add(" ")
            escape(message)
        case .json:
            add("{\"time\":\"")
            add(time.iso8601)
            add("\",\"level\":\"")
            add(level.name)
            add("\",\"message\":\"")
            escape(message)
            add("\"")
        }
        for field in fields where !append(field) {
            add(format == .text ? " cut=true" : ",\"cut\":true")
            break
        }
        add(format == .text ? "\n" : "}\n")
    }

    private static func column(_ level: LogLevel) -> String {
        switch level {
        case .error: "ERROR"
        case .warn: "WARN "
        case .info: "INFO "
        case .debug: "DEBUG"
        }
    }

    private mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// - Returns: false, with nothing appended, when the line is full.
    private mutating func append(_ field: LogField) -> Bool {
        let before = bytes.count
        switch format {
        case .text:
            add(" ")
            escape(field.key)
            add("=")
        case .json:
            add(",\"")
            escape(field.key)
            add("\":")
        }
        switch field.value {
        case .integer(let value): add(String(value))
        case .boolean(let value): add(value ? "true" : "false")
        case .text(let value):
            let isQuoted = format == .json || LogLine.needsQuotes(value)
            if isQuoted { add("\"") }
            escape(value)
            if isQuoted { add("\"") }
        }
        guard bytes.count <= LogLineLimits.bytesMax - LogLine.endBytes else {
            bytes.removeSubrange(before...)
            return false
        }
        return true
    }

    /// Whether a value in a text line would not be seen to be one value.
    private static func needsQuotes(_ value: String) -> Bool {
        value.isEmpty
            || value.unicodeScalars.contains {
                $0 == " " || $0 == "\"" || $0 == "=" || $0 == "\\" || isEscaped($0)
            }
    }

    /// Control characters, and those that change the direction or the end of a line.
    private static func isEscaped(_ scalar: UnicodeScalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0: true
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }

    /// Appends `text` with escapes that both JSON and people read: `\n`, `\"`, `\u001b`.
    private mutating func escape(_ text: String) {
        var left = LogLineLimits.valueBytesMax
        for scalar in text.unicodeScalars {
            left -= UTF8.width(scalar)
            guard left >= 0, bytes.count < LogLineLimits.bytesMax - LogLine.endBytes else {
                add("...")
                return
            }
            switch scalar {
            case "\"": add("\\\"")
            case "\\": add("\\\\")
            case "\n": add("\\n")
            case "\r": add("\\r")
            case "\t": add("\\t")
            case _ where LogLine.isEscaped(scalar):
                let digits = String(scalar.value, radix: 16)
                add("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
            case _ where scalar.isASCII: bytes.append(UInt8(scalar.value))
            default: add(String(scalar))
            }
        }
    }
}
