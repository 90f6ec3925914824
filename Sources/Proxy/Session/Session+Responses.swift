// Session+Responses: cuts what the broker sends into frames and passes them on in order.

internal import Bytes
internal import KafkaWire
internal import Limits
internal import Loop
internal import Telemetry
internal import Transport

extension Session {
    /// Cuts bytes from the broker into frames and passes them on.
    func consumeResponses(_ source: ByteBuffer, _ range: Range<Int>) {
        var at = range.lowerBound
        while at < range.upperBound, !isClosed {
            guard !holdsResponse else {
                responses.park(source, at..<range.upperBound, loop: loop)
                return
            }
            switch responses.state {
            case .between:
                at = beginResponse(source, at..<range.upperBound)
            case .relay(let left):
                let count = min(left, range.upperBound - at)
                pass(source, at..<at + count, to: client)
                at += count
                responses.state = left == count ? .between : .relay(left: left - count)
                if left == count { responseFinished() }
            case .gather(let frame, let left):
                let count = min(left, range.upperBound - at)
                frame.append(source.bytes(in: at..<at + count))
                at += count
                if left == count {
                    responses.state = .between
                    responseGathered(frame)
                } else {
                    responses.state = .gather(frame, left: left - count)
                }
            case .skip: preconditionFailure("only requests are skipped")
            case .follow(let follower, let left):
                let count = min(left, range.upperBound - at)
                guard follow(follower, source, at..<at + count) else { return }
                at += count
                responses.state =
                    left == count ? .between : .follow(follower, left: left - count)
                if left == count { responseFinished() }
            }
        }
    }

    /// Looks at the start of a frame.
    /// - Returns: where the next look begins.
    private func beginResponse(_ source: ByteBuffer, _ range: Range<Int>) -> Int {
        let head = responses.head
        var at = range.lowerBound
        let isInPlace = head.count == 0 && range.count >= responses.headNeeded
        if !isInPlace {
            let count = min(responses.headNeeded - head.count, range.count)
            head.append(source.bytes(in: at..<at + count))
            at += count
            guard head.count == responses.headNeeded else { return at }
        }
        var cursor = ByteCursor(isInPlace ? source.bytes(in: range) : head.bytes)
        guard let size = try? cursor.int32(), let correlation = try? cursor.int32()
        else { preconditionFailure("a response was looked at before its first 8 bytes were there") }
        guard let first = pending.first, first.correlation == correlation, size >= 4 else {
            close(.error, "the broker sent a response that nobody waits for")
            return range.upperBound
        }
        let total = Int(size) + 4
        var mustHold = true
        if case .relay = first.expectation { mustHold = false }
        if case .fetch = first.expectation { mustHold = size <= ProxyLimits.heldFetchBytesMax }
        // The answer to what Waxwing itself sent in parts is not made to wait behind its request.
        var isCounted = mustHold
        if case .produce = first.expectation { isCounted = false }
        if mustHold {
            guard Int(size) <= settings.responseBytesMax else {
                close(.error, "a response is too large to be held", [("size", "\(size)")])
                return range.upperBound
            }
            guard !isCounted || mayHold(2 * Int(size)) else {
                holdsResponse = true
                openJob = OpenJob(waitingForMemory: ())
                responses.park(source, at..<range.upperBound, loop: loop)
                return range.upperBound
            }
            if isCounted, 2 * Int(size) >= HeldBytes.smallFrameBytes {
                heldResponseBytes += 2 * Int(size)
            }
            let frame = loop.pool.take(
                bytesMin: min(total, TransportLimits.readBytes), bytesLikely: total)
            frame.append(head.bytes)
            responses.gatherStarted = loop.now
            responses.state = .gather(frame, left: total - head.count)
        } else if case .fetch = first.expectation {
            let follower = FetchFollower(version: first.version, bytes: total)
            let start = ByteBuffer(capacity: 16)
            start.append(head.bytes)
            guard follow(follower, start, 0..<start.count) else { return range.upperBound }
            responses.state = .follow(follower, left: total - head.count)
        } else {
            if head.count > 0 {
                let copy = loop.pool.take(capacity: head.count)
                copy.append(head.bytes)
                client.enqueue(copy)
            }
            responses.state = .relay(left: total - head.count)
        }
        responses.endHead()
        if case .relay(0) = responses.state {
            responses.state = .between
            responseFinished()
        } else if case .gather(let frame, 0) = responses.state {
            responses.state = .between
            responseGathered(frame)
        }
        return at
    }

    /// The response at the head of the queue has been passed on.
    func responseFinished() {
        pending.removeFirst()
        sendLocalResponses()
        pumpRequests()
    }

    /// Sends what Waxwing answers itself, as soon as everything before it is answered.
    func sendLocalResponses() {
        while let first = pending.first, !isClosed {
            switch first.expectation {
            case .local(let response):
                client.enqueue(response)
                pending.removeFirst()
            case .localThenClose(let response):
                client.enqueue(response)
                pending.removeFirst()
                endAfterResponse()
                return
            default: return
            }
        }
    }

    /// A held response is whole.
    func responseGathered(_ frame: ByteBuffer) {
        guard let first = pending.first else { preconditionFailure("a response without a request") }
        switch first.expectation {
        case .rewrite, .fetch:
            guard sendRewritten(frame, first) else { return }
            responseFinished()
        case .open: beginOpen(frame, first)
        case .logIn: logInAnswered(frame, first)
        case .produce(let job): produceAnswered(job, frame, first)
        case .own(let question):
            pending.removeFirst()
            answered(question, frame, first)
            sendLocalResponses()
            pumpRequests()
        case .relay, .local, .localThenClose:
            preconditionFailure("such a response is never held")
        }
    }

    /// Sends a held response to the client with every address in it rewritten.
    /// - Returns: false when the response could not be understood and the session was closed.
    func sendRewritten(_ frame: ByteBuffer, _ request: Pending) -> Bool {
        let patches = context.patches
        patches.removeAll()
        guard patchAddresses(frame, request) else { return false }
        sendPatched(frame)
        return true
    }

    /// Adds the replacements of all addresses in a response to the loop's patches.
    /// - Returns: false when the response could not be understood and the session was closed.
    func patchAddresses(_ frame: ByteBuffer, _ request: Pending) -> Bool {
        let response = frame.bytes(in: 4..<frame.count)
        do {
            let header = try ResponseHeader.parse(
                response, apiKey: request.apiKey, version: request.version)
            if request.apiKey == ApiKey.apiVersions {
                try context.clamp.clamp(
                    frame: response, body: header.end, version: request.version,
                    patches: context.patches)
                if !context.clamp.offered.isEmpty {
                    topicConfigVersion = OwnRequest.topicConfigVersion(context.clamp.offered)
                }
                return true
            }
            addresses.begin()
            try context.rewriter.rewrite(
                request.apiKey, version: request.version, frame: response, body: header.end,
                addresses: addresses, patches: context.patches)
            if request.apiKey == ApiKey.metadata {
                try context.learnTopics(response, body: header.end, version: request.version)
            }
            logRewrite(request)
            return true
        } catch {
            close(
                .error, "a response could not be understood",
                [
                    ("api", "\(request.apiKey)"), ("version", "\(request.version)"),
                    ("reason", "\(error)"),
                ])
            return false
        }
    }

    private func logRewrite(_ request: Pending) {
        guard log.isEnabled(.debug), addresses.rewritten > 0 else { return }
        log.debug(
            "rewrote broker addresses",
            fields([("api", "\(request.apiKey)"), ("brokers", "\(addresses.rewritten)")]))
    }

    /// Queues a held frame with the loop's patches applied, copying nothing.
    func sendPatched(_ frame: ByteBuffer) {
        let patches = context.patches
        guard !patches.isEmpty else {
            client.enqueue(frame)
            return
        }
        frame.set(int32: Int32(clamping: frame.count - 4 + patches.growth), at: 0)
        let replacements = patches.takeScratch(loop.pool.take(capacity: 256))
        // Patches count from behind the frame's size.
        client.enqueue(frame, 0..<4)
        for piece in patches.pieces(of: 0..<frame.count - 4) {
            switch piece {
            case .original(let range):
                client.enqueue(frame, range.lowerBound + 4..<range.upperBound + 4)
            case .scratch(let range): client.enqueue(replacements, range)
            }
        }
    }

    /// Passes on a part of a streamed Fetch response; leader hints in it are rewritten in place.
    /// - Returns: false when the session was closed.
    private func follow(
        _ follower: FetchFollower, _ source: ByteBuffer, _ range: Range<Int>
    ) -> Bool {
        do {
            var from = range.lowerBound
            try follower.feed(source.bytes(in: range)) { event in
                switch event {
                case .pass(let count):
                    pass(source, from..<from + count, to: client)
                    from += count
                case .hold(let count): from += count
                case .replace(let content):
                    let buffer = ByteBuffer(capacity: content.count)
                    EndpointsInPlace.rewrite(content.bytes, addresses, into: buffer)
                    client.enqueue(buffer)
                }
            }
            return true
        } catch {
            close(.error, "a response could not be understood", [("reason", "\(error)")])
            return false
        }
    }
}
