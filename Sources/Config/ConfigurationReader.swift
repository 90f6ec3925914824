// ConfigurationReader: the tree of a file as typed settings; top level, cluster, keys, limits.

/// Reads one tree. Every part is read even when an earlier one was wrong, so that all errors show
/// at once; nil or a default stands for what could not be read, and is never used.
internal struct ConfigurationReader {
    let reading: Reading

    func configuration(_ root: Node) -> Configuration? {
        guard
            let section = Section(
                root, "the file",
                keys: [
                    "cluster", "listeners", "keys", "tokenKey", "protect", "read", "limits",
                    "dataKeys", "log", "audit", "admin", "threads",
                ], in: reading)
        else { return nil }
        let cluster = section.required("cluster").flatMap(cluster)
        let listeners = section.required("listeners").map {
            ListenerReader(reading: reading).listeners($0)
        }
        let keys = KeyServiceReader(reading: reading)
        let serviceNames = section["keys"].map(keys.names) ?? []
        let services = section["keys"].map(keys.keyServices) ?? []
        let tokenKey = section["tokenKey"].flatMap { keys.tokenKey($0, services: serviceNames) }
        let rules = RuleReader(
            reading: reading, services: serviceNames, hasTokenKey: section["tokenKey"] != nil,
            listeners: reading.hasErrors ? nil : listeners
        ).rules(protect: section["protect"], read: section["read"])
        let limits = section["limits"].map(limits) ?? Bounds.limitsDefault
        let dataKeys = section["dataKeys"].map(dataKeys) ?? Bounds.dataKeysDefault
        let log = section["log"].map(log) ?? LogSettings(level: .info, format: .text)
        let audit = section["audit"].flatMap(audit)
        let adminSocket = section["admin"].flatMap(adminSocket)
        let threads = section["threads"].flatMap {
            reading.integer($0, "threads", in: Bounds.threads)
        }
        guard !reading.hasErrors, let cluster, let listeners else { return nil }
        return Configuration(
            cluster: cluster, listeners: listeners, keyServices: services, rules: rules.rules,
            limits: limits, dataKeys: dataKeys, log: log,
            threads: threads.map { Int($0) } ?? Processors.count, tokenKey: tokenKey,
            adminSocket: adminSocket, audit: audit, protectPositions: rules.protectPositions,
            readPositions: rules.readPositions, warnings: reading.warnings)
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
                node, "`dataKeys`",
                keys: ["records", "bytes", "age", "cacheAge", "startWait"], in: reading)
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
        if let node = section["startWait"],
            let wait = reading.duration(node, "startWait", in: Bounds.startWait)
        {
            policy.startWaitNanoseconds = wait
        }
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

    // MARK: audit and admin

    private func audit(_ node: Node) -> AuditSettings? {
        guard let section = Section(node, "`audit`", keys: ["to", "interval"], in: reading) else {
            return nil
        }
        var settings = AuditSettings()
        if let node = section["to"] {
            settings.destination = destination(node) ?? settings.destination
        }
        if let node = section["interval"],
            let interval = reading.duration(node, "interval", in: Bounds.auditInterval)
        {
            settings.intervalNanoseconds = interval
        }
        return settings
    }

    private func destination(_ node: Node) -> AuditSettings.Destination? {
        guard case .map = node.content else {
            return reading.choice(node, "to", [("stderr", .standardError)])
        }
        return Section(node, "`to`", keys: ["file"], in: reading)?.required("file")
            .flatMap { reading.path($0, "file") }.map { .file(path: $0) }
    }

    private func adminSocket(_ node: Node) -> String? {
        let section = Section(node, "`admin`", keys: ["socket"], in: reading)
        guard let node = section?.required("socket"), let path = reading.path(node, "socket") else {
            return nil
        }
        guard path.utf8.count <= Bounds.socketPathBytesMax else {
            reading.report(
                node.position,
                "`socket`: the whole path of a socket has at most \(Bounds.socketPathBytesMax)"
                    + " bytes")
            return nil
        }
        return path
    }
}
