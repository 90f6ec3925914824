// Hosts: names, numeric addresses and ports out of the file.

internal import Glibc

/// The bytes of a numeric address, for comparing.
internal struct NumericAddress: Hashable {
    /// 4 or 16.
    let bytes: [UInt8]

    /// - Returns: nil for names, and for numbers that are not a whole address.
    init?(_ text: String) {
        let family = text.contains(":") ? AF_INET6 : AF_INET
        var bytes = [UInt8](repeating: 0, count: family == AF_INET6 ? 16 : 4)
        // SAFETY: inet_pton writes the 4 or 16 bytes that the family has.
        guard unsafe inet_pton(family, text, &bytes) == 1 else { return nil }
        self.bytes = bytes
    }

    /// `0.0.0.0` or `::`.
    var isEverywhere: Bool { bytes.allSatisfy { $0 == 0 } }

    /// Whether one port cannot be opened on both. `::` takes IPv4 clients as well.
    func conflicts(with other: NumericAddress) -> Bool {
        if bytes.count == other.bytes.count {
            return bytes == other.bytes || isEverywhere || other.isEverywhere
        }
        let six = bytes.count == 16 ? self : other
        return six.isEverywhere
    }
}

extension Reading {
    static let ports: ClosedRange<UInt64> = 1...65_535

    func port(_ node: Node, _ key: String) -> UInt16? {
        integer(node, key, in: Reading.ports).map { UInt16($0) }
    }

    /// A numeric address, without the brackets that it may have in the file.
    func numericAddress(_ node: Node, _ key: String) -> String? {
        guard let text = text(node, key) else { return nil }
        let address = Reading.withoutBrackets(text.filled)
        guard NumericAddress(address) != nil else {
            report(
                text.position,
                "`\(key)` must be an IP address such as `0.0.0.0` or `::`, not \(text.shown)")
            return nil
        }
        return address
    }

    /// A name or numeric address without a port.
    func host(_ node: Node, _ key: String) -> String? {
        guard let text = text(node, key) else { return nil }
        let host = Reading.withoutBrackets(text.filled)
        guard Reading.isHost(host) else {
            let hint = Reading.endpoint(text.filled) == nil ? "" : "; leave out the port"
            report(
                text.position,
                "`\(key)` must be a host name or IP address, not \(text.shown)\(hint)")
            return nil
        }
        return host
    }

    /// `host:port`, with brackets around an IPv6 address.
    func endpoint(_ node: Node, _ key: String) -> Endpoint? {
        guard let text = text(node, key) else { return nil }
        if let endpoint = Reading.endpoint(text.filled) { return endpoint }
        let host = Reading.withoutBrackets(text.filled)
        let hint =
            NumericAddress(host) != nil && host.contains(":")
            ? "; an IPv6 address has brackets: `[\(host)]:9092`"
            : Reading.isHost(host) ? "; add the port: `\(host):9092`" : ""
        report(text.position, "`\(key)` must list `host:port`, not \(text.shown)\(hint)")
        return nil
    }

    static func endpoint(_ text: String) -> Endpoint? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let before = String(text[..<colon])
        let digits = text[text.index(after: colon)...]
        let host = withoutBrackets(before)
        // A bare IPv6 address would make its last group the port.
        guard isHost(host), !host.contains(":") || host.count != before.count,
            Units.isDigits(digits), let port = UInt64(digits), ports.contains(port)
        else { return nil }
        return Endpoint(host: host, port: UInt16(port))
    }

    static func withoutBrackets(_ text: String) -> String {
        guard text.hasPrefix("["), text.hasSuffix("]"), text.contains(":") else { return text }
        return String(text.dropFirst().dropLast())
    }

    /// A numeric address, or a name of letters, digits, `-`, `_` and single dots.
    static func isHost(_ text: String) -> Bool {
        if text.contains(":") { return NumericAddress(text) != nil }
        guard (1...Bounds.hostBytesMax).contains(text.utf8.count) else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let areNames = labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63
                && label.utf8.allSatisfy { isNameByte($0) && $0 != UInt8(ascii: ".") }
        }
        // Four numbers that are no address are a mistake and not a name.
        let isNumeric = labels.last.map { Units.isDigits($0) } ?? false
        return areNames && (!isNumeric || NumericAddress(text) != nil)
    }

    /// `A-Z a-z 0-9 . _ -`.
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// A name that the file gives to something.
    static func isName(_ text: String) -> Bool {
        (1...Bounds.nameBytesMax).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
    }

    static let nameRule =
        "1 to \(Bounds.nameBytesMax) letters, digits, `.`, `_` and `-`"
}
