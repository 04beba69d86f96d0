import LoadsEventLoop

extension LoadModel {
    /// The most stages of a plan.
    public static let stageLimit = 10_000
    /// The most arrivals of a plan.
    public static let arrivalLimit = 1_000_000_000_000

    fileprivate static func problems(stages count: Int, lengths: [Duration]) -> [PlanProblem] {
        guard (1...stageLimit).contains(count) else {
            let text = count == 0 ? "''" : "\(count) of them"
            return [
                PlanProblem(option: "stages", value: text, remedy: "from 1 to 10,000 stages (try 30s:50,2m:50,10s:0)")
            ]
        }
        for length in lengths where length < .zero || length > DurationText.longest {
            return [
                PlanProblem(
                    option: "stages", value: DurationText.text(length),
                    remedy: "not a stage's time (try 30s, or 0s for a jump)")
            ]
        }
        let length = lengths.reduce(.zero, +)
        guard length > .zero else {
            return [PlanProblem(option: "stages", value: "0s in all", remedy: "no stage takes any time (try 30s:50)")]
        }
        guard length <= DurationText.longest else {
            return [PlanProblem(option: "stages", value: DurationText.text(length), remedy: "longer than a year")]
        }
        return []
    }
}

extension MixPart {
    /// Everything that is wrong with it.
    var problems: [PlanProblem] {
        func problem(_ option: String, _ value: String, _ remedy: String) -> [PlanProblem] {
            [PlanProblem(option: option, value: value, remedy: remedy)]
        }
        if scenarios.isEmpty { return problem("scenarios", "''", "a part of a mix without a scenario") }
        if start < .zero || start > DurationText.longest {
            return problem("start", DurationText.text(start), "not a time (0s or more)")
        }
        if case .mix = model { return problem("scenarios", "a mix", "a mix in a mix") }
        var plan = Plan(model: model)
        plan.think = think
        plan.pacing = pacing
        plan.pause = pause
        plan.rampUp = rampUp
        return plan.validate()
    }
}

extension UserStages {
    /// Everything that is wrong with them.
    var problems: [PlanProblem] {
        var problems = LoadModel.problems(stages: stages.count, lengths: stages.map(\.duration))
        for stage in stages where stage.users < 0 || stage.users > Plan.userLimit {
            problems.append(
                PlanProblem(
                    option: "stages", value: "\(stage.users)", remedy: "not a number of users (from 0 to 1,000,000)"))
        }
        if problems.isEmpty && peak == 0 {
            problems.append(PlanProblem(option: "stages", value: "0", remedy: "no stage has a user (try 30s:50)"))
        }
        return problems
    }
}

extension Arrivals {
    /// Everything that is wrong with them.
    var problems: [PlanProblem] {
        var problems = LoadModel.problems(stages: stages.count, lengths: stages.map(\.duration))
        func complain(_ option: String, _ value: String, _ remedy: String) {
            problems.append(PlanProblem(option: option, value: value, remedy: remedy))
        }
        for stage in stages where stage.rate < .zero || stage.rate > .highest {
            complain("rate", stage.rate.text, "not a rate (from 0 to 10,000,000/s; try 500/s, 0.5/s, 90/m)")
        }
        if maxUsers < 1 || maxUsers > Plan.userLimit {
            complain("max-users", "\(maxUsers)", "not a number of users (from 1 to 1,000,000)")
        }
        if queue < 0 || queue > Self.queueLimit {
            complain("queue", "\(queue)", "not a number of arrivals that may wait (from 0 to 10,000,000)")
        }
        if seed < 0 || seed > Self.seedLimit { complain("seed", "\(seed)", "not a seed (from 0 to 2^53 - 1)") }
        if !problems.isEmpty { return problems }
        let total = schedule.total
        if total == 0 { complain("rate", "0", "no arrival ever comes (try 500/s)") }
        if total > LoadModel.arrivalLimit {
            complain("rate", "\(total) arrivals", "more than 1,000,000,000,000 in a run")
        }
        return problems
    }

    /// The most arrivals that may wait: 16 bytes each.
    public static let queueLimit = 10_000_000
    /// The largest seed, 2⁵³ − 1: what every language's numbers hold.
    public static let seedLimit = (1 << 53) - 1
}
