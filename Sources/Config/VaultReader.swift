// VaultReader: the settings of a key service of HashiCorp Vault or OpenBao.

internal import Limits

internal struct VaultReader {
    let reading: Reading

    /// Where Kubernetes puts a pod's token.
    static let serviceAccountFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"

    func source(_ node: Node) -> VaultSource? {
        guard
            let section = Section(
                node, "`vault`",
                keys: [
                    "address", "mount", "namespace", "auth", "tls", "connectTimeout", "timeout",
                    "proxy", "allowPlaintext",
                ], in: reading)
        else { return nil }
        let isPlaintextAllowed =
            section["allowPlaintext"].flatMap { reading.bool($0, "allowPlaintext") } ?? false
        let address = section.required("address").flatMap {
            self.address($0, isPlaintextAllowed: isPlaintextAllowed)
        }
        let authentication = section.required("auth").flatMap(authentication)
        let mount = section["mount"].flatMap { place($0, "mount") }
        let namespace = section["namespace"].flatMap { place($0, "namespace") }
        let tls = section["tls"].flatMap { self.tls($0, address: address) }
        let connect = section["connectTimeout"].flatMap {
            reading.duration($0, "connectTimeout", in: Bounds.vaultTime)
        }
        let request = section["timeout"].flatMap {
            reading.duration($0, "timeout", in: Bounds.vaultTime)
        }
        let proxy = section["proxy"].flatMap {
            reading.choice($0, "proxy", [("none", .none), ("environment", .environment)])
                as VaultSource.Proxy?
        }
        guard let address, let authentication else { return nil }
        var source = VaultSource(address: address, authentication: authentication)
        source.mount = mount ?? source.mount
        source.namespace = namespace
        source.tls = tls ?? source.tls
        source.connectNanoseconds = connect ?? source.connectNanoseconds
        source.requestNanoseconds = request ?? source.requestNanoseconds
        source.proxy = proxy ?? source.proxy
        return source
    }

    // MARK: address

    private func address(_ node: Node, isPlaintextAllowed: Bool) -> String? {
        guard let text = reading.text(node, "address") else { return nil }
        guard !text.filled.contains("@") else {
            // It may be followed by a password, which is not shown.
            reading.report(text.position, "`address` has no user; `auth` says how to log in")
            return nil
        }
        guard let (scheme, host, address) = VaultReader.parts(text.filled) else {
            reading.report(
                text.position,
                "`address` must be like `https://vault.internal:8200`, not \(text.shown)")
            return nil
        }
        guard scheme == "http", !VaultReader.isLoopback(host) else { return address }
        guard isPlaintextAllowed else {
            reading.report(
                text.position,
                "`address`: tokens and keys would be readable on the way; use `https`, or say"
                    + " `allowPlaintext: true`")
            return nil
        }
        reading.warn(text.position, "`address`: tokens and keys are readable on the way")
        return address
    }

    /// Scheme, host without brackets, and the whole without slashes at its end; nil when it is no
    /// address, or has a user, a query or a fragment.
    private static func parts(_ text: String) -> (scheme: String, host: String, all: String)? {
        guard text.utf8.count <= VaultLimits.addressBytesMax,
            let scheme = ["https", "http"].first(where: { text.hasPrefix("\($0)://") })
        else { return nil }
        var all = text[...]
        while all.hasSuffix("/") { all.removeLast() }
        let rest = all.dropFirst(scheme.count + 3)
        let authority = String(rest.prefix { $0 != "/" })
        let path = rest.dropFirst(authority.count)
        let isPath = path.isEmpty || isPlace(path.dropFirst())
        // The interface's own prefix is added to every call.
        guard isPath, !path.split(separator: "/").contains("v1") else { return nil }
        if let endpoint = Reading.endpoint(authority) {
            return (scheme, endpoint.host, String(all))
        }
        let host = Reading.withoutBrackets(authority)
        guard Reading.isHost(host), !host.contains(":") || host != authority else { return nil }
        return (scheme, host, String(all))
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host.lowercased() == "localhost" { return true }
        guard let address = NumericAddress(host)?.bytes else { return false }
        return address.count == 4
            ? address[0] == 127 : address == [UInt8](repeating: 0, count: 15) + [1]
    }

    // MARK: paths and names

    /// Parts between slashes, each with something in it, none of which climbs.
    private static func isPlace(_ text: some StringProtocol) -> Bool {
        text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.utf8.allSatisfy { Reading.isNameByte($0) || $0 == UInt8(ascii: "~") }
        }
    }

    /// The path of a mount or namespace.
    private func place(_ node: Node, _ key: String) -> String? {
        guard let text = reading.text(node, key) else { return nil }
        guard text.filled.utf8.count <= VaultLimits.nameBytesMax, VaultReader.isPlace(text.filled)
        else {
            reading.report(
                text.position,
                "`\(key)` must be a path like `team/a`, without slashes at its ends, not"
                    + " \(text.shown)")
            return nil
        }
        return text.filled
    }

    /// A name that is sent as it is.
    private func word(_ node: Node, _ key: String) -> String? {
        guard let text = reading.text(node, key) else { return nil }
        guard text.filled.utf8.count <= VaultLimits.nameBytesMax,
            text.filled.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            reading.report(
                text.position,
                "`\(key)` must have 1 to \(VaultLimits.nameBytesMax) printable characters of"
                    + " ASCII, without spaces")
            return nil
        }
        return text.filled
    }

    // MARK: auth

    private func authentication(_ node: Node) -> VaultSource.Authentication? {
        let kinds = ["tokenFile", "appRole", "kubernetes", "jwt"]
        guard let kind = Section(node, "`auth`", keys: kinds, in: reading)?.one(of: kinds) else {
            return nil
        }
        switch kind.key {
        case "tokenFile":
            return reading.path(kind.value, "tokenFile").map { .token(file: $0) }
        case "appRole": return appRole(kind.value)
        case "kubernetes":
            let found = role(
                kind.value, "kubernetes", tokenFile: VaultReader.serviceAccountFile)
            return found.map {
                .kubernetes(mount: $0.mount, role: $0.role, tokenFile: $0.tokenFile)
            }
        default:
            return role(kind.value, "jwt", tokenFile: nil).map {
                .jwt(mount: $0.mount, role: $0.role, tokenFile: $0.tokenFile)
            }
        }
    }

    private func appRole(_ node: Node) -> VaultSource.Authentication? {
        guard
            let section = Section(
                node, "`appRole`", keys: ["mount", "roleId", "roleIdFile", "secretIdFile"],
                in: reading)
        else { return nil }
        let mount = section["mount"].map { place($0, "mount") } ?? .some("approle")
        let secret = section.required("secretIdFile").flatMap { reading.path($0, "secretIdFile") }
        guard let kind = section.one(of: ["roleId", "roleIdFile"]) else { return nil }
        let roleID: VaultSource.RoleID? =
            kind.key == "roleId"
            ? word(kind.value, "roleId").map { .value($0) }
            : reading.path(kind.value, "roleIdFile").map { .file($0) }
        guard let mount, let secret, let roleID else { return nil }
        return .appRole(mount: mount, roleID: roleID, secretIDFile: secret)
    }

    /// - Parameter tokenFile: where the token is when the file does not say it.
    private func role(
        _ node: Node, _ what: String, tokenFile: String?
    ) -> (mount: String, role: String, tokenFile: String)? {
        guard
            let section = Section(
                node, "`\(what)`", keys: ["mount", "role", "tokenFile"], in: reading)
        else { return nil }
        let mount = section["mount"].map { place($0, "mount") } ?? .some(what)
        let role = section.required("role").flatMap { word($0, "role") }
        let own = tokenFile == nil ? section.required("tokenFile") : section["tokenFile"]
        let file = own.map { reading.path($0, "tokenFile") } ?? tokenFile
        guard let mount, let role, let file else { return nil }
        return (mount, role, file)
    }

    // MARK: tls

    private func tls(_ node: Node, address: String?) -> VaultSource.TLS? {
        guard
            let section = Section(
                node, "`tls`", keys: ["ca", "certificate", "key", "serverName"], in: reading)
        else { return nil }
        if address?.hasPrefix("http:") == true {
            reading.report(node.position, "`tls` needs an `address` with `https`")
        }
        if (section["certificate"] == nil) != (section["key"] == nil) {
            reading.report(node.position, "`certificate` and `key` go together")
        }
        var tls = VaultSource.TLS()
        tls.ca = section["ca"].flatMap { reading.path($0, "ca") }
        tls.certificate = section["certificate"].flatMap { reading.path($0, "certificate") }
        tls.key = section["key"].flatMap { reading.path($0, "key") }
        tls.serverName = section["serverName"].flatMap { reading.host($0, "serverName") }
        return tls
    }
}
