import LoadsEventLoop

/// One iteration of a user, from its start to its record. Runs as the user's task.
struct IterationRun: Sendable {
    let user: VirtualUser
    let lane: Lane
    let rules: UserRules

    /// - Parameters:
    ///   - index: The scenario's place.
    ///   - start: When it starts: now.
    ///   - arrival: What it was made for, in open models.
    /// - Returns: Its end.
    func perform(_ index: Int, from start: Instant, _ arrival: Arrival? = nil) async -> Instant {
        let scenario = rules.scenarios[index]
        let context = IterationContext(user: user, number: user.nextIteration())
        if lane.loop.isOnLoop {
            begin(index, start, arrival)
        } else {
            lane.loop.submit { begin(index, start, arrival) }
        }
        let outcome = await IterationContext.$current.withValue(context) { await scenario.body(context) }
        let end = Instant.now
        let result: IterationOutcome = context.hasFailed ? .failed : outcome
        let interrupted = Task.isCancelled
        if lane.loop.isOnLoop {
            finish(index, result, interrupted, start, end, arrival)
        } else {
            lane.loop.submit { finish(index, result, interrupted, start, end, arrival) }
        }
        return end
    }

    /// On the user's loop.
    private func begin(_ index: Int, _ start: Instant, _ arrival: Arrival?) {
        let recorder = lane.recorder(at: arrival?.due ?? start)
        user.recorder = recorder
        user.executor.activity = index
        if let arrival {
            recorder.arrivalStarted(
                of: rules.arrivalsName, lag: start.nanoseconds(since: arrival.due) - arrival.waited,
                waited: arrival.waited, start)
        }
        recorder.iterationStarted(of: rules.scenarios[index].name, start)
    }

    /// On the user's loop.
    private func finish(
        _ index: Int, _ outcome: IterationOutcome, _ interrupted: Bool, _ start: Instant, _ end: Instant,
        _ arrival: Arrival?
    ) {
        lane.recorder(at: arrival?.due ?? start).iterationEnded(
            outcome, interrupted: interrupted, cutOff: interrupted && !rules.control.cancelsStopped,
            service: end.nanoseconds(since: start), response: arrival.map { end.nanoseconds(since: $0.due) },
            of: rules.scenarios[index].name, end)
        if rules.newConnections { user.attachment?.iterationEnded() }
    }
}
