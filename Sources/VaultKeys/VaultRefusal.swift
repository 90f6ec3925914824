// VaultRefusal: what an answer with an error status means, told in sentences of our own.

internal import Bytes
internal import JSON
internal import KeyService
internal import Limits

/// Why a call came to nothing, before it is said for which key.
internal struct VaultFailure: Error, Equatable, Sendable {
    internal let code: KeyServiceError.Code
    internal let sentence: String

    internal init(_ code: KeyServiceError.Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    internal init(_ failure: HTTPFailure) {
        self.init(.unavailable, failure.sentence)
    }

    internal func error(_ name: String) -> KeyServiceError {
        KeyServiceError(code, key: name, sentence)
    }
}

/// Words by which the server tells refusals of the same status apart. They are looked for in what
/// it sent; nothing of that is kept.
internal enum VaultPhrase: String, CaseIterable, Sendable {
    case noRoute = "no handler for route"
    case noPath = "unsupported path"
    case noOperation = "unsupported operation"
    case noFields = "missing data fields"
    case noNamespace = "namespace not found"
    case noKey = "encryption key not found"
    case tooOld = "disallowed by policy (too old)"
    case tooNew = "version is too new"
    case notAuthentic = "message authentication failed"
    case notDecrypted = "decryption error"
    case noCiphertext = "invalid ciphertext"
    case wrongType = "not supported for key type"
    case derived = "for key derivation"
    case softDeleted = "soft-deleted"
    case sealed = "is sealed"
    case quota = "rate limit quota"
    case tokenInvalid = "invalid token"
    case tokenBad = "bad token"

    /// The first of these that is in `text`, in any case of letters.
    internal static func find(in text: RawSpan) -> VaultPhrase? {
        let read = text.extracting(first: min(text.byteCount, VaultLimits.refusalBytesRead))
        return allCases.first { contains(read, Array($0.rawValue.utf8)) }
    }

    private static func contains(_ text: RawSpan, _ words: [UInt8]) -> Bool {
        var cursor = ByteCursor(text)
        var matched = 0
        while let byte = try? cursor.uint8() {
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            let letter = isUpper ? byte | 0x20 : byte
            // Right for phrases that do not begin again inside themselves, as none here does.
            matched = letter == words[matched] ? matched + 1 : (letter == words[0] ? 1 : 0)
            if matched == words.count { return true }
        }
        return false
    }
}

/// An answer with an error status.
internal struct VaultRefusal: Equatable, Sendable {
    internal let status: Int
    internal let phrase: VaultPhrase?
    /// Whether it is JSON of the kind that the server sends, and not a page of something between.
    internal let isFromServer: Bool

    internal init(status: Int, phrase: VaultPhrase?, isFromServer: Bool) {
        self.status = status
        self.phrase = phrase
        self.isFromServer = isFromServer
    }

    internal init(status: Int, body: RawSpan) {
        self.status = status
        phrase = VaultPhrase.find(in: body)
        let marks = ["errors", "request_id"]
        isFromServer = marks.contains { ((try? JSONReader.find([$0], in: body)) ?? nil) != nil }
    }

    /// What holds for every call; nil when it depends on what was asked for.
    internal var general: VaultFailure? {
        switch (status, phrase) {
        case (_, .sealed): VaultFailure(.unavailable, "the key service is sealed")
        case (_, .quota): VaultFailure(.unavailable, "the key service limits the rate of calls")
        case (429, _), (472, _), (473, _):
            VaultFailure(.unavailable, "a standby of the key service answers (status \(status))")
        case (412, _):
            VaultFailure(.unavailable, "the key service has not caught up yet (status 412)")
        case (502, _), (503, _), (504, _):
            VaultFailure(.unavailable, "the key service is not ready (status \(status))")
        case (500..., _) where phrase == nil:
            VaultFailure(.unavailable, "the key service failed (status \(status))")
        case (_, _) where !isFromServer:
            VaultFailure(
                .unavailable,
                "what answers is not the key service, or something before it (status \(status))")
        case (_, .noNamespace): VaultFailure(.notFound, "the namespace does not exist")
        default: nil
        }
    }

    /// What a refused use of a key means.
    ///
    /// - Parameters:
    ///   - version: of the key, when a wrapped key names it.
    ///   - isTokenValid: false when the token is known to be refused as such.
    internal func failure(mount: String, version: UInt32?, isTokenValid: Bool) -> VaultFailure {
        if let general { return general }
        let wrapper = version.map { "version \($0)" } ?? "it"
        switch (status, phrase) {
        case (403, _) where !isTokenValid, (_, .tokenInvalid), (_, .tokenBad):
            return VaultFailure(.unauthenticated, "the token is not valid, or no longer")
        case (401, _), (403, _):
            return VaultFailure(
                .denied, "the policy of the token does not allow this use of the key at \(mount)")
        case (_, .noRoute):
            return VaultFailure(.notFound, "no secrets engine is mounted at \(mount)")
        case (_, .noPath), (_, .noOperation), (_, .noFields):
            return VaultFailure(.notFound, "what is mounted at \(mount) is not a transit engine")
        case (_, .noKey): return VaultFailure(.notFound, "there is no such key at \(mount)")
        case (_, .softDeleted): return VaultFailure(.disabled, "the key is marked as deleted")
        case (_, .tooOld):
            return VaultFailure(
                .disabled, "\(wrapper) is below the key's minimum version for decryption")
        case (_, .tooNew): return VaultFailure(.notFound, "the key has no \(wrapper)")
        case (_, .notAuthentic), (_, .notDecrypted), (_, .noCiphertext):
            return VaultFailure(.corrupt, "the data key was not wrapped by \(wrapper) of the key")
        case (_, .wrongType):
            return VaultFailure(.denied, "the key is of a type that wraps nothing")
        case (_, .derived):
            return VaultFailure(.denied, "the key is a derived one, which cannot be used here")
        case (404, _), (405, _):
            return VaultFailure(.notFound, "no transit engine answers at \(mount)")
        case (500..., _):
            return VaultFailure(.unavailable, "the key service failed (status \(status))")
        default:
            return version == nil
                ? VaultFailure(.denied, "the key service refuses the key (status \(status))")
                : VaultFailure(.corrupt, "the key service refuses the data key (status \(status))")
        }
    }

    /// What a refused log-in means.
    internal func failure(logInAt mount: String) -> VaultFailure {
        if let general { return general }
        if phrase == .noRoute || status == 404 {
            return VaultFailure(
                .unauthenticated, "no log-in method is mounted at auth/\(mount)")
        }
        // The server says no more on purpose; also a method that is not mounted is refused so.
        return VaultFailure(
            .unauthenticated,
            "the log-in at auth/\(mount) was refused: role, credentials or mount (status \(status))"
        )
    }
}
