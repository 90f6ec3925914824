// ConfigurationTests: what good files mean.

import Testing

@testable import Config
@testable import Rules

/// A file with all keys once.
private let everything = """
    cluster:
      bootstrap: [kafka-1:9092, "[::1]:9093", 10.0.0.1:9094]
      sasl: passthrough
      connectTimeout: 250ms
    listeners:
      - name: apps
        bind: 127.0.0.1
        ports: {bootstrap: 9092, brokers: 9100-9199, nodes: {300: 9150, 5000: 9093}}
        principal: {fixed: "User:billing"}
      - name: ops
        bind: "[::1]"
        advertise: ::1
        ports:
          bootstrap: 9092
          brokers: 9100-9100
        principal: sasl
    keys:
      local: {file: keys/keyring.json}
      other: {file: /etc/waxwing/keyring.json}
    protect:
      - topics: ["payments", "orders.*"]
        except: [orders.public]
        key: local/kek-$(topic)
      - topics: [dc1.payments]
        key: other/fixed
        sealedAs: payments
    read:
      - {principals: ["*"], topics: [payments], show: sealed}
      - {principals: ["*"], topics: ["pay*"], show: clear}
    limits:
      requestBytes: 50MiB
      responseBytes: 1GB
      bufferBytes: 33554432
      connections: 500
      idle: 1h
      keyWait: 2s
      drain: 0s
    dataKeys: {records: 1000000, bytes: 1GiB, age: 2d, cacheAge: 1m}
    log: {level: debug, format: json}
    threads: 3
    """

@Suite struct ConfigurationTests {
    private let minute: UInt64 = 60_000_000_000
    private let second: UInt64 = 1_000_000_000

    @Test func `the least file has the documented defaults`() throws {
        let found = try parse(least)
        #expect(found.cluster.bootstrap == [Endpoint(host: "kafka-1", port: 9092)])
        #expect(found.cluster.sasl == .passthrough)
        #expect(found.cluster.connectNanoseconds == 5 * second)
        #expect(
            found.listeners == [
                ListenerSettings(
                    name: "apps", bind: "0.0.0.0", advertise: "waxwing.internal",
                    bootstrapPort: 9092, brokerPorts: 9100...9199, nodePorts: [:],
                    principal: .sasl())
            ])
        #expect(found.keyServices.isEmpty)
        #expect(found.rules.isEmpty)
        #expect(
            found.limits
                == LimitSettings(
                    requestBytesMax: 104_857_600, responseBytesMax: 268_435_456,
                    heldBytesMax: 33_554_432, connectionsMax: 10_000, idleNanoseconds: 10 * minute,
                    keyWaitNanoseconds: 10 * second, drainNanoseconds: 10 * second))
        #expect(
            found.dataKeys
                == DataKeyPolicy(
                    recordsMax: 1 << 31, bytesMax: 64 << 30, ageSecondsMax: 3_600,
                    cacheAgeSecondsMax: 300))
        #expect(found.log == LogSettings(level: .info, format: .text))
        #expect(found.threads >= 1)
    }

    @Test func `addresses are read`() throws {
        let found = try parse(everything)
        #expect(
            found.cluster.bootstrap.map(\.description) == [
                "kafka-1:9092", "[::1]:9093", "10.0.0.1:9094",
            ])
        #expect(found.cluster.connectNanoseconds == 250_000_000)
        #expect(found.listeners[0].advertise == "127.0.0.1")
        #expect(found.listeners[0].nodePorts == [300: 9150, 5000: 9093])
        #expect(found.listeners[0].principal == .fixed("User:billing"))
        #expect(found.listeners[1].bind == "::1")
        #expect(found.listeners[1].brokerPorts == 9100...9100)
    }

    @Test func `keys and rules are read`() throws {
        let found = try parse(everything, directory: "/srv/waxwing")
        #expect(
            found.keyServices == [
                KeyServiceSettings(
                    name: "local", source: .file(path: "/srv/waxwing/keys/keyring.json")),
                KeyServiceSettings(
                    name: "other", source: .file(path: "/etc/waxwing/keyring.json")),
            ])
        #expect(
            try found.rules.protection(topic: "orders.eu")
                == Protection(
                    service: "local", key: .fixed("kek-orders.eu"), boundTopic: "orders.eu"))
        #expect(try found.rules.protection(topic: "orders.public") == nil)
        #expect(try found.rules.protection(topic: "dc1.payments")?.boundTopic == "payments")
        #expect(found.rules.view(of: "payments", for: .anonymous) == .sealed)
        #expect(found.rules.view(of: "payroll", for: .anonymous) == .clear)
    }

    @Test func `limits and log settings are read`() throws {
        let found = try parse(everything)
        #expect(
            found.limits
                == LimitSettings(
                    requestBytesMax: 52_428_800, responseBytesMax: 1_000_000_000,
                    heldBytesMax: 33_554_432, connectionsMax: 500, idleNanoseconds: 60 * minute,
                    keyWaitNanoseconds: 2 * second, drainNanoseconds: 0))
        #expect(
            found.dataKeys
                == DataKeyPolicy(
                    recordsMax: 1_000_000, bytesMax: 1 << 30, ageSecondsMax: 172_800,
                    cacheAgeSecondsMax: 60))
        #expect(found.log == LogSettings(level: .debug, format: .json))
        #expect(found.threads == 3)
    }

    @Test func `one port is fine on two addresses`() {
        #expect(
            errors(
                """
                cluster: {bootstrap: [k:1]}
                listeners:
                - {name: a, bind: 127.0.0.1, ports: {bootstrap: 1000, brokers: 2000-2009}}
                - {name: b, bind: 127.0.0.2, ports: {bootstrap: 1000, brokers: 2000-2009}}
                - {name: c, bind: '::1', ports: {bootstrap: 1000, brokers: 2000-2009}}
                """) == [])
    }

    @Test func `the environment fills in values`() throws {
        let text = """
            cluster:
              bootstrap: ["${HOST}:${PORT:-9092}", '${TWO:-kafka-2:9}']
            listeners:
              - name: ${EMPTY:-apps}
                advertise: waxwing.${DOMAIN}
                ports: {bootstrap: "${PORT}", brokers: 9100-9199}
            keys: {local: {file: "/run/$$x/${NESTED}"}}
            protect: [{topics: ["t"], key: "local/${PREFIX:-kek}-$(topic)"}]
            """
        let found = try parse(
            text,
            [
                "HOST": "kafka", "PORT": "19092", "EMPTY": "", "DOMAIN": "a.b",
                "NESTED": "${HOST}: {x: [y]}\nz: $$",
            ])
        #expect(found.cluster.bootstrap.map(\.description) == ["kafka:19092", "kafka-2:9"])
        #expect(found.listeners[0].name == "apps")
        #expect(found.listeners[0].advertise == "waxwing.a.b")
        #expect(found.listeners[0].bootstrapPort == 19_092)
        #expect(
            found.keyServices[0].source == .file(path: "/run/$x/${HOST}: {x: [y]}\nz: $$"),
            "what a variable holds is not read as YAML and not filled in again")
        #expect(try found.rules.protection(topic: "t")?.key == .fixed("kek-t"))
    }

    @Test func `a quoted word is a text where a plain one is nothing`() throws {
        let rules = try parse(
            least + """
                keys: {k: {file: f}}
                protect: [{topics: ['null', "no"], key: k/k}]
                """
        ).rules
        #expect(try rules.protection(topic: "null") != nil)
        #expect(try rules.protection(topic: "no") != nil)
    }

    @Test func `the same text gives the same configuration`() throws {
        #expect(try parse(least + "threads: 2") == parse(least + "threads: 2"))
        #expect(try parse(least + "threads: 2") != parse(least + "threads: 3"))
    }
}
