// Mask: the kinds of masks, with their settings, as rules name them.

/// A mask that makes no sense, and why.
package struct MaskError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// What is shown in place of a value. docs/MASKS.md lists the exact results.
package enum Mask: Hashable, Sendable {
    /// `redact`: a value of the same type that says nothing.
    case redact
    /// `null`.
    case null
}
