import LoadsEventLoop

extension Summary {
    /// How many arrivals the plan has that belong to the figures, all but those of the warm-up; changes on the way included. Random
    /// arrivals are so many on average. Fewer than that were measured where an agent was lost.
    ///
    /// Nil without arrivals, and where the run ended before its plan.
    public var arrivalsOfPlan: Int? {
        guard plan.isOpen, !interrupted, crash == nil else { return nil }
        guard plan.arrivals == nil else { return count(of: plan, from: .zero) }
        return plan.parts.reduce(0) { $0 + count(of: $1.plan, from: $1.start) }
    }

    private func count(of part: Plan, from start: Duration) -> Int {
        guard var arrivals = part.arrivals else { return 0 }
        for change in changes {
            if let rate = change.rate {
                arrivals = arrivals.changed(to: rate, from: Int64((max(0, min(change.at, 1e9)) * 1e9).rounded()))
            }
        }
        let schedule = arrivals.schedule
        let warm = max(0, (plan.warmUp - start).wholeNanoseconds)
        return schedule.total - schedule.count(before: min(warm, schedule.length))
    }
}
