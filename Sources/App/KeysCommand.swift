// KeysCommand: `waxwing keys`, which edits and lists keyring files and asks a running proxy.

internal import FileKeys
internal import Telemetry
internal import Transport

/// Runs `waxwing keys`. Nothing of a key but its name, version, status and age is ever printed.
internal struct KeysCommand {
    let file: KeyringFile
    let terminal: Terminal

    func run(_ action: Command.KeysAction, name: String?) -> Int32 {
        do {
            switch (action, name) {
            case (.create, let name?): report("created", try file.create(name))
            case (.rotate, let name?): report("rotated", try file.rotate(name))
            default: return try list(name)
            }
            return ExitCode.success
        } catch {
            terminal.error("waxwing: \(error)\n")
            return ExitCode.failure
        }
    }

    private func report(_ what: String, _ version: KeyVersion) {
        terminal.output(
            "\(what) \(version.name): version \(version.version) is \(version.status.rawValue)\n")
    }

    private func list(_ name: String?) throws(KeyringError) -> Int32 {
        let versions = try file.load().versions.filter { name == nil || $0.name == name }
            .sorted { ($0.name, $0.version) < ($1.name, $1.version) }
        if let name, versions.isEmpty {
            terminal.error("waxwing: \(file.path): there is no key `\(name)`\n")
            return ExitCode.failure
        }
        let rows =
            [["NAME", "VERSION", "STATUS", "CREATED"]]
            + versions.map { version in
                [
                    version.name, String(version.version), version.status.rawValue,
                    version.createdSeconds.map { LogTime(seconds: $0).iso8601Seconds } ?? "-",
                ]
            }
        terminal.output(TextTable.text(rows))
        return ExitCode.success
    }
}

/// Runs `waxwing keys status`.
internal struct KeysStatusCommand {
    let terminal: Terminal

    /// - Parameter socket: as the configuration names it; nil when it names none.
    func run(socket: String?, json: Bool) -> Int32 {
        guard let socket else {
            terminal.error(
                "waxwing: the configuration names no admin socket (`admin: {socket: PATH}`)\n")
            return ExitCode.usage
        }
        do {
            let answer = try LocalClient.ask(
                path: socket, request: json ? AdminSocket.keys : AdminSocket.keysTable,
                limits: AdminSocket.limits)
            terminal.output(String(decoding: answer, as: UTF8.self))
            return ExitCode.success
        } catch {
            terminal.error("waxwing: \(error)\n")
            return ExitCode.failure
        }
    }
}

/// Text in columns.
internal enum TextTable {
    /// Columns as wide as their widest cell; the last is not padded.
    static func text(_ rows: [[String]]) -> String {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let room = column == row.count - 1 ? 0 : widths[column] + 2 - cell.count
                return cell + String(repeating: " ", count: max(room, 0))
            }.joined() + "\n"
        }.joined()
    }
}
