// CommandLimits: what the commands that work on files may hold in memory, and how much they say.

/// Bounds of `explain`, `check`, `open` and `inspect`. Files of any size are read piece by piece.
package enum CommandLimits {
    // MARK: dumps

    /// Bytes that are asked of a file at once.
    package static let readBytes = 256 << 10
    /// A line of a dump: the largest record that fits a batch of 100 MiB, which brokers take at
    /// most by default (`socket.request.max.bytes`), with some of its bytes as escapes.
    package static let lineBytesMax = 256 << 20
    /// One record batch of a segment file, as it is stored.
    package static let batchBytesMax = 256 << 20
    /// Names and values of the headers of one record in a dump.
    package static let headersMax = 10_000
    /// Wrapped keys that are remembered for records that name their key by its id only.
    package static let namedKeysMax = 1 << 16
    /// Data keys that are held unwrapped.
    package static let openingKeysMax = 4_096
    /// Tries to have a data key unwrapped by a service that does not answer.
    package static let unwrapTriesMax = 3
    /// Records that did not open and are named one by one; the others are counted.
    package static let namedFaultsMax = 1_000
    /// Key references and data keys that a summary tells apart.
    package static let summaryKeysMax = 1 << 20
    /// Output is written in pieces of about this size.
    package static let writeBytes = 64 << 10

    // MARK: configuration

    /// A configuration file that is read beside what reads it otherwise: the same bound.
    package static let configurationBytesMax = 1 << 20

    // MARK: samples

    /// A file of sample values.
    package static let sampleBytesMax = 64 << 20
    /// Warnings about the samples of one topic.
    package static let sampleWarningsMax = 100
    /// Pairs of a principal and a topic whose views are put together to see whether they can be.
    package static let viewsMax = 10_000
}
