// Bounds: defaults and bounds of everything that a configuration file can set.

internal import Limits

/// Defaults of optional keys, and the least and most that a key may say. docs/CONFIG.md repeats
/// them for users.
internal enum Bounds {
    static let fileBytesMax = 1 << 20

    static let bootstrapServersMax = 100
    static let listenersMax = 64
    static let nodePortsMax = 4_096
    static let brokerPortsMax = 4_096
    static let keyServicesMax = 64
    static let rulesMax = 1_000
    /// Over all rules, of topics and of principals each: they are compared in pairs.
    static let patternsMax = 2_000
    /// Names of listeners and key services in bytes.
    static let nameBytesMax = 64
    static let hostBytesMax = 253
    static let pathBytesMax = 4_095
    static let principalBytesMax = 255
    /// What `sun_path` holds, without its zero (unix(7)).
    static let socketPathBytesMax = 107
    /// Names of a token's claims in bytes.
    static let claimBytesMax = 255
    /// Over all rules: paths of fields are compared in pairs too.
    static let fieldsMax = 2_000

    private static let millisecond: UInt64 = 1_000_000
    private static let second: UInt64 = 1_000 * millisecond
    private static let minute: UInt64 = 60 * second

    static let connectDefault = 5 * second
    static let connect = 100 * millisecond...5 * minute

    static let limitsDefault = LimitSettings(
        requestBytesMax: ProxyLimits.requestBytesMax,
        responseBytesMax: ProxyLimits.responseBytesMax,
        heldBytesMax: 32 << 20, connectionsMax: 10_000, idleNanoseconds: 10 * minute,
        keyWaitNanoseconds: 10 * second, drainNanoseconds: 10 * second)
    /// Frames carry their size in 31 bits.
    static let frameBytes: ClosedRange<UInt64> = 1 << 20...(1 << 31) - 1
    static let heldBytes: ClosedRange<UInt64> = 1 << 20...1 << 40
    static let connections: ClosedRange<UInt64> = 1...1_000_000
    static let idle = second...7 * 24 * 60 * minute
    static let keyWait = 100 * millisecond...5 * minute
    static let drain: ClosedRange<UInt64> = 0...10 * minute

    static let dataKeysDefault = DataKeyPolicy(
        recordsMax: KeyLimits.recordsPerDataKeyDefault,
        bytesMax: KeyLimits.bytesPerDataKeyDefault,
        ageSecondsMax: KeyLimits.dataKeyAgeSecondsDefault,
        cacheAgeSecondsMax: KeyLimits.openingKeySecondsDefault)
    static let dataKeyRecords: ClosedRange<UInt64> = 1...KeyLimits.recordsPerDataKeyMax
    static let dataKeyBytes: ClosedRange<UInt64> = 1...KeyLimits.bytesPerDataKeyMax
    static let dataKeyAge = second...KeyLimits.dataKeyAgeSecondsMax * second
    static let dataKeyCacheAge = second...KeyLimits.openingKeySecondsMax * second

    static let startWaitDefault = KeyLimits.startWaitMillisecondsDefault * millisecond
    static let startWait = 0...KeyLimits.startWaitMillisecondsMax * millisecond
    static let auditIntervalDefault = minute
    static let auditInterval = second...60 * minute

    static let vaultConnectDefault = VaultLimits.connectNanosecondsDefault
    static let vaultRequestDefault = VaultLimits.totalNanosecondsDefault
    static let vaultTime = 100 * millisecond...minute

    static let threads: ClosedRange<UInt64> = 1...256
}
