// HTTPTransfer: one call inside libcurl: its options, its buffers, its outcome.

internal import Bytes
internal import CCurl
internal import Crypto
internal import Glibc
internal import Limits

/// What all calls of a client have in common.
internal struct HTTPSettings: Sendable {
    internal let address: VaultAddress
    internal let namespace: String?
    internal let caFile: String?
    internal let clientCertificateFile: String?
    internal let clientKeyFile: String?
    internal let serverName: String?
    internal let connectNanoseconds: UInt64
    internal let usesEnvironmentProxy: Bool

    /// Host and port in the URL: the name that the certificate must show.
    internal var authority: String { "\(serverName ?? address.host):\(address.port)" }
}

/// A call and the libcurl handle that makes it. It stays on the client's thread, and in place:
/// libcurl holds its address.
@safe
internal final class HTTPTransfer {
    internal let job: HTTPJob
    internal let easy: UnsafeMutableRawPointer
    private let settings: HTTPSettings
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var connectTo: UnsafeMutablePointer<curl_slist>?
    private let body = ByteBuffer(capacity: 16)
    private var answer = ByteBuffer(capacity: 4_096)
    private var headBytes = 0
    private var isTooLarge = false
    private var redirects = 0

    /// Takes over a clean handle.
    // SAFETY: the handle and the lists belong to this object until `end`.
    internal init(_ job: HTTPJob, _ settings: HTTPSettings, on easy: UnsafeMutableRawPointer) {
        self.job = job
        self.settings = settings
        unsafe self.easy = easy
    }

    /// libcurl did not take an option or a header.
    private var isBroken = false

    // MARK: options

    /// Sets the handle up for the call.
    /// - Returns: false when libcurl did not take an option; the call must then not be made.
    // SAFETY: `easy` is a live handle; strings are copied by libcurl, lists and the body live until
    // `end`; `self` is held by the thread until the handle is out of libcurl's hands.
    internal func prepare(now: UInt64) -> Bool {
        let address = settings.address
        set(CURLOPT_NOSIGNAL, 1)
        // A name server that hangs must not hold up the calls of others when this one is given up.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_PROTOCOLS_STR, address.scheme)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_USERAGENT, "waxwing")
        if !settings.usesEnvironmentProxy { set(CURLOPT_PROXY, "") }
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let caFile = settings.caFile {
            set(CURLOPT_CAINFO, caFile)
            // A file that is changed counts within a minute; libcurl would keep it for a day.
            set(CURLOPT_CA_CACHE_TIMEOUT, 60)
            unsafe wax_curl_set_string(easy, CURLOPT_CAPATH, nil)
        }
        if let certificate = settings.clientCertificateFile {
            set(CURLOPT_SSLCERT, certificate)
        }
        if let key = settings.clientKeyFile { set(CURLOPT_SSLKEY, key) }
        if settings.serverName != nil {
            unsafe connectTo = wax_curl_list_append(
                nil, "\(settings.authority):\(address.host):\(address.port)")
            unsafe wax_curl_set_list(easy, CURLOPT_CONNECT_TO, connectTo)
        }
        let left = job.deadline > now ? job.deadline - now : 0
        set(CURLOPT_CONNECTTIMEOUT_MS, HTTPTransfer.milliseconds(settings.connectNanoseconds))
        set(CURLOPT_TIMEOUT_MS, HTTPTransfer.milliseconds(left))
        set(
            CURLOPT_URL,
            "\(address.scheme)://\(settings.authority)\(address.prefix)\(job.request.path)")
        prepareContent()
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe wax_curl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        unsafe wax_curl_set_callback(easy, CURLOPT_WRITEFUNCTION) {
            unsafe HTTPTransfer.received($0, $1, $2, $3)
        }
        unsafe wax_curl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        unsafe wax_curl_set_callback(easy, CURLOPT_HEADERFUNCTION) {
            unsafe HTTPTransfer.receivedHead($1, $2, $3)
        }
        return !isBroken
    }

    // SAFETY: as `prepare`; the body's storage does not move, as nothing is appended to it later.
    private func prepareContent() {
        // Lets agents that ask for this header tell the call from one that a browser was tricked
        // into.
        add(header: "X-Vault-Request: true")
        if let namespace = settings.namespace { add(header: "X-Vault-Namespace: \(namespace)") }
        if let token = job.request.token { add(header: "X-Vault-Token: ", token) }
        if let content = job.request.body {
            add(header: "Content-Type: application/json")
            add(header: "Expect:")
            let body = body
            body.reserveExactly(content.count)
            content.withBytes { body.append($0) }
            set(CURLOPT_POST, 1)
            set(CURLOPT_POSTFIELDSIZE, body.count)
            let bytes = body.bytes
            unsafe bytes.withUnsafeBytes { room in
                _ = unsafe wax_curl_set_pointer(
                    easy, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: room.baseAddress))
            }
        }
        unsafe wax_curl_set_list(easy, CURLOPT_HTTPHEADER, headers)
    }

    /// libcurl takes 0 for no limit.
    private static func milliseconds(_ nanoseconds: UInt64) -> Int {
        max(Int(clamping: nanoseconds / 1_000_000), 1)
    }

    private func set(_ option: CURLoption, _ value: Int) {
        // SAFETY: `easy` is a live handle.
        if unsafe wax_curl_set_long(easy, option, value) != CURLE_OK { isBroken = true }
    }

    private func set(_ option: CURLoption, _ value: String) {
        // SAFETY: libcurl copies the string.
        if unsafe wax_curl_set_string(easy, option, value) != CURLE_OK { isBroken = true }
    }

    /// libcurl copies the line; the copy made here is zeroed.
    // SAFETY: the line ends with a zero byte and lives for the call.
    private func add(header: String, _ secret: SecretBytes? = nil) {
        let line = ByteBuffer(capacity: header.utf8.count + (secret?.count ?? 0) + 1)
        line.append(header)
        secret?.withBytes { line.append($0) }
        line.append(UInt8(0))
        let bytes = line.bytes
        unsafe bytes.withUnsafeBytes { room in
            let text = unsafe room.assumingMemoryBound(to: CChar.self)
            if let longer = unsafe wax_curl_list_append(headers, text.baseAddress) {
                unsafe headers = longer
            } else {
                isBroken = true
            }
        }
        wipe(line)
    }

    // MARK: receiving

    /// A part of the body has come.
    ///
    /// - Returns: how many bytes were taken; fewer than came end the call.
    // SAFETY: libcurl gives `size * count` bytes, and the object that `prepare` set as context.
    private static func received(
        _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
        _ context: UnsafeMutableRawPointer?
    ) -> Int {
        guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
        let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
        let run = unsafe RawSpan(_unsafeStart: bytes, byteCount: size * count)
        return transfer.take(run) ? size * count : 0
    }

    /// The same for a line of the head, which is only counted.
    // SAFETY: libcurl gives the object that `prepare` set.
    private static func receivedHead(
        _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
    ) -> Int {
        guard let context = unsafe context else { return 0 }
        let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
        transfer.headBytes += size * count
        transfer.isTooLarge = transfer.headBytes > VaultLimits.answerHeadBytesMax
        return transfer.isTooLarge ? 0 : size * count
    }

    /// - Returns: false when the answer is larger than it may be.
    private func take(_ run: RawSpan) -> Bool {
        let wanted = answer.count + run.byteCount
        guard wanted <= VaultLimits.answerBytesMax else {
            isTooLarge = true
            return false
        }
        if wanted > answer.capacity {
            // Growing in place could leave a copy behind that nobody zeroes.
            let larger = ByteBuffer(capacity: max(wanted, answer.capacity * 2))
            let smaller = answer
            larger.append(smaller.bytes)
            wipe(smaller)
            answer = larger
        }
        answer.append(run)
        return true
    }

    // MARK: outcome

    /// What became of the call; nil when it has to go on at another address, which is set.
    // SAFETY: `easy` is a live handle that has finished; the string is copied at once.
    internal func outcome(_ code: CURLcode, now: UInt64) -> Result<Int, HTTPFailure>? {
        guard code == CURLE_OK else { return .failure(failure(code)) }
        let status = unsafe wax_curl_get_long(easy, CURLINFO_RESPONSE_CODE)
        guard (300..<400).contains(status) else { return .success(status) }
        guard status == 307 || status == 308 else {
            return .failure(.redirect("with status \(status), as no key service does"))
        }
        guard let found = unsafe wax_curl_get_string(easy, CURLINFO_REDIRECT_URL) else {
            return .failure(.redirect("to nowhere"))
        }
        let target = unsafe String(cString: found)
        // Standby nodes send callers to the active one. Without TLS nobody knows who that is.
        let allowed =
            settings.address.scheme == "https"
            ? "https://" : "http://\(settings.address.host):"
        guard target.utf8.count <= VaultLimits.redirectBytesMax, target.hasPrefix(allowed)
        else { return .failure(.redirect("to where a token must not be sent")) }
        guard target.hasSuffix(job.request.path) else {
            return .failure(.redirect("to another path"))
        }
        guard redirects < VaultLimits.redirectsMax else {
            return .failure(.redirect("too often"))
        }
        guard job.deadline > now else { return .failure(.timedOut(isConnected: true)) }
        redirects += 1
        wipe(answer)
        headBytes = 0
        set(CURLOPT_URL, target)
        set(CURLOPT_TIMEOUT_MS, HTTPTransfer.milliseconds(job.deadline - now))
        return nil
    }

    // SAFETY: `easy` is a live handle.
    private func failure(_ code: CURLcode) -> HTTPFailure {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: return .unknownHost
        case CURLE_COULDNT_RESOLVE_PROXY: return .unreachable("the proxy is not known")
        case CURLE_COULDNT_CONNECT: return .unreachable("nobody accepts it")
        case CURLE_OPERATION_TIMEDOUT:
            // Bytes of requests that were sent, which takes a connection.
            let sent = unsafe wax_curl_get_long(easy, CURLINFO_REQUEST_SIZE)
            return .timedOut(isConnected: sent > 0)
        case CURLE_SEND_ERROR: return .unreachable("it broke off")
        case CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
            // With TLS 1.3 a server says only after the handshake that it wants a certificate.
            let mayWantCertificate =
                headBytes == 0 && settings.address.scheme == "https"
                && settings.clientCertificateFile == nil
            return .badAnswer(
                mayWantCertificate
                    ? "breaks off; it may ask for a client certificate" : "breaks off")
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL:
            return .badAnswer("is no HTTP")
        case CURLE_WRITE_ERROR:
            return isTooLarge ? .badAnswer("is too large") : .system(code: Int(code.rawValue))
        case CURLE_PEER_FAILED_VERIFICATION:
            return .tls(
                TLSVerdict.sentence(unsafe wax_curl_get_long(easy, CURLINFO_SSL_VERIFYRESULT)))
        case CURLE_SSL_CERTPROBLEM:
            return .tls("the client certificate or its key cannot be used")
        case CURLE_SSL_CACERT_BADFILE: return .tls("the CA file cannot be used")
        case CURLE_SSL_CONNECT_ERROR: return .tls("the handshake failed")
        default: return .system(code: Int(code.rawValue))
        }
    }

    /// Tells the caller, and zeroes what was received.
    internal func finish(_ outcome: Result<Int, HTTPFailure>) {
        let content = answer
        job.finish(outcome, content.bytes)
        wipe(answer)
    }

    /// Gives up the lists and zeroes the secrets. The handle must be out of libcurl's hands, and
    /// is clean afterwards.
    // SAFETY: the handle is reset first, so that nothing points at what is freed; the strings of
    // the list are ours to overwrite, as libcurl allocated them for this list.
    internal func end() {
        unsafe wax_curl_easy_reset(easy)
        var next = unsafe headers
        while let node = unsafe next {
            if let text = unsafe node.pointee.data {
                unsafe explicit_bzero(text, strlen(text))
            }
            unsafe next = node.pointee.next
        }
        unsafe wax_curl_list_free(headers)
        unsafe wax_curl_list_free(connectTo)
        unsafe headers = nil
        unsafe connectTo = nil
        wipe(body)
        wipe(answer)
    }
}

/// Sentences for the verdicts of OpenSSL on a certificate (`X509_V_ERR_…`).
internal enum TLSVerdict {
    internal static func sentence(_ verdict: Int) -> String {
        switch verdict {
        case 0, 1, 62, 64: "the server's certificate is for another name"
        case 9: "the server's certificate is not valid yet"
        case 10: "the server's certificate has expired"
        case 18, 19, 20, 21: "the server's certificate is from an authority that is not trusted"
        case 23: "the server's certificate was revoked"
        default: "the server's certificate is not good (verdict \(verdict))"
        }
    }
}
