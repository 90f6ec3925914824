// YAMLParser: libyaml's events, as Swift values.

internal import CYAML
internal import Glibc

/// What libyaml could not read.
internal struct YAMLError: Error {
    let position: Position
    let reason: String
}

/// What comes next in the text.
internal struct YAMLEvent {
    enum Kind {
        case documentStart
        case documentEnd
        case streamEnd
        case alias
        case scalar(String, isPlain: Bool)
        case listStart
        case listEnd
        case mapStart
        case mapEnd
    }

    let kind: Kind
    let position: Position
    let hasAnchor: Bool
    let hasTag: Bool
}

/// Reads one text event by event. All of libyaml's memory is its own and is freed with it.
@safe internal struct YAMLParser: ~Copyable {
    private let text: UnsafeMutableBufferPointer<UInt8>
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// - Returns: nil when there is no memory.
    init?(_ bytes: [UInt8]) {
        // SAFETY: both allocations live until deinit; libyaml keeps a pointer to the text, which
        // is never moved, and the parser itself must not move either.
        unsafe text = .allocate(capacity: bytes.count)
        _ = unsafe text.initialize(from: bytes)
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            unsafe text.deallocate()
            return nil
        }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        // SAFETY: made in init, not used after.
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    /// The next event. Must not be called after an error or the end of the stream.
    mutating func next() throws(YAMLError) -> YAMLEvent {
        while true {
            // SAFETY: libyaml fills the event, whose memory is freed below, whatever happens.
            var event = unsafe yaml_event_t()
            guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
            defer { unsafe yaml_event_delete(&event) }
            if let event = unsafe YAMLParser.translate(event) { return event }
        }
    }

    private static func translate(_ event: yaml_event_t) -> YAMLEvent? {
        // SAFETY: the type says which member of the union libyaml filled.
        let position = unsafe Position(
            line: event.start_mark.line + 1, column: event.start_mark.column + 1)
        var hasAnchor = false
        var hasTag = false
        let kind: YAMLEvent.Kind
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT: kind = .documentStart
        case YAML_DOCUMENT_END_EVENT: kind = .documentEnd
        case YAML_STREAM_END_EVENT: kind = .streamEnd
        case YAML_ALIAS_EVENT: kind = .alias
        case YAML_SEQUENCE_START_EVENT:
            unsafe hasAnchor = event.data.sequence_start.anchor != nil
            unsafe hasTag = event.data.sequence_start.tag != nil
            kind = .listStart
        case YAML_SEQUENCE_END_EVENT: kind = .listEnd
        case YAML_MAPPING_START_EVENT:
            unsafe hasAnchor = event.data.mapping_start.anchor != nil
            unsafe hasTag = event.data.mapping_start.tag != nil
            kind = .mapStart
        case YAML_MAPPING_END_EVENT: kind = .mapEnd
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            unsafe hasAnchor = scalar.anchor != nil
            unsafe hasTag = scalar.tag != nil
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let text = unsafe String(decoding: bytes, as: UTF8.self)
            kind = unsafe .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        default: return nil
        }
        return YAMLEvent(kind: kind, position: position, hasAnchor: hasAnchor, hasTag: hasTag)
    }

    /// What libyaml says about its failure, and where.
    private func failure() -> YAMLError {
        // SAFETY: the parser is alive; problem and context are constant C strings or nil.
        let state = unsafe parser.pointee
        let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "not readable"
        let context = unsafe state.context.map { unsafe String(cString: $0) } ?? ""
        guard unsafe state.error != YAML_READER_ERROR else {
            return YAMLError(
                position: position(ofByte: unsafe Int(state.problem_offset)),
                reason: "not UTF-8 text: \(problem)")
        }
        let mark = unsafe state.problem_mark
        let position = Position(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
        if byte(at: Int(mark.line), Int(mark.column)) == UInt8(ascii: "\t") {
            return YAMLError(position: position, reason: "a tab cannot indent; use spaces")
        }
        if context.contains("alias") {
            return YAMLError(
                position: position, reason: "quote a pattern that begins with `*`: \"*\"")
        }
        let reason = context.isEmpty ? problem : "\(problem) \(context)"
        return YAMLError(position: position, reason: "not YAML: \(reason)")
    }

    /// Lines and columns before a byte that cannot be decoded.
    private func position(ofByte offset: Int) -> Position {
        var line = 1
        var column = 1
        // SAFETY: the indexes are those of the text.
        let end = unsafe min(offset, text.count)
        for index in 0..<end {
            let byte = unsafe text[index]
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return Position(line: line, column: column)
    }

    /// The byte in a line (from 0) after `column` characters.
    private func byte(at line: Int, _ column: Int) -> UInt8? {
        // SAFETY: slices of the text, bounds kept by the collection's own methods.
        let lines = unsafe text.split(
            separator: UInt8(ascii: "\n"), maxSplits: line, omittingEmptySubsequences: false)
        guard unsafe lines.count > line else { return nil }
        let own = unsafe lines[line].prefix { $0 != UInt8(ascii: "\n") }
        return unsafe own.filter { $0 & 0xC0 != 0x80 }.dropFirst(column).first
    }
}
