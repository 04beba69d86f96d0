import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// What programs of the dialect `lines` must know to be given more than users in cycles.
    static let models: [Check] = [
        Check("a program that knows arrivals is given them", chapter: "Starting and ending a run") { stage in
            try await stage.order("arrivals", plan: openPlan)
            let state = try await stage.hear("status ready, or refused") { message -> AgentRunState? in
                guard case .status(Stage.run, let state) = message else { return nil }
                if case .preparing = state { return nil }
                return state
            }
            if case .refused(64, _) = state { throw NotApplicable(reason: "the agent gives programs no arrivals") }
            try await stage.start()
            let plan = try await stage.note("plan ").filter { $0 != " " }
            for part in [
                #""arrivals":{"#, #""rate_uph":36000000000"#, #""duration_ns":2000000000"#, #""max_users":3"#,
                #""stripe":[0,2147483648]"#, #""warm_up_s":0.5"#, #""start_ns":"#,
            ] where !plan.contains(part) {
                throw Deviation(expected: "\(part) in the plan", came: plan)
            }
            try await stage.finished(interrupted: false)
            let statistics = await stage.master.total().statistics
            guard statistics.arrivals == ArrivalCounts(planned: 4, started: 2, dropped: 1),
                statistics.warmUp?.arrivals == ArrivalCounts(planned: 1, started: 1)
            else {
                throw Deviation(
                    expected: "4 arrivals planned, 2 started, 1 dropped, and 1 and 1 of the warm-up",
                    came: "\(statistics.arrivals), \(String(describing: statistics.warmUp?.arrivals))")
            }
            guard statistics.scheduleLag.max == 1_500_000, statistics.response.max == 4_500_000,
                statistics.service.max == 2_500_000, statistics.iterations.ok == 1
            else {
                throw Deviation(
                    expected: "lags up to 1.5 ms, a response of 4.5 ms and a service of 2.5 ms",
                    came: "\(statistics.scheduleLag.max), \(statistics.response.max), \(statistics.service.max) ns")
            }
        },
        Check("a program that does not know its plan is refused with 64", chapter: "Starting and ending a run") {
            stage in
            try await stage.order("ignorant", plan: openPlan)
            try await stage.refused(code: 64)
        },
    ]

    /// Ten arrivals a second for 2 s, of which half are this agent's.
    private static let openPlan: Plan = {
        var arrivals = Arrivals(rate: .perSecond(10), for: .seconds(2), maxUsers: 3, queue: 4)
        arrivals.stripe = Stripe([0..<2_147_483_648])
        var plan = Plan(arrivals: arrivals)
        plan.warmUp = .milliseconds(500)
        plan.grace = .seconds(5)
        return plan
    }()
}
