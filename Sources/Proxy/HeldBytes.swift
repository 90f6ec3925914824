// HeldBytes: the bound on frames that are held in memory, over all connections of a loop.

internal import Limits
internal import Loop

/// Counts the bytes of frames that must be held as a whole. A connection whose next frame does not
/// fit is not read until another is done, so memory does not grow with what peers announce.
///
/// One frame is always admitted, however large, when nothing else is held.
internal final class HeldBytes {
    private let bytesMax: Int
    private let loop: EventLoop
    private(set) var bytes = 0
    private var waiting: [Session] = []
    private var isWaking = false

    /// Frames below this size are not counted: there are at most as many as connections.
    static let smallFrameBytes = 65_536

    init(bytesMax: Int, loop: EventLoop) {
        self.bytesMax = bytesMax
        self.loop = loop
    }

    /// - Returns: false when the frame has to wait; the session is then called again.
    func admit(_ count: Int, for session: Session) -> Bool {
        // Who came first is served first, or a large frame would wait for ever.
        let isNext = !isWaking && (waiting.isEmpty || waiting.first === session)
        guard isNext, bytes == 0 || bytes + count <= bytesMax else {
            if !waiting.contains(where: { $0 === session }) { waiting.append(session) }
            return false
        }
        bytes += count
        waiting.removeAll { $0 === session }
        return true
    }

    var hasWaiters: Bool { !waiting.isEmpty }

    func release(_ count: Int) {
        guard count > 0 else { return }
        bytes -= count
        precondition(bytes >= 0, "more bytes were released than held")
        guard !waiting.isEmpty else { return }
        guard !isWaking else { return }
        isWaking = true
        // Not from here: whoever releases is in the middle of its own bytes.
        loop.schedule(afterNanoseconds: 0) { [self] _ in
            isWaking = false
            let next = waiting
            waiting = []
            for session in next { session.mayHoldAgain() }
        }
    }

    func forget(_ session: Session) { waiting.removeAll { $0 === session } }
}
