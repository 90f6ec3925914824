// DataKeySettings: the configured limits of data keys, within the hard caps.

internal import Limits

/// How far a data key may be used and how long an unwrapped one is held.
package struct DataKeySettings: Sendable, Equatable {
    /// Records sealed under one data key. A limit below one batch is a limit of one batch.
    package let recordsMax: UInt64
    /// Plaintext bytes sealed under one data key, with the same exception.
    package let bytesMax: UInt64
    /// Age in seconds at which a data key stops sealing.
    package let ageSecondsMax: UInt64
    /// Unwrapped data keys held per loop.
    package let openingKeysMax: Int
    /// Seconds for which one is held.
    package let openingKeySecondsMax: UInt64

    /// Values outside 1 to the hard cap of `KeyLimits` are moved to the nearer end, so that no
    /// configuration can exceed a cap.
    package init(
        recordsMax: UInt64 = KeyLimits.recordsPerDataKeyDefault,
        bytesMax: UInt64 = KeyLimits.bytesPerDataKeyDefault,
        ageSecondsMax: UInt64 = KeyLimits.dataKeyAgeSecondsDefault,
        openingKeysMax: Int = KeyLimits.openingKeysDefault,
        openingKeySecondsMax: UInt64 = KeyLimits.openingKeySecondsDefault
    ) {
        self.recordsMax = min(max(recordsMax, 1), KeyLimits.recordsPerDataKeyMax)
        self.bytesMax = min(max(bytesMax, 1), KeyLimits.bytesPerDataKeyMax)
        self.ageSecondsMax = min(max(ageSecondsMax, 1), KeyLimits.dataKeyAgeSecondsMax)
        self.openingKeysMax = min(max(openingKeysMax, 1), KeyLimits.openingKeysMax)
        self.openingKeySecondsMax = min(
            max(openingKeySecondsMax, 1), KeyLimits.openingKeySecondsMax)
    }
}
