// EnvelopeHeaderTests: the header of the stored format is read strictly.

import Bytes
import Testing

@testable import Envelope

@Suite struct EnvelopeHeaderTests {
    /// Version 1, suite and flags 0x11, id 1...8, reference "s/n", wrapped 9 9.
    static let wrappedHeader: [UInt8] =
        [1, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 3, 0x73, 0x2f, 0x6e, 9, 9]

    func read(_ bytes: [UInt8]) throws(EnvelopeError) -> EnvelopeHeader {
        let buffer = ByteBuffer()
        buffer.append(bytes)
        return try EnvelopeHeader(buffer.bytes)
    }

    @Test func `a header with a wrapped key is taken apart`() throws {
        let header = try read(Self.wrappedHeader)
        #expect(header.dataKeyID == 0x0102_0304_0506_0708)
        #expect(header.hasWrappedKey)
        #expect(header.reference == 11..<14)
        #expect(header.wrapped == 14..<16)
    }

    @Test func `a header without a wrapped key is the fixed part alone`() throws {
        let header = try read([1, 0x01, 0, 0, 0, 0, 0, 0, 0, 9])
        #expect(header.dataKeyID == 9)
        #expect(!header.hasWrappedKey)
        #expect(header.reference.isEmpty)
        #expect(header.wrapped.isEmpty)
        #expect(throws: EnvelopeError.self) { try read([1, 0x01, 0, 0, 0, 0, 0, 0, 0, 9, 0]) }
    }

    @Test func `unknown versions, suites and flags are refused by name`() {
        var bytes = Self.wrappedHeader
        for version in (0...255 as ClosedRange<UInt8>) where version != 1 {
            bytes[0] = version
            #expect(throws: EnvelopeError.unsupportedVersion(version)) { try read(bytes) }
        }
        bytes[0] = 1
        for suite in (0...15 as ClosedRange<UInt8>) where suite != 1 {
            bytes[1] = 0x10 | suite
            #expect(throws: EnvelopeError.unsupportedSuite(suite)) { try read(bytes) }
        }
        for flags in [0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0] as [UInt8] {
            bytes[1] = flags | 1
            #expect(throws: EnvelopeError.unsupportedFlags(flags)) { try read(bytes) }
        }
    }

    @Test func `compression and fields are told by the flags`() throws {
        var bytes = Self.wrappedHeader
        let expected: [UInt8: (EnvelopeCompression, Bool)] = [
            0x00: (.none, false), 0x20: (.zstd, false), 0x40: (.lz4, false), 0x80: (.none, true),
        ]
        for (flags, meaning) in expected {
            bytes[1] = flags | 0x11
            let header = try read(bytes)
            let lean = try read([1, flags | 1] + bytes[2..<10])
            #expect(header.compression == meaning.0 && header.isFields == meaning.1)
            #expect(lean.compression == meaning.0 && lean.isFields == meaning.1)
            #expect(header.hasWrappedKey && !lean.hasWrappedKey)
        }
    }

    @Test func `a header cut at any byte is refused`() {
        for count in 0..<Self.wrappedHeader.count - 1 {
            #expect(throws: EnvelopeError.self) {
                try read(Array(Self.wrappedHeader.prefix(count)))
            }
        }
    }

    @Test func `empty and overlong parts are refused`() {
        let fixed: [UInt8] = [1, 0x11, 0, 0, 0, 0, 0, 0, 0, 1]
        #expect(throws: EnvelopeError.self) { try read(fixed + [0, 1, 2, 3]) }
        #expect(throws: EnvelopeError.self) { try read(fixed + [1, 0x61]) }
        let overlong = [UInt8](repeating: 0x61, count: 401)
        #expect(throws: EnvelopeError.self) { try read(fixed + [0x91, 0x03] + overlong + [1]) }
        #expect(throws: EnvelopeError.self) {
            try read(fixed + [1, 0x61] + [UInt8](repeating: 0, count: 1025))
        }
        #expect(throws: EnvelopeError.self) { try read(fixed + [0xff, 0xff, 0xff, 0xff, 0x7f, 1]) }
    }
}
