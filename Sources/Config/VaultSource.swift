// VaultSource: how a key service of HashiCorp Vault or OpenBao is reached.

/// `keys.NAME.vault`. Secrets are named by file and never held here; relative paths have been
/// resolved against the configuration file's own directory.
package struct VaultSource: Sendable, Equatable {
    /// How Waxwing proves to the server who it is.
    package enum Authentication: Sendable, Equatable {
        /// The file holds a token.
        case token(file: String)
        case appRole(mount: String, roleID: RoleID, secretIDFile: String)
        /// The file holds the pod's service account token.
        case kubernetes(mount: String, role: String, tokenFile: String)
        case jwt(mount: String, role: String, tokenFile: String)
    }

    /// The role id of an AppRole, which is a name more than a secret.
    package enum RoleID: Sendable, Equatable {
        case value(String)
        case file(String)
    }

    package struct TLS: Sendable, Equatable {
        /// PEM files. Nil: what the operating system trusts.
        package var ca: String?
        /// Both or none.
        package var certificate: String?
        package var key: String?
        /// The name that the server's certificate must have; nil: the address's host.
        package var serverName: String?

        package init() {}
    }

    package enum Proxy: Sendable, Equatable {
        case none
        /// As `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
        case environment
    }

    /// `http://` or `https://`, host, perhaps port and path; no slash at the end.
    package let address: String
    /// The path of the transit mount, without slashes at its ends.
    package var mount = "transit"
    package var namespace: String?
    package let authentication: Authentication
    package var tls = TLS()
    /// For setting up a connection, and for a whole request with it.
    package var connectNanoseconds = Bounds.vaultConnectDefault
    package var requestNanoseconds = Bounds.vaultRequestDefault
    package var proxy = Proxy.none

    package init(address: String, authentication: Authentication) {
        self.address = address
        self.authentication = authentication
    }
}
