// EndpointsInPlace: rewrites leader hints without changing how many bytes they take.

internal import Bytes
internal import KafkaWire

/// Node endpoints (KIP-951) in a frame whose size has already been sent.
///
/// The new list has to be exactly as long as the old one. What it is shorter by is put into an
/// unknown tagged field of its last element, which clients step over (KIP-482). When it does not
/// fit, one element that names no node takes its place: the client then asks for metadata, as it
/// does without hints, and no upstream address gets through.
internal enum EndpointsInPlace {
    private struct Endpoint {
        var node: Int32
        var rack: Range<Int>
    }

    /// A tag that Kafka's own fields are far from.
    private static let padTag: UInt32 = 100

    /// Appends what replaces `content`: as many bytes as it has.
    static func rewrite(_ content: RawSpan, _ addresses: any NodeAddresses, into output: ByteBuffer)
    {
        let start = output.count
        if let endpoints = try? read(content, addresses) {
            guard !endpoints.isEmpty else { return output.append(content) }
            write(endpoints, content, addresses, output)
            if pad(output, start, content.byteCount) { return }
            output.truncate(to: start)
        }
        blank(content.byteCount, output)
    }

    private static func read(
        _ content: RawSpan, _ addresses: any NodeAddresses
    ) throws(WireError) -> [Endpoint] {
        var cursor = ByteCursor(content)
        let count = try cursor.arrayCount(compact: true)
        var endpoints: [Endpoint] = []
        for _ in 0..<count {
            let node = try cursor.int32()
            let host = try cursor.stringRange(compact: true)
            let port = try cursor.int32()
            addresses.learned(node: node, host: content.extracting(host), port: port)
            let rack = cursor.offset
            try cursor.skipCompactString()
            endpoints.append(Endpoint(node: node, rack: rack..<cursor.offset))
            try cursor.skipTags()
        }
        guard cursor.isAtEnd else {
            throw .invalid(at: cursor.offset, "node endpoints")
        }
        return endpoints
    }

    /// Writes the list without the tag buffer of its last element.
    private static func write(
        _ endpoints: [Endpoint], _ content: RawSpan, _ addresses: any NodeAddresses,
        _ output: ByteBuffer
    ) {
        output.append(uvarint: UInt32(endpoints.count) + 1)
        for (index, endpoint) in endpoints.enumerated() {
            let address = addresses.advertised(endpoint.node) ?? addresses.fallback
            output.append(int32: endpoint.node)
            output.append(kafkaString: address.host, isFlexible: true)
            output.append(int32: address.port)
            output.append(content.extracting(endpoint.rack))
            if index < endpoints.count - 1 { output.append(uvarint: 0) }
        }
    }

    /// Appends a tag buffer that brings the content since `start` to `total` bytes.
    /// - Returns: false when no tag buffer has that size.
    private static func pad(_ output: ByteBuffer, _ start: Int, _ total: Int) -> Bool {
        let left = total - (output.count - start)
        guard left >= 1 else { return false }
        if left == 1 {
            output.append(uvarint: 0)
            return true
        }
        // Count, tag, and a size of one, two or three bytes.
        for sizeBytes in 1...3 {
            let size = left - 2 - sizeBytes
            guard size >= 0, uvarintBytes(size) == sizeBytes else { continue }
            output.append(uvarint: 1)
            output.append(uvarint: padTag)
            output.append(uvarint: UInt32(size))
            for _ in 0..<size { output.append(0 as UInt8) }
            return true
        }
        return false
    }

    private static func uvarintBytes(_ value: Int) -> Int {
        value < 1 << 7 ? 1 : value < 1 << 14 ? 2 : 3
    }

    /// One element that names no node: of an empty or a one-letter host, whichever can be padded.
    private static func blank(_ total: Int, _ output: ByteBuffer) {
        let start = output.count
        for host in ["", "-", "--"] {
            output.append(uvarint: 2)
            output.append(int32: -1)
            output.append(kafkaString: host, isFlexible: true)
            output.append(int32: -1)
            output.append(uvarint: 0)
            if pad(output, start, total) { return }
            output.truncate(to: start)
        }
        // Shorter than one element, so it held no address and is malformed whatever we do.
        for _ in 0..<total { output.append(0 as UInt8) }
    }
}
