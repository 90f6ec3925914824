// Run: builds the proxy that a configuration describes, and runs it until it is told to stop.

package import Config
internal import Crypto
internal import Glibc
internal import KeyService
internal import Loop
internal import Principals
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
    let keys: KeyServices
    let tokenKey: SecretBytes?
    do throws(KeysNotUsable) {
        keys = try KeyServices(configuration.keyServices, log)
        try keys.probe(
            configuration.rules,
            startWaitNanoseconds: configuration.dataKeys.startWaitNanoseconds, log)
        tokenKey = try keys.tokenKey(configuration.tokenKey)
    } catch {
        for reason in error.reasons {
            log.error("keys are not usable", [.init("reason", reason)])
        }
        return error.mayPass ? ExitCode.failure : ExitCode.usage
    }
    defer { keys.close() }
    for warning in configuration.warnings {
        log.warn("configuration", [.init("warning", "\(warning)")])
    }
    do {
        let group = try LoopGroup(count: configuration.threads)
        let context = ProxyContext(
            settings: proxySettings(configuration), rules: configuration.rules,
            keyServices: keys.services, log: log, tokenKey: tokenKey,
            audit: try auditSink(configuration.audit))
        let proxy = Proxy(context: context, group: group)
        let admin = try configuration.adminSocket.map { path in
            try AdminSocket(path: path, log: log) { proxy.keyStatus() }
        }
        defer { admin?.close() }
        try proxy.start(configuration.listeners.map(listenerPlan))
        log.info(
            "waxwing is running", [.init("version", version), .init("threads", group.loops.count)])
        let signal = Signals.wait()
        log.info("stopping", [.init("signal", signal)])
        let seconds = Double(configuration.limits.drainNanoseconds) / 1e9
        let isClean = proxy.drain(seconds: seconds)
        admin?.close()
        group.stopAndJoin()
        if !isClean { log.warn("connections were cut at the end of the drain time") }
        log.info("stopped")
        return isClean ? 0 : 1
    } catch {
        log.error("cannot start", [.init("reason", "\(error)")])
        return 1
    }
}

/// The stream of audit events, always JSON: it is read by programs.
private func auditSink(_ settings: AuditSettings?) throws(FileError) -> AuditSink? {
    guard let settings else { return nil }
    let descriptor: Int32
    switch settings.destination {
    case .standardError: descriptor = 2
    case .file(let path): descriptor = try SmallFile.appending(path)
    }
    return AuditSink(
        log: Log(level: .info, format: .json, descriptor: descriptor),
        intervalNanoseconds: settings.intervalNanoseconds)
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
            nodePorts: listener.nodePorts),
        principal: PrincipalSource(listener.principal))
}

extension PrincipalSource {
    internal init(_ source: ListenerSettings.PrincipalSource) {
        switch source {
        case .sasl(let subject, let groups):
            self = .sasl(SASLSettings(subjectClaim: subject, groupsClaim: groups))
        case .anonymous: self = .fixed(.anonymous)
        case .fixed(let name): self = .fixed(Principal(name: name))
        }
    }
}
