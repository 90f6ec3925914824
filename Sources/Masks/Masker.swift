// Masker: applies masks to the texts of JSON values.

package import Bytes
package import Crypto

/// Applies masks. One per event loop; scratch space is used again and nothing is allocated per
/// value.
package final class Masker {
    /// - Parameter tokenKey: for keyed masks, 16 to 64 bytes; nil when no rule uses one.
    package init(tokenKey: SecretBytes?) {}

    /// Appends what is shown for `value`, the exact text of one JSON value, quotes included. It
    /// always succeeds: what a mask cannot be applied to is redacted.
    package func apply(_ mask: Mask, to value: RawSpan, into output: ByteBuffer) {}
}
