// KeyStatus: the data keys of all loops and the state of the key services, for who asks.

package import KeyService
internal import Loop

/// What one loop holds.
package struct LoopKeyStatus: Sendable {
    /// As `DataKeys.status` lists them.
    package let dataKeys: [DataKeyStatus]
    /// Opening keys that are held; more than are listed when there are many.
    package let openingKeys: Int
}

/// What the process holds; no secrets.
package struct KeyStatus: Sendable {
    /// By loop, from 0.
    package let loops: [LoopKeyStatus]
    /// By name; services that nobody keeps an eye on are left out.
    package let services: [ServiceStatus]
}

extension Proxy {
    /// Asks every loop in turn. Never called from a loop, nor after the loops have been stopped.
    package func keyStatus() -> KeyStatus {
        KeyStatus(
            loops: group.loops.map { handle in
                handle.wait { loop in
                    (loop.attachment as? LoopContext)?.keys.status()
                        ?? LoopKeyStatus(dataKeys: [], openingKeys: 0)
                }
            },
            services: context.keyServices.values.compactMap(\.status)
                .sorted { $0.service < $1.service })
    }
}
