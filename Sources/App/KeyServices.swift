// KeyServices: opens the key services that a configuration names, and tries their keys.

internal import Config
internal import Crypto
internal import FileKeys
internal import KeyService
internal import Limits
internal import Loop
internal import Rules
internal import Telemetry
internal import VaultKeys

/// Why keys cannot be used at the start, each reason on its own.
internal struct KeysNotUsable: Error {
    let reasons: [String]
    /// Whether a later start may succeed with nothing changed.
    var mayPass = false
}

/// The key services of a configuration, each behind the gate that all loops share.
internal struct KeyServices {
    private(set) var services: [String: any KeyService] = [:]
    private var vaults: [VaultKeyService] = []

    /// Opens what the configuration names; nothing is asked for yet.
    init(_ settings: [KeyServiceSettings], _ log: Log) throws(KeysNotUsable) {
        var reasons: [String] = []
        for setting in settings {
            do {
                let service = try open(setting, log)
                services[setting.name] = GuardedKeyService(
                    service, name: setting.name,
                    changed: { status in KeyServices.report(status, log) })
            } catch {
                reasons.append("\(setting.name): \(error)")
            }
        }
        guard reasons.isEmpty else { throw KeysNotUsable(reasons: reasons) }
    }

    private mutating func open(
        _ setting: KeyServiceSettings, _ log: Log
    ) throws -> any KeyService {
        switch setting.source {
        case .file(let path):
            return try FileKeyService(
                path: path,
                reloaded: { reload in
                    KeyServices.reportReload(reload, setting.name, log)
                })
        case .vault(let source):
            let settings = try VaultSettings(source)
            if settings.isReadableOnTheNetwork {
                log.warn(
                    "tokens and data keys cross the network without TLS",
                    [.init("service", setting.name)])
            }
            let service = try VaultKeyService(settings)
            vaults.append(service)
            return service
        }
    }

    private static func reportReload(_ reload: FileKeyService.Reload, _ name: String, _ log: Log) {
        switch reload {
        case .loaded(let keys):
            log.info("keyring read again", [.init("service", name), .init("keys", keys)])
        case .failed(let error):
            log.error(
                "keyring not usable; the keys that were read before stay in use",
                [.init("service", name), .init("reason", "\(error)")])
        }
    }

    private static func report(_ status: ServiceStatus, _ log: Log) {
        if status.state == .closed {
            log.info("key service answers again", [.init("service", status.service)])
        } else {
            log.warn(
                "key service is out",
                [.init("service", status.service), .init("reason", status.lastFailure ?? "-")])
        }
    }

    /// Makes and opens a data key under every key that is named outright, so that a wrong name
    /// stops the start and not the first producer.
    func probe(
        _ rules: RuleSet, startWaitNanoseconds: UInt64, _ log: Log
    ) throws(KeysNotUsable) {
        let keys = rules.protect.compactMap { rule in
            rule.key.isFixed ? KEKReference(service: rule.service, name: rule.key.text) : nil
        }
        let services = services
        let outcome = LateValue<[KeyProbeFailure]>()
        Task {
            outcome.set(
                await KeyService::probe(
                    keys: keys, services: services, startWaitNanoseconds: startWaitNanoseconds,
                    retrying: { failure in
                        log.limited(
                            .warn, "waiting for a key service", [.init("reason", "\(failure)")])
                    }))
        }
        let failures = outcome.wait()
        guard failures.isEmpty else {
            throw KeysNotUsable(
                reasons: failures.map { "\($0)" },
                mayPass: failures.allSatisfy { $0.error.isRetriable })
        }
    }

    /// Unwraps the secret of keyed masks.
    func tokenKey(_ settings: TokenKeySettings?) throws(KeysNotUsable) -> SecretBytes? {
        guard let settings, let service = services[settings.service] else { return nil }
        let secret: SecretBytes
        do throws(KeyServiceError) {
            secret = try KeyAnswer.wait { () throws(KeyServiceError) in
                try await service.unwrap(settings.wrapped, under: settings.key)
            }
        } catch {
            throw KeysNotUsable(reasons: ["tokenKey: \(error)"], mayPass: error.isRetriable)
        }
        guard MaskLimits.keyBytes.contains(secret.count) else {
            throw KeysNotUsable(reasons: ["tokenKey: \(secret.count) bytes are no such key"])
        }
        return secret
    }

    /// Ends the threads of services that have some.
    func close() {
        for vault in vaults { vault.close() }
    }
}

extension VaultSettings {
    /// - Throws: when the file of the role id cannot be read, or a setting makes no sense.
    internal init(_ source: VaultSource) throws {
        self.init(
            address: source.address, mount: source.mount, namespace: source.namespace,
            auth: try VaultAuth(source.authentication), caFile: source.tls.ca,
            clientCertificateFile: source.tls.certificate, clientKeyFile: source.tls.key,
            serverName: source.tls.serverName, connectNanoseconds: source.connectNanoseconds,
            totalNanoseconds: source.requestNanoseconds,
            usesEnvironmentProxy: source.proxy == .environment)
    }
}

extension VaultAuth {
    internal init(_ authentication: VaultSource.Authentication) throws {
        switch authentication {
        case .token(let file): self = .tokenFile(file)
        case .appRole(let mount, .value(let role), let secret):
            self = .appRole(mount: mount, roleID: role, secretIDFile: secret)
        case .appRole(let mount, .file(let path), let secret):
            self = .appRole(
                mount: mount, roleID: try SmallFile.text(path), secretIDFile: secret)
        case .kubernetes(let mount, let role, let file):
            self = .kubernetes(mount: mount, role: role, jwtFile: file)
        case .jwt(let mount, let role, let file):
            self = .jwt(mount: mount, role: role, jwtFile: file)
        }
    }
}
