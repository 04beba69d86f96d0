import LoadsEventLoop

extension Summary {
    /// Whether the numbers can be trusted.
    public var verdict: Verdict {
        let reasons = holes + bottlenecks
        guard reasons.isEmpty, measuredNothing else { return Verdict(reasons) }
        return Verdict([Verdict.Reason(.nothingMeasured, "nothing was measured: there is no number to trust")])
    }

    // MARK: Incomplete

    private var holes: [Verdict.Reason] {
        var reasons: [Verdict.Reason] = []
        if let crash, crash.isLoss {
            reasons.append(
                Verdict.Reason(
                    .agentMissing, "the run broke off (\(crash.reason)): what is missing from then on is unknown"))
        } else if let crash {
            reasons.append(
                Verdict.Reason(
                    .crash,
                    "the runner crashed (\(crash.reason)): \(crash.unreportedEnded) iterations that ended and "
                        + "\(crash.unreportedHits) hits are in no number",
                    actual: Quantity(Double(crash.unreportedHits), .number), limit: Quantity(0, .number)))
        }
        for agent in agents {
            guard agent.missing != nil || agent.state == .lost else { continue }
            // What a crash has taken is told there.
            if let crash, !crash.isLoss, agent.state == .crashed { continue }
            reasons.append(agentHole(agent))
        }
        let open = statistics.iterations.started - statistics.iterations.ended
        if open > 0, reasons.isEmpty {
            reasons.append(
                Verdict.Reason(
                    .unended, "\(open) iterations were started and never ended",
                    actual: Quantity(Double(open), .number), limit: Quantity(0, .number)))
        }
        if reasons.isEmpty, let unplayed { reasons.append(unplayed) }
        if let cutOff { reasons.append(cutOff) }
        return reasons
    }

    /// A program plays its plan by itself: what it reports is held against it.
    private var unplayed: Verdict.Reason? {
        guard isProgram, !interrupted, !measuredNothing else { return nil }
        let ended = statistics.iterations.ended + (statistics.warmUp?.iterations.ended ?? 0)
        if let planned = plan.plannedIterations, changes.isEmpty, ended < planned {
            return Verdict.Reason(
                .unplayed,
                "the program told of the end of \(ended) of \(planned) iterations: it did not play its plan, or does not "
                    + "tell of its iterations",
                actual: Quantity(Double(ended), .number), limit: Quantity(Double(planned), .number))
        }
        guard ended == 0 else { return nil }
        return Verdict.Reason(
            .unplayed, "the program told of no iteration: whether it played its plan nobody knows",
            actual: Quantity(0, .number))
    }

    private var cutOff: Verdict.Reason? {
        let iterations = statistics.iterations
        guard iterations.cutOff > 0 else { return nil }
        let share = Quantity(Double(iterations.cutOff) / Double(max(1, iterations.started)), .share)
        return Verdict.Reason(
            .cutOff,
            "\(iterations.cutOff) of \(iterations.started) iterations (\(share)) had not ended when the grace of "
                + "\(DurationText.text(plan.grace)) was over and were cut off: they count with the time until then, and would have "
                + "taken longer (--grace)",
            actual: Quantity(Double(iterations.cutOff), .number), limit: Quantity(0, .number))
    }

    private func agentHole(_ agent: AgentShare) -> Verdict.Reason {
        guard let missing = agent.missing else {
            return Verdict.Reason(.agentMissing, "the agent \(agent.name) was lost")
        }
        let start = Quantity(missing.from * 1e9, .time)
        let span = missing.to.map { "from \(start) to \(Quantity($0 * 1e9, .time))" } ?? "from \(start) on"
        let hits = missing.hits.map { $0 > 0 ? ", \($0) hits at least" : "" } ?? ""
        return Verdict.Reason(
            .agentMissing, "what the agent \(agent.name) measured \(span) is missing\(hits): \(missing.reason)",
            actual: missing.hits.map { Quantity(Double($0), .number) }, limit: Quantity(0, .number))
    }

    // MARK: Generator-limited

    private var bottlenecks: [Verdict.Reason] {
        [scheduleLag, droppedArrivals, userWait].compactMap { $0 } + loopLag
            + [blocking, descriptors].compactMap { $0 } + saturation
    }

    private var scheduleLag: Verdict.Reason? {
        let limit = Quantity(Double(Verdict.scheduleLagLimit), .time)
        guard let lag = statistics.scheduleLag.percentile(0.99), lag > Verdict.scheduleLagLimit else { return nil }
        let actual = Quantity(Double(lag), .time)
        return Verdict.Reason(
            .scheduleLag,
            "one iteration of a hundred started \(actual) or more behind its schedule, through the generator's fault",
            actual: actual, limit: limit)
    }

    private var droppedArrivals: Verdict.Reason? {
        let arrivals = statistics.arrivals
        guard arrivals.dropped > 0 else { return nil }
        let share = Quantity(Double(arrivals.dropped) / Double(max(1, arrivals.judged)), .share)
        return Verdict.Reason(
            .droppedArrivals,
            "\(arrivals.dropped) of \(arrivals.judged) arrivals (\(share)) found no free user and were not made: allow "
                + "more (--max-users), unless the target is too slow for any number", actual: share,
            limit: Quantity(0, .share))
    }

    /// One arrival of a hundred waited for a user because there were as many as there may be.
    private var userWait: Verdict.Reason? {
        let (waits, arrivals) = (statistics.userWait, statistics.arrivals.started)
        let without = Double(arrivals) - Double(waits.count)
        // The rank of the 99th percentile among all arrivals, as one among those that waited.
        let rank = (0.99 * Double(arrivals) - without) / Double(max(1, waits.count))
        guard !waits.isEmpty, rank > 0, let wait = waits.percentile(min(1, rank)), wait > Verdict.userWaitLimit else {
            return nil
        }
        let actual = Quantity(Double(wait), .time)
        return Verdict.Reason(
            .userWait,
            "one arrival of a hundred waited \(actual) or longer, up to \(Quantity(Double(waits.max), .time)), because all users "
                + "that there may be were busy: allow more (--max-users), unless the target is too slow for any number",
            actual: actual, limit: Quantity(Double(Verdict.userWaitLimit), .time))
    }

    /// For each agent whose loops were held up for so much of the time that percentiles are theirs.
    private var loopLag: [Verdict.Reason] {
        usages.compactMap { usage, users, who in
            // A hiccup is no more than that, however short the run.
            guard usage.seconds > 0, usage.heldSeconds > Verdict.shortestHold else { return nil }
            let share = usage.heldSeconds / usage.seconds / loops(usage, users: users)
            guard share > Verdict.loopLagLimit else { return nil }
            let (actual, limit) = (Quantity(min(1, share), .share), Quantity(Verdict.loopLagLimit, .share))
            let threshold = Quantity(Double(LoopLag.heldThreshold), .time)
            return Verdict.Reason(
                .loopLag,
                "for \(actual) of the time whatever happened\(who) waited more than \(threshold) for its loop: as many "
                    + "latencies may be the generator's", actual: actual, limit: limit)
        }
    }

    /// What each agent used, with its users and how it is named; what is known of the run where nobody kept count of agents.
    private var usages: [(usage: AgentShare.Usage, users: Int, who: String)] {
        guard !agents.isEmpty else {
            let health = statistics.health
            let usage = AgentShare.Usage(
                cores: plan.loops ?? 1, seconds: duration, cpuSeconds: health.cpuSeconds,
                waitedSeconds: Double(health.lag.waited) / 1e9, heldSeconds: Double(health.lag.held) / 1e9)
            return [(usage, plan.peakUsers, "")]
        }
        return agents.compactMap { agent in
            agent.usage.map { ($0, agent.users, agents.count > 1 ? " on \(agent.name)" : "") }
        }
    }

    /// How many loops, or threads, have work at a time: a user at a time is on one.
    private func loops(_ usage: AgentShare.Usage, users: Int) -> Double {
        Double(max(1, min(usage.cores, plan.loops ?? .max, plan.threads ? .max : max(1, users))))
    }

    /// Bodies that hold their loop in more than one iteration of a hundred.
    private var blocking: Verdict.Reason? {
        let ended = statistics.iterations.ended
        let holders = statistics.health.lag.holders
        let count = holders.values.reduce(0) { $0 + $1.count }
        guard let worst = holders.max(by: { $0.value.longest < $1.value.longest }), count > 0,
            Double(count) > Verdict.blockingLimit * Double(ended)
        else {
            return nil
        }
        let share = Quantity(ended == 0 ? 1 : min(1, Double(count) / Double(ended)), .share)
        return Verdict.Reason(
            .blocking,
            "\(worst.key) blocked its loop for up to \(Quantity(Double(worst.value.longest), .time)), in "
                + "\(share) of the iterations: the other users of the loop waited (use --threads, or asynchronous code)",
            actual: share, limit: Quantity(Verdict.blockingLimit, .share))
    }

    private var descriptors: Verdict.Reason? {
        guard let group = statistics.errors["descriptors"] else { return nil }
        return Verdict.Reason(
            .descriptors, "\(group.count) hits failed for want of descriptors or ports: \(group.sample)",
            actual: Quantity(Double(group.count), .number), limit: Quantity(0, .number))
    }

    /// For each agent: its runner used the cores that it can, or waited for one.
    private var saturation: [Verdict.Reason] {
        (agents.isEmpty ? [] : usages).flatMap { usage, users, who -> [Verdict.Reason] in
            guard usage.seconds >= Verdict.shortestUsage else { return [] }
            let cores = loops(usage, users: users)
            let busy = usage.cpuSeconds / usage.seconds / cores
            let waiting = usage.waitedSeconds / usage.seconds / cores
            var reasons: [Verdict.Reason] = []
            // Who spins uses a core whatever there is to do: then the lag tells.
            if busy > Verdict.cpuLimit, !plan.precise {
                let share = Quantity(busy, .share)
                reasons.append(
                    Verdict.Reason(
                        .cpu,
                        "the runner\(who) used \(share) of the \(cores == 1 ? "core" : "\(Int(cores)) cores") "
                            + "that it can use: it could not have done more", actual: share,
                        limit: Quantity(Verdict.cpuLimit, .share)))
            }
            if waiting > Verdict.coreWaitLimit {
                let share = Quantity(waiting, .share)
                reasons.append(
                    Verdict.Reason(
                        .coreWait,
                        "the runner's loops\(who) waited for a core for \(share) of the time: the machine "
                            + "is too busy", actual: share, limit: Quantity(Verdict.coreWaitLimit, .share)))
            }
            return reasons
        }
    }
}

extension Verdict {
    /// The 99th percentile of the schedule lag may be so much, in nanoseconds.
    public static let scheduleLagLimit: Int64 = 10_000_000
    /// The share of the time in which what happens may wait more than 10 ms for its loop.
    public static let loopLagLimit = 0.01
    /// Seconds of such a time, in all, that say nothing.
    public static let shortestHold = 0.1
    /// The 99th percentile of how long arrivals wait for a user may be so much, in nanoseconds.
    public static let userWaitLimit: Int64 = 10_000_000
    /// The share of iterations that may block their loop.
    public static let blockingLimit = 0.01
    /// The share of its cores that a runner may use over the whole run.
    public static let cpuLimit = 0.9
    /// The share of the time that loops may wait for a core.
    public static let coreWaitLimit = 0.1
    /// Over less time, in seconds, CPU says nothing.
    public static let shortestUsage = 1.0
}
