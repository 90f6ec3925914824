// HeldBytes: the bound on frames that are held in memory, over all connections of a loop.

internal import Limits
internal import Loop

/// Counts the bytes of frames that must be held as a whole. A connection whose next bytes do not
/// fit is not read until another frame is done.
///
/// What a client sends is counted as it arrives: a frame that is only announced takes nothing from
/// the others. When frames that are partly there have taken everything, one of them goes on all the
/// same, until it is whole and gone; else none ever would. What a broker sends is counted by its
/// announced size. One such frame is always admitted, however large, when nothing else is held.
internal final class HeldBytes {
    private let bytesMax: Int
    private let loop: EventLoop
    private(set) var bytes = 0
    private var waiting: [Session] = []
    private var isWaking = false
    /// Whose frame may go on although nothing is left.
    private weak var elder: Session?

    /// Frames below this size are not counted: there are at most as many as connections.
    static let smallFrameBytes = 65_536
    /// A client's frame is counted in steps of this size.
    static let stepBytes = 262_144

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

    /// Room for the next bytes of a frame that is arriving.
    /// - Returns: false when they have to wait; the session is then called again.
    func grow(_ count: Int, for session: Session) -> Bool {
        let isNext = !isWaking && (waiting.isEmpty || waiting.first === session)
        if !(isNext && bytes + count <= bytesMax), elder !== session {
            guard elder == nil else {
                if !waiting.contains(where: { $0 === session }) { waiting.append(session) }
                return false
            }
            elder = session
        }
        bytes += count
        waiting.removeAll { $0 === session }
        return true
    }

    var hasWaiters: Bool { !waiting.isEmpty }

    func release(_ count: Int, of session: Session) {
        guard count > 0 else { return }
        if elder === session { elder = nil }
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

    func forget(_ session: Session) {
        waiting.removeAll { $0 === session }
        if elder === session { elder = nil }
    }
}
