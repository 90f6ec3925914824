// Principal: who a client is, as far as it was proven.

/// The name that rules know a client by.
package struct Principal: Hashable, Sendable, CustomStringConvertible {
    /// `User:name`; nil when the client's log-in could not be read.
    package let name: String?
    /// What names of users begin with, as Kafka writes them.
    package static let userPrefix = "User:"
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

    /// Byte by byte, as Kafka tells users apart. To Swift's strings two spellings of one text are
    /// equal, and one user could be taken for the other.
    package static func == (left: Principal, right: Principal) -> Bool {
        guard (left.name == nil) == (right.name == nil),
            (left.name ?? "").utf8.elementsEqual((right.name ?? "").utf8)
        else { return false }
        return left.groups.elementsEqual(right.groups) { $0.utf8.elementsEqual($1.utf8) }
    }

    package func hash(into hasher: inout Hasher) {
        for byte in (name ?? "").utf8 { hasher.combine(byte) }
        hasher.combine(groups.count)
    }
}

/// A pattern of principals that did not parse.
package enum PrincipalPatternError: Error, Equatable, Sendable {
    /// Neither `*` nor `User:` nor `group:` with something behind it.
    case form
    case tooLong(byteCount: Int)
}

/// Clients that a rule is about: by name, or by a group.
///
/// A client whose name is not known has no groups either, and fits `*` alone.
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

    /// - Parameter text: `*`, or a pattern like `User:analyst-*` or `group:analysts`.
    package init(_ text: String) throws(PrincipalPatternError) {
        guard text != "*" else {
            self = .everybody
            return
        }
        let isGroup = text.hasPrefix(PrincipalPattern.groupPrefix)
        let prefix = isGroup ? PrincipalPattern.groupPrefix : Principal.userPrefix
        guard text.hasPrefix(prefix), text.utf8.count > prefix.utf8.count else { throw .form }
        do {
            let glob = try Glob(isGroup ? String(text.dropFirst(prefix.count)) : text)
            self = isGroup ? .group(glob) : .name(glob)
        } catch {
            throw .tooLong(byteCount: text.utf8.count)
        }
    }

    private init(kind: Kind) { self.kind = kind }

    private static let groupPrefix = "group:"

    /// Whether it asks for a group, which only tokens with a claim for them name.
    package var isGroup: Bool {
        if case .group = kind { true } else { false }
    }

    /// Whether it fits every client that `other` fits, as far as the patterns alone say.
    package func covers(_ other: PrincipalPattern) -> Bool {
        switch (kind, other.kind) {
        case (.everybody, _): true
        case (.name(let mine), .name(let theirs)): mine.covers(theirs)
        case (.group(let mine), .group(let theirs)): mine.covers(theirs)
        default: false
        }
    }

    /// Whether one client may fit both. Only two patterns of names say no.
    package func mayMeet(_ other: PrincipalPattern) -> Bool {
        if case .name(let mine) = kind, case .name(let theirs) = other.kind {
            return mine.intersects(theirs)
        }
        return true
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
        case .group(let glob): PrincipalPattern.groupPrefix + glob.pattern
        }
    }
}
