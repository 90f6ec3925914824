// Substitution: `${NAME}` and `${NAME:-default}` in the values of a configuration file.

internal enum Substitution {
    struct Failure: Error, Equatable {
        let reason: String
    }

    /// Bytes of a value once filled in.
    static let valueBytesMax = 64 * 1_024

    /// Fills in variables. `$$` stands for one `$`; a `$` before anything else stays, so that
    /// `$(topic)` and JSON paths need no escape.
    ///
    /// It is done to single values after the file was parsed, and what it fills in is not looked
    /// at again: a variable cannot add keys to a file or name other variables.
    static func fill(
        _ text: String, from environment: Environment
    ) throws(Failure) -> String {
        guard text.contains("$") else { return text }
        var filled = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "$" else {
                filled.append(scalar)
                continue
            }
            switch rest.first {
            case "$":
                rest.removeFirst()
                filled.append("$")
            case "{":
                rest.removeFirst()
                guard let end = rest.firstIndex(of: "}") else {
                    throw Failure(reason: "`${` without `}`")
                }
                let reference = String(rest[..<end])
                rest = rest[rest.index(after: end)...]
                filled.append(contentsOf: try value(reference, environment).unicodeScalars)
            default: filled.append("$")
            }
        }
        let result = String(filled)
        guard result.utf8.count <= valueBytesMax else {
            throw Failure(reason: "a value has at most \(valueBytesMax) bytes once filled in")
        }
        return result
    }

    private static func value(
        _ reference: String, _ environment: Environment
    ) throws(Failure) -> String {
        let parts = reference.split(separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard isName(name) else {
            throw Failure(
                reason: "\(quoted("${\(reference)}")) is not `${NAME}` or `${NAME:-default}`"
                    + " (`$$` stands for one `$`)")
        }
        if let found = environment[name], !found.isEmpty || parts.count == 1 { return found }
        guard parts.count == 2 else {
            throw Failure(reason: "the environment has no `\(name)`, and there is no default")
        }
        return String(parts[1])
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first) else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
