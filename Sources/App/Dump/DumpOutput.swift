// DumpOutput: what a command over many records prints, in pieces, with its complaints counted.

internal import Bytes
internal import Limits

/// Collects lines for standard output and writes them in large pieces.
internal final class DumpOutput {
    /// Lines are put together here, then `flushIfLarge` is called.
    private(set) var lines = ByteBuffer(capacity: CommandLimits.writeBytes)
    /// Records that are lost: not read, or not opened.
    private(set) var lost = 0
    /// Standard output takes nothing any more.
    private(set) var isClosed = false

    private let terminal: Terminal
    private var named = 0
    private var unnamed = 0

    init(_ terminal: Terminal) { self.terminal = terminal }

    func flushIfLarge() {
        if lines.count >= CommandLimits.writeBytes { flush() }
    }

    func flush() {
        guard lines.count > 0 else { return }
        if !terminal.outputBytes(lines.array) { isClosed = true }
        if lines.capacity > CommandLimits.writeBytes * 64 {
            lines = ByteBuffer(capacity: CommandLimits.writeBytes)
        }
        lines.removeAll()
    }

    /// Names something wrong on standard error. It may hold what a dump says, so nothing of it
    /// moves the cursor.
    func complain(_ place: String, _ reason: String, records: Int) {
        lost += records
        guard named < CommandLimits.namedFaultsMax else {
            unnamed += 1
            return
        }
        named += 1
        terminal.error("waxwing: \(place): \(PlainText.printable(reason))\n")
    }

    /// Writes what is left, and says what was left out.
    ///
    /// - Returns: the exit code.
    func end() -> Int32 {
        flush()
        if unnamed > 0 { terminal.error("waxwing: and \(unnamed) more that are not named\n") }
        if isClosed {
            terminal.error("waxwing: standard output cannot be written\n")
            return ExitCode.failure
        }
        return lost == 0 ? ExitCode.success : ExitCode.failure
    }
}

/// Text from elsewhere, for a terminal.
internal enum PlainText {
    /// Without what could move a terminal's cursor or reverse its text.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: "?"
                    default: scalar
                    }
                }))
    }
}
