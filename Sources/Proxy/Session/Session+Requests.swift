// Session+Requests: cuts what the client sends into frames and decides what becomes of each.

internal import Bytes
internal import KafkaWire
internal import Limits
internal import Loop
internal import Rules
internal import Telemetry
internal import Transport

extension Session {
    /// What becomes of a request, seen by its first bytes.
    private enum Decision {
        /// More of the frame must be seen: this many bytes from its start.
        case look(Int)
        /// It passes as it comes; nil when there will be no response (acks = 0).
        case relay(Expectation?)
        /// It is held as a whole first.
        case gather
        /// Waxwing answers itself, and may close then.
        case answer(ByteBuffer, thenClose: Bool)
        /// The connection is closed.
        case refuse(String, [(String, String)])
    }

    /// Cuts bytes from the client into frames and passes them on.
    func consumeRequests(_ source: ByteBuffer, _ range: Range<Int>) {
        var at = range.lowerBound
        while at < range.upperBound || requests.head.count >= requests.headNeeded, !isClosed {
            guard hold == .none else {
                requests.park(source, at..<range.upperBound, loop: loop)
                return
            }
            switch requests.state {
            case .between:
                at = beginRequest(source, at..<range.upperBound)
            case .relay(let left):
                let count = min(left, range.upperBound - at)
                pass(source, at..<at + count, to: upstream)
                at += count
                requests.state = left == count ? .between : .relay(left: left - count)
            case .gather(let frame, let left):
                let count = min(left, range.upperBound - at)
                guard mayGather(frame, count) else { continue }
                frame.append(source.bytes(in: at..<at + count))
                at += count
                gathered(count, of: frame, left: left)
            case .skip(let left):
                let count = min(left, range.upperBound - at)
                at += count
                requests.state = left == count ? .between : .skip(left: left - count)
            case .follow: preconditionFailure("only responses are followed")
            }
        }
    }

    /// Queues bytes for the other side: from the scratch buffer they are sent at once or copied.
    func pass(_ source: ByteBuffer, _ range: Range<Int>, to stream: ByteStream?) {
        if source === loop.scratch {
            stream?.enqueueScratch(range)
        } else {
            stream?.enqueue(source, range)
        }
    }

    /// Looks at the start of a frame.
    /// - Returns: where the next look begins.
    private func beginRequest(_ source: ByteBuffer, _ range: Range<Int>) -> Int {
        let head = requests.head
        var at = range.lowerBound
        let isInPlace = head.count == 0 && range.count >= requests.headNeeded
        if !isInPlace {
            let count = min(max(0, requests.headNeeded - head.count), range.count)
            head.append(source.bytes(in: at..<at + count))
            at += count
            guard head.count >= requests.headNeeded else { return at }
        }
        let view = isInPlace ? source.bytes(in: range) : head.bytes
        var cursor = ByteCursor(view)
        guard let size = try? cursor.int32() else {
            preconditionFailure("a request was looked at before its size was there")
        }
        // A size that makes no sense is refused at once: nothing may ever follow it.
        guard mayBegin(Int(size)) else { return at }
        guard view.byteCount >= Session.prefixBytes else {
            requests.headNeeded = Session.prefixBytes
            return at
        }
        guard let header = try? RequestHeader.prefix(cursor.rest()) else {
            preconditionFailure("a request was looked at before its prefix was there")
        }
        switch decide(header, view, size: Int(size)) {
        case .look(let count):
            requests.headNeeded = count
            return at
        case .relay(let expectation):
            guard upstream != nil else { return parkForUpstream(source, at..<range.upperBound) }
            if mustLearnNodes, !Session.isPrelude(header.apiKey) {
                return parkForNodes(source, at..<range.upperBound)
            }
            expect(expectation, header)
            beginRelay(total: Int(size) + 4)
        case .gather:
            guard upstream != nil else { return parkForUpstream(source, at..<range.upperBound) }
            if mustLearnNodes, !Session.isPrelude(header.apiKey) {
                return parkForNodes(source, at..<range.upperBound)
            }
            beginGather(total: Int(size) + 4)
        case .answer(let response, let thenClose):
            pending.append(
                Pending(
                    correlation: header.correlationID, apiKey: header.apiKey,
                    version: header.apiVersion,
                    expectation: thenClose ? .localThenClose(response) : .local(response)))
            skipRequest(total: Int(size) + 4)
            sendLocalResponses()
        case .refuse(let reason, let more):
            close(.warn, reason, more)
        }
        return at
    }

    /// The size and the part of the header that is the same in every request.
    private static let prefixBytes = 12

    /// Closes the connection when a frame of that size cannot be a request.
    private func mayBegin(_ size: Int) -> Bool {
        if size >= ProxyLimits.requestBytesMin, size <= settings.requestBytesMax { return true }
        let reason: String
        switch UInt32(truncatingIfNeeded: size) {
        case 0x1603_0000...0x1603_ffff: reason = "a TLS client on a plaintext port"
        case 0x4745_5420, 0x504f_5354, 0x4845_4144: reason = "an HTTP client on a Kafka port"
        default: reason = "request size out of bounds"
        }
        close(.warn, reason, [("size", "\(size)"), ("limit", "\(settings.requestBytesMax)")])
        return false
    }

    /// APIs that pass before log-in.
    private static func isPrelude(_ key: Int16) -> Bool {
        key == ApiKey.saslHandshake || key == ApiKey.apiVersions || key == ApiKey.saslAuthenticate
    }

    private func decide(_ header: RequestHeader, _ view: RawSpan, size: Int) -> Decision {
        let key = header.apiKey
        let version = header.apiVersion
        guard ApiDefinition.mayRelay(key, version: version) else {
            if key == ApiKey.apiVersions, version > 0 {
                let response = ByteBuffer(capacity: 32)
                ApiVersionsClamp.appendTooNew(
                    correlationID: header.correlationID, into: response)
                return .answer(response, thenClose: false)
            }
            return .refuse(
                "unsupported request", [("api", "\(key)"), ("version", "\(version)")])
        }
        let rules = context.shared.rules
        switch key {
        case ApiKey.produce:
            guard version >= 3 else {
                return .refuse(
                    "message sets of before Kafka 0.11 are not accepted",
                    [("api", "Produce"), ("version", "\(version)")])
            }
            return rules.isEmpty ? decideProduce(header, view, size: size) : .gather
        case ApiKey.fetch:
            guard context.shared.looksIntoFetches else {
                return .relay(version >= 16 ? .fetch : .relay)
            }
            return .gather
        case ApiKey.shareFetch:
            return context.shared.looksIntoFetches ? .gather : .relay(.rewrite)
        case ApiKey.saslHandshake where version == 0:
            // After version 0 come tokens without Kafka's framing.
            return .answer(saslHandshakeRefusal(header), thenClose: true)
        case ApiKey.saslHandshake where watchesLogIn, ApiKey.saslAuthenticate where watchesLogIn:
            guard size <= ProxyLimits.logInBytesMax else {
                return .refuse("a log-in message is too large", [("size", "\(size)")])
            }
            return .gather
        default:
            let isRewritten =
                key == ApiKey.apiVersions || AddressRewriter.concerns(key, version: version)
            return .relay(isRewritten ? .rewrite : .relay)
        }
    }

    /// SaslHandshake v0 with error 35 and no mechanisms.
    private func saslHandshakeRefusal(_ header: RequestHeader) -> ByteBuffer {
        log.warn("a client without framed SASL was refused", fields())
        let response = ByteBuffer(capacity: 16)
        response.append(int32: 10)
        response.append(int32: header.correlationID)
        response.append(int16: 35)
        response.append(int32: 0)
        return response
    }

    /// Without rules a Produce request passes as it comes, but whether it will be answered stands
    /// in its `acks`.
    private func decideProduce(
        _ header: RequestHeader, _ view: RawSpan, size: Int
    ) -> Decision {
        let whole = size + 4
        do {
            // What follows the frame is not looked at.
            let frame = view.extracting(0..<min(view.byteCount, whole))
            let acks = try ProduceRequest.acks(frame, version: header.apiVersion)
            if acks == 0 { return .relay(nil) }
            return .relay(header.apiVersion >= 10 ? .rewrite : .relay)
        } catch .truncated(_, let needed) where view.byteCount < whole {
            let wanted = min(whole, view.byteCount + needed)
            guard wanted <= ProxyLimits.requestHeadBytesMax else {
                return .refuse("malformed Produce request", [("reason", "header too long")])
            }
            return .look(wanted)
        } catch {
            return .refuse("malformed Produce request", [("reason", "\(error)")])
        }
    }

    // MARK: what a decision does

    func expect(_ expectation: Expectation?, _ header: RequestHeader) {
        guard let expectation else { return }
        pending.append(
            Pending(
                correlation: header.correlationID, apiKey: header.apiKey,
                version: header.apiVersion, expectation: expectation))
    }

    /// The head, if the frame did not come in one piece, goes first.
    private func beginRelay(total: Int) {
        let head = requests.head
        if head.count > 0 {
            let copy = loop.pool.take(capacity: head.count)
            copy.append(head.bytes)
            upstream?.enqueue(copy)
        }
        let left = total - head.count
        requests.endHead()
        requests.state = left == 0 ? .between : .relay(left: left)
    }

    private func beginGather(total: Int) {
        let head = requests.head
        let frame = loop.pool.take(
            bytesMin: min(total, TransportLimits.readBytes), bytesLikely: total)
        frame.append(head.bytes)
        let left = total - frame.count
        requests.endHead()
        if left == 0 {
            requestGathered(frame)
        } else {
            requests.gatherStarted = loop.now
            requests.state = .gather(frame, left: left)
        }
    }

    /// The rest of a frame that nobody needs. It may be as large as any, so it is not kept.
    private func skipRequest(total: Int) {
        let left = total - requests.head.count
        requests.endHead()
        requests.state = left == 0 ? .between : .skip(left: left)
    }

    private func parkForUpstream(_ source: ByteBuffer, _ range: Range<Int>) -> Int {
        connectUpstream()
        requests.park(source, range, loop: loop)
        return range.upperBound
    }

    private func parkForNodes(_ source: ByteBuffer, _ range: Range<Int>) -> Int {
        hold = .nodes
        askNodes()
        requests.park(source, range, loop: loop)
        return range.upperBound
    }

    /// A held request is whole.
    func requestGathered(_ frame: ByteBuffer) {
        var cursor = ByteCursor(frame.bytes)
        guard (try? cursor.skip(4)) != nil, let header = try? RequestHeader.prefix(cursor.rest())
        else { preconditionFailure("a held request without its header") }
        switch header.apiKey {
        case ApiKey.produce: beginProduce(frame, header)
        case ApiKey.fetch, ApiKey.shareFetch: beginFetch(frame, header)
        case ApiKey.saslHandshake, ApiKey.saslAuthenticate: beginLogIn(frame, header)
        default: preconditionFailure("no other request is held")
        }
    }
}
