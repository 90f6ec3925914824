// KeyAnswer: waits for what a key service answers, on threads that have nothing else to do.

internal import KeyService
internal import Loop

/// Commands and the start ask key services one thing at a time, before there are event loops.
internal enum KeyAnswer {
    /// Blocks the calling thread, which must be neither a loop's nor one of Swift's concurrency.
    static func wait<Value: Sendable>(
        _ ask: @escaping @Sendable () async throws(KeyServiceError) -> Value
    ) throws(KeyServiceError) -> Value {
        let outcome = LateValue<Result<Value, KeyServiceError>>()
        Task {
            do throws(KeyServiceError) {
                outcome.set(.success(try await ask()))
            } catch {
                outcome.set(.failure(error))
            }
        }
        return try outcome.wait().get()
    }
}
