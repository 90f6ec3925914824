// HTTPThread: the one thread that runs libcurl.

internal import CCurl
internal import Glibc
internal import Limits

/// Runs the calls of a mailbox until it is closed. Everything here happens on one thread.
@safe
internal final class HTTPThread {
    /// How long the thread pauses when waiting itself fails.
    private static let errorMicroseconds: UInt32 = 100_000
    /// How long the thread sleeps when nothing happens.
    private static let idleMilliseconds: Int32 = 60_000
    /// The same while calls wait for their turn, whose time may run out.
    private static let waitingMilliseconds: Int32 = 50

    /// libcurl is loaded with the first Vault. It wants to be initialised before anything else;
    /// since 7.84 that may be on any thread.
    internal static let isReady = wax_curl_load() == 1

    private let settings: HTTPSettings
    private let mailbox: HTTPMailbox
    private let multi: UnsafeMutableRawPointer
    private var running: [UInt: HTTPTransfer] = [:]
    private var idle: [UnsafeMutableRawPointer]

    private final class Start: Sendable {
        let settings: HTTPSettings
        let mailbox: HTTPMailbox

        init(_ settings: HTTPSettings, _ mailbox: HTTPMailbox) {
            self.settings = settings
            self.mailbox = mailbox
        }
    }

    /// Starts a thread for `mailbox`; when there can be none, the mailbox is closed.
    // SAFETY: the retain made here is balanced on the new thread, or here when there is none.
    internal static func start(_ settings: HTTPSettings, _ mailbox: HTTPMailbox) {
        let start = unsafe Unmanaged.passRetained(Start(settings, mailbox))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                HTTPThread.run(start)
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            unsafe start.release()
            mailbox.close()
            return
        }
        pthread_detach(thread)
    }

    private static func run(_ start: Start) {
        block()
        let mailbox = start.mailbox
        if let thread = HTTPThread(start.settings, mailbox) { thread.loop() }
        mailbox.close()
        for item in mailbox.drain() { item.fail(.closed) }
    }

    /// Signals are for other threads. A broken connection shows as an error of the write.
    private static func block() {
        var all = sigset_t()
        // SAFETY: the set is a local that both calls only use while they run.
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
    }

    // SAFETY: the handle is freed in `loop` only, after `setWake(nil)`.
    private init?(_ settings: HTTPSettings, _ mailbox: HTTPMailbox) {
        guard HTTPThread.isReady, let multi = unsafe wax_curl_multi_init() else { return nil }
        self.settings = settings
        self.mailbox = mailbox
        unsafe self.multi = multi
        unsafe idle = []
        _ = unsafe wax_curl_multi_set_long(
            multi, CURLMOPT_MAXCONNECTS, VaultLimits.idleConnectionsMax)
        let address = UInt(bitPattern: multi)
        mailbox.setWake {
            unsafe wax_curl_multi_wakeup(UnsafeMutableRawPointer(bitPattern: address))
        }
    }

    // SAFETY: all libcurl calls are made on this thread with live handles; `wax_curl_multi_wakeup`,
    // which others make, is allowed from any thread and ends with `setWake(nil)`.
    private func loop() {
        while let items = mailbox.take(
            VaultLimits.callsInFlightMax - running.count, now: HTTPClient.monotonic())
        {
            for item in items { begin(item) }
            var left: Int32 = 0
            unsafe wax_curl_multi_perform(multi, &left)
            // What has finished made room for calls that wait, whom nobody announces again.
            if finishDone() { continue }
            let pause =
                running.count < VaultLimits.callsInFlightMax
                ? HTTPThread.idleMilliseconds : HTTPThread.waitingMilliseconds
            // libcurl wakes up earlier for its own timers.
            if unsafe wax_curl_multi_poll(multi, pause) != CURLM_OK {
                // Not at full speed round an error that stays.
                usleep(HTTPThread.errorMicroseconds)
            }
        }
        mailbox.setWake(nil)
        for transfer in running.values {
            unsafe wax_curl_multi_remove_handle(multi, transfer.easy)
            transfer.finish(.failure(.closed))
            transfer.end()
            unsafe wax_curl_easy_cleanup(transfer.easy)
        }
        running = [:]
        while let easy = unsafe idle.popLast() { unsafe wax_curl_easy_cleanup(easy) }
        unsafe wax_curl_multi_cleanup(multi)
    }

    // SAFETY: as `loop`.
    private func begin(_ item: HTTPMailbox.Item) {
        guard case .call(let job) = item else {
            if case .work(let body) = item { body(false) }
            return
        }
        let now = HTTPClient.monotonic()
        guard job.deadline > now else { return item.fail(.timedOut(isConnected: false)) }
        guard let easy = unsafe idle.popLast() ?? wax_curl_easy_init() else {
            return item.fail(.system(code: Int(CURLE_OUT_OF_MEMORY.rawValue)))
        }
        let transfer = unsafe HTTPTransfer(job, settings, on: easy)
        let isReady = transfer.prepare(now: now)
        guard isReady, unsafe wax_curl_multi_add_handle(multi, easy) == CURLM_OK else {
            transfer.finish(.failure(.system(code: Int(CURLE_OUT_OF_MEMORY.rawValue))))
            transfer.end()
            unsafe wax_curl_easy_cleanup(easy)
            return
        }
        running[UInt(bitPattern: easy)] = transfer
    }

    /// - Returns: whether there was something to finish.
    // SAFETY: as `loop`; a message is read before the handle that it belongs to is removed.
    private func finishDone() -> Bool {
        var left: Int32 = 0
        var isAny = false
        while let message = unsafe wax_curl_multi_info_read(multi, &left) {
            isAny = true
            guard unsafe message.pointee.msg == CURLMSG_DONE,
                let easy = unsafe message.pointee.easy_handle,
                let transfer = running[UInt(bitPattern: easy)]
            else { continue }
            let code = unsafe message.pointee.data.result
            unsafe wax_curl_multi_remove_handle(multi, easy)
            guard let outcome = transfer.outcome(code, now: HTTPClient.monotonic()) else {
                unsafe wax_curl_multi_add_handle(multi, easy)
                continue
            }
            running[UInt(bitPattern: easy)] = nil
            transfer.finish(outcome)
            transfer.end()
            if unsafe idle.count < VaultLimits.idleConnectionsMax {
                unsafe idle.append(easy)
            } else {
                unsafe wax_curl_easy_cleanup(easy)
            }
        }
        return isAny
    }
}
