// KeyringText: JSON walking with the errors of a keyring.

internal import Bytes
internal import JSON
internal import Limits

/// Why a keyring cannot be read. Never a part of the text, which holds keys.
internal enum KeyringProblem: Error, Equatable {
    /// The text stops being JSON there.
    case syntax(offset: Int, expected: String)
    /// A member is missing or wrong; `kid` as far as it is known.
    case content(kid: String?, String)

    fileprivate init(_ error: JSONError) {
        self = .syntax(offset: error.offset, expected: error.expected)
    }
}

/// `JSONReader` for keyrings; see there.
internal enum KeyringText {
    internal static func expect(
        _ byte: Unicode.Scalar, _ cursor: inout ByteCursor
    ) throws(KeyringProblem) {
        do { try JSONReader.expect(byte, &cursor) } catch { throw KeyringProblem(error) }
    }

    internal static func expectEnd(_ cursor: inout ByteCursor) throws(KeyringProblem) {
        do { try JSONReader.expectEnd(&cursor) } catch { throw KeyringProblem(error) }
    }

    internal static func nextMember(
        _ cursor: inout ByteCursor, isFirst: inout Bool
    ) throws(KeyringProblem) -> JSONText? {
        do {
            return try JSONReader.nextMember(&cursor, isFirst: &isFirst)
        } catch {
            throw KeyringProblem(error)
        }
    }

    internal static func nextElement(
        _ cursor: inout ByteCursor, isFirst: inout Bool
    ) throws(KeyringProblem) -> Bool {
        do {
            return try JSONReader.nextElement(&cursor, isFirst: &isFirst)
        } catch {
            throw KeyringProblem(error)
        }
    }

    internal static func string(_ cursor: inout ByteCursor) throws(KeyringProblem) -> JSONText {
        do { return try JSONReader.string(&cursor) } catch { throw KeyringProblem(error) }
    }

    /// - Parameter outerDepth: arrays and objects around the value.
    internal static func value(
        _ cursor: inout ByteCursor, outerDepth: Int = 0
    ) throws(KeyringProblem) -> Range<Int> {
        do {
            return try JSONReader.value(
                &cursor, depthLeft: KeyLimits.keyringDepthMax - outerDepth)
        } catch {
            throw KeyringProblem(error)
        }
    }

    internal static func decoded(
        _ text: JSONText, in cursor: borrowing ByteCursor
    ) throws(KeyringProblem) -> String {
        do { return try JSONReader.decoded(text, in: cursor) } catch { throw KeyringProblem(error) }
    }
}
