import LoadsEventLoop

/// The crews of a mix, side by side on the same loops, each from its own time on.
final class MixCrew: Crew {
    private let parts: [(start: Duration, crew: any Crew)]
    private let clock: EventLoop
    private let control: RunControl

    /// - Parameter parts: When each starts, and its users; nil where there is nothing to run.
    init(_ parts: [(start: Duration, crew: (any Crew)?)], clock: EventLoop, control: RunControl) {
        self.parts = parts.compactMap { part in part.crew.map { (part.start, $0) } }
        self.clock = clock
        self.control = control
    }

    var count: Int { parts.reduce(0) { $0 + $1.crew.count } }

    var wasDeserted: Bool { parts.contains { $0.crew.wasDeserted } }

    func perform(from start: Instant) async {
        // Not detached: the users inherit the caller's task-locals.
        await withTaskGroup(of: Void.self) { group in
            for (delay, crew) in parts {
                group.addTask(executorPreference: clock) { [clock, control] in
                    let begin = start.advanced(by: delay)
                    await control.sleep(until: begin, on: clock)
                    if !control.isStopping { await crew.perform(from: begin) }
                }
            }
        }
    }

    func dismiss() async -> Set<Int> {
        var left: Set<Int> = []
        for (_, crew) in parts { left.formUnion(await crew.dismiss()) }
        return left
    }
}
