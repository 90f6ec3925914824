// TransportLimits: bounds on sockets, reads and queues.

/// Bounds of the event loops and the byte streams. None of them depends on what a peer sends.
package enum TransportLimits {
    /// Bytes asked for in one read. Large reads cost fewer system calls: 256 KiB was measured to
    /// relay a fifth cheaper than 64 KiB, and still fits a core's second-level cache.
    package static let readBytes = 256 * 1024

    /// Reads done for one connection before the loop turns to the others.
    package static let readsPerTurn = 4

    /// Unsent bytes on one side at which the other side is no longer read.
    package static let unsentBytesHigh = 256 * 1024

    /// Pieces given to the kernel in one send (IOV_MAX is 1024).
    package static let piecesPerSend = 64

    /// Events taken from the kernel at once.
    package static let eventsPerPoll = 256

    /// Connections waiting to be accepted, per listener.
    package static let acceptBacklog = 1024

    /// Connections taken from one listener before the loop turns to other work.
    package static let acceptsPerTurn = 64

    /// Bytes that a loop keeps in emptied buffers for the next frames.
    package static let pooledBytes = 8 * 1024 * 1024
}
