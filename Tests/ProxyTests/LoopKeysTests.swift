// LoopKeysTests: several loops in front of one guarded key service.

import Bytes
import Envelope
import KeyService
import Loop
import Rules
import Telemetry
import TestSupport
import Testing

@testable import Proxy

extension ProxySuites {
    @Suite struct LoopKeysTests {
        /// Loops with their contexts, and no listener.
        private final class Loops {
            let keys = TestKeys()
            let proxy: Proxy
            let group: LoopGroup
            let reference: KEKReference

            init(_ count: Int, _ dataKeys: DataKeySettings = DataKeySettings()) throws {
                reference = try #require(KEKReference("keys/pay"))
                var settings = ProxySettings(bootstrap: [HostPort(host: "127.0.0.1", port: 1)])
                settings.dataKeys = dataKeys
                let context = ProxyContext(
                    settings: settings, rules: RuleSet(),
                    keyServices: ["keys": GuardedKeyService(keys, name: "keys")],
                    log: Log(level: .error, format: .text))
                group = try LoopGroup(count: count)
                proxy = Proxy(context: context, group: group)
            }

            deinit { group.stopAndJoin() }

            /// Asks a loop again and again until it gives an answer.
            func poll<Value: Sendable>(
                _ loop: Int, _ ask: @escaping @Sendable (LoopKeys) -> Value?
            ) -> Value? {
                for _ in 0..<2_000 {
                    let answer = group.loops[loop].wait { loop in
                        (loop.attachment as? LoopContext).flatMap { ask($0.keys) }
                    }
                    if let answer { return answer }
                    Pause.milliseconds(5)
                }
                return nil
            }

            /// The id of the key that a batch is sealed with.
            func seal(_ loop: Int, records: Int = 1) -> UInt64? {
                let reference = reference
                return poll(loop) { keys in
                    guard case .ready(let key) = keys.reserve(reference, records: records, bytes: 1)
                    else { return nil }
                    return key.id
                }
            }

            /// What a loop's batch is refused with.
            func refusal(_ loop: Int) -> KeyServiceError.Code? {
                let reference = reference
                return poll(loop) { keys in
                    guard case .failed(let error) = keys.reserve(reference, records: 1, bytes: 1)
                    else { return nil }
                    return error.code
                }
            }

            /// Whether a loop opens what `wrapped` seals.
            func opens(_ loop: Int, _ wrapped: [UInt8]) -> Bool {
                let text = reference.text
                return poll(loop) { keys in
                    let name = ByteBuffer()
                    name.append(text)
                    let content = ByteBuffer()
                    content.append(wrapped)
                    keys.beginOpening()
                    let key = keys.openingKey(
                        reference: name.bytes, wrapped: content.bytes, id: 7)
                    keys.fetchMissing()
                    return key == nil ? nil : true
                } ?? false
            }
        }

        @Test func `loops that meet the same wrapped key make one call`() throws {
            let loops = try Loops(4)
            let reference = loops.reference
            #expect(loops.seal(0) != nil)
            let wrapped: [UInt8] = try #require(
                loops.poll(0) { keys in
                    guard case .ready(let key) = keys.reserve(reference, records: 1, bytes: 1)
                    else { return nil }
                    return key.wrapped
                })
            let before = loops.keys.calls
            loops.keys.become(.hang)
            let text = reference.text
            for loop in loops.group.loops {
                loop.wait { loop in
                    guard let keys = (loop.attachment as? LoopContext)?.keys else { return }
                    let name = ByteBuffer()
                    name.append(text)
                    let content = ByteBuffer()
                    content.append(wrapped)
                    _ = keys.openingKey(reference: name.bytes, wrapped: content.bytes, id: 7)
                    keys.fetchMissing()
                }
            }
            let joined = (0..<2_000).contains { _ in
                if loops.proxy.keyStatus().services.first?.counts.joined == 3 { return true }
                Pause.milliseconds(5)
                return false
            }
            #expect(joined)
            loops.keys.become(.work)
            for loop in 0..<4 { #expect(loops.opens(loop, wrapped)) }
            #expect(loops.keys.calls == before + 1)
        }

        @Test func `the status has every loop's keys and the service`() throws {
            let loops = try Loops(3)
            let ids = (0..<3).map { loops.seal($0, records: 10) }
            #expect(Set(ids).count == 3, "a data key belongs to one loop")
            let status = loops.proxy.keyStatus()
            #expect(status.loops.map { $0.dataKeys.first?.id } == ids)
            #expect(status.loops.map { $0.dataKeys.first?.records } == [10, 10, 10])
            #expect(status.loops.map(\.openingKeys) == [0, 0, 0])
            #expect(status.services.map(\.service) == ["keys"])
            #expect(status.services.first?.counts.made == 3)
            #expect(status.services.first?.state == .closed)
        }

        @Test func `what one loop is refused stops sealing on all of them`() throws {
            let loops = try Loops(3, DataKeySettings(recordsMax: 100))
            for loop in 0..<3 { #expect(loops.seal(loop) != nil) }
            loops.keys.become(.fail(.disabled))
            // Only this loop needs a successor; the others could go on for long.
            #expect(loops.seal(0, records: 85) != nil)
            for loop in 0..<3 { #expect(loops.refusal(loop) == .disabled) }
            #expect(loops.proxy.keyStatus().loops.allSatisfy { $0.dataKeys.isEmpty })
        }

        @Test func `an outage ends sealing nowhere before the limits`() throws {
            let loops = try Loops(2, DataKeySettings(recordsMax: 100))
            let ids = (0..<2).map { loops.seal($0) }
            loops.keys.become(.fail(.unavailable))
            for _ in 0..<98 {
                for loop in 0..<2 { #expect(loops.seal(loop) == ids[loop]) }
            }
            #expect(loops.seal(0) == ids[0], "the last record")
            #expect(loops.refusal(0) == .unavailable)
            loops.keys.become(.work)
            let next = loops.seal(0)
            #expect(next != nil && next != ids[0])
        }
    }
}
