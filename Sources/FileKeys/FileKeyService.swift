// FileKeyService: a key service whose keys stand in a local keyring file.

internal import Bytes
package import Crypto
internal import Glibc
package import KeyService
internal import Limits
internal import Synchronization

/// Wraps data keys under the keys of a keyring file (A256KW). A wrapped key is the version as
/// unsigned LEB128 and 40 bytes of RFC 3394.
///
/// The file is looked at again at most every second, while the service is used: a rotation or a
/// disabled key takes effect without a restart. A file that has become unreadable changes nothing
/// but is reported, so that a botched edit does not stop traffic.
package final class FileKeyService: KeyService {
    /// What a change of the file led to.
    package enum Reload: Sendable {
        case loaded(keys: Int)
        /// The keys of before stay in use.
        case failed(KeyringError)
    }

    private struct State {
        var keyring: Keyring
        /// The file that was read last, whether or not it was good.
        var stamp: FileStamp?
        var checked: UInt64
    }

    private static let versionBytesMax = 5

    private let file: KeyringFile
    private let clock: @Sendable () -> UInt64
    private let reloaded: @Sendable (Reload) -> Void
    private let state: Mutex<State>

    /// Reads the file; see `KeyringFile.load` for what is refused.
    ///
    /// - Parameters:
    ///   - clock: monotonic nanoseconds.
    ///   - reloaded: told when a change of the file was read or could not be.
    package init(
        path: String, clock: @escaping @Sendable () -> UInt64 = FileKeyService.monotonic,
        reloaded: @escaping @Sendable (Reload) -> Void = { _ in }
    ) throws(KeyringError) {
        file = KeyringFile(path: path)
        let loaded = try file.loadStamped()
        self.clock = clock
        self.reloaded = reloaded
        state = Mutex(State(keyring: loaded.keyring, stamp: loaded.stamp, checked: clock()))
    }

    /// Nanoseconds of the clock that never goes back.
    package static func monotonic() -> UInt64 {
        var now = timespec()
        // SAFETY: the structure lives for the call.
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    package func generateDataKey(
        under name: String
    ) async throws(KeyServiceError) -> GeneratedDataKey {
        await refresh()
        let keyring = state.withLock { $0.keyring }
        guard let active = keyring.active(name) else {
            throw keyring.contains(name)
                ? KeyServiceError(.disabled, key: name, "no version is active")
                : KeyServiceError(.notFound, key: name, "not in the keyring")
        }
        do throws(CryptoError) {
            let plaintext = try SecretBytes.random(count: AESGCM.keyBytes)
            let wrapped = try AESKeyWrap.wrap(key: plaintext, under: active.key)
            let output = ByteBuffer(capacity: wrapped.count + FileKeyService.versionBytesMax)
            output.append(uvarint: active.version)
            output.append(wrapped)
            return GeneratedDataKey(
                plaintext: plaintext, wrapped: output.array, keyVersion: active.version)
        } catch {
            throw KeyServiceError(.unavailable, key: name, "\(error)")
        }
    }

    package func unwrap(
        _ wrapped: [UInt8], under name: String
    ) async throws(KeyServiceError) -> SecretBytes {
        await refresh()
        let keyring = state.withLock { $0.keyring }
        let (number, start) = try FileKeyService.version(of: wrapped, name: name)
        guard let version = keyring.version(number, of: name) else {
            throw KeyServiceError(.notFound, key: name, "no version \(number) in \(file.path)")
        }
        guard version.status != .disabled else {
            throw KeyServiceError(.disabled, key: name, "version \(number) is disabled")
        }
        do throws(CryptoError) {
            // SAFETY: UInt8 has no padding; the array outlives the call.
            let bytes = unsafe wrapped.span.bytes
            return try AESKeyWrap.unwrap(
                bytes.extracting(start..<bytes.byteCount), under: version.key)
        } catch .authenticationFailed {
            throw KeyServiceError(
                .corrupt, key: name, "the data key was not wrapped by version \(number)")
        } catch {
            throw KeyServiceError(.unavailable, key: name, "\(error)")
        }
    }

    /// The version in front of a wrapped key and where the rest starts.
    private static func version(
        of wrapped: [UInt8], name: String
    ) throws(KeyServiceError) -> (UInt32, Int) {
        // SAFETY: UInt8 has no padding; the array outlives the cursor.
        var cursor = ByteCursor(unsafe wrapped.span.bytes)
        guard let version = try? cursor.uvarint(),
            cursor.remaining == AESGCM.keyBytes + AESKeyWrap.overheadBytes
        else {
            throw KeyServiceError(.corrupt, key: name, "a wrapped key of another form")
        }
        return (version, cursor.offset)
    }

    // MARK: reloading

    /// Has the file looked at when a second has passed. Only then is the caller left for another
    /// thread: an event loop must not wait for a disk.
    private func refresh() async {
        let now = clock()
        let isDue = state.withLock { state in
            guard now >= state.checked + KeyLimits.keyringCheckMilliseconds * 1_000_000 else {
                return false
            }
            state.checked = now
            return true
        }
        if isDue { await reload() }
    }

    @concurrent private func reload() async {
        let stamp = file.stamp()
        guard state.withLock({ $0.stamp != stamp }) else { return }
        let outcome: Reload
        do throws(KeyringError) {
            let loaded = try file.loadStamped()
            state.withLock { state in
                state.keyring = loaded.keyring
                state.stamp = loaded.stamp
            }
            outcome = .loaded(keys: loaded.keyring.versions.count)
        } catch {
            state.withLock { $0.stamp = stamp }
            outcome = .failed(error)
        }
        reloaded(outcome)
    }
}
