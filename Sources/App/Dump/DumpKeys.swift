// DumpKeys: has the data keys of a dump unwrapped, and waits for them.

internal import Bytes
internal import Config
internal import Crypto
internal import Envelope
internal import Glibc
internal import KeyService
internal import Limits
internal import Telemetry

/// Asks the configured key services, each when it is first needed: a service that is away or was
/// taken out does not keep the records of the others from opening.
internal final class DumpKeys: OpeningKeys {
    private enum Answer {
        case key(OpeningKey)
        case failed(String)
    }

    /// Why the last key that was asked for is not there; empty when it is.
    private(set) var failure = ""

    private let settings: [KeyServiceSettings]
    private let log: Log
    private var services: [String: KeyServices] = [:]
    /// Services that cannot be asked, and why.
    private var out: [String: String] = [:]
    private var answers: [[UInt8]: Answer] = [:]

    init(_ settings: [KeyServiceSettings], _ log: Log) {
        self.settings = settings
        self.log = log
    }

    func close() {
        for service in services.values { service.close() }
    }

    func openingKey(reference: RawSpan, wrapped: RawSpan, id: UInt64) -> OpeningKey? {
        let text = reference.text
        let wrapped = wrapped.array
        // The same bytes under another id or reference are another question.
        let question = Array("\(id) \(text) ".utf8) + wrapped
        let answer: Answer
        if let known = answers[question] {
            answer = known
        } else {
            answer = ask(text, wrapped, id)
            if answers.count >= CommandLimits.openingKeysMax { answers.removeAll() }
            answers[question] = answer
        }
        switch answer {
        case .key(let key):
            failure = ""
            return key
        case .failed(let reason):
            failure = reason
            return nil
        }
    }

    private func ask(_ text: String, _ wrapped: [UInt8], _ id: UInt64) -> Answer {
        guard let reference = KEKReference(text) else {
            return .failed("\(text.debugDescription) is not the name of a key")
        }
        guard let service = service(reference.service) else {
            return .failed(out[reference.service] ?? "")
        }
        for number in 1... {
            let secret: SecretBytes
            do throws(KeyServiceError) {
                secret = try KeyAnswer.wait { () throws(KeyServiceError) in
                    try await service.unwrap(wrapped, under: reference.name)
                }
            } catch {
                guard error.isRetriable else { return .failed("\(error)") }
                if number >= CommandLimits.unwrapTriesMax {
                    out[reference.service] = "\(error)"
                    return .failed("\(error)")
                }
                sleep(1)
                continue
            }
            do {
                return .key(try OpeningKey(id: id, reference: text, key: secret))
            } catch {
                return .failed("\(error)")
            }
        }
        return .failed("")
    }

    private func service(_ name: String) -> (any KeyService)? {
        guard out[name] == nil else { return nil }
        if let open = services[name] { return open.services[name] }
        guard let setting = settings.first(where: { $0.name == name }) else {
            out[name] = "the configuration has no key service \(name.debugDescription)"
            return nil
        }
        do throws(KeysNotUsable) {
            let opened = try KeyServices([setting], log)
            services[name] = opened
            return opened.services[name]
        } catch {
            out[name] = error.reasons.joined(separator: "; ")
            return nil
        }
    }
}
