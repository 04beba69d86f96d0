import LoadsCore
import LoadsEventLoop
import LoadsWire

/// What a program of the `lines` dialect is told: JSON lines on its standard input, the essentials in its environment.
enum LinePlan {
    /// What of a plan the lines cannot say; nil when they can say all of it.
    static func obstacle(to plan: Plan) -> String? {
        let option: String
        switch plan.model {
        case .arrivals: option = "--rate"
        case .users: option = "--stages"
        case .mix: option = "a mix of scenarios"
        case .cycles:
            if plan.pacing > .zero {
                option = "--pacing"
            } else if plan.warmUp > .zero {
                option = "--warm-up"
            } else if plan.think != .constant(plan.think.mean) {
                option = "--think \(plan.think.kind)(…)"
            } else {
                return nil
            }
        }
        return "\(option) is not known to programs, whose plan in lines has users in cycles; leave it out"
    }

    /// The first line.
    ///
    /// - Parameter time: Seconds since the start of the run at which it is written.
    static func plan(_ order: RunnerOrder, run: String, agent: String, at time: Double) -> [UInt8] {
        let plan = order.plan
        var fields: [(String, String)] = []
        if let first = plan.cycles.first { fields = cycle(first) }
        fields.append(("first_user", "\(plan.firstUser)"))
        fields.append(("seed", "\(plan.seed)"))
        fields.append(("part", object([("index", "\(plan.part.index)"), ("count", "\(plan.part.count)")])))
        fields.append(("ramp_up_s", number(plan.rampUp)))
        fields.append(("think_s", number(plan.think.mean)))
        fields.append(("grace_s", number(plan.grace)))
        fields.append(("pause_s", number(plan.pause)))
        if let timeout = plan.timeout { fields.append(("timeout_s", number(timeout))) }
        if let server = plan.serverURL { fields.append(("server_url", string(server))) }
        fields.append(("new_connections", "\(plan.newConnections)"))
        fields.append(("raw", "\(plan.rawHits)"))
        fields.append(("cycles", "[" + plan.cycles.map { object(cycle($0)) }.joined(separator: ",") + "]"))
        return line(
            [("plan", object(fields)), ("run", string(run)), ("agent", string(agent)), ("t", "\(max(0, time))")]
                + value(order))
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
        line([
            (
                "adjust",
                object([
                    ("users", "\(adjustment.users)"), ("first_new_user", "\(adjustment.firstNewUser)"),
                    ("at_s", "\(max(0, time))"),
                ])
            )
        ])
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
        if let cycle = plan.cycles.first {
            variables["LOADS_TOTAL_USERS"] = "\(cycle.users)"
            switch cycle.amount {
            case .iterations(let count): variables["LOADS_TOTAL_HITS"] = "\(count)"
            case .duration(let length): variables["LOADS_DURATION"] = number(length)
            }
        }
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
