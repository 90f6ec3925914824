// KeysTokenCommand: `waxwing keys token`, which makes the secret of keyed masks.

internal import Bytes
internal import Config
internal import JSON
internal import KeyService
internal import Limits
internal import Telemetry

/// Makes a data key and prints it wrapped, as the configuration holds it. The key itself is never
/// printed.
internal struct KeysTokenCommand {
    let terminal: Terminal

    func run(config path: String, key: String) -> Int32 {
        guard let reference = KEKReference(key) else {
            terminal.error(
                "waxwing: a key is written SERVICE/NAME, not \(key.debugDescription)\n"
                    + "Try `\(HelpText.keys.command)`.\n")
            return ExitCode.usage
        }
        let services: [KeyServiceSettings]
        do throws(Refusal) {
            services = try KeysTokenCommand.services(path, reference)
        } catch {
            terminal.error(error.lines.map { "\($0)\n" }.joined())
            return ExitCode.usage
        }
        guard let setting = services.first(where: { $0.name == reference.service }) else {
            terminal.error(
                "\(path): there is no key service `\(reference.service)`"
                    + Spelling.suggestion(for: reference.service, among: services.map(\.name))
                    + "\n")
            return ExitCode.usage
        }
        do throws(KeysNotUsable) {
            let keys = try KeyServices([setting], Log(level: .error, format: .text))
            defer { keys.close() }
            guard let service = keys.services[setting.name] else { return ExitCode.failure }
            return make(service, reference)
        } catch {
            terminal.error(error.reasons.map { "waxwing: \($0)\n" }.joined())
            return ExitCode.failure
        }
    }

    /// A configuration that cannot be used even so.
    private struct Refusal: Error {
        let lines: [String]
    }

    /// The key services of a file that may lack nothing but the `tokenKey` that is to be made: it
    /// is read with one in its place.
    private static func services(
        _ path: String, _ reference: KEKReference
    ) throws(Refusal) -> [KeyServiceSettings] {
        let found: ConfigurationErrors
        do throws(ConfigurationErrors) {
            return try Configuration.load(path: path).keyServices
        } catch {
            found = error
        }
        let original = Refusal(lines: found.errors.map(\.description))
        guard let bytes = try? SmallFile.bytes(path, bytesMax: CommandLimits.configurationBytesMax)
        else { throw original }
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.utf8.count { $0 == UInt8(ascii: "\n") } + 1
        do throws(ConfigurationErrors) {
            let wrapped = String(repeating: "A", count: 64)
            return try Configuration.parse(
                text: "\(text)\ntokenKey: {key: \"\(reference)\", wrapped: \"\(wrapped)\"}\n",
                name: path, environment: .process, directory: directory(of: path)
            ).keyServices
        } catch {
            // What is wrong with the file itself, without that it has no `tokenKey` yet.
            let own = error.errors.filter { ($0.position?.line ?? 0) <= lines }
            if !own.isEmpty { throw Refusal(lines: own.map(\.description)) }
            guard let service = error.errors.first(where: { $0.reason.contains("key service") })
            else { throw original }
            throw Refusal(lines: ["\(path): \(service.reason)"])
        }
    }

    /// Where relative paths in the file start.
    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/." : String(path[..<slash])
    }

    private func make(_ service: any KeyService, _ reference: KEKReference) -> Int32 {
        let wrapped: [UInt8]
        do throws(KeyServiceError) {
            wrapped = try KeyAnswer.wait { () throws(KeyServiceError) in
                // One that cannot be unwrapped again would stop the next start.
                try await service.probe(reference.name)
                return try await service.generateDataKey(under: reference.name).wrapped
            }
        } catch {
            terminal.error("waxwing: \(PlainText.printable("\(error)"))\n")
            return ExitCode.failure
        }
        let text = ByteBuffer(capacity: Base64.encodedCount(wrapped.count, .url))
        // SAFETY: UInt8 has no padding; the array outlives the call.
        Base64.append(unsafe wrapped.span.bytes, .url, to: text)
        terminal.output("tokenKey:\n  key: \(reference)\n  wrapped: \"\(text.bytes.text)\"\n")
        return ExitCode.success
    }
}
