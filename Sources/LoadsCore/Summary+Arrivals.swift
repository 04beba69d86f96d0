import LoadsEventLoop

extension Summary {
    /// How many arrivals the plan has that belong to the figures, all but those of the warm-up; changes on the way included. Random
    /// arrivals are so many on average. Fewer than that were measured where an agent was lost.
    ///
    /// Nil without arrivals, and where the run ended before its plan.
    public var arrivalsOfPlan: Int? {
        guard plan.isOpen, !interrupted, crash == nil else { return nil }
        return count(of: courses, before: .max)
    }

    /// How many arrivals a second the plan has, in the time in which it has any, without the warm-up: a run that takes longer to make
    /// them has the same rate. Of a run that ended before its plan, the rate until then.
    ///
    /// Nil without arrivals, or without time.
    public var arrivalRate: Double? {
        let courses = courses
        var count = statistics.arrivals.planned
        var end = Int64.max
        let isRandom = courses.contains { $0.arrivals.poisson }
        if let all = arrivalsOfPlan, isRandom || lacksResults || count >= all {
            if !isRandom { count = max(count, all) }
        } else {
            // Nobody has written down when it ended. An arrival is planned at its time: they tell.
            end = self.end(of: courses, planned: count)
        }
        let seconds = courses.flatMap(\.spans).seconds(within: warm..<max(warm, end))
        return seconds > 0 ? Double(count) / seconds : nil
    }

    /// Whether something of what an agent measured is not there.
    public var lacksResults: Bool { agents.contains { $0.missing != nil || $0.state == .lost } }

    /// Nanoseconds of the warm-up.
    private var warm: Int64 { max(0, plan.warmUp.wholeNanoseconds) }

    /// The arrivals of one part of the plan, as they were changed on the way.
    private struct Course {
        /// Nanoseconds from the start of the run to its own.
        var start: Int64
        var arrivals: Arrivals
        var schedule: Schedule

        /// When there is a rate at all, from the start of the run.
        var spans: [Range<Int64>] {
            var spans: [Range<Int64>] = []
            var (time, reached) = (start, ArrivalRate.zero)
            for stage in arrivals.stages {
                let end = time + max(0, stage.duration.wholeNanoseconds)
                if max(reached, stage.rate) > .zero { spans.append(time..<end) }
                (time, reached) = (end, stage.rate)
            }
            return spans
        }
    }

    private var courses: [Course] {
        let parts: [(start: Duration, plan: Plan)] =
            plan.arrivals == nil ? plan.parts.map { ($0.start, $0.plan) } : [(.zero, plan)]
        return parts.compactMap { part in
            guard var arrivals = part.plan.arrivals else { return nil }
            for change in changes {
                if let rate = change.rate {
                    arrivals = arrivals.changed(to: rate, from: Int64((max(0, min(change.at, 1e9)) * 1e9).rounded()))
                }
            }
            return Course(start: part.start.wholeNanoseconds, arrivals: arrivals, schedule: arrivals.schedule)
        }
    }

    /// How many arrivals are due before a point in time, without those of the warm-up.
    private func count(of courses: [Course], before time: Int64) -> Int {
        courses.reduce(0) { sum, course in
            func due(before time: Int64) -> Int { course.schedule.count(before: max(0, time - course.start)) }
            return sum + max(0, due(before: time) - due(before: warm))
        }
    }

    /// The latest point in time before which no more than so many arrivals are due; at most the end of the plan.
    private func end(of courses: [Course], planned: Int) -> Int64 {
        var (low, high) = (0 as Int64, courses.map { $0.start + $0.schedule.length }.max() ?? 0)
        guard count(of: courses, before: high) > planned else { return high }
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if count(of: courses, before: middle) <= planned { low = middle } else { high = middle }
        }
        return low
    }
}
