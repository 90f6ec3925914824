// GzipCodecTests: members of other writers, several members, each kind of damage.

import Compression
import Testing

@Suite struct GzipCodecTests {
    /// From Kafka's Java client, Python, Python with a file name, Rust's flate2.
    private static let members = [
        """
        1f8b08000000000000ffb5cab10d00200804c0557e0fa7f9020dcd639004c7770aafbee66dd73a3895be4164
        34854a33b810327096a52234d01ff703877662368a000000
        """,
        """
        1f8b0800000000000203b5cab10d00200804c0557e0fa7f9020dcd639004c7770aafbee66dd73a3895be4164
        34854a33b810327096a52234d01ff703877662368a000000
        """,
        """
        1f8b08080100000002ff626572726965732e74787400b5cab10d00200804c0557e0fa7f9020dcd639004c777
        0aafbee66dd73a3895be416434854a33b810327096a52234d01ff703877662368a000000
        """,
        """
        1f8b08000000000000ffb5cab10d00200804c0557e0fa7a14043f3182479c7770afb935d05d7c1e98a0d43a5
        8ce87247104987cdf6622607f4513f877662368a000000
        """,
    ]
    /// With an extra field, a comment and a checksum over the header.
    private static let fullHeader = """
        1f8b08160000000000030400616263646e6f7465007587b5cab10d00200804c0557e0fa7f9020dcd639004c7
        770aafbee66dd73a3895be416434854a33b810327096a52234d01ff703877662368a000000
        """

    @Test(arguments: members + [fullHeader])
    func `members of other writers are read`(_ member: String) throws {
        #expect(try decompressed(.gzip, hex(member)) == rowanText)
    }

    @Test(arguments: [
        "1f8b08000000000000ff03000000000000000000", "1f8b080000000000020303000000000000000000",
    ])
    func `empty members of other writers are read`(_ member: String) throws {
        #expect(try decompressed(.gzip, hex(member)) == [])
    }

    @Test func `members one after another are one content`() throws {
        let parts = GzipCodecTests.members.map(hex)
        let all = parts.flatMap { $0 }
        #expect(try decompressed(.gzip, all) == rowanText + rowanText + rowanText + rowanText)
        // Cut within any of them it is an error; between two it cannot be known.
        var boundaries: Set<Int> = []
        var end = 0
        for part in parts {
            end += part.count
            boundaries.insert(end)
        }
        for cut in 1..<all.count where !boundaries.contains(cut) {
            let error = failure(.gzip, Array(all.prefix(cut)))
            #expect(error == .corrupt(.gzip, at: cut, .truncated))
        }
    }

    @Test func `the limit is for all members together`() {
        let two = hex(GzipCodecTests.members[0]) + hex(GzipCodecTests.members[1])
        let limit = 2 * rowanText.count - 1
        #expect(failure(.gzip, two, outputBytesMax: limit) == .outputTooLarge(limit: limit))
        #expect(failure(.gzip, two, outputBytesMax: limit + 1) == nil)
    }

    @Test func `a wrong checksum, length or header is named`() {
        var stream = hex(GzipCodecTests.members[0])
        stream[stream.count - 8] ^= 1
        #expect(failure(.gzip, stream) == .corrupt(.gzip, at: stream.count - 4, .checksum))
        stream = hex(GzipCodecTests.members[0])
        stream[stream.count - 4] ^= 1
        #expect(failure(.gzip, stream) == .corrupt(.gzip, at: stream.count, .contentSize))
        stream = hex(GzipCodecTests.members[0])
        stream[0] ^= 1
        #expect(failure(.gzip, stream) == .corrupt(.gzip, at: 2, .header))
        var full = hex(GzipCodecTests.fullHeader)
        full[12] ^= 1
        guard case .corrupt(.gzip, _, .header) = failure(.gzip, full) else {
            Issue.record("a header with a wrong checksum passed")
            return
        }
    }

    @Test func `a bare deflate or zlib stream is not gzip`() {
        #expect(failure(.gzip, hex("789c030000000001")) == .corrupt(.gzip, at: 2, .header))
    }
}
