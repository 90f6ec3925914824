// KeyringChecks: whether keyring files are there and have the keys that a configuration names.

internal import Config
internal import FileKeys
internal import Rules

/// Looks into the keyring files of a configuration. No key is used.
internal struct KeyringChecks {
    private let configuration: Configuration
    private let file: String

    init(_ configuration: Configuration, file: String) {
        self.configuration = configuration
        self.file = file
    }

    /// In the order of the file: what cannot be read, then keys that are not there.
    var errors: [String] {
        var errors: [String] = []
        for service in configuration.keyServices {
            guard case .file(let path) = service.source else { continue }
            do throws(KeyringError) {
                errors += missing(in: try KeyringFile(path: path).load(), service.name, path)
            } catch {
                errors.append("\(file): keys `\(service.name)`: \(error)")
            }
        }
        return errors
    }

    private func missing(in keyring: Keyring, _ service: String, _ path: String) -> [String] {
        let rules = configuration.rules.protect
        var errors: [String] = []
        for (place, rule) in rules.enumerated() where rule.service == service && rule.key.isFixed {
            if let reason = KeyringChecks.reason(rule.key.text, keyring, sealing: true) {
                let line = configuration.protectPositions[place].line
                errors.append("\(file):\(line): key `\(service)/\(rule.key)`: \(reason) \(path)")
            }
        }
        if let token = configuration.tokenKey, token.service == service,
            let reason = KeyringChecks.reason(token.key, keyring, sealing: false)
        {
            errors.append("\(file): tokenKey `\(service)/\(token.key)`: \(reason) \(path)")
        }
        return errors
    }

    /// - Parameter sealing: whether new data keys are made under it.
    private static func reason(_ name: String, _ keyring: Keyring, sealing: Bool) -> String? {
        let versions = keyring.versions.filter { $0.name == name }
        if versions.isEmpty { return "there is no such key in" }
        if sealing, !versions.contains(where: { $0.status == .active }) {
            return "no version of it is active in"
        }
        if versions.allSatisfy({ $0.status == .disabled }) {
            return "all versions of it are disabled in"
        }
        return nil
    }
}
