// VaultSession: the token that calls are made with: getting, watching, renewing and replacing it.

internal import Crypto
internal import KeyService
internal import Limits

/// A token in use.
internal struct VaultToken: Sendable {
    internal let secret: SecretBytes
    /// Counts up with each new token; a renewal keeps it.
    internal let generation: UInt64
    /// When the log-in gave it (monotonic nanoseconds).
    internal let obtained: UInt64
    /// When it ends, as far as that is known.
    internal let expires: UInt64?
    internal let isRenewable: Bool
    /// The life that it came with.
    internal let firstSeconds: UInt64
}

/// What to do after a token was refused.
internal enum VaultReplacement: Sendable {
    /// Try once more with this one.
    case token(VaultToken)
    /// The token is good: its policy says no.
    case deniedByPolicy
    /// The token is not good, and there is no other.
    case deniedToken
}

/// Keeps one good token. Whoever asks while a log-in is under way waits for that one. A token that
/// is still good goes on being used while another is fetched.
internal actor VaultSession {
    private let api: VaultAPI
    private let auth: VaultAuth
    private let clock: @Sendable () -> UInt64
    private var token: VaultToken?
    private var generations: UInt64 = 0
    private var flight: Task<Void, Never>?
    private var renewal: Task<Void, Never>?
    private var failed: (failure: VaultFailure, until: UInt64)?
    private var verdict: (generation: UInt64, isValid: Bool, until: UInt64)?
    private var stamp: SecretFile.Stamp?
    private var fileChecked: UInt64 = 0

    internal init(
        _ api: VaultAPI, _ auth: VaultAuth,
        clock: @escaping @Sendable () -> UInt64 = HTTPClient.monotonic
    ) {
        self.api = api
        self.auth = auth
        self.clock = clock
    }

    deinit { renewal?.cancel() }

    // MARK: asking

    /// A token to make calls with.
    internal func current() async throws(VaultFailure) -> VaultToken {
        await noticeChangedFile()
        for _ in 0..<2 {
            if let token, !isOver(token) { return token }
            if let failed, clock() < failed.until { throw failed.failure }
            await alone { await $0.logIn() }
        }
        if let token, !isOver(token) { return token }
        throw failed?.failure ?? VaultFailure(.unavailable, "there is no token yet")
    }

    /// What to do after a call with `refused` was answered with status 403.
    internal func replacement(
        of refused: VaultToken
    ) async throws(VaultFailure) -> VaultReplacement {
        for _ in 0..<2 {
            if let token, token.generation != refused.generation { return .token(token) }
            if let verdict, verdict.generation == refused.generation, clock() < verdict.until {
                return verdict.isValid ? .deniedByPolicy : .deniedToken
            }
            if let failed, clock() < failed.until { throw failed.failure }
            await alone { await $0.judge(refused) }
        }
        if let token, token.generation != refused.generation { return .token(token) }
        if let verdict, verdict.generation == refused.generation {
            return verdict.isValid ? .deniedByPolicy : .deniedToken
        }
        throw failed?.failure ?? VaultFailure(.unavailable, "the token cannot be looked up")
    }

    /// Runs `body`, or waits for what is run already.
    private func alone(_ body: @escaping @Sendable (VaultSession) async -> Void) async {
        if let flight { return await flight.value }
        let task = Task {
            await body(self)
            flight = nil
        }
        flight = task
        await task.value
    }

    /// The life of a token in a file is somebody else's matter: the server decides.
    private func isOver(_ token: VaultToken) -> Bool {
        guard canLogIn, let expires = token.expires else { return false }
        return clock() >= expires
    }

    private var canLogIn: Bool {
        if case .tokenFile = auth { return false }
        return true
    }

    // MARK: logging in

    /// Leaves a new token, or `failed`; a token of before stays.
    private func logIn() async {
        switch auth {
        case .tokenFile(let path): await readToken(path)
        case .appRole(let mount, let roleID, let file):
            await logIn(mount, ("role_id", roleID), "secret_id", file)
        case .kubernetes(let mount, let role, let file), .jwt(let mount, let role, let file):
            await logIn(mount, ("role", role), "jwt", file)
        }
    }

    private func logIn(
        _ mount: String, _ identity: (String, String), _ secretName: String, _ file: String
    ) async {
        guard let secret = await read(file)?.secret else { return }
        let answer = await api.logIn(
            VaultLogIn(mount: mount, identity: identity, secretName: secretName, secret: secret))
        switch answer {
        case .value(let lease): adopt(lease.secret, lease.life)
        case .refused(let refusal): fail(refusal.failure(logInAt: mount))
        case .unreadable:
            fail(
                VaultFailure(
                    .unauthenticated, "what is mounted at auth/\(mount) gives no token"))
        case .failed(let failure): fail(VaultFailure(failure))
        }
    }

    private func readToken(_ path: String) async {
        guard let found = await read(path) else { return }
        if let token, token.secret.constantTimeEquals(found.secret) {
            stamp = found.stamp
            return
        }
        // Without its life the token could not be renewed in time.
        let life: VaultLife
        switch await api.lookUp(found.secret) {
        case .value(let told): life = told
        case .failed(let failure): return fail(VaultFailure(failure))
        case .refused(let refusal):
            if let general = refusal.general { return fail(general) }
            // Its policy may forbid to ask; a call will show whether it is good.
            life = VaultLife(seconds: 0, isRenewable: false)
        case .unreadable: life = VaultLife(seconds: 0, isRenewable: false)
        }
        stamp = found.stamp
        fileChecked = clock()
        adopt(found.secret, life)
    }

    private func read(
        _ path: String
    ) async -> (secret: SecretBytes, stamp: SecretFile.Stamp)? {
        let file = SecretFile(path: path)
        let found = await api.client.onThread {
            Result { () throws(SecretFile.Problem) in try file.read() }
        }
        switch found {
        case .success(let read)?: return read
        case .failure(let problem)?: fail(VaultFailure(.unauthenticated, problem.sentence))
        case nil: fail(VaultFailure(.closed))
        }
        return nil
    }

    /// Reads a token file again when it has changed.
    private func noticeChangedFile() async {
        guard case .tokenFile(let path) = auth, token != nil,
            clock() >= fileChecked + VaultLimits.fileCheckNanoseconds
        else { return }
        fileChecked = clock()
        let file = SecretFile(path: path)
        guard let now = await api.client.onThread({ file.stamp() }), now != stamp else { return }
        await alone { await $0.logIn() }
    }

    private func adopt(_ secret: SecretBytes, _ life: VaultLife) {
        generations += 1
        failed = nil
        verdict = nil
        set(secret, life, obtained: clock(), firstSeconds: life.seconds)
    }

    private func set(
        _ secret: SecretBytes, _ life: VaultLife, obtained: UInt64, firstSeconds: UInt64
    ) {
        let now = clock()
        let nanoseconds = life.seconds * 1_000_000_000
        token = VaultToken(
            secret: secret, generation: generations, obtained: obtained,
            expires: life.seconds == 0 ? nil : now + nanoseconds, isRenewable: life.isRenewable,
            firstSeconds: firstSeconds)
        renewal?.cancel()
        renewal = nil
        guard life.seconds > 0, life.isRenewable || canLogIn else { return }
        let spread = UInt64.random(in: 0...VaultLimits.renewalSpreadPercent)
        schedule(nanoseconds / 100 * (VaultLimits.renewalPercent - spread))
    }

    private func fail(_ failure: VaultFailure) {
        let pause =
            failure.code == .unavailable
            ? VaultLimits.logInRetryNanoseconds : VaultLimits.logInPauseNanoseconds
        failed = (failure, clock() + pause)
    }

    // MARK: after a refusal

    /// Finds out why a token was refused, and fetches another where that may help: it leaves a new
    /// token, a verdict, or `failed`.
    private func judge(_ refused: VaultToken) async {
        guard token?.generation == refused.generation else { return }
        if case .tokenFile = auth {
            await logIn()
            guard token?.generation == refused.generation else { return }
        }
        let isValid: Bool
        switch await api.lookUp(refused.secret) {
        case .value, .unreadable: isValid = true
        case .refused(let refusal):
            if let general = refusal.general { return fail(general) }
            isValid = refusal.status != 403
        case .failed(let failure): return fail(VaultFailure(failure))
        }
        let now = clock()
        let age = now - min(refused.obtained, now)
        let pause =
            isValid ? VaultLimits.staleTokenNanoseconds : VaultLimits.logInPauseNanoseconds
        if canLogIn, age >= pause {
            await logIn()
            if token?.generation != refused.generation { return }
            if !isValid, failed != nil {
                token = nil
                return
            }
        }
        // A file, or a log-in that may be tried again soon, is not kept waiting for long.
        let until =
            isValid ? VaultLimits.validNanoseconds : VaultLimits.logInPauseNanoseconds
        verdict = (refused.generation, isValid, now + until)
    }

    // MARK: renewing

    private func schedule(_ nanoseconds: UInt64) {
        guard let generation = token?.generation else { return }
        renewal = Task { [weak self] in
            try? await Task.sleep(for: .nanoseconds(nanoseconds))
            guard !Task.isCancelled else { return }
            await self?.renew(generation)
        }
    }

    private func renew(_ generation: UInt64) async {
        guard let token, token.generation == generation else { return }
        if token.isRenewable {
            switch await api.renew(token.secret) {
            case .value(let life):
                guard self.token?.generation == generation else { return }
                // Near its last day a token is renewed for less and less.
                guard canLogIn, life.seconds * 2 < token.firstSeconds else {
                    return set(
                        token.secret, life, obtained: token.obtained,
                        firstSeconds: token.firstSeconds)
                }
            case .failed(.closed): return
            case .failed: return scheduleRetry(generation)
            case .refused(let refusal) where refusal.general != nil:
                return scheduleRetry(generation)
            case .refused, .unreadable: break
            }
        }
        // What cannot be renewed is replaced: by a log-in, or by whoever keeps the file.
        guard self.token?.generation == generation else { return }
        await alone { await $0.logIn() }
        scheduleRetry(generation)
    }

    /// Tries again soon when the token is still the same.
    private func scheduleRetry(_ generation: UInt64) {
        guard let token, token.generation == generation, let expires = token.expires else { return }
        let now = clock()
        guard canLogIn ? now < expires : true else { return }
        let left = expires - min(expires, now)
        schedule(
            min(max(left / 8, VaultLimits.renewalRetryNanoseconds), 30_000_000_000))
    }
}
