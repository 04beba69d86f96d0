import LoadsEventLoop

/// Sees to it that work ends: running iterations get the grace, then they are cancelled, then they are given up.
struct Overseer: Sendable {
    let clock: EventLoop
    let control: RunControl
    let grace: Duration
    /// How long cancelled iterations may go on before they are left behind.
    let patience: Duration

    /// Waits for work to end.
    ///
    /// - Parameters:
    ///   - deadline: When its plan ends; asked again and again, as adjustments may move it.
    ///   - cancelled: Called when the running iterations are cancelled.
    /// - Returns: Whether it ended; otherwise some of it ignores that it was cancelled.
    func wait(
        for work: Task<Void, Never>, until deadline: @escaping @Sendable () -> Instant?,
        cancelled: @escaping @Sendable () -> Void = {}
    ) async -> Bool {
        let gate = Gate()
        let end = Task.detached(executorPreference: clock) {
            await work.value
            gate.open(true)
        }
        let watcher = Task.detached(executorPreference: clock) {
            guard await watch(deadline) else { return }
            control.cancels()
            work.cancel()
            cancelled()
            try? await clock.sleep(for: patience)
            if !Task.isCancelled { gate.open(false) }
        }
        let ended = await gate.wait()
        watcher.cancel()
        if ended { await end.value }
        await watcher.value
        return ended
    }

    /// Waits until running iterations must be cancelled. Returns false when the work ended before.
    private func watch(_ deadline: @Sendable () -> Instant?) async -> Bool {
        while !Task.isCancelled {
            if control.isAborted { return true }
            let end = [control.stoppedAt, deadline()].compactMap { $0 }.min()
            if let end, Instant.now >= end.advanced(by: grace) { return true }
            try? await clock.sleep(for: .milliseconds(10))
        }
        return false
    }
}
