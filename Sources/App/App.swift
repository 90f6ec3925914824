// App: the program: its command line, and what each command does.

internal import Config
internal import FileKeys
internal import Telemetry

/// Does what the command line says.
///
/// - Parameter arguments: without the name of the program.
/// - Returns: the exit code of the process.
package func waxwing(arguments: [String], terminal: Terminal = .standard) -> Int32 {
    let command: Command
    do {
        command = try Command(arguments)
    } catch {
        terminal.error("waxwing: \(error.reason)\nTry `\(error.help.command)`.\n")
        return ExitCode.usage
    }
    switch command {
    case .help(let help):
        terminal.output(help.text)
        return ExitCode.success
    case .version:
        terminal.output("waxwing \(version)\n")
        return ExitCode.success
    case .check(let path):
        guard let configuration = load(path, terminal) else { return ExitCode.usage }
        let lines = ["\(path) is valid"] + Summary(configuration: configuration).lines
        terminal.output(lines.joined(separator: "\n") + "\n")
        return ExitCode.success
    case .keys(let action, let keyring, let name):
        _ = MemoryDumps.disable()
        return KeysCommand(file: KeyringFile(path: keyring), terminal: terminal)
            .run(action, name: name)
    case .keysStatus(let path, let json):
        guard let configuration = load(path, terminal) else { return ExitCode.usage }
        return KeysStatusCommand(terminal: terminal)
            .run(socket: configuration.adminSocket, json: json)
    case .run(let path):
        let canDump = !MemoryDumps.disable()
        guard let configuration = load(path, terminal) else { return ExitCode.usage }
        let log = Log(
            level: LogLevel(name: configuration.log.level.rawValue) ?? .info,
            format: configuration.log.format == .json ? .json : .text)
        if canDump { log.warn("core dumps cannot be switched off; they may hold keys") }
        return run(configuration: configuration, log: log)
    }
}

/// The configuration, or nil with everything that is wrong printed.
private func load(_ path: String, _ terminal: Terminal) -> Configuration? {
    do {
        return try Configuration.load(path: path)
    } catch {
        terminal.error("\(error)\n")
        return nil
    }
}
