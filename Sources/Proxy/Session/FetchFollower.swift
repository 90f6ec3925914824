// FetchFollower: follows the structure of a Fetch response that streams through.

internal import Bytes
internal import KafkaWire
internal import Limits

/// Walks a Fetch response as its bytes pass, so that leader hints at its end (KIP-951) can be
/// rewritten although the frame is too large to be held.
///
/// The size of the frame has gone out before the hints are seen, so what replaces them must be as
/// long as they are; see `EndpointsInPlace`.
internal final class FetchFollower {
    enum Event {
        /// The next bytes of the chunk go to the client.
        case pass(Int)
        /// The next bytes of the chunk are kept back.
        case hold(Int)
        /// What was kept back is whole: the content of the response's node endpoints.
        case replace(ByteBuffer)
    }

    private let walker = MessageWalker()
    /// Bytes that the walker needs again because they were cut.
    private let carry = ByteBuffer(capacity: 64)
    private var carryStart = 0
    /// Where the next chunk begins in the frame, whose first byte has offset 0.
    private var position = 0
    private let version: Int16
    private let total: Int
    private var started = false
    private var isInTopics = false
    /// The tag content that is kept back, and what has been collected of it.
    private var tag: Range<Int>?
    private let held = ByteBuffer(capacity: 64)

    init(version: Int16, bytes: Int) {
        self.version = version
        total = bytes
    }

    /// Takes the next chunk and says what becomes of each of its bytes, in order.
    func feed(_ chunk: RawSpan, _ emit: (Event) -> Void) throws(WireError) {
        guard chunk.byteCount > 0 else { return }
        let chunkStart = position
        position += chunk.byteCount
        var done = chunkStart
        // What was cut is walked in a copy of the seam; the rest of the chunk where it lies.
        if carry.count == 0 { carryStart = chunkStart }
        var inSeam = carry.count > 0 || !started
        if inSeam {
            carry.append(chunk.extracting(0..<min(chunk.byteCount, FetchFollower.seamBytes)))
        }
        guard try start() else {
            emit(.pass(position - done))
            return
        }
        let carry = carry
        while true {
            guard collect(chunk, chunkStart, &done, emit) else { break }
            let event =
                inSeam
                ? try walker.next(carry.bytes, at: carryStart)
                : try walker.next(chunk, at: chunkStart)
            if event.kind == .needMore, inSeam, carryStart + carry.count < position {
                guard walker.position >= chunkStart else {
                    throw .badLength(at: walker.position, event.range.count)
                }
                carry.removeAll()
                inSeam = false
            } else if event.kind == .beginArray, event.role == .topics {
                isInTopics = true
            } else if event.kind == .endArray, event.role == .topics {
                isInTopics = false
            } else if event.kind == .beginTag, !isInTopics {
                // Tags of partitions hold node ids only.
                guard event.value.count <= ProxyLimits.endpointsBytesMax else {
                    throw .badLength(at: event.range.lowerBound, event.value.count)
                }
                tag = event.value
            } else if event.kind == .needMore || event.kind == .end {
                if done < position { emit(.pass(position - done)) }
                break
            }
        }
        keepTail(chunk, chunkStart, inSeam)
    }

    /// Longer than any value that the walker must see whole.
    private static let seamBytes = 65_536

    /// Passes what stands before a tag that is kept back, and collects the tag.
    /// - Returns: false when the chunk ends before the tag does.
    private func collect(
        _ chunk: RawSpan, _ chunkStart: Int, _ done: inout Int, _ emit: (Event) -> Void
    ) -> Bool {
        guard let tag else { return true }
        let before = min(tag.lowerBound, position) - done
        if before > 0 {
            emit(.pass(before))
            done += before
        }
        let count = min(tag.upperBound, position) - done
        if count > 0 {
            held.append(chunk.extracting(done - chunkStart..<done - chunkStart + count))
            emit(.hold(count))
            done += count
        }
        guard held.count == tag.count else { return false }
        emit(.replace(held))
        held.removeAll()
        self.tag = nil
        return true
    }

    /// Keeps what the walker has not stepped over.
    private func keepTail(_ chunk: RawSpan, _ chunkStart: Int, _ inSeam: Bool) {
        let from = min(walker.position, position)
        if inSeam {
            carry.removeFirst(max(0, min(from - carryStart, carry.count)))
        } else {
            carry.removeAll()
            if from < position {
                carry.append(chunk.extracting(from - chunkStart..<chunk.byteCount))
            }
        }
        carryStart = from
    }

    /// Steps over the response header once it is there.
    private func start() throws(WireError) -> Bool {
        if started { return true }
        // Size, correlation id, and the tag buffer of header version 1.
        guard position >= 9 else { return false }
        let carry = carry
        var cursor = ByteCursor(carry.bytes)
        try cursor.skip(8)
        do throws(WireError) {
            try cursor.skipTags()
        } catch {
            if case .truncated = error, position < total { return false }
            throw error
        }
        guard let program = WalkProgram.find(ApiKey.fetch, .response, version: version) else {
            throw .invalid(at: 0, "Fetch version")
        }
        walker.reset(program, body: cursor.offset..<total)
        started = true
        return true
    }
}
