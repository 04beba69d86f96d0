import LoadsCore
import LoadsEventLoop
import LoadsWire

/// What a program of the `lines` dialect is told: JSON lines on its standard input, the essentials in its environment.
enum LinePlan {
    /// What of a plan the lines cannot say, whatever the program knows; nil when they can say all of it.
    static func obstacle(to plan: Plan) -> String? {
        guard case .mix = plan.model else { return nil }
        return "a mix of scenarios: a program is given one model; run them one by one, or as tests"
    }

    /// The first line.
    ///
    /// - Parameters:
    ///   - start: Time 0 of the run.
    ///   - time: Seconds since then at which it is written.
    static func plan(
        _ order: RunnerOrder, run: String, agent: String, start: Instant, at time: Double
    ) -> [UInt8] {
        let plan = order.plan
        var fields: [(String, String)] = []
        switch plan.model {
        case .cycles(let cycles): if let first = cycles.first { fields = cycle(first) }
        case .users, .arrivals: fields = [model(plan.model)].compactMap { $0 }
        case .mix: break
        }
        fields.append(("first_user", "\(plan.firstUser)"))
        fields.append(("seed", "\(plan.seed)"))
        fields.append(("part", object([("index", "\(plan.part.index)"), ("count", "\(plan.part.count)")])))
        fields.append(("ramp_up_s", number(plan.rampUp)))
        fields.append(("think_s", number(plan.think.mean)))
        if plan.think != .constant(plan.think.mean) { fields.append(("think", distribution(plan.think))) }
        if plan.pacing > .zero { fields.append(("pacing_s", number(plan.pacing))) }
        if plan.warmUp > .zero { fields.append(("warm_up_s", number(plan.warmUp))) }
        fields.append(("grace_s", number(plan.grace)))
        fields.append(("pause_s", number(plan.pause)))
        if let timeout = plan.timeout { fields.append(("timeout_s", number(timeout))) }
        if let server = plan.serverURL { fields.append(("server_url", string(server))) }
        fields.append(("new_connections", "\(plan.newConnections)"))
        fields.append(("raw", "\(plan.rawHits)"))
        if !plan.cycles.isEmpty { fields.append(("cycles", list(plan.cycles.map { object(cycle($0)) }))) }
        return line(
            [
                ("plan", object(fields)), ("run", string(run)), ("agent", string(agent)), ("t", "\(max(0, time))"),
                ("start_ns", "\(start.nanoseconds)"),
            ] + value(order))
    }

    /// The first line of a process that does the set-up or the tear-down.
    static func once(_ order: RunnerOrder, run: String, agent: String) -> [UInt8] {
        let plan = order.plan
        var fields = [("seed", "\(plan.seed)")]
        if case .duration(let limit)? = plan.cycles.first?.amount { fields.append(("limit_s", number(limit))) }
        if let server = plan.serverURL { fields.append(("server_url", string(server))) }
        return line(
            [(order.phase.rawValue, object(fields)), ("run", string(run)), ("agent", string(agent))] + value(order))
    }

    /// What the set-up has handed over: JSON as it is.
    private static func value(_ order: RunnerOrder) -> [(String, String)] {
        guard let value = order.value, !value.isEmpty else { return [] }
        return [("value", String(decoding: value, as: UTF8.self))]
    }

    /// - Parameter time: Seconds since the start of the run at which it takes effect.
    static func adjust(_ adjustment: Adjustment, at time: Double) -> [UInt8] {
        var fields = [
            ("users", "\(adjustment.users)"), ("first_new_user", "\(adjustment.firstNewUser)"),
            ("at_s", "\(max(0, time))"),
        ]
        if let change = adjustment.change, let model = model(change.model) {
            fields.append(("change", object([("from_ns", "\(change.from)"), model])))
        }
        return line([("adjust", object(fields))])
    }

    static func stop(grace: Duration) -> [UInt8] { line([("stop", object([("grace_s", number(grace))]))]) }

    static let abort = line([("abort", "{}")])

    /// What the program finds in its environment.
    static func environment(_ order: RunnerOrder, run: String, agent: String) -> [String: String] {
        let plan = order.plan
        var variables = [
            "LOADS_RUN_ID": run, "LOADS_AGENT_ID": agent, "LOADS_FIRST_USER": "\(plan.firstUser)",
            "LOADS_RAMP_UP": number(plan.rampUp), "LOADS_THINK": number(plan.think.mean),
            "LOADS_GRACE": number(plan.grace),
        ]
        variables["LOADS_TOTAL_USERS"] = "\(plan.cycles.first?.users ?? plan.peakUsers)"
        switch plan.cycles.first?.amount {
        case .iterations(let count)?: variables["LOADS_TOTAL_HITS"] = "\(count)"
        case .duration(let length)?: variables["LOADS_DURATION"] = number(length)
        case nil: if let length = plan.length { variables["LOADS_DURATION"] = number(length) }
        }
        let needs = LineNeed.of(plan).map(\.rawValue)
        if !needs.isEmpty { variables["LOADS_NEEDS"] = needs.joined(separator: ",") }
        if let server = plan.serverURL { variables["LOADS_SERVER_URL"] = server }
        return variables
    }

    // MARK: JSON

    private static func cycle(_ cycle: Plan.Cycle) -> [(String, String)] {
        let amount =
            switch cycle.amount {
            case .iterations(let count): ("iterations", "\(count)")
            case .duration(let length): ("duration_s", number(length))
            }
        return [("users", "\(cycle.users)"), amount]
    }

    /// A model that is no cycles, under its name: the map of the runner protocol as JSON.
    private static func model(_ model: LoadModel) -> (String, String)? {
        switch model {
        case .arrivals(let arrivals):
            let stages = arrivals.stages.map {
                object([
                    ("duration_ns", "\($0.duration.wholeNanoseconds)"), ("rate_uph", "\($0.rate.microPerHour)"),
                ])
            }
            return (
                "arrivals",
                object([
                    ("stages", list(stages)), ("max_users", "\(arrivals.maxUsers)"), ("queue", "\(arrivals.queue)"),
                    ("poisson", "\(arrivals.poisson)"), ("seed", "\(arrivals.seed)"),
                    ("stripe", stripe(arrivals.stripe)),
                ])
            )
        case .users(let users):
            let stages = users.stages.map {
                object([("duration_ns", "\($0.duration.wholeNanoseconds)"), ("users", "\($0.users)")])
            }
            return ("user_stages", object([("stages", list(stages)), ("stripe", stripe(users.stripe))]))
        case .cycles, .mix: return nil
        }
    }

    private static func stripe(_ stripe: Stripe) -> String {
        list(stripe.ranges.flatMap { ["\($0.lowerBound)", "\($0.upperBound)"] })
    }

    private static func distribution(_ think: ThinkTime) -> String {
        object([
            ("kind", string(think.kind)), ("ns", list(think.parameters.map { "\($0.wholeNanoseconds)" })),
        ])
    }

    private static func list(_ values: [String]) -> String { "[" + values.joined(separator: ",") + "]" }

    private static func number(_ duration: Duration) -> String {
        let seconds = duration.inSeconds
        return Int(exactly: seconds).map { "\($0)" } ?? "\(seconds)"
    }

    private static func object(_ fields: [(String, String)]) -> String {
        "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    private static func line(_ fields: [(String, String)]) -> [UInt8] { Array((object(fields) + "\n").utf8) }

    static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
