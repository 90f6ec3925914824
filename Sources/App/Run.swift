// Run: builds the proxy that a configuration describes, and runs it until it is told to stop.

package import Config
internal import FileKeys
internal import Glibc
internal import KeyService
internal import Loop
internal import Proxy
internal import Rules
package import Telemetry

/// Runs the proxy until SIGTERM or SIGINT.
///
/// - Returns: the process's exit code: 0 after a clean end, 1 when it could not start, or when
///   connections had to be cut at the end of the drain time, 2 when the keys are not right.
package func run(configuration: Configuration, log: Log) -> Int32 {
    Signals.block()
    ProcessMemory.settle()
    Descriptors.raiseLimit()
    let services: [String: any KeyService]
    do {
        services = try openKeyServices(configuration, log)
        try probeKeys(configuration.rules, services)
    } catch {
        log.error("keys are not usable", [.init("reason", "\(error)")])
        return 2
    }
    do {
        let group = try LoopGroup(count: configuration.threads)
        let context = ProxyContext(
            settings: proxySettings(configuration), rules: configuration.rules,
            keyServices: services, log: log)
        let proxy = Proxy(context: context, group: group)
        try proxy.start(configuration.listeners.map(listenerPlan))
        log.info(
            "waxwing is running", [.init("version", version), .init("threads", group.loops.count)])
        let signal = Signals.wait()
        log.info("stopping", [.init("signal", signal)])
        let seconds = Double(configuration.limits.drainNanoseconds) / 1e9
        let isClean = proxy.drain(seconds: seconds)
        group.stopAndJoin()
        if !isClean { log.warn("connections were cut at the end of the drain time") }
        log.info("stopped")
        return isClean ? 0 : 1
    } catch {
        log.error("cannot start", [.init("reason", "\(error)")])
        return 1
    }
}

private func openKeyServices(
    _ configuration: Configuration, _ log: Log
) throws(KeyringError) -> [String: any KeyService] {
    var services: [String: any KeyService] = [:]
    for service in configuration.keyServices {
        switch service.source {
        case .file(let path):
            let name = service.name
            services[name] = try FileKeyService(
                path: path,
                reloaded: { reload in
                    switch reload {
                    case .loaded(let keys):
                        log.info(
                            "keyring read again", [.init("service", name), .init("keys", keys)])
                    case .failed(let error):
                        log.error(
                            "keyring not usable; the keys that were read before stay in use",
                            [.init("service", name), .init("reason", "\(error)")])
                    }
                })
        }
    }
    return services
}

/// Makes and opens a data key under every key that is named outright, so that a wrong name stops
/// the start and not the first producer.
private func probeKeys(
    _ rules: RuleSet, _ services: [String: any KeyService]
) throws(KeyServiceError) {
    for rule in rules.protect where !rule.key.usesTopic {
        guard let service = services[rule.service] else { continue }
        let key = rule.key.text
        let outcome = LateValue<KeyServiceError?>()
        Task {
            do throws(KeyServiceError) {
                try await service.probe(key)
                outcome.set(nil)
            } catch {
                outcome.set(error)
            }
        }
        if let failure = outcome.wait() { throw failure }
    }
}

private func proxySettings(_ configuration: Configuration) -> ProxySettings {
    var settings = ProxySettings(
        bootstrap: configuration.cluster.bootstrap.map { HostPort(host: $0.host, port: $0.port) })
    settings.connectNanoseconds = configuration.cluster.connectNanoseconds
    let limits = configuration.limits
    settings.keyWaitNanoseconds = limits.keyWaitNanoseconds
    settings.requestBytesMax = limits.requestBytesMax
    settings.responseBytesMax = limits.responseBytesMax
    settings.heldBytesMax = limits.heldBytesMax
    settings.connectionsMax = limits.connectionsMax
    settings.idleNanoseconds = limits.idleNanoseconds
    let keys = configuration.dataKeys
    settings.dataKeys = DataKeySettings(
        recordsMax: keys.recordsMax, bytesMax: keys.bytesMax, ageSecondsMax: keys.ageSecondsMax,
        openingKeySecondsMax: keys.cacheAgeSecondsMax)
    return settings
}

private func listenerPlan(_ listener: ListenerSettings) -> ListenerPlan {
    ListenerPlan(
        bind: listener.bind,
        addresses: AdvertisedAddresses(
            listener: listener.name, host: listener.advertise,
            bootstrapPort: listener.bootstrapPort, brokerPorts: listener.brokerPorts,
            nodePorts: listener.nodePorts))
}
