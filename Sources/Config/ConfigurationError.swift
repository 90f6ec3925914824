// ConfigurationError: what is wrong with a configuration file, and where.

/// A place in a text, both counted from 1; columns count characters.
package struct Position: Hashable, Sendable, Comparable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One thing that is wrong. Values are shown as the file has them, never as the environment
/// fills them in: that may be a secret.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package let file: String
    /// Nil when the file as a whole is meant: it is not there, or too large.
    package let position: Position?
    package let reason: String

    /// `waxwing.yaml:3:5: reason`.
    package var description: String {
        guard let position else { return "\(file): \(reason)" }
        return "\(file):\(position.line):\(position.column): \(reason)"
    }
}

/// All that was found wrong, at least one, in the order of the file.
package struct ConfigurationErrors: Error, Equatable, Sendable, CustomStringConvertible {
    package let errors: [ConfigurationError]

    /// One error per line.
    package var description: String {
        errors.map(\.description).joined(separator: "\n")
    }
}

/// Something that is accepted and may not be meant.
package struct ConfigurationWarning: Hashable, Sendable, CustomStringConvertible {
    package let file: String
    package let position: Position
    package let reason: String

    /// `waxwing.yaml:3:5: warning: reason`.
    package var description: String {
        "\(file):\(position.line):\(position.column): warning: \(reason)"
    }
}
