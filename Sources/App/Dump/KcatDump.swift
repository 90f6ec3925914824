// KcatDump: reads what `kcat -C -J` prints, a JSON object per record and line.

internal import Bytes
internal import JSON
internal import Limits

/// Reads the JSON envelopes of kcat.
///
/// kcat writes keys, values and headers as JSON strings with their bytes as they are: only quotes,
/// backslashes and control characters are escaped, and bytes that are no UTF-8 stand there
/// unchanged. So its lines are not always valid JSON, but hold every byte. A program that reads
/// them as text and writes them again destroys them.
internal struct KcatDump: DumpReader {
    private let input: DumpInput
    private var lineNumber = 0
    private let scratch = ByteBuffer(capacity: 4_096)

    init(_ input: DumpInput) { self.input = input }

    mutating func next() throws(FileError) -> DumpItem? {
        while let (count, hasEnd) = try input.line(bytesMax: CommandLimits.lineBytesMax) {
            lineNumber += 1
            guard hasEnd else {
                try skipLine()
                return .fault(
                    fault("longer than \(CommandLimits.lineBytesMax) bytes"))
            }
            let held = input.bytes
            let place = input.place(0..<count)
            defer { input.skip(min(count + 1, input.available)) }
            if count <= 1, held.bytes(in: place).text.allSatisfy(\.isWhitespace) { continue }
            do throws(JSONError) {
                return .record(try record(held.bytes(in: place)))
            } catch {
                return .fault(fault("not a record as kcat -J prints it, \(error)"))
            }
        }
        return nil
    }

    private func fault(_ reason: String) -> DumpFault {
        DumpFault(place: "line \(lineNumber)", reason: reason)
    }

    private func skipLine() throws(FileError) {
        while let (count, hasEnd) = try input.line(bytesMax: CommandLimits.readBytes) {
            input.skip(min(hasEnd ? count + 1 : count, input.available))
            if hasEnd { return }
        }
    }

    // MARK: one line

    private func record(_ line: RawSpan) throws(JSONError) -> StoredRecord {
        var record = StoredRecord(offset: -1, timestamp: -1)
        var hasPayload = false
        var cursor = ByteCursor(line)
        var isFirst = true
        try JSONReader.expect("{", &cursor)
        while let member = try JSONReader.nextMember(&cursor, isFirst: &isFirst) {
            let name = try JSONReader.decoded(member, in: cursor)
            switch name {
            case "topic":
                record.topic = try bytes(line, &cursor).map { String(decoding: $0, as: UTF8.self) }
            case "partition": record.partition = try number(line, &cursor)
            case "offset": record.offset = try number(line, &cursor)
            case "ts": record.timestamp = try number(line, &cursor)
            case "headers": record.headers = try headers(line, &cursor)
            case "key": record.key = try bytes(line, &cursor)
            case "payload":
                hasPayload = true
                record.value = try bytes(line, &cursor)
            default: _ = try JSONReader.value(&cursor)
            }
        }
        try JSONReader.expectEnd(&cursor)
        guard hasPayload, record.offset >= 0 else {
            throw JSONError(offset: line.byteCount, expected: "`offset` and `payload`")
        }
        return record
    }

    private func number(
        _ line: RawSpan, _ cursor: inout ByteCursor
    ) throws(JSONError) -> Int64 {
        let start = cursor.offset
        let range = try JSONReader.value(&cursor)
        guard range.count <= 20, let number = Int64(line.extracting(range).text) else {
            throw JSONError(offset: start, expected: "a whole number")
        }
        return number
    }

    /// Pairs of names and values in one array.
    private func headers(
        _ line: RawSpan, _ cursor: inout ByteCursor
    ) throws(JSONError) -> [StoredRecord.Header] {
        var parts: [[UInt8]?] = []
        var isFirst = true
        let start = cursor.offset
        try JSONReader.expect("[", &cursor)
        while try JSONReader.nextElement(&cursor, isFirst: &isFirst) {
            guard parts.count < 2 * CommandLimits.headersMax else {
                throw JSONError(offset: cursor.offset, expected: "fewer headers")
            }
            parts.append(try bytes(line, &cursor))
        }
        guard parts.count.isMultiple(of: 2) else {
            throw JSONError(offset: start, expected: "a value for each header")
        }
        var headers: [StoredRecord.Header] = []
        for place in stride(from: 0, to: parts.count, by: 2) {
            guard let key = parts[place] else {
                throw JSONError(offset: start, expected: "a name for each header")
            }
            headers.append(.init(key: key, value: parts[place + 1]))
        }
        return headers
    }

    // MARK: strings

    /// The bytes that a string stands for; nil for null.
    private func bytes(
        _ line: RawSpan, _ cursor: inout ByteCursor
    ) throws(JSONError) -> [UInt8]? {
        let start = cursor.offset
        if cursor.peek() == UInt8(ascii: "n") {
            _ = try JSONReader.value(&cursor)
            return nil
        }
        let text = try JSONReader.string(&cursor)
        let raw = line.extracting(text.range)
        guard text.hasEscapes else { return raw.array }
        scratch.removeAll()
        var inner = ByteCursor(raw)
        while let byte = try? inner.uint8() {
            guard byte == UInt8(ascii: "\\") else {
                scratch.append(byte)
                continue
            }
            guard let escaped = try? inner.uint8(), append(escape: escaped, &inner) else {
                throw JSONError(offset: start, expected: "whole surrogate pairs")
            }
        }
        return scratch.array
    }

    /// Appends what an escape stands for; the reader has checked its form.
    private func append(escape: UInt8, _ cursor: inout ByteCursor) -> Bool {
        switch escape {
        case UInt8(ascii: "b"): scratch.append(0x08)
        case UInt8(ascii: "f"): scratch.append(0x0c)
        case UInt8(ascii: "n"): scratch.append(0x0a)
        case UInt8(ascii: "r"): scratch.append(0x0d)
        case UInt8(ascii: "t"): scratch.append(0x09)
        case UInt8(ascii: "u"):
            guard var code = KcatDump.unit(&cursor) else { return false }
            if code & 0xfc00 == 0xd800 {
                guard (try? cursor.uint8()) == UInt8(ascii: "\\"),
                    (try? cursor.uint8()) == UInt8(ascii: "u"),
                    let low = KcatDump.unit(&cursor), low & 0xfc00 == 0xdc00
                else { return false }
                code = 0x10000 + (code & 0x3ff) << 10 + (low & 0x3ff)
            }
            guard let scalar = Unicode.Scalar(code) else { return false }
            scratch.append(String(Character(scalar)))
        default: scratch.append(escape)
        }
        return true
    }

    /// Four hexadecimal digits.
    private static func unit(_ cursor: inout ByteCursor) -> UInt32? {
        guard let digits = try? cursor.slice(4) else { return nil }
        return UInt32(digits.text, radix: 16)
    }
}
