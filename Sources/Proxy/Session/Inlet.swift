// Inlet: what one direction of a session has read and not yet passed on.

internal import Bytes
internal import Loop

/// The place of one direction in its stream of frames.
internal struct Inlet {
    enum State {
        /// Before a frame, or with its first bytes in `head`.
        case between
        /// The rest of the frame passes as it comes.
        case relay(left: Int)
        /// The frame is collected until it is whole.
        case gather(ByteBuffer, left: Int)
        /// The rest of the frame is dropped as it comes: it was answered already.
        case skip(left: Int)
        /// The rest passes as it comes, but its structure is followed.
        case follow(FetchFollower, left: Int)
    }

    var state = State.between
    /// When the frame that is collected was begun.
    var gatherStarted: UInt64 = 0
    /// The first bytes of a frame that did not come in one piece.
    let head = ByteBuffer(capacity: 64)
    /// Bytes from the frame's start that have to be seen before anything can be decided.
    var headNeeded: Int
    /// Bytes that were read and cannot be looked at yet.
    private(set) var parked: ByteBuffer?
    private(set) var parkedStart = 0
    private let headBytes: Int

    /// - Parameter headBytes: what has to be seen of every frame.
    init(headBytes: Int) {
        self.headBytes = headBytes
        headNeeded = headBytes
    }

    /// Whether no frame is under way.
    var isBetween: Bool {
        if case .between = state { return head.count == 0 && parked == nil }
        return false
    }

    mutating func endHead() {
        head.removeAll()
        headNeeded = headBytes
    }

    /// Puts bytes aside, with what is in `head` before them, to be looked at again later.
    mutating func park(_ source: ByteBuffer, _ range: Range<Int>, loop: EventLoop) {
        guard !range.isEmpty || head.count > 0 else { return }
        if head.count == 0, source !== loop.scratch {
            parked = source
            parkedStart = range.lowerBound
            return
        }
        let copy = loop.pool.take(capacity: head.count + range.count)
        copy.append(head.bytes)
        copy.append(source.bytes(in: range))
        endHead()
        parked = copy
        parkedStart = 0
    }

    /// Takes the bytes that were put aside.
    mutating func unpark() -> (ByteBuffer, Range<Int>)? {
        guard let parked else { return nil }
        defer { self.parked = nil }
        return (parked, parkedStart..<parked.count)
    }
}
