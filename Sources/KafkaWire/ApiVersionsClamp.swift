// ApiVersionsClamp: tells clients of the versions that both the broker and Waxwing speak.

package import Bytes

/// Narrows ApiVersions responses to the tables, by patches.
///
/// Unknown and denied keys are removed and maximums lowered. Minimums stay as the broker has them:
/// old librdkafka enables features by probing for low versions, and stops compressing when Produce
/// starts above 0 (KAFKA-18659).
package final class ApiVersionsClamp {
    /// UNSUPPORTED_VERSION.
    package static let unsupportedVersion: Int16 = 35

    private let definitions: [ApiDefinition]
    private let denied: Set<Int16>
    private let highestAllowed: [Int16: Int16]
    private let walker = MessageWalker()

    /// What the broker offered in the response that was clamped last.
    package private(set) var offered = BrokerVersions()

    private var countSlot: (slot: FramePatches.Slot, range: Range<Int>)?
    private var kept = 0
    private var key: Int16 = 0
    private var min: Int16 = 0
    private var max: Int16 = 0
    private var maxRange = 0..<0
    private var lowersTransactions = false
    private var isTransactionFeature = false
    private var isFlexible = false

    /// - Parameters:
    ///   - definitions: what Waxwing speaks; the tables, but for tests.
    ///   - denied: keys that are removed besides those that the tables deny.
    /// - Parameter highestAllowed: versions above which a key is not told, where that is less than
    ///   the tables have.
    package init(
        definitions: [ApiDefinition] = ApiDefinition.all, denied: Set<Int16> = [],
        highestAllowed: [Int16: Int16] = [:]
    ) {
        self.definitions = definitions
        self.highestAllowed = highestAllowed
        self.denied = denied
    }

    /// Adds the patches that a response needs, and notes what the broker offered.
    /// - Parameters:
    ///   - frame: the whole response without its size; patches count from its first byte.
    ///   - body: where the body begins in it: the header is never flexible here.
    ///   - version: the request's. An answer with error 35 has version 0's shape whatever it was.
    /// - Throws: what is wrong with the message. Then the patches must not be used.
    package func clamp(
        frame: RawSpan, body: Int, version: Int16, patches: FramePatches
    ) throws(WireError) {
        var cursor = ByteCursor(frame)
        try cursor.skip(body)
        guard try cursor.int16() == Self.unsupportedVersion else {
            return try clamp(frame: frame, body: body, shape: version, patches: patches)
        }
        do throws(WireError) {
            try clamp(frame: frame, body: body, shape: 0, patches: patches)
        } catch {
            // Not every broker keeps to version 0's shape here (librdkafka's mock cluster does
            // not). Such an answer names no versions but its own, so it may pass as it is.
            patches.removeAll()
        }
    }

    private func clamp(
        frame: RawSpan, body: Int, shape: Int16, patches: FramePatches
    ) throws(WireError) {
        guard let program = WalkProgram.find(ApiKey.apiVersions, .response, version: shape) else {
            throw .invalid(at: body, "API version")
        }
        offered = BrokerVersions()
        countSlot = nil
        kept = 0
        lowersTransactions = false
        isFlexible = program.isFlexible
        walker.reset(program, body: body..<frame.byteCount, mayGoOn: true)
        while true {
            let event = try walker.next(frame, at: 0)
            switch event.kind {
            case .end: return
            case .needMore:
                // The span ends where the message does, so the walker throws instead.
                throw .truncated(at: event.range.lowerBound, needed: event.range.count)
            case .field: field(event, frame, patches)
            case .beginTag: patches.beginTag(event)
            case .endTag: patches.endTag()
            case .beginArray where event.role == .apiKeys:
                countSlot = (patches.reserve(event.range), event.range)
            case .endElement where event.role == .apiKeys: element(event, patches)
            case .endArray where event.role == .apiKeys: fillCount(patches)
            default: break
            }
        }
    }

    private func field(_ event: WalkEvent, _ frame: RawSpan, _ patches: FramePatches) {
        let number = Int16(truncatingIfNeeded: event.number)
        switch event.role {
        case .apiKey: key = number
        case .versionMin: min = number
        case .versionMax:
            max = number
            maxRange = event.range
        case .featureName:
            isTransactionFeature =
                frame.extracting(event.value).text == "transaction.version"
        case .featureLevelMax, .featureLevelMin:
            guard lowersTransactions, isTransactionFeature, number > 1 else { return }
            patches.replace(event.range, int16: 1)
        default: break
        }
    }

    private func element(_ event: WalkEvent, _ patches: FramePatches) {
        offered.record(key, min: min, max: max)
        let allowed = highest()
        lowersTransactions = lowersTransactions || losesTransactions(allowed)
        guard let allowed else { return patches.remove(event.range) }
        kept += 1
        if allowed < max { patches.replace(maxRange, int16: allowed) }
    }

    /// The highest version that may be told, nil when the key is removed.
    private func highest() -> Int16? {
        guard key >= 0, key < definitions.count, !denied.contains(key) else { return nil }
        let api = definitions[Int(key)]
        guard api.policy == .relay, min <= max, max >= api.versions.lowerBound,
            min <= api.versions.upperBound
        else { return nil }
        return Swift.min(max, api.versions.upperBound, highestAllowed[key] ?? Int16.max)
    }

    /// Whether the client loses a version that transactions of version 2 rely on (KIP-890). It
    /// would still choose them by the finalized feature, so that has to be lowered too.
    private func losesTransactions(_ allowed: Int16?) -> Bool {
        let needed: Int16? =
            switch key {
            case ApiKey.produce: 12
            case ApiKey.endTransaction, ApiKey.transactionOffsetCommit: 5
            default: nil
            }
        guard let needed else { return false }
        return max >= needed && (allowed ?? -1) < needed
    }

    private func fillCount(_ patches: FramePatches) {
        guard let countSlot else { return }
        patches.fill(countSlot.slot, countSlot.range, count: kept, isFlexible: isFlexible)
    }

    /// Appends the whole frame that answers an ApiVersions request newer than the tables: error 35
    /// in version 0's shape, with the versions of ApiVersions itself so that the client can choose.
    package static func appendTooNew(correlationID: Int32, into buffer: ByteBuffer) {
        let frame = buffer.beginFrame()
        buffer.append(int32: correlationID)
        buffer.append(int16: unsupportedVersion)
        buffer.append(int32: 1)
        let own = ApiDefinition.all[Int(ApiKey.apiVersions)]
        buffer.append(int16: own.key)
        buffer.append(int16: own.versions.lowerBound)
        buffer.append(int16: own.versions.upperBound)
        buffer.endFrame(frame)
    }
}
