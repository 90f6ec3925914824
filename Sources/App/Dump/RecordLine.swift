// RecordLine: one opened record as a line of JSON.

internal import Bytes
internal import JSON

/// Writes records as JSON objects. Bytes that are no UTF-8 stand in base64 (RFC 4648 section 4),
/// under the same name with `Base64` behind it.
internal enum RecordLine {
    /// Appends a line without its `wax` headers.
    static func append(
        _ record: StoredRecord, value: [UInt8]?, to output: ByteBuffer
    ) {
        output.append("{")
        if let topic = record.topic {
            output.append("\"topic\":")
            JSONWriter.append(string: topic, to: output)
            output.append(",")
        }
        if let partition = record.partition { output.append("\"partition\":\(partition),") }
        output.append("\"offset\":\(record.offset),\"timestamp\":\(record.timestamp),")
        append("key", record.key, to: output)
        output.append(",\"headers\":[")
        var isFirst = true
        for header in record.headers where !header.isSeal {
            output.append(isFirst ? "{" : ",{")
            append("key", header.key, to: output)
            output.append(",")
            append("value", header.value, to: output)
            output.append("}")
            isFirst = false
        }
        output.append("],")
        append("value", value, to: output)
        output.append("}\n")
    }

    private static func append(_ name: StaticString, _ bytes: [UInt8]?, to output: ByteBuffer) {
        guard let bytes else { return output.append("\"\(name)\":null") }
        // SAFETY: UInt8 has no padding; the array outlives the span.
        let span = unsafe bytes.span.bytes
        if String(validating: bytes, as: UTF8.self) != nil {
            output.append("\"\(name)\":")
            JSONWriter.append(string: span, to: output)
        } else {
            output.append("\"\(name)Base64\":\"")
            Base64.append(span, .standard, to: output)
            output.append("\"")
        }
    }
}
