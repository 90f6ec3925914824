// Proxy: opens the listeners, keeps the cluster known, and drains.

internal import KafkaWire
internal import Limits
package import Loop
internal import Principals
internal import Synchronization
internal import Telemetry
internal import Transport

/// One listener of the configuration.
package struct ListenerPlan: Sendable {
    /// The numeric address to bind, such as `0.0.0.0` or `::`.
    package let bind: String
    package let addresses: AdvertisedAddresses
    package let principal: PrincipalSource

    package init(
        bind: String, addresses: AdvertisedAddresses,
        principal: PrincipalSource = .sasl(SASLSettings())
    ) {
        self.bind = bind
        self.addresses = addresses
        self.principal = principal
    }
}

/// Why the proxy did not start.
package struct StartError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// The running proxy: listeners on the first loop, sessions on all of them.
package final class Proxy: Sendable {
    internal let context: ProxyContext
    internal let group: LoopGroup

    /// Prepares every loop; nothing is opened yet.
    package init(context: ProxyContext, group: LoopGroup) {
        self.context = context
        self.group = group
        let probe = ClusterProbeHandle(home: group.loops[0])
        for (index, handle) in group.loops.enumerated() {
            let count = group.loops.count
            handle.submit { loop in
                let local = LoopContext(
                    loop: loop, loopCount: count, shared: context, probe: probe)
                if index == 0 { local.clusterProbe = ClusterProbe(loop: loop, shared: context) }
                loop.attachment = local
            }
        }
    }

    /// Opens all listeners, or none, and begins to look for the brokers.
    package func start(_ listeners: [ListenerPlan]) throws(StartError) {
        let targets = group.loops
        let context = context
        let failure: StartError? = group.loops[0].wait { loop in
            guard let local = loop.attachment as? LoopContext else {
                return StartError(description: "the first loop is not prepared")
            }
            do throws(StartError) {
                for listener in listeners {
                    try Proxy.open(listener, on: loop, local, spreadOver: targets)
                }
                return nil
            } catch {
                local.closeAcceptors()
                return error
            }
        }
        if let failure { throw failure }
        for listener in listeners {
            let addresses = listener.addresses
            context.log.info(
                "listener opened",
                [
                    .init("listener", addresses.listener), .init("bind", listener.bind),
                    .init("bootstrap", "\(addresses.bootstrapPort)"),
                    .init("ports", "\(addresses.ports.count)"),
                    .init("advertise", addresses.host),
                ])
        }
        Proxy.lookForBrokers(context, ClusterProbeHandle(home: group.loops[0]), group.loops[0])
    }

    private static func open(
        _ listener: ListenerPlan, on loop: EventLoop, _ local: LoopContext,
        spreadOver targets: [LoopHandle]
    ) throws(StartError) {
        let log = local.shared.log
        let open = {
            (local: LoopContext, loop: EventLoop, address: SocketAddress, entrance: Entrance) in
            local.acceptors.append(
                try Acceptor(
                    on: address, loop: loop, spreadOver: targets,
                    { parcel, peer, loop in
                        guard let local = loop.attachment as? LoopContext else { return }
                        local.accepted(parcel, from: peer, at: entrance)
                    },
                    failed: { error in
                        log.limited(
                            .error, "cannot accept connections", [.init("reason", "\(error)")])
                    }))
        }
        var taken: [UInt16] = []
        for (port, node) in listener.addresses.ports {
            guard let address = SocketAddress(numeric: listener.bind, port: port) else {
                throw StartError(description: "\(listener.bind) is not an address to bind")
            }
            let entrance = Entrance(
                addresses: listener.addresses, node: node, principal: listener.principal)
            do {
                try open(local, loop, address, entrance)
            } catch {
                // Ports that the configuration names must open. Of a range most belong to no
                // broker, so one that is taken is tried again until it is free.
                guard let node, listener.addresses.nodePorts[node] == nil else {
                    throw StartError(
                        description:
                            "listener \(listener.addresses.listener): port \(port): \(error)")
                }
                taken.append(port)
                Proxy.retry(on: loop) { loop in
                    guard let local = loop.attachment as? LoopContext, !local.isDraining else {
                        return true
                    }
                    return (try? open(local, loop, address, entrance)) != nil
                }
            }
        }
        if !taken.isEmpty {
            log.warn(
                "ports of the broker range are taken by others; they are tried again",
                [
                    .init("listener", listener.addresses.listener),
                    .init("ports", taken.map(String.init).joined(separator: ",")),
                ])
        }
    }

    /// Runs `attempt` now and then until it says that it has succeeded.
    private static func retry(on loop: EventLoop, _ attempt: @escaping (EventLoop) -> Bool) {
        loop.schedule(afterNanoseconds: ProxyLimits.bindRetryNanoseconds) { loop in
            if !attempt(loop) { retry(on: loop, attempt) }
        }
    }

    /// Asks for the brokers until they are known, so that the first client need not wait.
    private static func lookForBrokers(
        _ context: ProxyContext, _ probe: ClusterProbeHandle, _ home: LoopHandle
    ) {
        probe.refresh { outcome in
            if case .success(true) = outcome { return }
            home.submit { loop in
                loop.schedule(afterNanoseconds: ProxyLimits.probeRetryNanoseconds) { _ in
                    guard context.nodes.count == 0 else { return }
                    lookForBrokers(context, probe, home)
                }
            }
        }
    }

    /// Stops listening and ends every session as soon as nothing is in flight on it.
    /// - Parameter seconds: after which sessions that are still busy are cut.
    /// - Returns: true when none had to be cut.
    package func drain(seconds: Double) -> Bool {
        group.loops[0].wait { loop in (loop.attachment as? LoopContext)?.closeAcceptors() }
        for handle in group.loops {
            handle.submit { loop in (loop.attachment as? LoopContext)?.drain() }
        }
        let deadline = seconds * 1000
        var waited = 0.0
        while context.connections.value > 0, waited < deadline {
            Pause.milliseconds(10)
            waited += 10
        }
        let isClean = context.connections.value == 0
        if !isClean {
            for handle in group.loops {
                handle.wait { loop in (loop.attachment as? LoopContext)?.cut() }
            }
        }
        return isClean
    }
}
