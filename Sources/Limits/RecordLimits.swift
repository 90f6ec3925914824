// RecordLimits: what one record batch may cost in memory, and what the stored format may hold.

/// Bounds of everything that is done to records. None of them depends on what a peer declares.
package enum RecordLimits {
    /// Largest size of a batch's records after decompression. A stock producer's batch is about
    /// 1 MiB; highly compressible ones have been seen at 30 times that. Beyond it a batch is taken
    /// for a decompression bomb.
    package static let inflatedBytesMax = 128 << 20

    /// Largest sum of sealed (or opened) bytes that one partition of one request may produce.
    /// Sealing adds a constant per record, so a batch of a million empty records grows manyfold.
    package static let outputBytesMax = 256 << 20

    /// A scratch buffer that grew beyond this is given back after the batch that needed it.
    package static let scratchBytesKept = 4 << 20

    /// Longest key reference ("service/name") in UTF-8 bytes: a 249-byte topic name (Kafka's own
    /// limit) inside a key template, with room for the service name.
    package static let keyReferenceBytesMax = 400

    /// Longest wrapped data key. AES key wrap takes 40 bytes, Vault about 64, cloud services about
    /// 200, RSA-4096 takes 512.
    package static let wrappedKeyBytesMax = 1024

    /// Longest topic name, in UTF-8 bytes, that associated data is built for.
    package static let topicNameBytesMax = 1024

    /// Data keys that may appear in one batch before it is taken for garbage: a sealer uses one.
    package static let dataKeysPerBatchMax = 256

    /// Longest normalized path of a sealed field, in UTF-8 bytes: what its length field can say.
    package static let fieldPathBytesMax = Int(UInt16.max)
}
