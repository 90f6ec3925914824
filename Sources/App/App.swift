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
    case .inspect(let request): return InspectCommand(request: request, terminal: terminal).run()
    case .keys(let action, let keyring, let name):
        _ = MemoryDumps.disable()
        return KeysCommand(file: KeyringFile(path: keyring), terminal: terminal)
            .run(action, name: name)
    case .keysToken(let path, let key):
        _ = MemoryDumps.disable()
        return KeysTokenCommand(terminal: terminal).run(config: path, key: key)
    case .check(let request):
        return configured(request.config, terminal) {
            CheckCommand(request: request, terminal: terminal).run($0)
        }
    case .explain(let request):
        return configured(request.config, terminal) {
            ExplainCommand(request: request, terminal: terminal).run($0)
        }
    case .open(let request):
        return configured(request.config, terminal) {
            OpenCommand(request: request, terminal: terminal).run($0)
        }
    case .keysStatus(let path, let json):
        return configured(path, terminal) { configuration in
            KeysStatusCommand(terminal: terminal).run(socket: configuration.adminSocket, json: json)
        }
    case .run(let path):
        let canDump = !MemoryDumps.disable()
        return configured(path, terminal) { configuration in
            let log = Log(
                level: LogLevel(name: configuration.log.level.rawValue) ?? .info,
                format: configuration.log.format == .json ? .json : .text)
            if canDump { log.warn("core dumps cannot be switched off; they may hold keys") }
            return run(configuration: configuration, log: log)
        }
    }
}

/// What `body` does with the configuration, or a refusal with everything that is wrong printed.
private func configured(
    _ path: String, _ terminal: Terminal, _ body: (Configuration) -> Int32
) -> Int32 {
    _ = MemoryDumps.disable()
    do {
        return body(try Configuration.load(path: path))
    } catch {
        terminal.error("\(error)\n")
        return ExitCode.usage
    }
}
