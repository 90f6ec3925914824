// SocketAddress: an IPv4 or IPv6 address with its port.

internal import CLinux
internal import Glibc

/// An IPv4 or IPv6 socket address.
package struct SocketAddress: Sendable, CustomStringConvertible {
    internal var storage: sockaddr_storage
    internal let length: socklen_t

    internal init(storage: sockaddr_storage, length: socklen_t) {
        self.storage = storage
        self.length = length
    }

    /// AF_INET or AF_INET6.
    internal var family: Int32 { Int32(storage.ss_family) }

    /// Parses a numeric address; names are the resolver's work.
    /// - Returns: nil when `address` is not numeric.
    package init?(numeric address: String, port: UInt16) {
        let flags = AI_NUMERICHOST | AI_NUMERICSERV
        guard let found = try? SocketAddress.look(address, port: port, flags: flags).first else {
            return nil
        }
        self = found
    }

    /// Asks the system's resolver; blocks, so only the resolver's own thread calls it for names.
    internal static func look(
        _ host: String, port: UInt16, flags: Int32
    ) throws(ResolveError) -> [SocketAddress] {
        // SAFETY: getaddrinfo fills a list that is walked here and freed below.
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = flags
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            // SAFETY: gai_strerror returns a constant C string.
            throw ResolveError(host: host, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            unsafe next = entry.pointee.ai_next
            let family = unsafe entry.pointee.ai_family
            guard family == AF_INET || family == AF_INET6 else { continue }
            var storage = sockaddr_storage()
            let length = unsafe entry.pointee.ai_addrlen
            // SAFETY: ai_addrlen bytes of a socket address always fit a sockaddr_storage.
            unsafe memcpy(&storage, entry.pointee.ai_addr, Int(length))
            addresses.append(SocketAddress(storage: storage, length: length))
        }
        return addresses
    }

    /// The port, in host order.
    package var port: UInt16 {
        // SAFETY: the family says which structure the storage holds.
        unsafe withUnsafeBytes(of: storage) {
            UInt16(bigEndian: unsafe $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }

    /// `127.0.0.1:9092` or `[::1]:9092`.
    package var description: String {
        var storage = storage
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        // SAFETY: getnameinfo writes a C string into the room given.
        let code = unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getnameinfo(
                    $0, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            }
        }
        guard code == 0 else { return "unknown address" }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let host = String(decoding: bytes, as: UTF8.self)
        return family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    internal func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        // SAFETY: the storage is large enough for every family and lives for the closure.
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, length)
            }
        }
    }
}

/// A name that could not be resolved.
package struct ResolveError: Error, Equatable, Sendable, CustomStringConvertible {
    package let host: String
    package let reason: String

    package var description: String { "cannot resolve \(host): \(reason)" }
}
