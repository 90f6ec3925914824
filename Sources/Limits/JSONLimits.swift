// JSONLimits: bounds of JSON texts that are walked.

/// Bounds of JSON walking. They do not depend on what a text says.
package enum JSONLimits {
    /// Nesting of arrays and objects. Token payloads and answers of key services need about five.
    package static let depthMax = 32
    /// Elements of one array that are listed.
    package static let elementsMax = 10_000
}
