// Files: configuration texts that tests start from, and what is said about them.

import Config
import Testing

/// The least that a file must have: six lines, so that what follows begins in line 7.
internal let least = """
    cluster:
      bootstrap: [kafka-1:9092]
    listeners:
      - name: apps
        advertise: waxwing.internal
        ports: {bootstrap: 9092, brokers: 9100-9199}

    """

/// The errors of a text, one description each.
internal func errors(_ text: String, _ environment: Environment = [:]) -> [String] {
    do {
        _ = try Configuration.parse(text: text, name: "f", environment: environment)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

/// The errors of the least file with more at its end.
internal func errors(adding more: String, _ environment: Environment = [:]) -> [String] {
    errors(least + more, environment)
}

/// The errors of a file whose only listener has these lines.
internal func errors(listener: String) -> [String] {
    errors("cluster: {bootstrap: [k:1]}\nlisteners:\n- " + listener)
}

internal func parse(
    _ text: String, _ environment: Environment = [:], directory: String = ""
) throws -> Configuration {
    try Configuration.parse(
        text: text, name: "f", environment: environment, directory: directory)
}
