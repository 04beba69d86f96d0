import Synchronization

/// Where the requests and responses of a run's first iteration are shown in full, if somebody wants them.
///
/// One for the process: a session finds it from wherever it is used.
public enum RequestLog {
    // Relaxed: set before the users start, and a late reader only misses a line.
    private static let isOn = Atomic<Bool>(false)
    private static let sink = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Shows the first iteration of the first user from now on.
    ///
    /// - Parameter sink: Called with a text of several lines for each exchange, on any thread. Must not block.
    public static func start(_ sink: @escaping @Sendable (String) -> Void) {
        self.sink.withLock { $0 = sink }
        isOn.store(true, ordering: .relaxed)
    }

    /// Whether the exchanges of an iteration are to be shown.
    public static func wants(_ context: IterationContext?) -> Bool {
        guard isOn.load(ordering: .relaxed), let context else { return false }
        return context.number == 0 && context.user.number == context.user.plan.firstUser
    }

    /// Shows an exchange.
    public static func write(_ text: String) { sink.withLock { $0 }?(text) }
}
