// LoopKeys: the data keys of one loop, and the sessions that wait for them.

internal import Bytes
internal import Crypto
internal import Envelope
internal import KeyService
internal import Loop
internal import Telemetry

/// Carries out what the loop's `DataKeys` asks for, and tells sessions when it has come.
internal final class LoopKeys: OpeningKeys {
    private let loop: EventLoop
    private let shared: ProxyContext
    private let keys: DataKeys
    private var waiters = KeyWaiters<Session>()
    private var timer: LoopTimer?
    private var timerDeadline = UInt64.max

    /// Why the keys that the last batch asked for were not at hand: nil when they are on the way.
    private(set) var openingFailure: KeyServiceError?

    init(loop: EventLoop, shared: ProxyContext) {
        self.loop = loop
        self.shared = shared
        keys = DataKeys(settings: shared.settings.dataKeys)
        watchRefusals()
    }

    /// What one loop is refused, the others stop using too, without asking for themselves.
    private func watchRefusals() {
        let handle = loop.handle
        for (serviceName, service) in shared.keyServices {
            service.observeRefusals { name, error in
                guard let reference = KEKReference(service: serviceName, name: name) else { return }
                handle.submit { loop in
                    (loop.attachment as? LoopContext)?.keys.refused(reference, error)
                }
            }
        }
    }

    private func refused(_ reference: KEKReference, _ error: KeyServiceError) {
        keys.refused(reference, error, now: loop.now)
        changed()
    }

    // MARK: sealing

    func reserve(_ reference: KEKReference, records: Int, bytes: Int) -> DataKeys.SealingAnswer {
        let answer = keys.reserve(reference, records: records, bytes: bytes, now: loop.now)
        if case .wait(let ticket) = answer { waiters.ask(ticket, now: loop.now) }
        act()
        return answer
    }

    // MARK: opening

    /// Whether a key that the last batch asked for is on its way.
    private(set) var isOpeningKeyComing = false

    /// Begins the opening of a partition: failures of the one before are forgotten.
    func beginOpening() {
        openingFailure = nil
        isOpeningKeyComing = false
    }

    func openingKey(reference: RawSpan, wrapped: RawSpan, id: UInt64) -> OpeningKey? {
        switch keys.openingKey(reference: reference, wrapped: wrapped, id: id, now: loop.now) {
        case .hit(let key): return key
        case .wait(let ticket):
            waiters.ask(ticket, now: loop.now)
            isOpeningKeyComing = true
            return nil
        case .failed(let error):
            openingFailure = error
            return nil
        }
    }

    /// Starts the calls that a partition with missing keys asked for.
    func fetchMissing() { act() }

    // MARK: waiting

    /// Calls `keysChanged` on the session, once, when there is news of a key that it was told to
    /// wait for in this turn of the loop.
    func await(_ session: Session) { waiters.await(session) }

    func forget(_ session: Session) { waiters.forget(session) }

    private func changed() {
        act()
        let woken = waiters.take(keys.takeNews())
        guard !woken.isEmpty else { return }
        for session in woken { session.keysChanged() }
        act()
    }

    // MARK: status

    /// The keys that this loop holds, without secrets.
    func status() -> LoopKeyStatus {
        LoopKeyStatus(dataKeys: keys.status(now: loop.now), openingKeys: keys.openingKeyCount)
    }

    // MARK: calls

    private func act() {
        for action in keys.takeActions() {
            switch action {
            case .generate(let reference): generate(reference)
            case .unwrap(let request): unwrap(request)
            }
        }
        arm()
    }

    private func generate(_ reference: KEKReference) {
        let shared = shared
        let reply = loop.reply {
            [weak self] (result: Result<GeneratedDataKey, KeyServiceError>, loop) in
            self?.log(result, reference, "data key fetched")
            self?.keys.generated(reference, result, now: loop.now)
            self?.changed()
        }
        Task {
            do throws(KeyServiceError) {
                let service = try LoopKeys.service(reference, shared)
                reply(.success(try await service.generateDataKey(under: reference.name)))
            } catch {
                reply(.failure(error))
            }
        }
    }

    private func unwrap(_ request: UnwrapRequest) {
        let shared = shared
        let reply = loop.reply {
            [weak self] (result: Result<SecretBytes, KeyServiceError>, loop) in
            self?.log(result, request.reference, "data key unwrapped")
            self?.keys.unwrapped(request, result, now: loop.now)
            self?.changed()
        }
        Task {
            do throws(KeyServiceError) {
                let service = try LoopKeys.service(request.reference, shared)
                reply(
                    .success(
                        try await service.unwrap(request.wrapped, under: request.reference.name)))
            } catch {
                reply(.failure(error))
            }
        }
    }

    private static func service(
        _ reference: KEKReference, _ shared: ProxyContext
    ) throws(KeyServiceError) -> any KeyService {
        guard let service = shared.keyServices[reference.service] else {
            throw KeyServiceError(
                .notFound, key: reference.text, "there is no key service of that name")
        }
        return service
    }

    private func log<Value>(
        _ result: Result<Value, KeyServiceError>, _ reference: KEKReference, _ success: String
    ) {
        switch result {
        case .success: shared.log.debug(success, [.init("key", reference.text)])
        case .failure(let error):
            shared.log.limited(
                .warn, "key service failed",
                [.init("key", reference.text), .init("reason", "\(error)")])
        }
    }

    private func arm() {
        guard let deadline = keys.nextDeadline, deadline != timerDeadline else { return }
        timer?.cancel()
        timerDeadline = deadline
        let delay = deadline > loop.now ? deadline - loop.now : 0
        timer = loop.schedule(afterNanoseconds: delay) { [weak self] loop in
            guard let self else { return }
            self.timerDeadline = .max
            self.keys.tick(now: loop.now)
            self.changed()
        }
    }
}
