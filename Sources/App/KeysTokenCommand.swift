// KeysTokenCommand: `waxwing keys token`, which makes the secret of keyed masks.

internal import Bytes
internal import Config
internal import JSON
internal import KeyService
internal import Loop
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
        do throws(ConfigurationErrors) {
            services = try KeysTokenCommand.services(path, reference)
        } catch {
            terminal.error("\(error)\n")
            return ExitCode.usage
        }
        guard let setting = services.first(where: { $0.name == reference.service }) else {
            terminal.error(
                "waxwing: \(path): there is no key service `\(reference.service)`"
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

    /// The key services of a file that may lack nothing but the `tokenKey` that is to be made.
    private static func services(
        _ path: String, _ reference: KEKReference
    ) throws(ConfigurationErrors) -> [KeyServiceSettings] {
        let found: ConfigurationErrors
        do throws(ConfigurationErrors) {
            return try Configuration.load(path: path).keyServices
        } catch {
            found = error
        }
        guard let bytes = try? SmallFile.bytes(path, bytesMax: 1 << 20) else { throw found }
        let text =
            String(decoding: bytes, as: UTF8.self)
            + "\ntokenKey: {key: \"\(reference)\", wrapped: \"AAAA\"}\n"
        do throws(ConfigurationErrors) {
            return try Configuration.parse(
                text: text, name: path, environment: .process, directory: directory(of: path)
            ).keyServices
        } catch {
            throw found
        }
    }

    /// Where relative paths in the file start.
    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/." : String(path[..<slash])
    }

    private func make(_ service: any KeyService, _ reference: KEKReference) -> Int32 {
        let outcome = LateValue<Result<[UInt8], KeyServiceError>>()
        Task {
            do throws(KeyServiceError) {
                // One that cannot be unwrapped again would stop the next start.
                try await service.probe(reference.name)
                outcome.set(
                    .success(try await service.generateDataKey(under: reference.name).wrapped))
            } catch {
                outcome.set(.failure(error))
            }
        }
        switch outcome.wait() {
        case .success(let wrapped):
            let text = ByteBuffer(capacity: Base64.encodedCount(wrapped.count, .url))
            // SAFETY: UInt8 has no padding; the array outlives the call.
            Base64.append(unsafe wrapped.span.bytes, .url, to: text)
            terminal.output(
                "tokenKey:\n  key: \(reference)\n  wrapped: \"\(text.bytes.text)\"\n")
            return ExitCode.success
        case .failure(let error):
            terminal.error("waxwing: \(PlainText.printable("\(error)"))\n")
            return ExitCode.failure
        }
    }
}
