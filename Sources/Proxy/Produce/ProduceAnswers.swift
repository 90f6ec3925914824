// ProduceAnswers: the broker's answers to the parts of a Produce request, put together as one.

internal import Bytes
internal import KafkaWire
internal import Records

/// Collects the answers of all rounds, and writes the one that the client gets.
///
/// A partition whose batch was cut is answered by the first part's base offset when all parts are
/// in the log, and by the first error otherwise. A broker remembers a producer's last five
/// batches: on a retry it answers older parts with OUT_OF_ORDER_SEQUENCE_NUMBER. Sequences have no
/// gaps, so when the last part is accepted or known, all of them are there.
internal final class ProduceAnswers {
    private struct Answer {
        /// The element as it goes to the client.
        var element: ByteBuffer?
        var firstBaseOffset: Int64?
        /// An old part was not known any more; counts only if a later one is not either.
        var outOfOrder: ByteBuffer?
        var isStopped = false
    }

    private static let outOfOrderSequence: Int16 = 45
    private static let duplicateSequence: Int16 = 46

    private var answers: [Answer]
    private var throttleMilliseconds: Int32 = 0
    /// Where the last answer belonged: brokers answer in the order of the request.
    private var lastPlace = -1
    /// The leader hints of each round that had some: the last ones are the newest.
    private var tags: ByteBuffer?

    init(count: Int) { answers = Array(repeating: Answer(), count: count) }

    /// Whether no further part of a partition may be sent.
    func isStopped(_ partition: Int) -> Bool { answers[partition].isStopped }

    /// Takes the broker's answer to a round.
    func absorb(_ frame: ByteBuffer, round: Int, of job: ProduceJob) throws(WireError) {
        let request = job.request
        let response = try ProduceResponse(frame: frame.bytes, version: request.version)
        throttleMilliseconds = max(throttleMilliseconds, response.throttleMilliseconds)
        if response.tags.count > 1 || tags == nil {
            let copy = ByteBuffer(capacity: response.tags.count)
            copy.append(frame, response.tags)
            tags = copy
        }
        for found in response.partitions {
            guard let index = place(of: found, in: frame, job) else {
                throw .invalid(at: found.element.lowerBound, "partition that was not asked for")
            }
            var parts = 1
            if case .sealed(let batch) = job.outcomes[index] { parts = batch.count }
            guard round < parts, !answers[index].isStopped else {
                throw .invalid(at: found.element.lowerBound, "partition that was not asked for")
            }
            take(found, frame, round: round, index: index, job)
        }
    }

    /// Finds the partition of the request, looking first behind the one before: a search from the
    /// start for each would take the square of their number.
    private func place(
        of found: ProduceResponse.Partition, in frame: ByteBuffer, _ job: ProduceJob
    ) -> Int? {
        let asked = job.frame
        let identity = frame.bytes(in: found.identity)
        let partitions = job.request.partitions
        for next in lastPlace + 1..<min(lastPlace + 3, partitions.count)
        where partitions[next].index == found.index {
            let topic = job.request.topics[partitions[next].topic]
            if asked.bytes(in: topic.identity).sameBytes(as: identity) {
                lastPlace = next
                return next
            }
        }
        for topic in job.request.topics {
            guard asked.bytes(in: topic.identity).sameBytes(as: identity) else { continue }
            for partition in topic.partitions where partitions[partition].index == found.index {
                lastPlace = partition
                return partition
            }
        }
        return nil
    }

    private func take(
        _ found: ProduceResponse.Partition, _ frame: ByteBuffer, round: Int, index: Int,
        _ job: ProduceJob
    ) {
        let element = ByteBuffer(capacity: found.element.count)
        element.append(frame, found.element)
        let start = found.element.lowerBound
        guard case .sealed(let batch) = job.outcomes[index], batch.count > 1 else {
            answers[index].element = element
            return
        }
        let isLast = round == batch.count - 1
        let isAppended =
            found.errorCode == 0 || found.errorCode == ProduceAnswers.duplicateSequence
        if isAppended {
            if round == 0 { answers[index].firstBaseOffset = found.baseOffset }
            if isLast {
                // Every part is there, also one that the broker no longer knows by its sequence.
                let offset = answers[index].firstBaseOffset ?? -1
                element.set(int16: 0, at: 4)
                element.set(int64: offset, at: found.baseOffsetAt - start)
                answers[index].element = element
            }
        } else {
            for at in found.recordErrorsAt {
                let own = element.int32(at: at - start)
                let shifted = own &+ Int32(batch[round].firstRecordIndex)
                element.set(int32: shifted, at: at - start)
            }
            if found.errorCode == ProduceAnswers.outOfOrderSequence, !isLast {
                if answers[index].outOfOrder == nil { answers[index].outOfOrder = element }
            } else {
                answers[index].element = answers[index].outOfOrder ?? element
                answers[index].isStopped = true
            }
        }
    }

    /// Writes the answer to the client's request: every partition of it, in its order.
    func write(_ job: ProduceJob, into output: ByteBuffer) {
        let request = job.request
        let version = request.version
        let flexible = request.isFlexible
        let start = output.beginFrame()
        output.append(int32: request.correlation)
        output.append(noTagsIf: flexible)
        output.append(kafkaCount: request.topics.count, isFlexible: flexible)
        for topic in request.topics {
            output.append(job.frame, topic.identity)
            output.append(kafkaCount: topic.partitions.count, isFlexible: flexible)
            for partition in topic.partitions {
                let index = request.partitions[partition].index
                if case .refused(let code, let message) = job.outcomes[partition] {
                    ProduceResponse.appendRefusal(
                        index: index, error: code, message: message, version: version, to: output)
                } else if let element = answers[partition].element {
                    output.append(element.bytes)
                } else {
                    // The broker left it out; the client would wait for it for ever.
                    ProduceResponse.appendRefusal(
                        index: index, error: -1, message: "the broker did not answer for it",
                        version: version, to: output)
                }
            }
            output.append(noTagsIf: flexible)
        }
        if version >= 1 { output.append(int32: throttleMilliseconds) }
        if flexible {
            if let tags { output.append(tags.bytes) } else { output.append(noTagsIf: true) }
        }
        output.endFrame(start)
    }
}

extension ByteBuffer {
    /// The number at a place that was written before.
    internal func int32(at offset: Int) -> Int32 {
        var cursor = ByteCursor(bytes(in: offset..<offset + 4))
        guard let value = try? cursor.int32() else { preconditionFailure("four bytes are there") }
        return value
    }
}
