// MessageWalker: steps through a message as its bytes arrive and reports the fields with a role.

package import Bytes

/// Steps through one message at a time, without recursion and without allocating.
///
/// Feed it spans of the message in any cut. It keeps its place as an offset, so bytes before
/// `position` may be dropped: what nobody asked for is stepped over and never has to be whole in
/// memory. A reported value other than records must be whole in the span, which strings bound at
/// 32,767 bytes and a few more.
///
/// Every length, count and tag size is checked against the end of the message, or of the tag that
/// it stands in, before it is used. After an error the walker must be reset.
package final class MessageWalker {
    /// An array or a section of tags that has begun.
    private struct Frame {
        /// Where the array with its count, or the current tag's content, begins.
        var start = 0
        /// Array: where the elements begin.
        var content = 0
        /// Array: where the current element begins. Tags: the limit outside the current tag.
        var inner = 0
        /// Elements or tags that are still to come.
        var remaining: Int32 = 0
        /// The tag read last.
        var tag: Int64 = -1
    }

    /// Stands for "not in the span yet" among lengths.
    private static let missing = Int.min

    /// Where the walk stands; bytes before it are not looked at again. May lie behind the end of
    /// the span that was last given.
    package private(set) var position = 0
    /// The message's end.
    package private(set) var end = 0
    /// The end of what is being read: the message's, or a tag's.
    private var limit = 0
    /// Whether bytes may follow the message.
    private var mayGoOn = false
    private var step = 0
    private var depth = 0
    private var ops: [WalkOp]
    private var frames = [8 of Frame](repeating: Frame())

    /// Idle until it is reset: reports `end` for an empty message.
    package init() { ops = [WalkOp(code: .end)] }

    /// Begins a message.
    /// - Parameter body: where its body lies, headers excluded, in offsets from any origin that
    ///   suits the caller, such as the frame's first byte.
    /// - Parameter mayGoOn: bytes behind the message are no error. Clients do not look for any
    ///   behind a response, and some brokers send them (librdkafka's mock cluster does).
    package func reset(_ program: WalkProgram, body: Range<Int>, mayGoOn: Bool = false) {
        self.mayGoOn = mayGoOn
        ops = program.ops
        position = body.lowerBound
        end = body.upperBound
        limit = end
        step = 0
        depth = 0
    }

    /// Goes on to the next event.
    /// - Parameters:
    ///   - bytes: a part of the message; it must not begin after `position`.
    ///   - base: the offset of its first byte.
    /// - Throws: what is wrong with the message, at which offset.
    package func next(_ bytes: RawSpan, at base: Int) throws(WireError) -> WalkEvent {
        precondition(base <= position, "the span begins behind the walk")
        let available = base + bytes.byteCount
        while true {
            let op = ops[step]
            let event: WalkEvent?
            switch op.code {
            case .skip:
                try advance(Int(op.count))
                step += 1
                continue
            case .fixed: return try fixed(op, bytes, base, available)
            case .sized, .skipSized, .records: event = try sized(op, bytes, base, available)
            case .skipFixedArray: event = try skipFixedArray(op, bytes, base, available)
            case .array: event = try array(op, bytes, base, available)
            case .element: event = element(op)
            case .elementEnd: event = elementEnd(op)
            case .nullableStruct: event = try nullableStruct(op, bytes, base, available)
            case .tags: event = try tags(op, bytes, base, available)
            case .tag: event = try tag(op, bytes, base, available)
            case .tagEnd: event = try tagEnd(op)
            case .tagCase: preconditionFailure("a case is data, never a step")
            case .end: return try finish()
            }
            if let event { return event }
        }
    }

    // MARK: numbers

    @inline(__always)
    private func advance(_ count: Int) throws(WireError) {
        guard count <= limit - position else {
            throw .truncated(at: position, needed: count - (limit - position))
        }
        position += count
    }

    @inline(__always)
    private func needMore(_ count: Int) -> WalkEvent {
        let range = position..<position + count
        return WalkEvent(kind: .needMore, range: range, value: range)
    }

    /// Whether `count` bytes at `offset` are in the span; throws when the message has not so many.
    @inline(__always)
    private func has(
        _ count: Int, at offset: Int, _ available: Int
    ) throws(WireError) -> Bool {
        guard count <= limit - offset else {
            throw .truncated(at: offset, needed: count - (limit - offset))
        }
        return count <= available - offset
    }

    @inline(__always)
    private func load<T: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: RawSpan, _ offset: Int, as type: T.Type
    ) -> T {
        // SAFETY: the load checks its bounds; every bit pattern is an integer.
        T(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }

    /// Reads LEB128 of at most 5 bytes and moves `offset` behind it; `missing` if it is cut short.
    @inline(__always)
    private func uvarint(
        _ bytes: RawSpan, _ base: Int, _ available: Int, _ offset: inout Int
    ) throws(WireError) -> Int {
        var value = 0
        var shift = 0
        var at = offset
        while try has(1, at: at, available) {
            let byte = load(bytes, at - base, as: UInt8.self)
            value |= Int(byte & 0x7f) << shift
            at += 1
            if byte < 0x80 {
                guard value <= UInt32.max else { throw .overlongVarint(at: offset) }
                offset = at
                return value
            }
            shift += 7
            guard shift < 35 else { throw .overlongVarint(at: offset) }
        }
        return Self.missing
    }

    /// Reads a length or count and moves `offset` behind it: -1 for null, `missing` if cut short.
    @inline(__always)
    private func length(
        _ op: WalkOp, _ bytes: RawSpan, _ base: Int, _ available: Int, _ offset: inout Int
    ) throws(WireError) -> Int {
        let start = offset
        var value: Int
        switch op.form {
        case .compact:
            value = try uvarint(bytes, base, available, &offset)
            if value == Self.missing { return value }
            value -= 1
        case .int16:
            guard try has(2, at: start, available) else { return Self.missing }
            value = Int(load(bytes, start - base, as: Int16.self))
            offset += 2
        case .int32:
            guard try has(4, at: start, available) else { return Self.missing }
            value = Int(load(bytes, start - base, as: Int32.self))
            offset += 4
        }
        if value < 0 {
            guard value == -1 else { throw .badLength(at: start, value) }
            guard op.isNullable else { throw .invalid(at: start, "null") }
        } else if value > limit - offset || (op.isString && value > 32_767) {
            throw .badLength(at: start, value)
        }
        return value
    }

    // MARK: values

    private func fixed(
        _ op: WalkOp, _ bytes: RawSpan, _ base: Int, _ available: Int
    ) throws(WireError) -> WalkEvent {
        let count = Int(op.count)
        guard try has(count, at: position, available) else { return needMore(count) }
        let range = position..<position + count
        var event = WalkEvent(kind: .field, role: op.role, range: range, value: range)
        let at = position - base
        switch count {
        case 1: event.number = Int64(load(bytes, at, as: Int8.self))
        case 2:
            let value = load(bytes, at, as: Int16.self)
            event.number = op.isUnsigned ? Int64(UInt16(bitPattern: value)) : Int64(value)
        case 4:
            let value = load(bytes, at, as: Int32.self)
            event.number = op.isUnsigned ? Int64(UInt32(bitPattern: value)) : Int64(value)
        case 8: event.number = load(bytes, at, as: Int64.self)
        default: break
        }
        position += count
        step += 1
        return event
    }

    private func sized(
        _ op: WalkOp, _ bytes: RawSpan, _ base: Int, _ available: Int
    ) throws(WireError) -> WalkEvent? {
        var offset = position
        let count = try length(op, bytes, base, available, &offset)
        if count == Self.missing { return needMore(prefixBytes(op, available)) }
        let content = offset..<offset + max(count, 0)
        if op.code == .sized, content.upperBound > available {
            return needMore(content.upperBound - position)
        }
        let start = position
        position = content.upperBound
        step += 1
        guard op.emits else { return nil }
        return WalkEvent(
            kind: op.code == .records ? .records : .field, role: op.role, isNull: count < 0,
            range: start..<(op.code == .records ? content.lowerBound : content.upperBound),
            value: content)
    }

    /// Bytes that a cut-short length prefix needs at least.
    private func prefixBytes(_ op: WalkOp, _ available: Int) -> Int {
        switch op.form {
        case .int16: 2
        case .int32: 4
        case .compact: max(available - position, 0) + 1
        }
    }

    private func nullableStruct(
        _ op: WalkOp, _ bytes: RawSpan, _ base: Int, _ available: Int
    ) throws(WireError) -> WalkEvent? {
        guard try has(1, at: position, available) else { return needMore(1) }
        let isNull = load(bytes, position - base, as: Int8.self) < 0
        position += 1
        step = isNull ? Int(op.target) : step + 1
        return nil
    }

    private func finish() throws(WireError) -> WalkEvent {
        guard position == end || mayGoOn else {
            throw .invalid(at: position, "bytes after the message")
        }
        return WalkEvent(kind: .end, range: end..<end, value: end..<end)
    }

    // MARK: arrays

    private func skipFixedArray(
        _ op: WalkOp, _ bytes: RawSpan, _ base: Int, _ available: Int
    ) throws(WireError) -> WalkEvent? {
        var offset = position
        let count = try length(op, bytes, base, available, &offset)
        if count == Self.missing { return needMore(prefixBytes(op, available)) }
        let content = max(count, 0) * Int(op.count)
        guard content <= limit - offset else { throw .badLength(at: position, count) }
        position = offset + content
        step += 1
        return nil
    }

    private func array(
        _ op: WalkOp, _ bytes: RawSpan, _ base: Int, _ available: Int
    ) throws(WireError) -> WalkEvent? {
        var offset = position
        let count = try length(op, bytes, base, available, &offset)
        if count == Self.missing { return needMore(prefixBytes(op, available)) }
        guard count <= Int32.max else { throw .badLength(at: position, count) }
        frames[depth] = Frame(
            start: position, content: offset, remaining: Int32(max(count, 0)))
        depth += 1
        let prefix = position..<offset
        position = offset
        step += 1
        guard op.emits else { return nil }
        return WalkEvent(
            kind: .beginArray, role: op.role, isNull: count < 0, number: Int64(count),
            range: prefix, value: offset..<offset)
    }

    private func element(_ op: WalkOp) -> WalkEvent? {
        let top = depth - 1
        if frames[top].remaining == 0 {
            depth = top
            step = Int(op.target)
            guard op.emits else { return nil }
            return WalkEvent(
                kind: .endArray, role: op.role, range: frames[top].start..<position,
                value: frames[top].content..<position)
        }
        frames[top].remaining -= 1
        frames[top].inner = position
        step += 1
        guard op.emitsElements else { return nil }
        let here = position..<position
        return WalkEvent(kind: .beginElement, role: op.role, range: here, value: here)
    }

    private func elementEnd(_ op: WalkOp) -> WalkEvent? {
        step = Int(op.target)
        guard op.emits else { return nil }
        let range = frames[depth - 1].inner..<position
        return WalkEvent(kind: .endElement, role: op.role, range: range, value: range)
    }

    // MARK: tags

    private func tags(
        _ op: WalkOp, _ bytes: RawSpan, _ base: Int, _ available: Int
    ) throws(WireError) -> WalkEvent? {
        var offset = position
        let count = try uvarint(bytes, base, available, &offset)
        if count == Self.missing { return needMore(max(available - position, 0) + 1) }
        if count == 0 {
            step += 2 + Int(op.count)
        } else {
            // A tag takes at least a number and a size.
            guard count <= (limit - offset) / 2, count <= Int32.max else {
                throw .badLength(at: position, count)
            }
            frames[depth] = Frame(remaining: Int32(count))
            depth += 1
            step += 1
        }
        position = offset
        return nil
    }

    private func tag(
        _ op: WalkOp, _ bytes: RawSpan, _ base: Int, _ available: Int
    ) throws(WireError) -> WalkEvent? {
        let top = depth - 1
        if frames[top].remaining == 0 {
            depth = top
            step += 1 + Int(op.count)
            return nil
        }
        var offset = position
        let tag = try uvarint(bytes, base, available, &offset)
        let sizeStart = offset
        let size =
            tag == Self.missing ? tag : try uvarint(bytes, base, available, &offset)
        if size == Self.missing { return needMore(max(available - position, 0) + 1) }
        guard Int64(tag) > frames[top].tag else { throw .invalid(at: position, "order of tags") }
        guard size <= limit - offset else { throw .badLength(at: sizeStart, size) }
        frames[top].tag = Int64(tag)
        frames[top].remaining -= 1
        guard let target = self.target(of: tag, op) else {
            position = offset + size
            return nil
        }
        frames[top].start = offset
        frames[top].inner = limit
        limit = offset + size
        position = offset
        step = target
        return WalkEvent(
            kind: .beginTag, number: Int64(tag), range: sizeStart..<offset, value: offset..<limit)
    }

    /// Where the content of a tag is walked, nil for tags without roles.
    private func target(of tag: Int, _ op: WalkOp) -> Int? {
        for index in step + 1..<step + 1 + Int(op.count) where Int(ops[index].count) == tag {
            return Int(ops[index].target)
        }
        return nil
    }

    private func tagEnd(_ op: WalkOp) throws(WireError) -> WalkEvent {
        guard position == limit else { throw .invalid(at: position, "bytes after a tag's value") }
        let top = depth - 1
        let range = frames[top].start..<position
        limit = frames[top].inner
        step = Int(op.target)
        return WalkEvent(
            kind: .endTag, number: frames[top].tag, range: range, value: range)
    }
}
