// Wire: builds frames by hand, field by field, as a client or a broker would send them.

internal import Bytes
internal import KafkaWire

/// Appends fields to an array of bytes; whether strings and arrays are compact is said once.
package struct WireFields {
    package private(set) var bytes: [UInt8] = []
    package let isFlexible: Bool

    package init(flexible isFlexible: Bool = false) { self.isFlexible = isFlexible }

    package mutating func int8(_ value: Int8) { bytes.append(UInt8(bitPattern: value)) }
    package mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }
    package mutating func int16(_ value: Int16) { integer(value) }
    package mutating func int32(_ value: Int32) { integer(value) }
    package mutating func int64(_ value: Int64) { integer(value) }

    private mutating func integer<T: FixedWidthInteger>(_ value: T) {
        for shift in stride(from: T.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> T(shift)))
        }
    }

    package mutating func uvarint(_ value: Int) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    package mutating func raw(_ more: [UInt8]) { bytes += more }

    /// A string with its length; nil is null.
    package mutating func string(_ text: String?) {
        let count = text?.utf8.count ?? -1
        if isFlexible { uvarint(count + 1) } else { int16(Int16(count)) }
        if let text { bytes += Array(text.utf8) }
    }

    /// Bytes with their length; nil is null.
    package mutating func data(_ data: [UInt8]?) {
        count(data?.count ?? -1)
        if let data { bytes += data }
    }

    /// The number of elements that follow; -1 for null.
    package mutating func count(_ count: Int) {
        if isFlexible { uvarint(count + 1) } else { int32(Int32(count)) }
    }

    package mutating func array<T>(_ elements: [T], _ body: (inout WireFields, T) -> Void) {
        count(elements.count)
        for element in elements { body(&self, element) }
    }

    /// The tag buffer of a structure; nothing in versions without.
    package mutating func tags(_ fields: [(tag: Int, content: [UInt8])] = []) {
        guard isFlexible else { return }
        uvarint(fields.count)
        for field in fields {
            uvarint(field.tag)
            uvarint(field.content.count)
            bytes += field.content
        }
    }

    /// What `body` appends, on its own.
    package static func of(
        flexible: Bool = false, _ body: (inout WireFields) -> Void
    ) -> [UInt8] {
        var fields = WireFields(flexible: flexible)
        body(&fields)
        return fields.bytes
    }
}

/// Frames.
package enum Wire {
    /// Puts the size before a frame.
    package static func framed(_ frame: [UInt8]) -> [UInt8] {
        WireFields.of {
            $0.int32(Int32(frame.count))
            $0.raw(frame)
        }
    }

    /// A whole request.
    package static func request(
        _ apiKey: Int16, _ version: Int16, _ correlation: Int32, clientID: String? = "test",
        _ body: [UInt8] = []
    ) -> [UInt8] {
        framed(
            WireFields.of {
                $0.int16(apiKey)
                $0.int16(version)
                $0.int32(correlation)
                $0.string(clientID)
                if let api = ApiDefinition.find(apiKey), version >= api.requestFlexibleFrom {
                    $0.int8(0)
                }
                $0.raw(body)
            })
    }

    /// The whole response to a request.
    package static func response(_ request: BrokerRequest, _ body: [UInt8]) -> [UInt8] {
        response(request.apiKey, request.version, request.correlation, body)
    }

    package static func response(
        _ apiKey: Int16, _ version: Int16, _ correlation: Int32, _ body: [UInt8]
    ) -> [UInt8] {
        framed(
            WireFields.of {
                $0.int32(correlation)
                if let api = ApiDefinition.find(apiKey),
                    ResponseHeader.isTagged(api, version: version)
                {
                    $0.int8(0)
                }
                $0.raw(body)
            })
    }

    /// The correlation id of a response frame without its size.
    package static func correlation(_ frame: [UInt8]) -> Int32 {
        frame.prefix(4).reduce(0) { $0 << 8 | Int32($1) }
    }

    /// Where the body of a response frame without its size begins.
    package static func bodyStart(_ apiKey: Int16, _ version: Int16) -> Int {
        guard let api = ApiDefinition.find(apiKey) else { return 4 }
        return ResponseHeader.isTagged(api, version: version) ? 5 : 4
    }
}

/// Reads fields one after another; a field that is not there ends the process, so it is for
/// messages that the test made itself or expects to be well-formed.
package struct WireReader {
    package let bytes: [UInt8]
    package var offset: Int
    package let isFlexible: Bool

    package init(_ bytes: [UInt8], from offset: Int = 0, flexible isFlexible: Bool) {
        self.bytes = bytes
        self.offset = offset
        self.isFlexible = isFlexible
    }

    package var isAtEnd: Bool { offset == bytes.count }

    private mutating func number(_ count: Int) -> UInt64 {
        precondition(offset + count <= bytes.count, "the message ends before its fields")
        defer { offset += count }
        return bytes[offset..<offset + count].reduce(0) { $0 << 8 | UInt64($1) }
    }

    package mutating func int8() -> Int8 { Int8(truncatingIfNeeded: number(1)) }
    package mutating func bool() -> Bool { number(1) != 0 }
    package mutating func int16() -> Int16 { Int16(truncatingIfNeeded: number(2)) }
    package mutating func int32() -> Int32 { Int32(truncatingIfNeeded: number(4)) }
    package mutating func int64() -> Int64 { Int64(truncatingIfNeeded: number(8)) }

    package mutating func uvarint() -> Int {
        var value = 0
        var shift = 0
        while true {
            let byte = Int(number(1))
            value |= (byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    package mutating func raw(_ count: Int) -> [UInt8] {
        precondition(offset + count <= bytes.count, "the message ends before its fields")
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    package mutating func string() -> String? {
        let count = isFlexible ? uvarint() - 1 : Int(int16())
        return count < 0 ? nil : String(decoding: raw(count), as: UTF8.self)
    }

    package mutating func data() -> [UInt8]? {
        let count = self.count()
        return count < 0 ? nil : raw(count)
    }

    package mutating func count() -> Int { isFlexible ? uvarint() - 1 : Int(int32()) }

    package mutating func array<T>(_ body: (inout WireReader) -> T) -> [T] {
        (0..<max(0, count())).map { _ in body(&self) }
    }

    /// Reads a tag buffer.
    /// - Returns: contents by tag; empty in versions without.
    @discardableResult
    package mutating func tags() -> [Int: [UInt8]] {
        guard isFlexible else { return [:] }
        var found: [Int: [UInt8]] = [:]
        for _ in 0..<uvarint() {
            let tag = uvarint()
            found[tag] = raw(uvarint())
        }
        return found
    }
}
