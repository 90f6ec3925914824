// ProxyHarness: the real proxy in this process, between a test's client and scripted brokers.

import Glibc
import KafkaWire
import Loop
import Principals
import Rules
import Telemetry
import TestSupport
import Testing

@testable import Proxy

/// All suites of this target. They block threads of their own and run one after another, so that
/// the times they wait for mean something.
@Suite(.serialized, .blocking) enum ProxySuites {}

/// Runs each test on a thread that it may block.
struct BlockingTrait: TestTrait, SuiteTrait, TestScoping {
    var isRecursive: Bool { true }

    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        let executor = BlockingExecutor()
        defer { executor.stop() }
        try await withTaskExecutorPreference(executor) { try await function() }
    }
}

extension Trait where Self == BlockingTrait {
    static var blocking: Self { BlockingTrait() }
}

/// Topics that begin with `sealed` are sealed and opened, those with `stored` are sealed and never
/// opened, others pass.
let testRules: RuleSet = {
    do {
        return RuleSet(
            protect: [
                ProtectRule(
                    topics: [try Glob("sealed*"), try Glob("stored*")], service: "keys",
                    key: try KeyTemplate("kek-$(topic)"))
            ],
            read: [ReadRule(topics: [try Glob("sealed*")], show: .clear)])
    } catch {
        preconditionFailure("the rules of the tests are wrong: \(error)")
    }
}()

/// A proxy with one listener, and the brokers behind it.
final class ProxyHarness {
    /// The host that clients are told. It is longer than any that a broker tells.
    static let advertisedHost = "waxwing.localhost"
    /// What brokers call themselves.
    static let brokerHost = "127.0.0.1"

    let brokers: [ScriptedBroker]
    let keys: TestKeys
    let proxy: Proxy
    let context: ProxyContext
    let bootstrapPort: UInt16
    /// By node.
    let nodePorts: [UInt16]
    private let group: LoopGroup
    private let stopped = Gate()

    /// - Parameters:
    ///   - nodes: brokers behind the proxy, with ids from 0. The first is the bootstrap server.
    ///   - bootstrap: ports of bootstrap servers; nil is the first broker.
    ///   - tellsNodes: whether the first broker tells of all from the start.
    ///   - principal: where the names of clients come from.
    ///   - log: takes the log in place of what the environment says.
    ///   - audit: takes the audit.
    init(
        _ rules: RuleSet = RuleSet(), nodes: Int = 1, loops: Int = 1, bootstrap: [UInt16]? = nil,
        keys: TestKeys = TestKeys(), tellsNodes: Bool = true, host: String? = nil,
        principal: PrincipalSource = .sasl(SASLSettings()), log: LineStore? = nil,
        audit: AuditSink? = nil, _ change: (inout ProxySettings) -> Void = { _ in }
    ) throws {
        let brokers = try (0..<nodes).map { _ in try ScriptedBroker() }
        self.brokers = brokers
        self.keys = keys
        if tellsNodes { ProxyHarness.tellNodes(brokers) }
        var settings = ProxySettings(
            bootstrap: (bootstrap ?? [brokers[0].port]).map {
                HostPort(host: ProxyHarness.brokerHost, port: $0)
            })
        settings.lingerNanoseconds = 5_000_000_000
        change(&settings)
        let isVerbose = unsafe getenv("WAXWING_TEST_LOG") != nil  // SAFETY: only whether it is set.
        let silent = Log(level: .error, format: .text, descriptor: ProxyHarness.nowhere)
        context = ProxyContext(
            settings: settings, rules: rules, keyServices: ["keys": keys],
            log: log?.log ?? (isVerbose ? Log(level: .debug, format: .text) : silent),
            audit: audit)
        group = try LoopGroup(count: loops)
        proxy = Proxy(context: context, group: group)
        var ports: [UInt16] = []
        for attempt in 0... {
            ports = try BlockingListener.freePorts(nodes + 2)
            let named = (0..<nodes).map { (Int32($0), ports[$0]) }
            let addresses = AdvertisedAddresses(
                listener: "test", host: host ?? ProxyHarness.advertisedHost,
                bootstrapPort: ports[nodes], brokerPorts: ports[nodes + 1]...ports[nodes + 1],
                nodePorts: Dictionary(uniqueKeysWithValues: named))
            do {
                try proxy.start([
                    ListenerPlan(bind: "127.0.0.1", addresses: addresses, principal: principal)
                ])
                break
            } catch {
                // Another process took a port in the meantime.
                if attempt == 5 { throw error }
            }
        }
        nodePorts = Array(ports[..<nodes])
        bootstrapPort = ports[nodes]
        if tellsNodes { askForNodes() }
    }

    /// Lets the proxy ask for the brokers, and waits until it has its answer.
    func askForNodes() {
        let answered = Gate()
        ClusterProbeHandle(home: group.loops[0]).refresh { _ in answered.open() }
        answered.wait()
    }

    deinit { stop() }

    func stop() {
        guard !stopped.isOpen else { return }
        stopped.open()
        keys.become(.work)
        _ = proxy.drain(seconds: 0)
        group.stopAndJoin()
        for broker in brokers { broker.stop() }
    }

    // SAFETY: a constant path.
    private static let nowhere = unsafe open("/dev/null", O_WRONLY)

    var broker: ScriptedBroker { brokers[0] }
    /// The loop that listens.
    var home: LoopHandle { group.loops[0] }

    /// Waits until every loop is done with what it was doing.
    func settle() {
        for loop in group.loops { loop.wait { _ in } }
    }

    /// Lets the first broker tell of all.
    static func tellNodes(_ brokers: [ScriptedBroker]) {
        let nodes = brokers.enumerated().map {
            ClusterNode(Int32($0.offset), brokerHost, Int32($0.element.port))
        }
        for broker in brokers {
            broker.on(ApiKey.metadata) { .body(ClusterMessage.metadata($0.version, nodes)) }
        }
    }

    /// Connects to a node's port, or to the bootstrap port.
    func connect(node: Int? = 0, receiveBytes: Int? = nil) throws -> BlockingSocket {
        try BlockingSocket.connect(
            port: node.map { nodePorts[$0] } ?? bootstrapPort, receiveBytes: receiveBytes)
    }
}

extension ProxyHarness {
    /// Connects and logs in; the broker has to take log-ins.
    func connect(as name: String?) throws -> BlockingSocket {
        let client = try connect()
        if let name { #expect(try client.logIn(name) == 0) }
        return client
    }
}

extension BlockingSocket {
    /// Sends a request and returns the next response, without its size.
    func ask(_ request: [UInt8]) throws -> [UInt8] {
        try send(request)
        return try #require(try receiveFrame())
    }

    func ask(_ message: ProduceMessage) throws -> ProduceAnswer {
        ProduceAnswer(try ask(message.wire), version: message.version)
    }

    func ask(_ message: FetchMessage) throws -> FetchAnswer {
        FetchAnswer(try ask(message.wire), version: message.version)
    }

    /// The next response to a Produce request.
    func produceAnswer(_ version: Int16) throws -> ProduceAnswer {
        ProduceAnswer(try #require(try receiveFrame()), version: version)
    }
}

extension [UInt8] {
    /// Whether `other` occurs anywhere in it.
    func contains(run other: [UInt8]) -> Bool {
        guard let first = other.first, count >= other.count else { return other.isEmpty }
        return indices.dropLast(other.count - 1).contains {
            self[$0] == first && self[$0..<$0 + other.count].elementsEqual(other)
        }
    }

    /// Cuts it at random places into runs of at most `most` bytes.
    func cut(atMost most: Int, _ random: inout SeededRandom) -> [[UInt8]] {
        var runs: [[UInt8]] = []
        var at = 0
        while at < count {
            let size = Swift.min(count - at, Int.random(in: 1...most, using: &random))
            runs.append(Array(self[at..<at + size]))
            at += size
        }
        return runs
    }
}
