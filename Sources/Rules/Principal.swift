// Principal: who a client is, as far as it was proven.

/// The name that rules know a client by.
package struct Principal: Hashable, Sendable, CustomStringConvertible {
    /// `User:name`; nil when the client's log-in could not be read.
    package let name: String?
    /// Groups that a token claimed, as the broker accepted it.
    package let groups: [String]

    package init(name: String?, groups: [String] = []) {
        self.name = name
        self.groups = groups
    }

    /// A client without log-in, as Kafka calls it.
    package static let anonymous = Principal(name: "User:ANONYMOUS")
    /// A client whose log-in the broker has accepted and that could not be read.
    package static let unknown = Principal(name: nil)

    package var description: String { name ?? "unknown" }
}

/// Clients that a rule is about: by name, or by a group.
package struct PrincipalPattern: Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable, Sendable { case everybody, name(Glob), group(Glob) }
    private let kind: Kind

    /// Everybody, known or not.
    package static let everybody = PrincipalPattern(kind: .everybody)
    /// Fits names such as `User:analyst-*`.
    package static func name(_ glob: Glob) -> PrincipalPattern {
        PrincipalPattern(kind: .name(glob))
    }
    /// Fits any of the groups.
    package static func group(_ glob: Glob) -> PrincipalPattern {
        PrincipalPattern(kind: .group(glob))
    }

    package func matches(_ principal: Principal) -> Bool {
        switch kind {
        case .everybody: true
        case .name(let glob): principal.name.map(glob.matches) ?? false
        case .group(let glob): principal.groups.contains(where: glob.matches)
        }
    }

    package var description: String {
        switch kind {
        case .everybody: "*"
        case .name(let glob): glob.pattern
        case .group(let glob): "group:\(glob.pattern)"
        }
    }
}
