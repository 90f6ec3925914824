// ServiceGateTests: the breaker, the limit of calls, shared calls and remembered refusals.

import Testing

@testable import KeyService

/// Drives one gate by hand. The random source gives 0: pauses of half their length.
private struct GateHarness {
    var gate: ServiceGate
    var now: UInt64 = 1_000 * second

    init(_ change: (inout ServiceGateSettings) -> Void = { _ in }) {
        var settings = ServiceGateSettings()
        change(&settings)
        gate = ServiceGate(service: "corp", settings: settings)
    }

    static func error(_ code: KeyServiceError.Code) -> KeyServiceError {
        KeyServiceError(code, key: "k", "planted")
    }

    mutating func enter(_ name: String) -> ServiceGate.Entry {
        gate.enter(.generate(name), now: now)
    }

    mutating func unwrap(_ name: String, _ byte: UInt8) -> ServiceGate.Entry {
        gate.enter(.unwrap(name, [byte]), now: now)
    }

    @discardableResult
    mutating func finish(
        _ ticket: UInt64, _ code: KeyServiceError.Code? = nil
    ) -> (error: KeyServiceError?, releases: [ServiceGate.Release]) {
        gate.finish(ticket, code.map(GateHarness.error), now: now, random: 0)
    }

    /// Makes a call that ends so; the gate must let it start.
    mutating func call(_ name: String, _ code: KeyServiceError.Code?) throws {
        finish(try #require(enter(name).started), code)
    }

    /// Three failures in a row.
    mutating func trip() throws {
        for _ in 0..<3 { try call("k", .unavailable) }
    }

    var status: ServiceStatus { gate.status(now: now) }
}

extension ServiceGate.Entry {
    fileprivate var started: UInt64? { if case .start(let ticket) = self { ticket } else { nil } }
    fileprivate var refused: KeyServiceError? {
        if case .refused(let error) = self { error } else { nil }
    }
}

@Suite struct ServiceGateTests {
    // MARK: the breaker

    @Test func `failures in a row open the breaker, and calls are refused with the time`() throws {
        var it = GateHarness()
        try it.call("k", .unavailable)
        try it.call("k", .unavailable)
        #expect(it.status.state == .closed)
        #expect(it.status.failuresInRow == 2)
        let told = it.finish(try #require(it.enter("k").started), .unavailable).error
        #expect(told?.retryAfterNanoseconds == 500 * millisecond, "the pause's lower half")
        #expect(it.status.state == .open)
        it.now += 200 * millisecond
        let refusal = try #require(it.enter("other").refused)
        #expect(refusal.code == .unavailable)
        #expect(refusal.key == "corp/other")
        #expect(refusal.retryAfterNanoseconds == 300 * millisecond)
        #expect(refusal.message.contains("0.3 s"))
        #expect(refusal.message.contains("planted"))
        #expect(it.status.counts.made == 3)
        #expect(it.status.counts.refused == 1)
    }

    @Test(arguments: [nil, KeyServiceError.Code.denied, .notFound, .disabled])
    func `an answer of any kind between failures keeps the breaker closed`(
        _ code: KeyServiceError.Code?
    ) throws {
        var it = GateHarness()
        for round in 0..<5 {
            try it.call("k", .unavailable)
            try it.call("k", .unavailable)
            try it.call("answer-\(round)", code)
        }
        #expect(it.status.state == .closed)
        #expect(it.status.failuresInRow == 0)
    }

    @Test func `a wrapped key that is corrupt says nothing about the service`() throws {
        var it = GateHarness()
        try it.call("a", .unavailable)
        try it.call("b", .corrupt)
        try it.call("c", .unavailable)
        try it.call("d", .corrupt)
        try it.call("e", .unavailable)
        #expect(it.status.state == .open)
        it.now += second
        try it.call("f", .corrupt)
        #expect(it.status.state == .trying, "the next call is the try")
        try it.call("g", nil)
        #expect(it.status.state == .closed)
    }

    @Test func `when the time has come one call is the try and others wait for it`() throws {
        var it = GateHarness()
        try it.trip()
        it.now += 500 * millisecond
        let probe = try #require(it.enter("k").started)
        #expect(it.status.state == .trying)
        #expect(it.enter("a") == .queued(probe + 1))
        #expect(it.unwrap("b", 1) == .queued(probe + 2))
        #expect(it.finish(probe).releases == [.start(probe + 1), .start(probe + 2)])
        #expect(it.status.state == .closed)
        #expect(it.status.underWay == 2)
    }

    @Test func `a try in vain refuses those who wait and doubles the pause up to its end`() throws {
        var it = GateHarness()
        try it.trip()
        var pauses: [UInt64] = []
        for _ in 0..<8 {
            let left = try #require(it.enter("k").refused?.retryAfterNanoseconds)
            pauses.append(left / millisecond)
            it.now += left
            let probe = try #require(it.enter("k").started)
            #expect(it.enter("a") == .queued(probe + 1))
            let (told, releases) = it.finish(probe, .unavailable)
            guard case .refused(probe + 1, let error) = try #require(releases.first) else {
                Issue.record("the waiting call was not refused")
                return
            }
            #expect(releases.count == 1)
            #expect(error.retryAfterNanoseconds == told?.retryAfterNanoseconds)
        }
        #expect(pauses == [500, 1_000, 2_000, 4_000, 7_500, 7_500, 7_500, 7_500])
        #expect(it.status.queued == 0)
    }

    @Test func `a late answer to a call of before closes the breaker, a late failure is nothing`()
        throws
    {
        var it = GateHarness()
        let slow = try #require(it.enter("slow").started)
        let slower = try #require(it.enter("slower").started)
        try it.trip()
        let left = it.status.retryInMilliseconds
        it.finish(slow, .unavailable)
        #expect(it.status.retryInMilliseconds == left)
        it.finish(slower)
        #expect(it.status.state == .closed)
        #expect(it.enter("k").started != nil)
    }

    @Test func `the try is made even when old calls hang in all places`() throws {
        var it = GateHarness { $0.callsMax = 4 }
        let hanging = [try #require(it.enter("h").started)]
        try it.trip()
        it.now += second
        #expect(it.enter("k").started != nil)
        it.finish(hanging[0], .unavailable)
        #expect(it.status.state == .trying, "not the try's own failure")
    }

    // MARK: places

    @Test func `calls beyond the limit queue, the two kinds in turn`() throws {
        var it = GateHarness { $0.callsMax = 2 }
        #expect(it.enter("a") == .start(1))
        #expect(it.unwrap("b", 0) == .start(2))
        for byte in 1...3 { #expect(it.unwrap("b", UInt8(byte)) == .queued(2 + UInt64(byte))) }
        #expect(it.enter("c") == .queued(6))
        #expect(it.enter("d") == .queued(7))
        #expect(it.status.queued == 5)
        var order: [UInt64] = []
        var ending: UInt64 = 1
        for _ in 0..<5 {
            let releases = it.finish(ending).releases
            guard case .start(let next)? = releases.first, releases.count == 1 else {
                Issue.record("\(releases)")
                return
            }
            order.append(next)
            ending = next
        }
        #expect(order == [6, 3, 7, 4, 5])
        #expect(it.status.queued == 0)
        #expect(it.status.underWay == 2)
    }

    @Test func `the queue is bounded, each kind for itself`() throws {
        var it = GateHarness {
            $0.callsMax = 1
            $0.queuedMax = 2
        }
        #expect(it.enter("a").started != nil)
        for byte in UInt8(0)..<2 { #expect(it.unwrap("b", byte).refused == nil) }
        #expect(it.unwrap("b", 2).refused?.code == .unavailable)
        #expect(it.unwrap("b", 1) == .joined(3), "sharing takes no room")
        #expect(it.enter("c").refused == nil)
    }

    @Test func `an opening breaker refuses the whole queue`() throws {
        var it = GateHarness {
            $0.callsMax = 3
            $0.failuresMax = 2
        }
        for _ in 0..<3 { #expect(it.enter("k").started != nil) }
        for byte in UInt8(0)..<3 { #expect(it.unwrap("k", byte).refused == nil) }
        #expect(it.finish(1, .unavailable).releases.count == 1, "still closed")
        let releases = it.finish(2, .unavailable).releases
        #expect(releases.count == 2)
        for release in releases {
            guard case .refused(_, let error) = release else {
                Issue.record("\(release)")
                continue
            }
            #expect(error.retryAfterNanoseconds == 500 * millisecond)
        }
        #expect(it.status.underWay == 2)
    }

    // MARK: sharing

    @Test func `the same wrapped key is one call, another is another`() throws {
        var it = GateHarness()
        #expect(it.unwrap("k", 1) == .start(1))
        #expect(it.unwrap("k", 1) == .joined(1))
        #expect(it.unwrap("j", 1) == .start(2))
        #expect(it.unwrap("k", 2) == .start(3))
        it.finish(1)
        #expect(it.unwrap("k", 1) == .start(4), "nothing is kept after the call")
        #expect(it.status.counts.joined == 1)
    }

    @Test func `data keys are never shared`() throws {
        var it = GateHarness()
        #expect(it.enter("k") == .start(1))
        #expect(it.enter("k") == .start(2))
    }

    // MARK: refusals

    @Test(arguments: [KeyServiceError.Code.notFound, .denied, .disabled, .corrupt])
    func `a refusal is remembered for some seconds, for its call only`(
        _ code: KeyServiceError.Code
    ) throws {
        var it = GateHarness()
        it.finish(try #require(it.unwrap("k", 1).started), code)
        it.now += second
        let error = try #require(it.unwrap("k", 1).refused)
        #expect(error.code == code)
        #expect(error.retryAfterNanoseconds == 4 * second)
        #expect(it.unwrap("k", 2).started != nil)
        #expect(it.enter("k").started != nil)
        it.now += 4 * second
        let again = try #require(it.unwrap("k", 1).started)
        it.finish(again)
        #expect(it.unwrap("k", 1).started != nil)
    }

    @Test func `a queued call is refused by what its like was told`() throws {
        var it = GateHarness { $0.callsMax = 1 }
        #expect(it.enter("k") == .start(1))
        #expect(it.enter("k") == .queued(2))
        #expect(it.enter("j") == .queued(3))
        let releases = it.finish(1, .disabled).releases
        #expect(
            releases == [
                .refused(2, GateHarness.error(.disabled).after(nanoseconds: 5 * second)),
                .start(3),
            ])
    }

    @Test func `an outage is never remembered as a refusal`() throws {
        var it = GateHarness()
        try it.call("k", .unavailable)
        #expect(it.enter("k").started != nil)
    }

    @Test func `remembered refusals are bounded and the newest stay`() throws {
        var it = GateHarness()
        for number in 0..<3_000 {
            it.now += 1
            try it.call("k\(number)", .notFound)
        }
        #expect(it.enter("k2999").refused != nil)
        #expect(it.enter("k0").started != nil)
    }
}
