// ConnectorTests: connections are made to the first address that answers, and taken by all loops.

import TestSupport
import Testing

@testable import Loop
@testable import Transport

@Suite struct ConnectorTests {
    private enum Found: Equatable {
        case connected
        case failed(String)
    }

    /// Connects on a loop and tells what came of it.
    private func connect(
        _ host: String, _ port: UInt16, seconds: UInt64 = 10
    ) throws -> Found {
        let group = try LoopGroup(count: 1)
        defer { group.stopAndJoin() }
        let outcome = Monitor<Found?>(nil)
        group.loops[0].submit { loop in
            _ = Connector(
                host: host, port: port, resolver: Resolver(), on: loop,
                timeoutNanoseconds: seconds * 1_000_000_000
            ) { result in
                switch result {
                case .success(let socket):
                    socket.close()
                    outcome.with { $0 = .connected }
                case .failure(let error): outcome.with { $0 = .failed(error.description) }
                }
            }
        }
        return try #require(outcome.wait { $0 })
    }

    @Test func `a numeric address is connected`() throws {
        let listener = try BlockingListener()
        #expect(try connect("127.0.0.1", listener.port) == .connected)
        #expect(listener.accept() != nil)
    }

    @Test func `a name is tried at each of its addresses`() throws {
        // Only IPv4 is listened on; where the name leads to ::1 first, that is refused.
        let listener = try BlockingListener()
        #expect(try connect("localhost", listener.port) == .connected)
    }

    @Test func `a refusal says where and why`() throws {
        let port = try #require(try BlockingListener.freePorts(1).first)
        let outcome = try connect("127.0.0.1", port)
        guard case .failed(let reason) = outcome else {
            Issue.record("connected to a port that nobody listens on")
            return
        }
        #expect(reason.contains("127.0.0.1:\(port)"))
        #expect(reason.contains("refused"))
    }

    @Test func `a name that nobody has is a failure`() throws {
        guard case .failed(let reason) = try connect("no-such-host.invalid", 1) else {
            Issue.record("connected to a host that does not exist")
            return
        }
        #expect(reason.contains("no-such-host.invalid:1"))
    }

    @Test func `a cancelled attempt tells nobody`() throws {
        let listener = try BlockingListener()
        let group = try LoopGroup(count: 1)
        defer { group.stopAndJoin() }
        let told = Monitor(0)
        for host in ["127.0.0.1", "localhost"] {
            let port = listener.port
            group.loops[0].submit { loop in
                let connector = Connector(
                    host: host, port: port, resolver: Resolver(), on: loop,
                    timeoutNanoseconds: 1_000_000
                ) { _ in told.with { $0 += 1 } }
                connector.cancel()
            }
        }
        // Longer than the attempts would have had.
        let later = Gate()
        group.loops[0].submit { loop in
            loop.schedule(afterNanoseconds: 50_000_000) { _ in later.open() }
        }
        #expect(later.wait())
        #expect(told.with { $0 } == 0)
    }

    // MARK: accepting

    @Test func `connections are spread over all loops`() throws {
        let group = try LoopGroup(count: 3)
        defer { group.stopAndJoin() }
        let taken = Monitor<[Int]>([0, 0, 0])
        for (index, handle) in group.loops.enumerated() {
            handle.submit { $0.attachment = Numbered(index) }
        }
        let address = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
        let targets = group.loops
        let port = group.loops[0].wait { loop -> UInt16? in
            let acceptor = try? Acceptor(on: address, loop: loop, spreadOver: targets) {
                parcel, peer, loop in
                Socket(parcel).close()
                guard let number = (loop.attachment as? Numbered)?.number else { return }
                taken.with { $0[number] += 1 }
            } failed: { _ in
            }
            (loop.attachment as? Numbered)?.acceptor = acceptor
            return acceptor?.address.port
        }
        let clients = try (0..<30).map { _ in
            try BlockingSocket.connect(port: try #require(port))
        }
        #expect(taken.wait { $0.reduce(0, +) == 30 ? $0 : nil } == [10, 10, 10])
        for client in clients { #expect(client.isEndedByPeer()) }
        // Closed, it takes nobody.
        group.loops[0].wait { ($0.attachment as? Numbered)?.acceptor?.close() }
        #expect(throws: SocketFailure.self) {
            try BlockingSocket.connect(port: try #require(port))
        }
    }

    private final class Numbered {
        let number: Int
        var acceptor: Acceptor?
        init(_ number: Int) { self.number = number }
    }

    @Test func `a port that is taken cannot be listened on`() throws {
        let listener = try BlockingListener()
        let group = try LoopGroup(count: 1)
        defer { group.stopAndJoin() }
        let address = try #require(SocketAddress(numeric: "127.0.0.1", port: listener.port))
        let error = group.loops[0].wait { loop -> SystemError? in
            do throws(SystemError) {
                _ = try Acceptor(on: address, loop: loop, spreadOver: [loop.handle]) {
                    _, _, _ in
                } failed: { _ in
                }
                return nil
            } catch {
                return error
            }
        }
        #expect(error?.call.description == "bind")
    }
}
