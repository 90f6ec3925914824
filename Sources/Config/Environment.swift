// Environment: the variables that a configuration file may refer to.

internal import Glibc

/// Named values from outside the file.
package struct Environment: Sendable, ExpressibleByDictionaryLiteral {
    private let values: [String: String]?

    /// These variables and no others.
    package init(_ values: [String: String]) { self.values = values }

    package init(dictionaryLiteral elements: (String, String)...) {
        values = Dictionary(elements, uniquingKeysWith: { _, last in last })
    }

    private init() { values = nil }

    /// The environment of the process.
    package static var process: Environment { Environment() }

    package subscript(name: String) -> String? {
        if let values { return values[name] }
        // SAFETY: getenv returns a C string or nil, copied at once; nothing here sets variables.
        return unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
