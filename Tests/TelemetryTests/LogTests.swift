// LogTests: lines as they come out of a pipe, their escapes, and what is left out.

import Foundation
import Synchronization
import Testing

@testable import Telemetry

/// A log that writes into a pipe at a fixed time.
private final class PipedLog {
    let log: Log
    let pipe = Pipe()

    init(
        _ level: LogLevel = .debug, _ format: LogFormat = .text,
        clock: @escaping @Sendable () -> LogTime = {
            LogTime(seconds: 1_795_258_985, milliseconds: 7)
        }
    ) {
        log = Log(
            level: level, format: format,
            descriptor: pipe.fileHandleForWriting.fileDescriptor, clock: clock)
    }

    /// All lines; closes the pipe.
    func lines() throws -> [String] {
        try pipe.fileHandleForWriting.close()
        let data = try pipe.fileHandleForReading.readToEnd() ?? .init()
        return String(decoding: data, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}

/// A clock that tests move.
private final class MovableClock: Sendable {
    private let seconds = Atomic<Int64>(1_000)

    var now: LogTime { LogTime(seconds: seconds.load(ordering: .relaxed), milliseconds: 0) }

    func advance(seconds count: Int64) { seconds.add(count, ordering: .relaxed) }
}

@Suite struct LogTests {
    @Test func `a text line has time, level, message and fields`() throws {
        let piped = PipedLog()
        piped.log.info("listener opened", [.field("port", 9092), .field("tls", false)])
        piped.log.warn("slow", [.field("name", "a b"), .field("empty", ""), .field("ok", "a-b:1")])
        piped.log.error("failed")
        piped.log.debug("detail", [LogField("n", UInt64.max)])
        #expect(
            try piped.lines() == [
                "2026-11-21T11:03:05.007Z INFO  listener opened port=9092 tls=false",
                "2026-11-21T11:03:05.007Z WARN  slow name=\"a b\" empty=\"\" ok=a-b:1",
                "2026-11-21T11:03:05.007Z ERROR failed",
                "2026-11-21T11:03:05.007Z DEBUG detail n=9223372036854775807",
            ])
    }

    @Test func `a JSON line parses to what was logged`() throws {
        let piped = PipedLog(.info, .json)
        let nasty = "q\" b\\ n\n r\r t\t z\u{0} e\u{1b}[31m u\u{2028} \u{202e}x \u{1F426} \u{e9}"
        piped.log.info("say \"hi\"", [.field("text", nasty), .field("n", -5), .field("b", true)])
        let line = try #require(try piped.lines().first)
        let object = try #require(
            try JSONSerialization.jsonObject(with: .init(line.utf8)) as? [String: Any])
        #expect(object["time"] as? String == "2026-11-21T11:03:05.007Z")
        #expect(object["level"] as? String == "info")
        #expect(object["message"] as? String == "say \"hi\"")
        #expect(object["text"] as? String == nasty)
        #expect(object["n"] as? Int == -5)
        #expect(object["b"] as? Bool == true)
    }

    @Test(arguments: [LogFormat.text, .json])
    func `a value cannot forge a line`(_ format: LogFormat) throws {
        let piped = PipedLog(.info, format)
        let forged =
            "x\n2026-11-21T11:03:05.007Z ERROR forged"
            + "\r\u{85}\u{2028}\u{2029}\u{7f}\u{202e}"
        piped.log.info("named", [.field("client", forged)])
        piped.log.info(forged)
        let lines = try piped.lines()
        #expect(lines.count == 2)
        for line in lines {
            #expect(
                line.contains(
                    #"x\n2026-11-21T11:03:05.007Z ERROR forged\r\u0085\u2028\u2029\u007f\u202e"#))
            #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7f })
        }
    }

    @Test func `text that looks like a field is quoted`() throws {
        let piped = PipedLog()
        piped.log.info("m", [.field("a", "1 level=error"), .field("b", "x=y"), .field("c", "\"")])
        #expect(try piped.lines()[0].hasSuffix(#"m a="1 level=error" b="x=y" c="\"""#))
    }

    @Test func `a line fits into one piece of a pipe`() throws {
        for format in LogFormat.allCases {
            let piped = PipedLog(.info, format)
            let long = String(repeating: "\u{1}\u{e9}", count: 5_000)
            piped.log.info(long, (0..<20).map { LogField("f\($0)", long) })
            piped.log.info("m", [.field("v", String(repeating: "a", count: 1_025))])
            let lines = try piped.lines()
            #expect(lines.count == 2)
            #expect(lines[0].utf8.count < 4_096)
            #expect(lines[0].contains(format == .text ? "cut=true" : "\"cut\":true}"))
            #expect(lines[1].contains(String(repeating: "a", count: 1_024) + "..."))
            if format == .json {
                for line in lines {
                    #expect(throws: Never.self) {
                        try JSONSerialization.jsonObject(with: .init(line.utf8))
                    }
                }
            }
        }
    }

    @Test func `a line below the level is neither built nor written`() throws {
        let piped = PipedLog(.warn)
        var built = 0
        func message() -> String {
            built += 1
            return "built"
        }
        piped.log.info(message(), [.field("x", message())])
        piped.log.debug(message())
        piped.log.limited(.info, message())
        #expect(built == 0)
        piped.log.level = .debug
        #expect(piped.log.level == .debug)
        piped.log.debug(message())
        piped.log.write(.error, message())
        #expect(built == 2)
        #expect(try piped.lines().count == 2)
    }

    @Test func `lines that peers provoke are limited per message and counted`() throws {
        let clock = MovableClock()
        let piped = PipedLog(.info, .text) { clock.now }
        let most = LineLimiter.linesMax
        for _ in 0..<most + 15 { piped.log.limited(.warn, "bad frame", [.field("size", 1)]) }
        piped.log.limited(.warn, "other")
        clock.advance(seconds: 9)
        piped.log.limited(.warn, "bad frame")
        clock.advance(seconds: 1)
        piped.log.limited(.warn, "bad frame", [.field("size", 2)])
        piped.log.limited(.warn, "bad frame", [.field("size", 3)])
        let lines = try piped.lines()
        #expect(lines.count == most + 3)
        #expect(lines[most].hasSuffix("other"))
        #expect(lines[most + 1].hasSuffix("bad frame size=2 suppressed=16"))
        #expect(lines[most + 2].hasSuffix("bad frame size=3"))
    }

    @Test func `the memory for limits is bounded`() {
        var limiter = LineLimiter()
        for number in 0..<LineLimiter.messagesMax {
            #expect(limiter.admit("message \(number)", seconds: 0) == 0)
        }
        let admitted = (0..<1_000).filter { limiter.admit("more \($0)", seconds: 0) != nil }
        #expect(admitted.count == LineLimiter.linesMax, "all that are not known share one count")
        #expect(limiter.admit("message 0", seconds: 0) == 0)
    }

    @Test func `a clock that is set back does not silence a message`() {
        var limiter = LineLimiter()
        for _ in 0..<LineLimiter.linesMax + 10 { _ = limiter.admit("m", seconds: 1_000) }
        #expect(limiter.admit("m", seconds: 500) == 10)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a reader that does not read costs lines and holds nobody up`() throws {
        let piped = PipedLog(.info)
        let value = String(repeating: "v", count: 1_000)
        // Nobody reads: a write that waits would wait for ever.
        for _ in 0..<200 { piped.log.info("m", [.field("v", value)]) }
        // Room for lines again: the next one is led by the number of those lost.
        let reader = piped.pipe.fileHandleForReading
        _ = try reader.read(upToCount: 32_768)
        piped.log.info("after")
        let lines = try piped.lines()
        #expect(lines.last?.hasSuffix("INFO  after") == true)
        let lost = try #require(lines.dropLast().last)
        #expect(lost.contains("WARN  log lines dropped count="))
    }

    @Test func `a closed output is survived`() throws {
        let piped = PipedLog(.info)
        try piped.pipe.fileHandleForReading.close()
        piped.log.info("nobody reads this")
        let nowhere = Log(level: .info, format: .text, descriptor: -1)
        nowhere.info("nor this")
    }

    @Test func `lines of several threads do not mix`() async throws {
        let piped = PipedLog(.info)
        let log = piped.log
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask { for n in 0..<50 { log.info("t\(task)", [.field("n", n)]) } }
            }
        }
        let lines = try piped.lines()
        #expect(lines.count == 200)
        #expect(lines.allSatisfy { $0.contains(/Z INFO  t[0-3] n=[0-9]+$/) })
    }
}
