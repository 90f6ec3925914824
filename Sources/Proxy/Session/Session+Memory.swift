// Session+Memory: what a session takes of the memory for held frames, and who takes too long.

internal import Bytes
internal import Limits
internal import Loop
internal import Transport

extension Session {
    /// Counts the next bytes of the request that is collected. Until 64 KiB of it are there it is
    /// not counted.
    /// - Returns: false when they have to wait.
    func mayGather(_ frame: ByteBuffer, _ count: Int) -> Bool {
        let wanted = frame.count + count - gatheredBytes
        guard frame.count + count > HeldBytes.smallFrameBytes, wanted > 0 else { return true }
        let step = max(wanted, HeldBytes.stepBytes)
        guard context.held.grow(step, for: self) else {
            hold = .memory
            return false
        }
        gatheredBytes += step
        return true
    }

    /// Counts a response that has to be held. Small ones are not counted.
    func mayHold(_ bytes: Int) -> Bool {
        bytes < HeldBytes.smallFrameBytes || context.held.admit(bytes, for: self)
    }

    /// Room has become free.
    func mayHoldAgain() {
        guard !isClosed else { return }
        if hold == .memory {
            hold = .none
            // It was not the client who took so long.
            requests.gatherStarted = loop.now
        }
        pumpRequests()
        if case .memory? = openJob?.waitsFor {
            openJob = nil
            holdsResponse = false
        }
        pumpResponses()
    }

    /// Gives back what was counted for frames that have gone on their way.
    func releaseHeld() {
        if heldRequestBytes > 0, produceJob == nil, fetchJob == nil,
            !(upstream?.isCongested ?? false)
        {
            let bytes = heldRequestBytes
            heldRequestBytes = 0
            context.held.release(bytes, of: self)
        }
        let isOpening = openJob.map { $0.waitsFor == .keys } ?? false
        if heldResponseBytes > 0, !isOpening, !client.isCongested {
            if case .gather = responses.state {
            } else {
                let bytes = heldResponseBytes
                heldResponseBytes = 0
                context.held.release(bytes, of: self)
            }
        }
    }

    /// Whether a peer has taken too long with a frame that memory is kept for: a little time, and
    /// more the larger the frame. Who waits for Waxwing itself is not meant.
    func isStalled(now: UInt64) -> Bool {
        func isLate(_ inlet: Inlet, _ held: Int) -> Bool {
            guard held > 0, case .gather = inlet.state else { return false }
            let allowed =
                settings.stalledNanoseconds
                + UInt64(held) * 1_000_000_000 / ProxyLimits.stalledBytesPerSecond
            return now &- inlet.gatherStarted > allowed
        }
        if hold != .memory, isLate(requests, gatheredBytes) { return true }
        return isLate(responses, heldResponseBytes) || isUnread(now: now)
    }

    /// Whether the client takes nothing of what is held for it.
    private func isUnread(now: UInt64) -> Bool {
        guard heldResponseBytes > 0, client.isCongested else {
            unreadSince = nil
            return false
        }
        let sent = client.bytesSent
        guard let since = unreadSince, since.sent == sent else {
            unreadSince = (now, sent)
            return false
        }
        return now &- since.time > ProxyLimits.stalledNanoseconds
    }
}
