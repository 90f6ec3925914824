// OpenJob: one Fetch or ShareFetch response on its way through the rules.

internal import Bytes
internal import Loop

/// A response that waits: for room to be held, for the names behind topic ids, or for keys.
internal final class OpenJob {
    enum Wait { case memory, keys }

    let waitsFor: Wait
    let frame: ByteBuffer?
    let pending: Pending?
    /// The time for waiting is over.
    var gaveUp = false
    private var timer: LoopTimer?

    /// A response whose frame does not fit beside what is held already.
    init(waitingForMemory: Void) {
        waitsFor = .memory
        frame = nil
        pending = nil
    }

    init(frame: ByteBuffer, pending: Pending) {
        waitsFor = .keys
        self.frame = frame
        self.pending = pending
    }

    func arm(_ make: () -> LoopTimer) {
        if timer == nil { timer = make() }
    }

    func cancelTimer() {
        timer?.cancel()
        timer = nil
    }
}
