// RefusedSettingsTests: settings that are refused, with the exact messages.

import Testing

@testable import Config

@Suite struct RefusedSettingsTests {
    @Test(arguments: [
        ("{}", ["f:1:10: `cluster` needs `bootstrap`"]),
        ("{bootstrap: []}", ["f:1:22: `bootstrap` is an empty list; leave it out or fill it in"]),
        (
            "{bootstrap: k:1}",
            ["f:1:22: `bootstrap` must be a list, such as `[kafka-1:9092]`"]
        ),
        ("{bootstrap: [k:1, k:1]}", ["f:1:28: `bootstrap` lists `k:1` twice"]),
        (
            "{bootstrap: ['::1']}",
            [
                "f:1:23: `bootstrap` must list `host:port`, not `::1`; an IPv6 address has"
                    + " brackets: `[::1]:9092`"
            ]
        ),
        ("{bootstrap: ['k:0']}", ["f:1:23: `bootstrap` must list `host:port`, not `k:0`"]),
        ("{bootstrap: ['k:65536']}", ["f:1:23: `bootstrap` must list `host:port`, not `k:65536`"]),
        ("{bootstrap: ['k_/:1']}", ["f:1:23: `bootstrap` must list `host:port`, not `k_/:1`"]),
        (
            "{bootstrap: ['10.0.0:1']}",
            ["f:1:23: `bootstrap` must list `host:port`, not `10.0.0:1`"]
        ),
        (
            "{bootstrap: [k:1], tls: {ca: x}}",
            ["f:1:29: `tls` (line 1) is not supported yet"]
        ),
        (
            "{bootstrap: [k:1], sasl: {mechanism: PLAIN}}",
            [
                "f:1:35: `sasl` with credentials of its own (line 1) is not supported yet; use"
                    + " `passthrough`"
            ]
        ),
        (
            "{bootstrap: [k:1], connectTimeout: 5}",
            [
                "f:1:45: `connectTimeout` must be a duration like `10s`, not `5`; units are `ms`,"
                    + " `s`, `m`, `h` or `d`"
            ]
        ),
        (
            "{bootstrap: [k:1], connectTimeout: 1h}",
            ["f:1:45: `connectTimeout` must be 100ms to 5m, not `1h`"]
        ),
        (
            "{bootstrap: [k:1], connectTimeout: 99999999999999999999s}",
            ["f:1:45: `connectTimeout` must be 100ms to 5m, not `99999999999999999999s`"]
        ),
    ])
    func `a cluster is refused`(_ cluster: String, _ messages: [String]) {
        let listeners = "\nlisteners: [{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}}]"
        #expect(errors("cluster: " + cluster + listeners) == messages)
    }

    @Test(arguments: [
        (
            "{name: a, ports: {bootstrap: 1, brokers: 2-3}}",
            [
                "f:3:3: a listener needs `advertise`, the host that clients dial, unless `bind` is"
                    + " one address"
            ]
        ),
        ("{bind: '::1', ports: {bootstrap: 1, brokers: 2-3}}", ["f:3:3: a listener needs `name`"]),
        (
            "{name: 'a b', bind: '::1', ports: {bootstrap: 1, brokers: 2-3}}",
            ["f:3:10: `name` must be 1 to 64 letters, digits, `.`, `_` and `-`, not `a b`"]
        ),
        (
            "{name: a, bind: localhost, ports: {bootstrap: 1, brokers: 2-3}}",
            [
                "f:3:19: `bind` must be an IP address such as `0.0.0.0` or `::`, not `localhost`"
            ]
        ),
        (
            "{name: a, advertise: 'h:9', ports: {bootstrap: 1, brokers: 2-3}}",
            [
                "f:3:24: `advertise` must be a host name or IP address, not `h:9`; leave out the"
                    + " port"
            ]
        ),
        (
            "{name: a, advertise: 0.0.0.0, ports: {bootstrap: 1, brokers: 2-3}}",
            ["f:3:24: `advertise`: clients cannot dial `0.0.0.0`"]
        ),
        ("{name: a, bind: '::1'}", ["f:3:3: a listener needs `ports`"]),
        (
            "{name: a, bind: '::1', ports: 9092}",
            ["f:3:33: `ports` must be a mapping (`key: value`)"]
        ),
        (
            "{name: a, bind: '::1', ports: {}}",
            ["f:3:33: `ports` needs `bootstrap`", "f:3:33: `ports` needs `brokers`"]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 09, brokers: 9-8}}",
            [
                "f:3:45: `bootstrap` must be a whole number, 1 to 65535, not `09`",
                "f:3:58: `brokers` ends before it begins: `9-8`",
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 1000-5096}}",
            [
                "f:3:57: `brokers` has 4097 ports; at most 4096 are accepted, and nodes with higher"
                    + " ids go under `nodes`"
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 65000-65536}}",
            [
                "f:3:57: `brokers` must be a range of ports like `9100-9199`, not `65000-65536`"
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 5, brokers: 1-9}}",
            ["f:3:57: `brokers` 1-9 contains the `bootstrap` port 5"]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3, "
                + "nodes: {7: 1, 8: 9, 9: 9}}}",
            [
                "f:3:73: node 7 has the `bootstrap` port 1",
                "f:3:85: nodes 8 and 9 have the same port 9",
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3, nodes: {x: 1, -1: 2}}}",
            [
                "f:3:70: a node id is a whole number from 0, not `x`",
                "f:3:76: a node id is a whole number from 0, not `-1`",
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3, nodes: {}}}",
            ["f:3:69: `nodes` is empty; leave it out or fill it in"]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}, tls: {}, sni: {}}",
            [
                "f:3:63: `tls` (line 3) is not supported yet",
                "f:3:72: `sni` (line 3) is not supported yet",
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}, principal: mtls}",
            ["f:3:74: `principal: mtls` (line 3) is not supported yet"]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}, principal: sas}",
            [
                "f:3:74: `principal` must be `sasl` or `anonymous`, not `sas`; did you mean `sasl`?"
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}, principal: {fixed: bob}}",
            ["f:3:82: `fixed` must be a principal like `User:billing`, not `bob`"]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}, principal: "
                + "{sasl: x}}",
            [
                "f:3:81: `sasl` must be a mapping (`key: value`)"
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}, principal: {}}",
            [
                "f:3:74: `principal` needs `fixed` or `sasl`"
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}, principal: "
                + "{fixed: 'User:a', sasl: {}}}",
            [
                "f:3:92: `principal` has `fixed` and `sasl`; it is one of them"
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}, principal: "
                + "{mtls: {}}}",
            [
                "f:3:74: `principal` needs `fixed` or `sasl`",
                "f:3:75: `principal` has no key `mtls`",
            ]
        ),
        (
            "{name: a, bind: '::1', ports: {bootstrap: 1, brokers: 2-3}, principal: "
                + "{sasl: {groupClaim: g}}}",
            [
                "f:3:82: `sasl` has no key `groupClaim`; did you mean `groupsClaim`?"
            ]
        ),
    ])
    func `a listener is refused`(_ listener: String, _ messages: [String]) {
        #expect(errors(listener: listener) == messages)
    }

    @Test func `two listeners with one port are refused`() {
        #expect(
            errors(
                """
                cluster: {bootstrap: [k:1]}
                listeners:
                - {name: a, bind: 127.0.0.1, ports: {bootstrap: 1000, brokers: 2000-2009}}
                - {name: b, bind: 127.0.0.1, ports: {bootstrap: 2005, brokers: 3000-3009}}
                - {name: c, advertise: h, ports: {bootstrap: 4000, brokers: 2009-2010}}
                - {name: d, bind: "::", advertise: h, ports: {bootstrap: 5000, brokers: 6000-6001,
                   nodes: {70: 1000}}}
                - {name: a, bind: 127.0.0.9, ports: {bootstrap: 7000, brokers: 8000-8001}}
                """) == [
                    "f:4:49: port 2005 is already used by `brokers` of listener `a` (line 3)",
                    "f:5:61: port 2009 is already used by `brokers` of listener `a` (line 3)",
                    "f:7:16: port 1000 is already used by `bootstrap` of listener `a` (line 3)",
                    "f:8:3: listener `a` has the name of listener number 1",
                ])
    }

    @Test(arguments: [
        ("keys: []", ["f:7:7: `keys` must be a mapping from names to key services"]),
        ("keys: {}", ["f:7:7: `keys` is empty; leave it out or fill it in"]),
        ("keys: {a: {}}", ["f:7:11: key service `a` needs `file` or `vault`"]),
        ("keys: {a: {file: }}", ["f:7:18: `file` must be a single value; it has no value"]),
        (
            "keys: {a: {files: x}}",
            [
                "f:7:11: key service `a` needs `file` or `vault`",
                "f:7:12: key service `a` has no key `files`; did you mean `file`?",
            ]
        ),
        (
            "keys: {a/b: {file: x}}",
            [
                "f:7:8: a key service is named with 1 to 64 letters, digits, `.`, `_` and `-`, not"
                    + " `a/b`"
            ]
        ),
        (
            "limits: {requestBytes: 10XB, responseBytes: 3GB, connections: 0, idle: 10}",
            [
                "f:7:24: `requestBytes` must be a size like `64MiB`, not `10XB`; units are `B`,"
                    + " `KB`, `KiB`, `MB`, `MiB`, `GB` or `GiB`",
                "f:7:45: `responseBytes` must be 1MiB to 2147483647B, not `3GB`",
                "f:7:63: `connections` must be 1 to 1000000, not `0`",
                "f:7:72: `idle` must be a duration like `10s`, not `10`; units are `ms`, `s`, `m`,"
                    + " `h` or `d`",
            ]
        ),
        (
            "limits: {bufferBytes: 1.5GiB, keyWait: 1ms, drain: 11m}",
            [
                "f:7:23: `bufferBytes` must be a size like `64MiB`, not `1.5GiB`; units are `B`,"
                    + " `KB`, `KiB`, `MB`, `MiB`, `GB` or `GiB`",
                "f:7:40: `keyWait` must be 100ms to 5m, not `1ms`",
                "f:7:52: `drain` must be 0ms to 10m, not `11m`",
            ]
        ),
        (
            "dataKeys: {records: 4294967297, bytes: 257GiB, age: 8d, cacheAge: 1500ms}",
            [
                "f:7:21: `records` must be 1 to 4294967296, not `4294967297`",
                "f:7:40: `bytes` must be 1B to 256GiB, not `257GiB`",
                "f:7:53: `age` must be 1s to 7d, not `8d`",
                "f:7:67: `cacheAge` must be a whole number of seconds",
            ]
        ),
        (
            "keys: {a: {file: x, vault: {}}}",
            [
                "f:7:21: key service `a` has `file` and `vault`; it is one of them"
            ]
        ),
        (
            "admin: {}",
            [
                "f:7:8: `admin` needs `socket`"
            ]
        ),
        (
            "admin: {sockt: x}",
            [
                "f:7:8: `admin` needs `socket`",
                "f:7:9: `admin` has no key `sockt`; did you mean `socket`?",
            ]
        ),
        (
            "admin: x",
            [
                "f:7:8: `admin` must be a mapping (`key: value`)"
            ]
        ),
        (
            "audit: {to: stdout}",
            [
                "f:7:13: `to` must be `stderr`, not `stdout`"
            ]
        ),
        (
            "audit: {to: {path: x}, interval: 1ms}",
            [
                "f:7:13: `to` needs `file`",
                "f:7:14: `to` has no key `path`",
                "f:7:34: `interval` must be 1s to 1h, not `1ms`",
            ]
        ),
        (
            "audit: {to: {file: x}, interval: 2h}",
            [
                "f:7:34: `interval` must be 1s to 1h, not `2h`"
            ]
        ),
        (
            "dataKeys: {startWait: 11m}",
            [
                "f:7:23: `startWait` must be 0ms to 10m, not `11m`"
            ]
        ),
        (
            "admin: {socket: \(String(repeating: "a", count: 108))}",
            ["f:7:17: `socket`: the whole path of a socket has at most 107 bytes"]
        ),
        ("threads: 0", ["f:7:10: `threads` must be 1 to 256, not `0`"]),
        ("threads: two", ["f:7:10: `threads` must be a whole number, 1 to 256, not `two`"]),
        (
            "log: {level: warning, format: jsn}",
            [
                "f:7:14: `level` must be `error`, `warn`, `info` or `debug`, not `warning`",
                "f:7:31: `format` must be `text` or `json`, not `jsn`; did you mean `json`?",
            ]
        ),
    ])
    func `other settings are refused`(_ more: String, _ messages: [String]) {
        #expect(errors(adding: more) == messages)
    }

    @Test(arguments: [
        (
            "threads: ${N}",
            ["f:7:10: `threads`: the environment has no `N`, and there is no default"]
        ),
        ("threads: ${E}", ["f:7:10: `threads` is empty: `${E}` is empty in this environment"]),
        (
            "threads: ${9}",
            [
                "f:7:10: `threads`: `${9}` is not `${NAME}` or `${NAME:-default}` (`$$`"
                    + " stands for one `$`)"
            ]
        ),
        ("threads: ${S", ["f:7:10: `threads`: `${` without `}`"]),
        (
            "threads: ${S}",
            ["f:7:10: `threads` must be a whole number, 1 to 256, not `${S}`"]
        ),
        ("${S}: 1", ["f:7:1: the file has no key `${S}`"]),
    ])
    func `a variable that is wrong is refused and never shown`(
        _ more: String, _ messages: [String]
    ) {
        #expect(errors(adding: more, ["S": "s3cret", "E": ""]) == messages)
    }
}
