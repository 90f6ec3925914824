// VaultSettings: where a Vault or OpenBao server is and how to log in.

internal import Limits

/// How to get a token.
package enum VaultAuth: Sendable, Hashable {
    /// A file that holds a token, kept fresh by somebody else or by renewing it. It is read again
    /// when it changes and when its token is refused.
    case tokenFile(String)
    /// AppRole; the file holds the secret id.
    case appRole(mount: String, roleID: String, secretIDFile: String)
    /// The service account token that Kubernetes keeps in a file.
    case kubernetes(mount: String, role: String, jwtFile: String)
    /// Any other JWT in a file.
    case jwt(mount: String, role: String, jwtFile: String)
}

/// Why settings cannot be used. It names the setting and quotes nothing of it.
package struct VaultSettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Name of the setting.
    package let setting: String
    package let message: String

    package var description: String { "\(setting): \(message)" }
}

/// What a `VaultKeyService` is made from.
package struct VaultSettings: Sendable, Hashable {
    /// `https://host:port`, with a path in front of `/v1` if there is one. `http://` is possible:
    /// then tokens and data keys cross the network readable, see `isReadableOnTheNetwork`.
    package var address: String
    /// Path of the transit secrets engine, such as `transit` or `teams/pay/transit`.
    package var mount: String
    /// Sent as `X-Vault-Namespace` with every call, log-in included.
    package var namespace: String?
    package var auth: VaultAuth
    /// PEM file of the authorities that the server's certificate may come from. With it, those of
    /// the system do not count.
    package var caFile: String?
    /// PEM files of the certificate and key that the server is shown.
    package var clientCertificateFile: String?
    package var clientKeyFile: String?
    /// The name in the server's certificate, when it is not the host of the address.
    package var serverName: String?
    /// Time to connect, TLS included.
    package var connectNanoseconds: UInt64
    /// Time for one HTTP call. A key that has to be asked for after a log-in takes two.
    package var totalNanoseconds: UInt64
    /// Whether `https_proxy` and its like count.
    package var usesEnvironmentProxy: Bool

    package init(
        address: String, mount: String = "transit", namespace: String? = nil, auth: VaultAuth,
        caFile: String? = nil, clientCertificateFile: String? = nil, clientKeyFile: String? = nil,
        serverName: String? = nil,
        connectNanoseconds: UInt64 = VaultLimits.connectNanosecondsDefault,
        totalNanoseconds: UInt64 = VaultLimits.totalNanosecondsDefault,
        usesEnvironmentProxy: Bool = false
    ) {
        self.address = address
        self.mount = mount
        self.namespace = namespace
        self.auth = auth
        self.caFile = caFile
        self.clientCertificateFile = clientCertificateFile
        self.clientKeyFile = clientKeyFile
        self.serverName = serverName
        self.connectNanoseconds = connectNanoseconds
        self.totalNanoseconds = totalNanoseconds
        self.usesEnvironmentProxy = usesEnvironmentProxy
    }

    /// Whether tokens and data keys cross the network without TLS.
    package var isReadableOnTheNetwork: Bool { !address.hasPrefix("https://") }

    // MARK: checking

    internal func check() throws(VaultSettingsError) {
        _ = try VaultAddress(address)
        try VaultSettings.check(path: mount, "mount")
        if let namespace { try VaultSettings.check(path: namespace, "namespace") }
        switch auth {
        case .tokenFile: break
        case .appRole(let mount, let roleID, _):
            try VaultSettings.check(path: mount, "auth.mount")
            try VaultSettings.check(text: roleID, "auth.roleID")
        case .kubernetes(let mount, let role, _), .jwt(let mount, let role, _):
            try VaultSettings.check(path: mount, "auth.mount")
            try VaultSettings.check(text: role, "auth.role")
        }
        if let serverName { try VaultAddress.check(host: serverName, "serverName") }
        guard (clientCertificateFile == nil) == (clientKeyFile == nil) else {
            throw VaultSettingsError(
                setting: "clientCertificateFile", message: "a certificate and its key go together")
        }
        for (setting, time) in [
            ("connectNanoseconds", connectNanoseconds), ("totalNanoseconds", totalNanoseconds),
        ] where !(1_000_000...VaultLimits.callNanosecondsMax).contains(time) {
            throw VaultSettingsError(setting: setting, message: "is not between 1 ms and 300 s")
        }
    }

    /// Slash-separated parts, each with something in it, none of which climbs.
    private static func check(path: String, _ setting: String) throws(VaultSettingsError) {
        try check(text: path, setting)
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !["", ".", ".."].contains($0) }) else {
            throw VaultSettingsError(
                setting: setting, message: "has an empty part or one of dots; write it as a/b")
        }
    }

    /// What may stand in a header or in JSON without surprises.
    private static func check(text: String, _ setting: String) throws(VaultSettingsError) {
        guard (1...VaultLimits.nameBytesMax).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw VaultSettingsError(
                setting: setting,
                message: "must have 1 to \(VaultLimits.nameBytesMax) printable ASCII characters")
        }
    }
}

/// An address that was checked, in the parts that libcurl is given.
internal struct VaultAddress: Sendable {
    /// `https` or `http`.
    internal let scheme: String
    /// As it stands in the address, an IPv6 one in brackets.
    internal let host: String
    internal let port: UInt16
    /// What stands before `/v1`, without a slash at its end.
    internal let prefix: String

    internal init(_ text: String) throws(VaultSettingsError) {
        guard text.utf8.count <= VaultLimits.addressBytesMax,
            let scheme = ["https", "http"].first(where: { text.hasPrefix($0 + "://") })
        else { throw VaultAddress.refusal("must start with https:// or http://") }
        let rest = text.dropFirst(scheme.count + 3)
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path = path.dropLast() }
        guard path.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !"?#\\%".utf8.contains($0) }),
            path.split(separator: "/").allSatisfy({ ![".", ".."].contains($0) })
        else { throw VaultAddress.refusal("has a path with characters that do not belong there") }
        guard !path.split(separator: "/").contains("v1") else {
            throw VaultAddress.refusal("ends before /v1, which is added")
        }
        let isBracketed = authority.hasPrefix("[") && authority.contains("]")
        let host =
            isBracketed
            ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        let after = authority.dropFirst(host.count)
        guard after.isEmpty || after.hasPrefix(":") else {
            throw VaultAddress.refusal("has something between host and port")
        }
        let port = after.isEmpty ? (scheme == "https" ? 443 : 80) : UInt16(after.dropFirst())
        guard let port, port > 0 else { throw VaultAddress.refusal("has no good port") }
        let name = isBracketed ? host.dropFirst().dropLast() : host
        if isBracketed {
            guard !name.isEmpty,
                name.utf8.allSatisfy({ "0123456789abcdefABCDEF:.".utf8.contains($0) })
            else { throw VaultAddress.refusal("has no good IPv6 address") }
        } else {
            try VaultAddress.check(host: String(name), "address")
        }
        self.scheme = scheme
        self.host = String(host)
        self.port = port
        prefix = String(path)
    }

    /// Letters, digits, dots, hyphens and underscores: no user name, no port, nothing to decode.
    internal static func check(host: String, _ setting: String) throws(VaultSettingsError) {
        let isGood = host.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || ".-_".utf8.contains(byte)
        }
        guard isGood, (1...253).contains(host.utf8.count) else {
            throw VaultSettingsError(setting: setting, message: "has no good host name")
        }
    }

    private static func refusal(_ message: String) -> VaultSettingsError {
        VaultSettingsError(setting: "address", message: message)
    }
}
