import LoadsEventLoop

/// One thing that is wrong with a plan.
public struct PlanProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The option's name, the same on the command line and in a configuration file: `users`, `ramp-up`, …
    public var option: String
    /// The value as a person would write it.
    public var value: String
    /// What would be right.
    public var remedy: String
    /// Which part of a mix it is about, from 0; nil for the whole plan.
    public var part: Int?

    /// - Parameters:
    ///   - option: Its name without `--`.
    ///   - remedy: What is wrong with the value, and what would be right.
    public init(option: String, value: String, remedy: String) {
        self.option = option
        self.value = value
        self.remedy = remedy
    }

    public var description: String {
        (part.map { "part \($0 + 1) of the mix: " } ?? "") + "--\(option) \(value): \(remedy)"
    }
}

extension Plan {
    /// The most users of one process.
    public static let userLimit = 1_000_000
    /// The most iterations of one user in one cycle.
    public static let iterationLimit = 1_000_000_000_000
    /// The most event loops of one process.
    public static let loopLimit = 1024
    /// The most users with a thread each: the kernel's default for a machine is 32,768 threads.
    public static let threadLimit = 30_000
    /// The most names that can be kept apart: the limit of ``maxNames``.
    public static let nameLimit = 1_000_000

    /// Everything that is wrong with the plan, in the order of its fields; empty when it can be run.
    public func validate() -> [PlanProblem] {
        var problems: [PlanProblem] = []
        func expect(_ isRight: Bool, _ option: String, _ value: @autoclosure () -> String, _ remedy: String) {
            if !isRight { problems.append(PlanProblem(option: option, value: value(), remedy: remedy)) }
        }
        switch model {
        case .cycles(let cycles): problems += Self.problems(of: cycles)
        case .users(let users): problems += users.problems
        case .arrivals(let arrivals): problems += arrivals.problems
        case .mix(let parts):
            expect(!parts.isEmpty, "scenarios", "''", "a mix without a part")
            for (index, part) in parts.enumerated() {
                for var problem in part.problems {
                    problem.part = index
                    problems.append(problem)
                }
            }
            expect(peakUsers <= Self.userLimit, "scenarios", "\(peakUsers) users", "more than 1,000,000 in all")
        }
        func isTime(_ time: Duration) -> Bool { time >= .zero && time <= DurationText.longest }
        for (option, value) in [("pause", pause), ("ramp-up", rampUp)] {
            expect(isTime(value), option, DurationText.text(value), "not a time (0s or more; try 500ms, 10s, 2m)")
        }
        // Users whose time to start comes after the end would never start.
        let shortest = cycles.compactMap { if case .duration(let length) = $0.amount { length } else { nil } }.min()
        if let shortest, shortest > .zero {
            expect(
                rampUp <= shortest, "ramp-up", DurationText.text(rampUp),
                "longer than \(cycles.count == 1 ? "the run" : "a cycle") (\(DurationText.text(shortest))): not all users would "
                    + "start")
        }
        expect(
            think.parameters.allSatisfy(isTime), "think", think.text,
            "not a time (0s or more; try 500ms, 10s, uniform(1s,3s))")
        for (option, value) in [("pacing", pacing), ("warm-up", warmUp), ("grace", grace)] {
            expect(isTime(value), option, DurationText.text(value), "not a time (0s or more; try 500ms, 10s, 2m)")
        }
        if let length {
            expect(
                warmUp == .zero || warmUp < length, "warm-up", DurationText.text(warmUp),
                "as long as the whole run (\(DurationText.text(length)))")
        }
        if threads {
            expect(
                peakUsers <= Self.threadLimit, "threads", "with \(peakUsers) users",
                "more threads than a machine has (up to 30,000 users, or no --threads)")
        }
        if let loops {
            expect(
                loops >= 1 && loops <= Self.loopLimit, "loops", "\(loops)", "not a number of loops (from 1 to 1,024)")
        }
        if let timeout {
            expect(
                timeout > .zero && timeout <= DurationText.longest, "timeout", DurationText.text(timeout),
                "not a time-out (try 500ms, 10s)")
        }
        if let serverURL {
            expect(
                Self.isOrigin(serverURL), "server-url", serverURL.isEmpty ? "''" : serverURL,
                "not an HTTP address (try http://127.0.0.1:8080)")
        }
        for (name, weight) in weights.sorted(by: { $0.key < $1.key }) {
            expect(
                weight >= 1 && weight <= 1_000_000, "weight", "\(weight) of \(name)",
                "not a weight (from 1 to 1,000,000)")
        }
        expect(
            maxNames >= 1 && maxNames <= Self.nameLimit, "max-names", "\(maxNames)",
            "not a number of names (from 1 to 1,000,000)")
        expect(
            firstUser >= 0 && firstUser <= Int.max - Self.userLimit, "first-user", "\(firstUser)",
            "not a user's number (0 or more)")
        return problems
    }

    private static func problems(of cycles: [Cycle]) -> [PlanProblem] {
        guard !cycles.isEmpty else {
            return [PlanProblem(option: "users", value: "''", remedy: "no cycle (try 10, or 10:20:30)")]
        }
        var problems: [PlanProblem] = []
        for cycle in cycles {
            if cycle.users < 1 || cycle.users > userLimit {
                problems.append(
                    PlanProblem(
                        option: "users", value: "\(cycle.users)", remedy: "not a number of users (from 1 to 1,000,000)")
                )
            }
            switch cycle.amount {
            case .iterations(let count):
                if count >= 1 && count <= iterationLimit { break }
                problems.append(
                    PlanProblem(
                        option: "iterations", value: "\(count)", remedy: "not a number of iterations (1 or more)"))
            case .duration(let length):
                if length > .zero && length <= DurationText.longest { break }
                problems.append(
                    PlanProblem(
                        option: "duration", value: DurationText.text(length),
                        remedy: "not a time to run (try 10s, 2m, 1h30m)"))
            }
        }
        return problems
    }

    /// Scheme and host are there; the rest is the session's to judge.
    private static func isOrigin(_ text: String) -> Bool {
        let lower = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lower.hasPrefix($0) }) else { return false }
        guard let host = lower.dropFirst(scheme.count).first else { return false }
        return !"/?#:".contains(host) && !text.contains(where: \.isWhitespace)
    }
}
