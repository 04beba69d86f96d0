import Synchronization

/// Opened once, with an answer; waited for by one.
final class Gate: Sendable {
    private let state = Mutex<(answer: Bool?, waiter: UnsafeContinuation<Bool, Never>?)>((nil, nil))

    /// Only the first answer counts.
    func open(_ answer: Bool) {
        let waiter = state.withLock { state -> UnsafeContinuation<Bool, Never>? in
            guard state.answer == nil else { return nil }
            state.answer = answer
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: answer)
    }

    func wait() async -> Bool {
        await withUnsafeContinuation { continuation in
            let answer = state.withLock { state in
                if state.answer == nil { state.waiter = continuation }
                return state.answer
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}
