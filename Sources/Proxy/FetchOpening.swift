// FetchOpening: one pass over a fetch response: what may be seen is opened, addresses rewritten.

internal import Bytes
internal import KafkaWire
internal import KeyService
internal import Limits
internal import Loop
internal import Records
internal import Rules

/// Walks a Fetch or ShareFetch response and gathers the loop's patches for it.
///
/// Nothing in the frame itself is changed, so that the pass can be made again when keys have come.
internal final class FetchOpening {
    /// A partition that cannot be delivered.
    struct Failure {
        let topic: String
        let partition: Int32
        let code: Int16
        let reason: String
        /// Where its error code stands in the response.
        let codeAt: Int
    }

    /// Keys are on their way; the pass must be made again.
    private(set) var isWaiting = false
    private(set) var failures: [Failure] = []
    /// What was done to the records of a topic, a partition at a time.
    private(set) var counts: [(topic: String, counts: OpeningCounts)] = []

    private let frame: ByteBuffer
    private let request: Pending
    private let gaveUp: Bool
    private let reader: Reader
    private let context: LoopContext
    private let addresses: SessionAddresses

    private var view: TopicView?
    private var topicText = ""
    private var partition: Int32 = -1
    private var errorCodeAt = 0
    private var hasFailed = false
    private var isFlexible = false

    init(
        _ frame: ByteBuffer, _ request: Pending, gaveUp: Bool, _ reader: Reader,
        _ context: LoopContext, _ addresses: SessionAddresses
    ) {
        self.frame = frame
        self.request = request
        self.gaveUp = gaveUp
        self.reader = reader
        self.context = context
        self.addresses = addresses
    }

    func run() throws(WireError) {
        let frame = frame
        let response = frame.bytes(in: 4..<frame.count)
        let header = try ResponseHeader.parse(
            response, apiKey: request.apiKey, version: request.version)
        guard let program = WalkProgram.find(request.apiKey, .response, version: request.version)
        else { throw .invalid(at: 0, "API version") }
        let patches = context.patches
        let walker = context.walker
        isFlexible = program.isFlexible
        patches.removeAll()
        if patches.scratch.capacity < frame.count {
            // What is opened is about as long as what was sealed.
            let pool = context.loop.pool
            pool.giveBack(patches.takeScratch(pool.take(capacity: frame.count)))
        }
        context.rewriter.begin(program)
        addresses.begin()
        walker.reset(program, body: header.end..<response.byteCount, mayGoOn: true)
        while true {
            let event = try walker.next(response, at: 0)
            switch event.kind {
            case .end: return
            case .needMore: throw .truncated(at: event.range.lowerBound, needed: 1)
            case .records: open(event, response)
            case .field: note(event, response)
            case .endArray where event.role == .acquiredRecords && hasFailed:
                // What was not delivered must not be acknowledged: it stays locked until its time
                // is over, and is then delivered again.
                patches.replace(event.range, count: 0, isFlexible: isFlexible)
                continue
            default: break
            }
            context.rewriter.observe(event, response, at: 0, addresses: addresses, patches: patches)
        }
    }

    private func note(_ event: WalkEvent, _ response: RawSpan) {
        switch event.role {
        case .topicName:
            topicText = response.extracting(event.value).text
            view = reader.view(of: context.policies.policy(for: topicText))
        case .topicID:
            let id = TopicID(response.extracting(event.value))
            let name = context.shared.topics.name(of: id)
            topicText = name ?? "\(id)"
            view = name.map { reader.view(of: context.policies.policy(for: $0)) }
        case .partitionIndex:
            partition = Int32(truncatingIfNeeded: event.number)
            hasFailed = false
        case .errorCode: errorCodeAt = event.value.lowerBound
        default: break
        }
    }

    private func open(_ event: WalkEvent, _ response: RawSpan) {
        guard !event.value.isEmpty else { return }
        guard let view else {
            return fail(
                event, Session.KafkaError.unknownTopicID, "the topic id is not known")
        }
        guard let records = view.records else { return }
        let patches = context.patches
        context.keys.beginOpening()
        let result: OpenResult
        do {
            result = try context.opener.open(
                records: response.extracting(event.value), topic: view.policy.boundTopic,
                view: records, keys: context.keys, mayDrop: mayDrop, into: patches.scratch)
        } catch {
            // What cannot be opened may stand behind what can, once its key is there.
            if context.keys.isOpeningKeyComing { return missingKeys(event, response) }
            return fail(event, response, FetchOpening.code(for: error), "\(error)")
        }
        if result != .missingKeys { counts.append((topicText, context.opener.counts)) }
        switch result {
        case .unchanged: break
        case .opened(let range):
            patches.replace(event.range, count: range.count, isFlexible: isFlexible)
            patches.replace(event.value, byScratch: range)
        case .missingKeys: missingKeys(event, response)
        }
    }

    private func missingKeys(_ event: WalkEvent, _ response: RawSpan) {
        if let failure = context.keys.openingFailure {
            // A refusal, unlike an outage, may be meant to leave values as they are stored; not so
            // the values beside them that were never sealed and have to be masked.
            if !failure.isRetriable, let sealing = view?.policy.readSealing,
                sealing.unopenable == .deliver, sealing.plainRecords == .deliver
            {
                return
            }
            fail(event, response, code(for: failure), "\(failure)")
        } else if gaveUp {
            fail(event, response, later, "no answer from the key service")
        } else {
            isWaiting = true
        }
    }

    /// What the rules refuse is the reader's matter, what does not open is the data's.
    private static func code(for error: RecordError) -> Int16 {
        error.code == .refused
            ? Session.KafkaError.topicAuthorizationFailed : Session.KafkaError.corruptMessage
    }

    private func code(for failure: KeyServiceError) -> Int16 {
        switch failure.code {
        case .unavailable, .unauthenticated: later
        case .corrupt: Session.KafkaError.corruptMessage
        default: Session.KafkaError.topicAuthorizationFailed
        }
    }

    /// The error that makes a client come again. Clients of before Fetch version 6 do not know
    /// KAFKA_STORAGE_ERROR.
    private var later: Int16 {
        request.apiKey == ApiKey.fetch && request.version < 6
            ? Session.KafkaError.notLeaderOrFollower : Session.KafkaError.kafkaStorageError
    }

    /// Delivers what stands before the batch that cannot be opened, so that a consumer comes up to
    /// it; when nothing does, an error in place of the records.
    ///
    /// A share group has acquired the whole partition's range already, and what it is not given it
    /// would acknowledge as missing: there the error comes at once.
    private func fail(_ event: WalkEvent, _ response: RawSpan, _ code: Int16, _ reason: String) {
        let readable = context.opener.readableBytes
        if request.apiKey == ApiKey.fetch, readable > 0, let view,
            deliver(event, response, readable, view)
        {
            return
        }
        fail(event, code, reason)
    }

    /// - Returns: false when the start does not open either.
    private func deliver(
        _ event: WalkEvent, _ response: RawSpan, _ count: Int, _ view: TopicView
    ) -> Bool {
        guard let records = view.records else { return false }
        let patches = context.patches
        let start = event.value.lowerBound..<event.value.lowerBound + count
        let result = try? context.opener.open(
            records: response.extracting(start), topic: view.policy.boundTopic, view: records,
            keys: context.keys, mayDrop: mayDrop, into: patches.scratch)
        if result != nil { counts.append((topicText, context.opener.counts)) }
        switch result {
        case .opened(let range):
            patches.replace(event.range, count: range.count, isFlexible: isFlexible)
            patches.replace(event.value, byScratch: range)
        case .unchanged:
            patches.replace(event.range, count: count, isFlexible: isFlexible)
            patches.remove(start.upperBound..<event.value.upperBound)
        case .missingKeys, nil: return false
        }
        return true
    }

    /// A share group has acquired a record before it is seen, so that none can be left out.
    private var mayDrop: Bool { request.apiKey == ApiKey.fetch }

    /// Delivers no record of the partition, and an error in their place.
    private func fail(_ event: WalkEvent, _ code: Int16, _ reason: String) {
        hasFailed = true
        failures.append(
            Failure(
                topic: topicText, partition: partition, code: code, reason: reason,
                codeAt: errorCodeAt))
        context.patches.replace(event.range, count: 0, isFlexible: isFlexible)
        context.patches.remove(event.value)
    }
}
