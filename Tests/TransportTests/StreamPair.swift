// StreamPair: a byte stream on a loop of its own, and the test's end of the connection.

import Bytes
import TestSupport
import Testing

@testable import Loop
@testable import Transport

/// What happened on a stream, noted on its loop.
final class StreamLog: ByteStreamDelegate, Sendable {
    struct Events {
        var readable = 0
        var drained = 0
        var broken: SystemError?
    }

    let events = Monitor(Events())

    func streamReadable(_ stream: ByteStream) { events.with { $0.readable += 1 } }
    func streamDrained(_ stream: ByteStream) { events.with { $0.drained += 1 } }
    func streamBroken(_ stream: ByteStream, _ error: SystemError) {
        events.with { $0.broken = error }
    }
}

/// A stream on a loop, connected to a blocking socket of the test.
final class StreamPair {
    let group: LoopGroup
    let log = StreamLog()
    /// The test's end.
    let peer: BlockingSocket

    /// Kept on the loop as its attachment.
    private final class Attached {
        let stream: ByteStream
        init(_ stream: ByteStream) { self.stream = stream }
    }

    /// - Parameter receiveBytes: the size of the peer's receive buffer, to make it a slow reader.
    init(receiveBytes: Int? = nil) throws {
        group = try LoopGroup(count: 1)
        let made = Monitor<Result<Bool, SystemError>?>(nil)
        let log = log
        let address = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
        let port = Monitor<UInt16?>(nil)
        group.loops[0].submit { loop in
            let acceptor = try? Acceptor(on: address, loop: loop, spreadOver: [loop.handle]) {
                parcel, _, loop in
                guard let stream = try? ByteStream(Socket(parcel), on: loop) else { return }
                stream.delegate = log
                loop.attachment = Attached(stream)
                made.with { $0 = .success(true) }
            } failed: { error in
                made.with { $0 = .failure(error) }
            }
            port.with { $0 = acceptor?.address.port }
            // It lives until the connection is there.
            loop.attachment = acceptor
        }
        peer = try BlockingSocket.connect(
            port: try #require(port.wait { $0 }), receiveBytes: receiveBytes)
        _ = try #require(made.wait { $0 }).get()
    }

    deinit { group.stopAndJoin() }

    /// Runs `body` with the stream, on its loop.
    func onLoop<R: Sendable>(_ body: @escaping @Sendable (ByteStream) -> R) throws -> R {
        let result = group.loops[0].wait { loop -> R? in
            (loop.attachment as? Attached).map { body($0.stream) }
        }
        return try #require(result)
    }
}

/// A buffer that holds `bytes`.
func filled(_ bytes: [UInt8]) -> ByteBuffer {
    let buffer = ByteBuffer(capacity: bytes.count)
    buffer.append(bytes)
    return buffer
}
