// MaskLimits: what one mask may say, and what masking one value may cost.

/// Bounds of the settings of masks and of the values that they are put to.
package enum MaskLimits {
    // MARK: settings

    /// Characters that a mask hides or keeps.
    package static let charactersMax = 1_000
    /// Characters that a mask skips.
    package static let ignoredCharactersMax = 16
    /// A text that stands in place of a value, and the entity of a date shift: bytes of UTF-8.
    /// Every string of an object may grow to it.
    package static let textBytesMax = 256
    /// The name of a kind of data, as in `[EMAIL_ADDRESS]`.
    package static let typeNameBytesMax = 64
    /// Digits of a card number that may be kept: PCI DSS 4.0 (3.4.1) allows the issuer's number,
    /// which has up to 8, and the last four.
    package static let cardFirstMax = 8
    package static let cardLastMax = 4
    /// Days by which a date is moved at most, in either direction: a hundred years.
    package static let shiftDaysMax = 36_500
    /// Digits of a bucket's width. A remainder times ten still fits 64 bits.
    package static let stepDigitsMax = 18

    // MARK: values

    /// Digits of a number that is rounded, with the zeros that its exponent adds. One with more is
    /// redacted: written out, 1e400 would be longer than what it replaces.
    package static let numberDigitsMax = 128
    /// Nesting of arrays and objects of which every leaf is masked.
    package static let depthMax = 512
    /// What one masked value may grow to. A string of two bytes may become `textBytesMax` long.
    package static let outputBytesMax = 64 << 20
    /// Digits of card numbers (ISO/IEC 7812-1 has at most 19; shorter than 13 are not in use).
    package static let cardDigits = 13...19
    /// The longest domain name (RFC 1035 section 2.3.4).
    package static let domainBytesMax = 253
    /// A scratch buffer that grew beyond this is given back after the value that needed it.
    package static let scratchBytesKept = 1 << 20

    // MARK: keys

    /// Bytes of the key of keyed masks. Below 16 it could be guessed; more than a block of SHA-256
    /// adds nothing (RFC 2104 section 3).
    package static let keyBytes = 16...64
}
