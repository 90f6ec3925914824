// ProduceJob: one Produce request on its way through the rules.

internal import Bytes
internal import Envelope
internal import KafkaWire
internal import Loop
internal import Records

/// What was decided about one partition of a Produce request.
internal enum ProduceOutcome {
    /// Not decided yet.
    case open
    /// Its records go out as they came.
    case untouched
    /// Its records go out as one or several sealed batches.
    case sealed(SealedBatch)
    /// It is not forwarded.
    case refused(code: Int16, message: String)
}

/// One Produce request: what is in it, what was decided, and what the broker has answered.
internal final class ProduceJob {
    let frame: ByteBuffer
    let request: ProduceRequest
    var outcomes: [ProduceOutcome]
    /// One per topic; nil until its name is known.
    var policies: [TopicPolicy?]
    /// Sealed batches of all partitions.
    let sealed: ByteBuffer
    /// The names of ids were asked for already.
    var askedNames = false
    var namesAnswered = false
    /// The topic whose settings were asked for last.
    var askedFacts: String?
    /// The keys that were reserved, by place in `request.partitions`.
    var keys: [Int: SealingKeyChoice] = [:]
    /// Of partitions whose records name their keys by a header: its values, and the keys that were
    /// reserved so far by their place among them.
    var headerValues: [Int: [String]] = [:]
    var headerKeys: [Int: [(at: Int, key: SealingKey)]] = [:]
    /// The time for waiting is over.
    var gaveUp = false
    /// The next round of parts to send.
    var round = 0
    /// The broker's answers so far, for requests that are answered from several.
    var answers: ProduceAnswers?
    private var timer: LoopTimer?

    init(frame: ByteBuffer, request: ProduceRequest, sealed: ByteBuffer) {
        self.frame = frame
        self.request = request
        self.sealed = sealed
        outcomes = Array(repeating: .open, count: request.partitions.count)
        policies = Array(repeating: nil, count: request.topics.count)
    }

    /// Requests that this one goes out as: the most parts that a partition was cut into.
    var rounds: Int {
        var most = 1
        for case .sealed(let batch) in outcomes { most = max(most, batch.count) }
        return most
    }

    /// Whether nothing is decided about a partition yet.
    func isOpen(_ partition: Int) -> Bool {
        if case .open = outcomes[partition] { true } else { false }
    }

    var hasRefusals: Bool {
        outcomes.contains { if case .refused = $0 { true } else { false } }
    }

    var isUntouched: Bool {
        outcomes.allSatisfy { if case .untouched = $0 { true } else { false } }
    }

    var isRefused: Bool {
        outcomes.allSatisfy { if case .refused = $0 { true } else { false } }
    }

    /// Whether records of the frame itself go out, beside the sealed ones.
    var sendsFrame: Bool {
        outcomes.contains { if case .untouched = $0 { true } else { false } }
    }

    func arm(_ timer: LoopTimer) {
        if self.timer == nil { self.timer = timer } else { timer.cancel() }
    }

    func cancelTimer() {
        timer?.cancel()
        timer = nil
    }

    // MARK: sending

    /// A run of bytes of the request that goes out.
    enum Piece {
        case skeleton(Range<Int>)
        case frame(Range<Int>)
        case sealed(Range<Int>)
    }

    /// Which records of a partition go out in a round; nil when none do.
    private func records(of partition: Int, round: Int) -> Piece? {
        if answers?.isStopped(partition) ?? false { return nil }
        switch outcomes[partition] {
        case .untouched: return round == 0 ? .frame(request.partitions[partition].records) : nil
        case .sealed(let batch):
            return round < batch.count ? .sealed(batch[round].range) : nil
        case .refused, .open: return nil
        }
    }

    /// Writes the request of a round: the client's own, with only the partitions that take part
    /// and their records replaced.
    ///
    /// - Parameter skeleton: takes what stands around the records; its size field is set.
    /// - Returns: the pieces in order; empty when no partition takes part.
    func pieces(round: Int, skeleton: ByteBuffer) -> [Piece] {
        var pieces: [Piece] = []
        var start = skeleton.count
        let flexible = request.isFlexible
        skeleton.append(frame, request.head)
        let taking = request.topics.map { topic in
            topic.partitions.filter { records(of: $0, round: round) != nil }
        }
        let topicCount = taking.count { !$0.isEmpty }
        guard topicCount > 0 else { return [] }
        skeleton.append(kafkaCount: topicCount, isFlexible: flexible)
        for (topic, partitions) in zip(request.topics, taking) where !partitions.isEmpty {
            skeleton.append(frame, topic.identity)
            skeleton.append(kafkaCount: partitions.count, isFlexible: flexible)
            for partition in partitions {
                guard let piece = records(of: partition, round: round) else { continue }
                skeleton.append(int32: request.partitions[partition].index)
                skeleton.append(kafkaCount: ProduceJob.count(piece), isFlexible: flexible)
                pieces.append(.skeleton(start..<skeleton.count))
                pieces.append(piece)
                start = skeleton.count
                skeleton.append(frame, request.partitions[partition].tags)
            }
            skeleton.append(frame, topic.tags)
        }
        skeleton.append(frame, request.tags)
        pieces.append(.skeleton(start..<skeleton.count))
        let size = pieces.reduce(0) { $0 + ProduceJob.count($1) }
        skeleton.set(int32: Int32(size - 4), at: pieces.isEmpty ? 0 : firstByte(pieces))
        return pieces
    }

    private func firstByte(_ pieces: [Piece]) -> Int {
        if case .skeleton(let range) = pieces[0] { return range.lowerBound }
        return 0
    }

    private static func count(_ piece: Piece) -> Int {
        switch piece {
        case .skeleton(let range), .frame(let range), .sealed(let range): range.count
        }
    }
}
