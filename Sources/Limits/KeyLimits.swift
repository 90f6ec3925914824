// KeyLimits: how much one data key may seal, and how long keys and their failures are kept.

/// Bounds of data keys, their caches and the calls that fetch them. Defaults may be changed by
/// configuration up to the `Max` beside them.
package enum KeyLimits {
    // MARK: use of one data key

    /// Records sealed under one data key.
    package static let recordsPerDataKeyDefault: UInt64 = 1 << 31
    /// NIST SP 800-38D section 8.3 allows 2^32 invocations per key. That bound is for random
    /// nonces; counted ones could go further, but a key is cheap and a bug is not.
    package static let recordsPerDataKeyMax: UInt64 = 1 << 32

    /// Plaintext bytes sealed under one data key: 2^32 blocks, which leaves an attacker who sees
    /// all of it an advantage of about 2^-65 (blocks squared over 2^129).
    package static let bytesPerDataKeyDefault: UInt64 = 64 << 30
    /// 2^34 blocks, an advantage of about 2^-61, just under the 2^-60 that TLS 1.3 aims at
    /// (RFC 8446 section 5.5).
    package static let bytesPerDataKeyMax: UInt64 = 256 << 30

    /// Age at which a data key stops sealing; a rotated key-encryption key is in use after this.
    package static let dataKeyAgeSecondsDefault: UInt64 = 3_600
    /// NIST SP 800-57 part 1 section 5.3.6 gives keys for large volumes a day or a week.
    package static let dataKeyAgeSecondsMax: UInt64 = 7 * 86_400

    /// A successor is asked for when this much of any limit is used.
    package static let successorPercent: UInt64 = 80
    /// The age at which it is asked for is drawn from this many per cent below, so that the keys
    /// of all topics, fetched together at start, do not come due together.
    package static let successorSpreadPercent: UInt64 = 10

    // MARK: what is held

    /// Key-encryption keys that one loop seals under; the least recently used give way.
    package static let sealingKeysMax = 10_000

    /// Unwrapped data keys that one loop holds for opening. Each takes about 2 KiB.
    package static let openingKeysDefault = 1_024
    package static let openingKeysMax = 65_536
    /// Entries with the same data-key id. Ids are 64 random bits: more than one is somebody's
    /// doing, and a search of the list must stay short.
    package static let openingKeysPerIDMax = 4

    /// How long an unwrapped data key is held; revoking its key-encryption key takes effect
    /// within this.
    package static let openingKeySecondsDefault: UInt64 = 300
    package static let openingKeySecondsMax: UInt64 = 3_600

    // MARK: failures

    /// First pause after a call that failed and may be tried again; doubles with each failure.
    package static let retryMillisecondsMin: UInt64 = 100
    package static let retryMillisecondsMax: UInt64 = 10_000
    /// How long a refusal (missing, denied, disabled, corrupt) is answered from memory.
    package static let refusalMilliseconds: UInt64 = 5_000
    /// While a service is known to be out, records that need it are refused once per beat, in its
    /// last part, and wait before that: a consumer comes back at once, with the same records.
    package static let outageBeatMilliseconds: UInt64 = 500
    package static let outageAnswerMilliseconds: UInt64 = 50
    /// Held keys are looked through for expired ones at this interval.
    package static let sweepMilliseconds: UInt64 = 5_000

    // MARK: one key service, for all loops

    /// Calls under way to one key service. More would only queue up there.
    package static let callsPerServiceMax = 16
    /// Calls that wait for one of these to end; of each kind.
    package static let queuedCallsPerServiceMax = 4_096
    /// Failures in a row, each worth another try, after which a service is taken to be out.
    package static let breakerFailures = 3
    /// First pause before a service that is out is tried again; doubles with each try in vain.
    package static let breakerMillisecondsMin: UInt64 = 1_000
    package static let breakerMillisecondsMax: UInt64 = 15_000
    /// Refusals of one service that are remembered; the oldest give way.
    package static let refusalsRememberedMax = 1_024

    // MARK: start

    /// How long a key service that does not answer is waited for at the start.
    package static let startWaitMillisecondsDefault: UInt64 = 30_000
    package static let startWaitMillisecondsMax: UInt64 = 600_000
    /// Keys that are tried at once at the start.
    package static let probesAtOnceMax = 8

    // MARK: status

    /// Opening keys that one loop lists; those used last.
    package static let openingKeysListedMax = 1_000
    /// A request to the admin socket, with its line end.
    package static let adminRequestBytesMax = 256
    /// The answer to one. 16 loops with all that they list take a fifth of it.
    package static let adminAnswerBytesMax = 32 << 20
    /// How long either side may take for its part.
    package static let adminMilliseconds: UInt64 = 5_000

    // MARK: names and files

    /// Bytes of a service name and of a key name, each.
    package static let keyNameBytesMax = 255
    /// A keyring file; 32 KiB hold about 150 key versions.
    package static let keyringBytesMax = 4 << 20
    /// Key versions in one keyring.
    package static let keyringKeysMax = 10_000
    /// Nesting of arrays and objects in a keyring file.
    package static let keyringDepthMax = 16
    /// A keyring file is looked at for changes at most this often.
    package static let keyringCheckMilliseconds: UInt64 = 1_000
}
