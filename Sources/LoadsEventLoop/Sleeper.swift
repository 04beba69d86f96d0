/// One sleep on a loop's timer. Its state is touched on the loop only.
final class Sleeper: @unchecked Sendable {
    // @unchecked: confined to the loop's thread; other threads only pass the reference along.
    private var continuation: UnsafeContinuation<Void, any Error>?
    private var timer: LoopTimer?
    private var cancelled = false

    func start(on loop: EventLoop, until deadline: Instant, _ continuation: UnsafeContinuation<Void, any Error>) {
        if cancelled || Task.isCancelled {
            continuation.resume(throwing: CancellationError())
            return
        }
        self.continuation = continuation
        let timer = LoopTimer { [self] in
            // A timer that fires before its time is one that a shutdown set free.
            finish(Instant.now < deadline ? CancellationError() : nil)
        }
        self.timer = timer
        loop.schedule(timer, at: deadline)
    }

    func cancel(on loop: EventLoop) {
        cancelled = true
        if let timer { loop.cancel(timer) }
        finish(CancellationError())
    }

    private func finish(_ error: (any Error)?) {
        timer = nil
        guard let continuation else { return }
        self.continuation = nil
        if let error { continuation.resume(throwing: error) } else { continuation.resume() }
    }
}
