// Support: one-line readers and writers that the tests of Bytes share.

import Bytes

/// A buffer that holds `bytes`.
func buffer(_ bytes: [UInt8]) -> ByteBuffer {
    let buffer = ByteBuffer(capacity: bytes.count)
    buffer.append(bytes)
    return buffer
}

/// What `write` appends to an empty buffer.
func written(_ write: (ByteBuffer) -> Void) -> [UInt8] {
    let buffer = ByteBuffer()
    write(buffer)
    return buffer.array
}

/// One way to read a value, by name, so that one loop can try all of them.
enum Read: CaseIterable {
    case uint8, int8, int16, int32, int64, uint32, uvarint, varint, varlong

    /// The bytes that the value takes at least.
    var bytesMin: Int {
        switch self {
        case .uint8, .int8, .uvarint, .varint, .varlong: 1
        case .int16: 2
        case .int32, .uint32: 4
        case .int64: 8
        }
    }

    /// The bytes that the value takes at most.
    var bytesMax: Int {
        switch self {
        case .uvarint, .varint: 5
        case .varlong: 10
        default: bytesMin
        }
    }

    /// Reads one value and widens it.
    func callAsFunction(_ cursor: inout ByteCursor) throws(WireError) -> Int64 {
        switch self {
        case .uint8: Int64(try cursor.uint8())
        case .int8: Int64(try cursor.int8())
        case .int16: Int64(try cursor.int16())
        case .int32: Int64(try cursor.int32())
        case .int64: try cursor.int64()
        case .uint32: Int64(try cursor.uint32())
        case .uvarint: Int64(try cursor.uvarint())
        case .varint: Int64(try cursor.varint())
        case .varlong: try cursor.varlong()
        }
    }

    /// Reads one value that must be all of `bytes`.
    func callAsFunction(_ bytes: [UInt8]) throws -> Int64 {
        let source = buffer(bytes)
        var cursor = ByteCursor(source.bytes)
        let value = try self(&cursor)
        guard cursor.isAtEnd else { throw WireError.badLength(at: cursor.offset, cursor.remaining) }
        return value
    }
}
