// ConfigurationReader: the tree of a file as typed settings; top level, cluster, keys, limits.

internal import Rules

/// Reads one tree. Every part is read even when an earlier one was wrong, so that all errors show
/// at once; nil or a default stands for what could not be read, and is never used.
internal struct ConfigurationReader {
    let reading: Reading
    /// For paths in the file that are relative.
    let directory: String

    func configuration(_ root: Node) -> Configuration? {
        guard
            let section = Section(
                root, "the file",
                keys: [
                    "cluster", "listeners", "keys", "protect", "read", "limits", "dataKeys", "log",
                    "threads",
                ], in: reading)
        else { return nil }
        let cluster = section.required("cluster").flatMap(cluster)
        let listeners = section.required("listeners").map {
            ListenerReader(reading: reading).listeners($0)
        }
        let services = section["keys"].map(keyServices) ?? []
        let rules = RuleReader(reading: reading, services: section["keys"].map(names) ?? [])
            .rules(protect: section["protect"], read: section["read"])
        let limits = section["limits"].map(limits) ?? Bounds.limitsDefault
        let dataKeys = section["dataKeys"].map(dataKeys) ?? Bounds.dataKeysDefault
        let log = section["log"].map(log) ?? LogSettings(level: .info, format: .text)
        let threads = section["threads"].flatMap {
            reading.integer($0, "threads", in: Bounds.threads)
        }
        guard !reading.hasErrors, let cluster, let listeners else { return nil }
        return Configuration(
            cluster: cluster, listeners: listeners, keyServices: services, rules: rules,
            limits: limits, dataKeys: dataKeys, log: log,
            threads: threads.map { Int($0) } ?? Processors.count)
    }

    // MARK: cluster

    private func cluster(_ node: Node) -> ClusterSettings? {
        guard
            let section = Section(
                node, "`cluster`", keys: ["bootstrap", "sasl", "connectTimeout"], later: ["tls"],
                in: reading)
        else { return nil }
        let bootstrap = section.required("bootstrap").map(servers) ?? []
        let sasl = section["sasl"].map(sasl) ?? .passthrough
        let connect = section["connectTimeout"].flatMap {
            reading.duration($0, "connectTimeout", in: Bounds.connect)
        }
        return ClusterSettings(
            bootstrap: bootstrap, sasl: sasl,
            connectNanoseconds: connect ?? Bounds.connectDefault)
    }

    private func servers(_ node: Node) -> [Endpoint] {
        var servers: [Endpoint] = []
        for item in reading.items(
            node, "bootstrap", max: Bounds.bootstrapServersMax, example: "[kafka-1:9092]")
        {
            guard let server = reading.endpoint(item, "bootstrap") else { continue }
            if servers.contains(server) {
                reading.report(item.position, "`bootstrap` lists `\(server)` twice")
            }
            servers.append(server)
        }
        return servers
    }

    private func sasl(_ node: Node) -> ClusterSettings.SASL {
        if case .map = node.content {
            reading.report(
                node.position,
                "`sasl` with credentials of its own (line \(node.position.line)) is not supported"
                    + " yet; use `passthrough`")
            return .passthrough
        }
        return reading.choice(node, "sasl", [("passthrough", .passthrough)]) ?? .passthrough
    }

    // MARK: keys

    /// The names under `keys`, also of services that could not be read.
    private func names(_ node: Node) -> [String] {
        guard case .map(let entries) = node.content else { return [] }
        return entries.map(\.key)
    }

    private func keyServices(_ node: Node) -> [KeyServiceSettings] {
        guard case .map(let entries) = node.content else {
            reading.refuse(node, "`keys` must be a mapping from names to key services")
            return []
        }
        if entries.isEmpty {
            reading.report(node.position, "`keys` is empty; leave it out or fill it in")
        }
        if entries.count > Bounds.keyServicesMax {
            reading.report(
                node.position, "`keys` has at most \(Bounds.keyServicesMax) key services")
        }
        return entries.compactMap { entry in
            if !Reading.isName(entry.key) {
                reading.report(
                    entry.keyPosition,
                    "a key service is named with \(Reading.nameRule), not \(quoted(entry.key))")
            }
            return keyService(entry)
        }
    }

    private func keyService(_ entry: Node.Entry) -> KeyServiceSettings? {
        let section = Section(
            entry.value, "key service \(quoted(entry.key))", keys: ["file"], later: ["vault"],
            in: reading)
        guard let node = section?.required("file"), let path = reading.text(node, "file") else {
            return nil
        }
        guard path.filled.utf8.count <= Bounds.pathBytesMax else {
            reading.report(path.position, "`file` has at most \(Bounds.pathBytesMax) bytes")
            return nil
        }
        let isAbsolute = path.filled.hasPrefix("/") || directory.isEmpty
        return KeyServiceSettings(
            name: entry.key,
            source: .file(path: isAbsolute ? path.filled : "\(directory)/\(path.filled)"))
    }

    // MARK: limits

    private func limits(_ node: Node) -> LimitSettings {
        var limits = Bounds.limitsDefault
        guard
            let section = Section(
                node, "`limits`",
                keys: [
                    "requestBytes", "responseBytes", "bufferBytes", "connections", "idle",
                    "keyWait", "drain",
                ], in: reading)
        else { return limits }
        func size(_ key: String, _ range: ClosedRange<UInt64>) -> Int? {
            section[key].flatMap { reading.size($0, key, in: range) }.map { Int($0) }
        }
        func duration(_ key: String, _ range: ClosedRange<UInt64>) -> UInt64? {
            section[key].flatMap { reading.duration($0, key, in: range) }
        }
        limits.requestBytesMax = size("requestBytes", Bounds.frameBytes) ?? limits.requestBytesMax
        limits.responseBytesMax =
            size("responseBytes", Bounds.frameBytes) ?? limits.responseBytesMax
        limits.heldBytesMax = size("bufferBytes", Bounds.heldBytes) ?? limits.heldBytesMax
        if let node = section["connections"],
            let count = reading.integer(node, "connections", in: Bounds.connections)
        {
            limits.connectionsMax = Int(count)
        }
        limits.idleNanoseconds = duration("idle", Bounds.idle) ?? limits.idleNanoseconds
        limits.keyWaitNanoseconds =
            duration("keyWait", Bounds.keyWait) ?? limits.keyWaitNanoseconds
        limits.drainNanoseconds = duration("drain", Bounds.drain) ?? limits.drainNanoseconds
        return limits
    }

    private func dataKeys(_ node: Node) -> DataKeyPolicy {
        var policy = Bounds.dataKeysDefault
        guard
            let section = Section(
                node, "`dataKeys`", keys: ["records", "bytes", "age", "cacheAge"], in: reading)
        else { return policy }
        if let node = section["records"],
            let records = reading.integer(node, "records", in: Bounds.dataKeyRecords)
        {
            policy.recordsMax = records
        }
        if let node = section["bytes"],
            let bytes = reading.size(node, "bytes", in: Bounds.dataKeyBytes)
        {
            policy.bytesMax = bytes
        }
        policy.ageSecondsMax =
            section["age"].flatMap { seconds($0, "age", in: Bounds.dataKeyAge) }
            ?? policy.ageSecondsMax
        policy.cacheAgeSecondsMax =
            section["cacheAge"].flatMap { seconds($0, "cacheAge", in: Bounds.dataKeyCacheAge) }
            ?? policy.cacheAgeSecondsMax
        return policy
    }

    private func seconds(_ node: Node, _ key: String, in range: ClosedRange<UInt64>) -> UInt64? {
        reading.duration(node, key, in: range).flatMap { nanoseconds in
            guard nanoseconds.isMultiple(of: Units.nanosecondsPerSecond) else {
                reading.report(node.position, "`\(key)` must be a whole number of seconds")
                return nil
            }
            return nanoseconds / Units.nanosecondsPerSecond
        }
    }

    // MARK: log

    private func log(_ node: Node) -> LogSettings {
        var settings = LogSettings(level: .info, format: .text)
        guard let section = Section(node, "`log`", keys: ["level", "format"], in: reading) else {
            return settings
        }
        if let node = section["level"] {
            let words = LogSettings.Level.allCases.map { ($0.rawValue, $0) }
            settings.level = reading.choice(node, "level", words) ?? .info
        }
        if let node = section["format"] {
            let words = LogSettings.Format.allCases.map { ($0.rawValue, $0) }
            settings.format = reading.choice(node, "format", words) ?? .text
        }
        return settings
    }
}
