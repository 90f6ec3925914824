// Reading: one reading of a configuration file, and the errors found on the way.

/// What all steps of one reading share. Errors are collected, so that one run shows them all.
internal final class Reading {
    let file: String
    let environment: Environment
    /// For paths in the file that are relative; empty: they stay as they are.
    let directory: String
    private var noticed: Set<ConfigurationWarning> = []
    private var found: [ConfigurationError] = []
    private var isFull = false

    /// More errors or warnings than this are of no more use.
    private static let errorsMax = 100

    init(file: String, environment: Environment, directory: String) {
        self.file = file
        self.environment = environment
        self.directory = directory
    }

    func report(_ position: Position?, _ reason: String) {
        guard found.count < Reading.errorsMax else {
            isFull = true
            return
        }
        found.append(ConfigurationError(file: file, position: position, reason: reason))
    }

    /// Says something about a file that is right. Said once for a place.
    func warn(_ position: Position, _ reason: String) {
        guard noticed.count < Reading.errorsMax else { return }
        noticed.insert(ConfigurationWarning(file: file, position: position, reason: reason))
    }

    /// Everything said by `warn`, in the order of the file.
    var warnings: [ConfigurationWarning] {
        noticed.sorted { ($0.position, $0.reason) < ($1.position, $1.reason) }
    }

    var hasErrors: Bool { !found.isEmpty }

    /// Everything reported, in the order of the file.
    var errors: ConfigurationErrors {
        let nowhere = Position(line: 0, column: 0)
        var errors = found.enumerated().sorted { left, right in
            let (a, b) = (left.element.position ?? nowhere, right.element.position ?? nowhere)
            return a == b ? left.offset < right.offset : a < b
        }.map(\.element)
        if isFull {
            errors.append(
                ConfigurationError(
                    file: file, position: nil, reason: "more errors are not shown"))
        }
        return ConfigurationErrors(errors: errors)
    }
}
