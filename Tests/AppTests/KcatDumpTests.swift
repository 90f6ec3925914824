// KcatDumpTests: lines that kcat prints, and lines that it does not.

import Foundation
import TestSupport
import Testing

@testable import App

@Suite struct KcatDumpTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    private func items(_ bytes: [UInt8]) throws -> [DumpItem] {
        try Stored.items(try bench.write("dump", bytes), .kcat)
    }

    private func items(_ text: String) throws -> [DumpItem] { try items(Array(text.utf8)) }

    /// What kcat 1.7.1 printed for a record of all bytes, one with nothing, and an empty one.
    private var recorded: [UInt8] {
        let start = #"{"topic":"t","partition":3,"offset":0,"tstype":"create","ts":17952,"#
        let low =
            #"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000B\f\r\u000E\u000F"#
            + #"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C"#
            + #"\u001D\u001E\u001F !\""# + "#$%&'()*+,-./0123456789:;<=>?@"
            + "ABCDEFGHIJKLMNOPQRSTUVWXYZ[" + #"\\"#
            + "]^_`abcdefghijklmnopqrstuvwxyz{|}~\u{7f}"
        let all = Array(low.utf8) + Array(0x80...0xff)
        var line = Array((start + #""broker":1,"headers":["wax",""#).utf8) + all
        line += Array(#"","wax",null,"h","","é","é"],"key":""#.utf8) + all
        line += Array(#"","payload":""#.utf8) + all + Array("\"}\n".utf8)
        line += Array(
            (#"{"topic":"t","partition":1,"offset":5,"tstype":"create","ts":1,"broker":1,"#
                + #""key":null,"payload":null}"# + "\n"
                + #"{"topic":"t","partition":1,"offset":6,"tstype":"create","ts":1,"broker":1,"#
                + #""key":"","payload":""}"# + "\n").utf8)
        return line
    }

    @Test func `every byte comes through as kcat prints it`() throws {
        let all = [UInt8](0...255)
        let headers: [StoredRecord.Header] = [
            .init(key: Array("wax".utf8), value: all), .init(key: Array("wax".utf8), value: nil),
            .init(key: [0x68], value: []), .init(key: [0xc3, 0xa9], value: [0xc3, 0xa9]),
        ]
        #expect(
            try items(recorded) == [
                .record(
                    StoredRecord(
                        topic: "t", partition: 3, offset: 0, timestamp: 17_952, key: all,
                        value: all, headers: headers)),
                .record(
                    StoredRecord(
                        topic: "t", partition: 1, offset: 5, timestamp: 1, key: nil, value: nil)),
                .record(
                    StoredRecord(
                        topic: "t", partition: 1, offset: 6, timestamp: 1, key: [], value: [])),
            ])
    }

    @Test(arguments: [
        (#"\u00e9"#, "é"), (#"\ud83d\ude00"#, "😀"),
        (#"\/\"\\\b\f\n\r\t"#, "/\"\\\u{8}\u{c}\n\r\t"),
        (#"\u0041"#, "A"), (#"\uFFFD"#, "\u{fffd}"),
    ])
    func `escapes stand for what JSON says`(_ written: String, _ text: String) throws {
        let found = try items("{\"offset\":1,\"payload\":\"\(written)\"}")
        guard case .record(let record) = found.first else {
            Issue.record("no record: \(found)")
            return
        }
        #expect(record.value == Array(text.utf8))
    }

    @Test(arguments: [
        "x", "[]", "{}", #"{"offset":1}"#, #"{"payload":"a"}"#, #"{"offset":-1,"payload":"a"}"#,
        #"{"offset":1.5,"payload":"a"}"#, #"{"offset":1,"payload":"a"} x"#,
        #"{"offset":1,"payload":7}"#, #"{"offset":1,"payload":"\ud83d"}"#,
        #"{"offset":1,"payload":"\ud83d\u0041"}"#, #"{"offset":1,"payload":"\q"}"#,
        #"{"offset":1,"payload":"a","headers":["a"]}"#,
        #"{"offset":1,"payload":"a","headers":[null,"a"]}"#,
        #"{"offset":1,"payload":"a","headers":{}}"#,
        #"{"offset":99999999999999999999,"payload":"a"}"#,
    ])
    func `a line that is none is named, and the next one is read`(_ line: String) throws {
        let found = try items("\n" + line + "\n\r\n{\"offset\":7,\"payload\":\"b\"}")
        #expect(found.count == 2)
        guard case .fault(let fault) = found.first, case .record(let record) = found.last else {
            Issue.record("not a fault and a record: \(found)")
            return
        }
        #expect(fault.place == "line 2")
        #expect(fault.reason.hasPrefix("not a record as kcat -J prints it, at byte "))
        #expect(fault.records == 1)
        #expect(record.offset == 7)
    }

    @Test func `a line cut anywhere is a fault and never a record`() throws {
        let line = Array(recorded.prefix { $0 != UInt8(ascii: "\n") })
        for count in 1..<line.count {
            let found = try items(Array(line[..<count]))
            #expect(found.count == 1)
            guard case .fault? = found.first else {
                Issue.record("cut at \(count): \(found)")
                return
            }
        }
    }

    @Test func `garbage is never taken for a record`() throws {
        var random = SeededRandom(seed: 11)
        for _ in 0..<200 {
            let garbage = random.bytes(Int(random.next() % 300) + 1)
            let path = try bench.write("garbage", garbage)
            for format in [DumpFormat.kcat, .segment, nil] {
                for item in try Stored.items(path, format) {
                    if case .record = item { Issue.record("a record in garbage") }
                }
            }
        }
    }

    @Test func `lines longer than what is read at once are whole`() throws {
        let value = String(repeating: "0123456789", count: 100_000)
        let line = "{\"offset\":1,\"payload\":\"\(value)\"}\n"
        let found = try items(line + line + line)
        #expect(found.count == 3)
        for item in found {
            guard case .record(let record) = item else {
                Issue.record("not a record")
                return
            }
            #expect(record.value == Array(value.utf8))
        }
    }

    @Test func `a file that is not there is refused by name`() {
        #expect {
            try Stored.items("/none/dump", nil)
        } throws: {
            "\($0)" == "/none/dump: No such file or directory"
        }
    }
}
