// ByteStream: one connection's bytes, both ways, with a bounded queue of what is not yet sent.

package import Bytes
internal import Limits
package import Loop

/// What a read brought.
package enum ReadOutcome {
    /// Bytes were appended to the buffer.
    case bytes(Int)
    /// Nothing is there now; the delegate is told when there is.
    case wouldBlock
    /// The peer has finished sending.
    case end
    /// The connection is broken.
    case failed(SystemError)
}

/// Who uses a stream. All calls come on the loop's thread.
package protocol ByteStreamDelegate: AnyObject {
    /// Bytes, an end or a failure can be read.
    func streamReadable(_ stream: ByteStream)
    /// The queue of unsent bytes has become short again, or empty after it had to wait. Told
    /// twice when both happen at once.
    func streamDrained(_ stream: ByteStream)
    /// Sending failed; nothing more can be sent.
    func streamBroken(_ stream: ByteStream, _ error: SystemError)
}

/// The bytes of one connection. Plain TCP today; an encrypting engine fits between `read`/`flush`
/// and the socket without a change to those who use the stream.
///
/// Back-pressure is the user's: it stops reading the other side while `isCongested`, and goes on
/// at `streamDrained`.
package final class ByteStream: EventHandler {
    /// A run of bytes that waits to be sent.
    private struct Piece {
        var buffer: ByteBuffer
        var range: Range<Int>
        /// The buffer is the loop's scratch, which the next read overwrites.
        var isBorrowed: Bool
    }

    package let loop: EventLoop
    package weak var delegate: (any ByteStreamDelegate)?
    private let socket: Socket
    private var registration: Registration?
    private var queue: [Piece] = []
    private var queueStart = 0
    private var isWritable = true
    private var finishes = false

    /// The peer has finished sending: an end or a failure is still to be read.
    private var isEnding = false

    /// Whether a read may bring something.
    package private(set) var isReadable = true
    /// Bytes that the kernel has not taken yet.
    package private(set) var unsentBytes = 0
    /// Bytes read and sent since the start.
    package private(set) var bytesRead: UInt64 = 0
    package private(set) var bytesSent: UInt64 = 0

    package init(_ socket: Socket, on loop: EventLoop) throws(SystemError) {
        self.socket = socket
        self.loop = loop
        registration = try loop.add(socket, self)
    }

    /// Whether so much is unsent that the other side should not be read.
    package var isCongested: Bool { unsentBytes >= TransportLimits.unsentBytesHigh }

    package var isClosed: Bool { registration == nil }

    // MARK: reading

    /// Appends at most `bytesMax` bytes to `buffer`.
    package func read(into buffer: ByteBuffer, bytesMax: Int) -> ReadOutcome {
        guard isReadable, !isClosed else { return .wouldBlock }
        do {
            switch try socket.read(into: buffer, bytesMax: bytesMax) {
            case .wouldBlock:
                isReadable = false
                return .wouldBlock
            case .bytes(0):
                return .end
            case .bytes(let count):
                bytesRead &+= UInt64(count)
                // Less than asked for means that nothing is left, and new bytes are a new event
                // (epoll(7)): asking once more would be a call for nothing. Only the end of the
                // stream is no new event when it was told together with the bytes.
                if count < bytesMax, !isEnding { isReadable = false }
                return .bytes(count)
            }
        } catch {
            return .failed(error)
        }
    }

    /// Asks for `streamReadable` again in the next round, so that others have their turn.
    package func readAgainLater() {
        if let registration { loop.again(registration, .readable) }
    }

    // MARK: sending

    /// Queues a part of a buffer that nobody changes any more.
    package func enqueue(_ buffer: ByteBuffer, _ range: Range<Int>) {
        append(buffer, range, isBorrowed: false)
    }

    /// Queues all of a buffer that nobody changes any more.
    package func enqueue(_ buffer: ByteBuffer) { enqueue(buffer, 0..<buffer.count) }

    /// Queues a part of the loop's scratch buffer; `flush` must follow before it is used again.
    package func enqueueScratch(_ range: Range<Int>) {
        append(loop.scratch, range, isBorrowed: true)
    }

    private func append(_ buffer: ByteBuffer, _ range: Range<Int>, isBorrowed: Bool) {
        guard !range.isEmpty, !isClosed else { return }
        unsentBytes += range.count
        if queue.count > queueStart {
            let last = queue.count - 1
            if queue[last].buffer === buffer, queue[last].range.upperBound == range.lowerBound {
                queue[last].range = queue[last].range.lowerBound..<range.upperBound
                return
            }
        }
        queue.append(Piece(buffer: buffer, range: range, isBorrowed: isBorrowed))
    }

    /// Sends as much as the kernel takes and copies what is left of the scratch buffer.
    package func flush() {
        let wasCongested = isCongested
        while isWritable, queueStart < queue.count, !isClosed {
            guard sendOnce() else { break }
        }
        keepBorrowed()
        if finishes, unsentBytes == 0, !isClosed {
            finishes = false
            socket.shutdownSending()
        }
        if wasCongested, !isCongested { delegate?.streamDrained(self) }
    }

    /// - Returns: false when the connection is broken.
    private func sendOnce() -> Bool {
        var pieces = SendPieces(
            capacity: min(queue.count - queueStart, TransportLimits.piecesPerSend))
        var next = queueStart
        while next < queue.count, !pieces.isFull {
            pieces.add(queue[next].buffer, queue[next].range)
            next += 1
        }
        do {
            switch try socket.send(pieces) {
            case .wouldBlock:
                isWritable = false
            case .bytes(let count):
                // Less than offered means that the kernel's buffer is full.
                isWritable = count == pieces.byteCount
                sent(count)
            }
            return true
        } catch {
            dropQueue()
            isWritable = false
            delegate?.streamBroken(self, error)
            return false
        }
    }

    private func sent(_ count: Int) {
        var left = count
        unsentBytes -= count
        bytesSent &+= UInt64(count)
        while left > 0 {
            let size = queue[queueStart].range.count
            if left < size {
                let range = queue[queueStart].range
                queue[queueStart].range = range.lowerBound + left..<range.upperBound
                return
            }
            left -= size
            retire(queueStart)
            queueStart += 1
        }
        if queueStart == queue.count {
            queue.removeAll(keepingCapacity: queue.count <= TransportLimits.piecesPerSend)
            queueStart = 0
        } else if queueStart >= TransportLimits.piecesPerSend {
            queue.removeFirst(queueStart)
            queueStart = 0
        }
    }

    /// Gives a sent buffer back to the pool when this was its last piece anywhere.
    private func retire(_ index: Int) {
        var buffer = queue[index].buffer
        queue[index].buffer = loop.scratch
        if isKnownUniquelyReferenced(&buffer) { loop.pool.giveBack(buffer) }
    }

    private func keepBorrowed() {
        guard queueStart < queue.count else { return }
        for index in queueStart..<queue.count where queue[index].isBorrowed {
            let range = queue[index].range
            let copy = loop.pool.take(capacity: range.count)
            let source = queue[index].buffer
            copy.append(source.bytes(in: range))
            queue[index] = Piece(buffer: copy, range: 0..<range.count, isBorrowed: false)
        }
    }

    private func dropQueue() {
        for index in queueStart..<queue.count { retire(index) }
        queue.removeAll()
        queueStart = 0
        unsentBytes = 0
    }

    // MARK: ending

    /// Says "no more from us" to the peer once everything queued is sent.
    package func finishSending() {
        finishes = true
        flush()
    }

    /// Closes at once and forgets what was not sent.
    package func close() {
        guard let registration else { return }
        self.registration = nil
        loop.remove(registration, socket)
        socket.close()
        dropQueue()
        delegate = nil
    }

    // MARK: EventHandler

    package func ready(_ readiness: Readiness, on loop: EventLoop) {
        if readiness.contains(.writable) {
            isWritable = true
            let wasWaiting = unsentBytes > 0
            flush()
            // Who waits for the last byte to leave hears of it here: nobody else is at work.
            if wasWaiting, unsentBytes == 0 { delegate?.streamDrained(self) }
        }
        if readiness.contains(.ended) { isEnding = true }
        if readiness.contains(.readable) {
            isReadable = true
            delegate?.streamReadable(self)
        }
    }
}
