// ProxyLimits: bounds on frames, requests in flight and what a session may hold.

/// Bounds of one client connection, and defaults that the configuration may lower.
package enum ProxyLimits {
    /// A request frame, as brokers limit it (socket.request.max.bytes).
    package static let requestBytesMax = 104_857_600

    /// A response that has to be held as a whole. Others are relayed and have no bound.
    package static let responseBytesMax = 268_435_456

    /// A frame smaller than its header could be is refused; this is the header without client id.
    package static let requestBytesMin = 8

    /// Bytes of a request's header, client id and transactional id that are looked at before the
    /// frame is relayed: two strings of 32,767 bytes and what stands around them.
    package static let requestHeadBytesMax = 2 * 32_767 + 4_096

    /// Requests of one connection that wait for their response; at this number the client is not
    /// read. Brokers work on one at a time.
    package static let requestsInFlightMax = 1_024

    /// A Fetch that may have to be opened is asked for at most this many bytes, because its
    /// response is held as a whole. (A first batch that is larger still arrives, KIP-74.)
    package static let fetchBytesMax = 2 * 1_048_576

    /// A Fetch response up to this size is held, so that leader hints in it can be rewritten
    /// exactly; a larger one is rewritten as it streams through.
    package static let heldFetchBytesMax = 262_144

    /// A message of a client's log-in. Brokers take as much before one is done
    /// (`sasl.server.max.receive.size`).
    package static let logInBytesMax = 524_288

    /// Principals whose views of topics a loop remembers.
    package static let readersMax = 1_000

    /// Pairs of reader and topic that are counted between two lines of the audit.
    package static let auditCountsMax = 10_000

    /// Topics that a rule on trial is counted for between two lines.
    package static let dryRunTopicsMax = 10_000
    /// How often those counts are written.
    package static let dryRunReportNanoseconds: UInt64 = 60_000_000_000

    /// How long a frame that is counted may stand still while others wait for its memory.
    package static let stalledNanoseconds: UInt64 = 10_000_000_000
    /// What a peer with such a frame has to send in a second at least, beyond that time.
    package static let stalledBytesPerSecond: UInt64 = 1_048_576

    /// How long a topic's settings are taken as they were told.
    package static let topicFactsNanoseconds: UInt64 = 300_000_000_000

    /// How long to wait before a port that is taken is tried again.
    package static let bindRetryNanoseconds: UInt64 = 5_000_000_000

    /// How long to wait before the cluster is looked for again at the start.
    package static let probeRetryNanoseconds: UInt64 = 2_000_000_000

    /// Leader hints at the end of a streamed Fetch response.
    package static let endpointsBytesMax = 1_048_576

    /// Fetch sessions of one connection that are remembered; clients have one.
    package static let fetchSessionsMax = 16

    /// Topic ids in one fetch that were not seen before.
    package static let unknownTopicsMax = 10_000

    /// Topics and partitions in one Produce request that has to be taken apart.
    package static let partitionsPerRequestMax = 100_000

    /// Topics whose rules a loop remembers.
    package static let topicPoliciesMax = 10_000

    /// Topic ids that are remembered.
    package static let topicIDsMax = 200_000

    /// `message.max.bytes` of a broker that was not told otherwise.
    package static let batchBytesDefault = 1_048_588
}
