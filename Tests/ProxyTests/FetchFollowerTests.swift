// FetchFollowerTests: a streamed Fetch response is followed however it is cut.

import Bytes
import KafkaWire
import TestSupport
import Testing

@testable import Proxy

/// Advertises one host, with a port per node up to 9.
private final class FixedAddresses: NodeAddresses {
    let host: String
    private(set) var learned: [Int32: String] = [:]

    init(_ host: String) { self.host = host }

    func advertised(_ node: Int32) -> AdvertisedAddress? {
        (0...9).contains(node) ? AdvertisedAddress(host: host, port: 9_100 + node) : nil
    }

    var fallback: AdvertisedAddress { AdvertisedAddress(host: host, port: 0) }

    func learned(node: Int32, host: RawSpan, port: Int32) { learned[node] = host.text }
}

@Suite struct FetchFollowerTests {
    /// Feeds a frame in runs, and gives what the client would get.
    private func follow(
        _ frame: [UInt8], _ runs: [[UInt8]], _ addresses: any NodeAddresses
    ) throws -> [UInt8] {
        let follower = FetchFollower(version: 16, bytes: frame.count)
        var output: [UInt8] = []
        for run in runs {
            let chunk = ByteBuffer()
            chunk.append(run)
            var at = 0
            try follower.feed(chunk.bytes) { event in
                switch event {
                case .pass(let count):
                    output += run[at..<at + count]
                    at += count
                case .hold(let count): at += count
                case .replace(let content):
                    let replaced = ByteBuffer()
                    EndpointsInPlace.rewrite(content.bytes, addresses, into: replaced)
                    output += replaced.array
                }
            }
            #expect(at == run.count)
        }
        return output
    }

    private func answer(_ host: String, records: [Int]) -> FetchAnswer {
        var random = SeededRandom(seed: 5)
        var answer = FetchAnswer(
            records.enumerated().map { index, size in
                FetchAnswer.Partition(
                    .id(TopicID(high: 3, low: UInt64(index))), Int32(index),
                    records: random.bytes(size))
            })
        answer.endpoints = [
            NodeEndpoint(1, host, 9_092, rack: "rack-a"), NodeEndpoint(2, host, 9_092),
        ]
        answer.moreTags = [(3, [1, 2]), (9, [3])]
        return answer
    }

    @Test(arguments: ["broker-1.internal.example", "b", "same.example"])
    func `the output is the same for every split in two`(host: String) throws {
        let frame = Wire.response(ApiKey.fetch, 16, 7, answer(host, records: [3, 0, 40]).body(16))
        let addresses = FixedAddresses("same.example")
        let whole = try follow(frame, [frame], addresses)
        #expect(whole.count == frame.count)
        #expect(addresses.learned == [1: host, 2: host])
        for split in 1..<frame.count {
            let halves = [Array(frame[..<split]), Array(frame[split...])]
            #expect(try follow(frame, halves, addresses) == whole)
        }
        #expect(try follow(frame, frame.map { [$0] }, addresses) == whole)
        let read = FetchAnswer(Array(whole[4...]), version: 16)
        #expect(read.moreTags.map(\.content) == [[1, 2], [3]])
        #expect(read.partitions == answer(host, records: [3, 0, 40]).partitions)
    }

    @Test func `large frames come out the same for random splits`() throws {
        let frame = Wire.response(
            ApiKey.fetch, 16, 7,
            answer("broker.internal", records: [90_000, 1, 150_000, 70_000]).body(16))
        let addresses = FixedAddresses("x.example")
        let whole = try follow(frame, [frame], addresses)
        for seed in 1...30 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let most = [200, 3_000, 70_000, 200_000][Int(seed) % 4]
            #expect(
                try follow(frame, frame.cut(atMost: most, &random), addresses) == whole,
                "seed \(seed)")
        }
    }

    @Test func `a response without hints passes as it is`() throws {
        var plain = answer("h", records: [100])
        plain.endpoints = []
        let frame = Wire.response(ApiKey.fetch, 16, 7, plain.body(16))
        let addresses = FixedAddresses("x.example")
        #expect(try follow(frame, frame.map { [$0] }, addresses) == frame)
    }

    @Test func `a response that is not one is an error, wherever it is cut`() throws {
        var frame = Wire.response(
            ApiKey.fetch, 16, 7, answer("h", records: [100]).body(16))
        // The number of topics claims more than there are.
        let topicsAt = 4 + 5 + 4 + 2 + 4
        frame[topicsAt] = 0x7f
        for split in [1, 8, topicsAt, topicsAt + 1, frame.count - 1] {
            let halves = [Array(frame[..<split]), Array(frame[split...])]
            #expect(throws: WireError.self) {
                try follow(frame, halves, FixedAddresses("x.example"))
            }
        }
    }
}

@Suite struct EndpointsInPlaceTests {
    private func rewrite(_ content: [UInt8], _ host: String) -> [UInt8] {
        let buffer = ByteBuffer()
        buffer.append(content)
        let output = ByteBuffer()
        EndpointsInPlace.rewrite(buffer.bytes, FixedAddresses(host), into: output)
        return output.array
    }

    @Test func `the new list is exactly as long as the old, for every difference in length`() {
        for oldCount in 1...400 {
            let old = String(repeating: "u", count: oldCount)
            let content = NodeEndpoint.list([
                NodeEndpoint(1, old, 9_092), NodeEndpoint(2, old, 9_093, rack: "r"),
            ])
            for newCount in [1, 9, 64, 127, 128, 300] {
                let new = String(repeating: "a", count: newCount)
                let output = rewrite(content, new)
                #expect(output.count == content.count)
                #expect(!output.contains(UInt8(ascii: "u")))
                let told = NodeEndpoint.read(output)
                let isRewritten =
                    told == [
                        NodeEndpoint(1, new, 9_101), NodeEndpoint(2, new, 9_102, rack: "r"),
                    ]
                let isWithheld = told.allSatisfy { $0.node == -1 && $0.port == -1 }
                #expect(isRewritten || isWithheld)
                if oldCount >= newCount + 2 { #expect(isRewritten || oldCount < newCount + 140) }
            }
        }
    }

    @Test func `an equal length is rewritten without padding`() {
        let old = NodeEndpoint.list([NodeEndpoint(3, "aaaa.example", 9_092)])
        let new = NodeEndpoint.list([NodeEndpoint(3, "bbbb.example", 9_103)])
        #expect(rewrite(old, "bbbb.example") == new)
    }

    @Test func `no hints stay no hints`() {
        #expect(rewrite([1], "x.example") == [1])
    }

    @Test func `what is not a list of endpoints tells nothing`() {
        var random = SeededRandom(seed: 8)
        for count in 0...300 {
            let content = [UInt8(3)] + random.bytes(count)
            let output = rewrite(content, "x.example")
            #expect(output.count == content.count)
            // Shorter than one element it held no address and is no list either way.
            if content.count < 12 {
                #expect(output.allSatisfy { $0 == 0 })
            } else {
                #expect(NodeEndpoint.read(output).map(\.node) == [-1])
            }
        }
    }
}
