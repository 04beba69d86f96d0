import LoadsCore
import LoadsEventLoop

/// A model is one field of the map that holds it: `cycles`, `user_stages`, `arrivals` or `mix`.
extension LoadModel {
    func pack(into packer: Packer) {
        switch self {
        case .cycles(let cycles):
            packer.field("cycles", each: cycles) { cycle in
                packer.field("users", cycle.users)
                switch cycle.amount {
                case .iterations(let count): packer.field("iterations", count)
                case .duration(let duration): packer.field("duration_ns", duration.wholeNanoseconds)
                }
            }
        case .users(let users):
            packer.field("user_stages") {
                packer.field("stages", each: users.stages) { stage in
                    packer.field("duration_ns", stage.duration.wholeNanoseconds)
                    packer.field("users", stage.users)
                }
                packer.stripe(users.stripe)
            }
        case .arrivals(let arrivals): packer.field("arrivals") { arrivals.pack(into: packer) }
        case .mix(let parts):
            packer.field("mix", each: parts) { part in
                packer.field("scenarios", part.scenarios)
                packer.field("start_ns", part.start.wholeNanoseconds)
                packer.think(part.think)
                if part.pacing > .zero { packer.field("pacing_ns", part.pacing.wholeNanoseconds) }
                if part.pause > .zero { packer.field("pause_ns", part.pause.wholeNanoseconds) }
                if part.rampUp > .zero { packer.field("ramp_up_ns", part.rampUp.wholeNanoseconds) }
                part.model.pack(into: packer)
            }
        }
    }

    /// - Parameter node: The map with the field.
    init(_ node: Node) throws(WireError) {
        if let node = try node.optional("mix") {
            self = .mix(try node.list { node throws(WireError) in try MixPart(node) })
        } else if let node = try node.optional("arrivals") {
            self = .arrivals(try Arrivals(node))
        } else if let node = try node.optional("user_stages") {
            let stages = try node.field("stages").stages { node throws(WireError) in
                UserStage(duration: try node.field("duration_ns").duration(), users: try node.field("users").users())
            }
            self = .users(UserStages(stages: stages, stripe: try node.stripe()))
        } else {
            self = .cycles(try Self.cycles(node.field("cycles")))
        }
    }

    private static func cycles(_ node: Node) throws(WireError) -> [Plan.Cycle] {
        guard (1...10_000).contains(try node.count) else { throw .field("cycles", "1 to 10,000 cycles") }
        return try node.stages { node throws(WireError) in
            let users = try node.field("users").users()
            if let iterations = try node.optional("iterations") {
                return Plan.Cycle(users: users, amount: .iterations(try iterations.int()))
            }
            return Plan.Cycle(users: users, amount: .duration(try node.field("duration_ns").duration()))
        }
    }
}

extension MixPart {
    init(_ node: Node) throws(WireError) {
        // A mix in a mix would nest without end.
        guard try node.optional("mix") == nil else { throw .field("mix", "parts that are no mixes") }
        self.init(scenarios: try node.field("scenarios").strings(), model: try LoadModel(node))
        if let node = try node.optional("start_ns") { start = try node.duration() }
        think = try node.thinkTime()
        if let node = try node.optional("pacing_ns") { pacing = try node.duration() }
        if let node = try node.optional("pause_ns") { pause = try node.duration() }
        if let node = try node.optional("ramp_up_ns") { rampUp = try node.duration() }
    }
}

extension Packer {
    /// Of a distribution the mean, for runners that know no other, and then the distribution.
    func think(_ think: ThinkTime) {
        field("think_ns", think.mean.wholeNanoseconds)
        guard think != .constant(think.mean) else { return }
        field("think") {
            field("kind", think.kind)
            key("ns")
            array(think.parameters.count)
            for time in think.parameters { int(time.wholeNanoseconds) }
        }
    }
}

extension Node {
    /// The think time in two fields of this map.
    func thinkTime() throws(WireError) -> ThinkTime {
        guard let node = try optional("think") else { return .constant(try optional("think_ns")?.duration() ?? .zero) }
        let times = try node.field("ns").list { node throws(WireError) in try node.duration() }
        guard let time = ThinkTime(kind: try node.field("kind").string(), parameters: times) else {
            throw .field("think", "constant, uniform, normal or exponential, with its times")
        }
        return time
    }
}

extension Arrivals {
    func pack(into packer: Packer) {
        packer.field("stages", each: stages) { stage in
            packer.field("duration_ns", stage.duration.wholeNanoseconds)
            packer.field("rate_uph", stage.rate.microPerHour)
        }
        packer.field("max_users", maxUsers)
        packer.field("queue", queue)
        packer.field("poisson", poisson)
        packer.field("seed", seed)
        packer.stripe(stripe)
    }

    init(_ node: Node) throws(WireError) {
        let stages = try node.field("stages").stages { node throws(WireError) in
            RateStage(
                duration: try node.field("duration_ns").duration(), rate: try node.field("rate_uph").rate())
        }
        self.init(
            stages: stages, maxUsers: try node.field("max_users").users(),
            queue: try node.field("queue").int(in: 0...Arrivals.queueLimit))
        if let node = try node.optional("poisson") { poisson = try node.bool() }
        if let node = try node.optional("seed") { seed = try node.int(in: 0...Arrivals.seedLimit) }
        stripe = try node.stripe()
    }
}

extension Packer {
    /// Pairs of where a range begins and ends. All of the circle needs no field.
    fileprivate func stripe(_ stripe: Stripe) {
        if stripe == .whole { return }
        key("stripe")
        array(stripe.ranges.count * 2)
        for range in stripe.ranges {
            int(Int(range.lowerBound))
            int(Int(range.upperBound))
        }
    }
}

extension Node {
    fileprivate func stages<Stage>(_ stage: (Node) throws(WireError) -> Stage) throws(WireError) -> [Stage] {
        guard (1...LoadModel.stageLimit).contains(try count) else { throw .field(name, "1 to 10,000 of them") }
        var stages: [Stage] = []
        try eachElement { node throws(WireError) in stages.append(try stage(node)) }
        return stages
    }

    /// The stripe in a field of this map.
    fileprivate func stripe() throws(WireError) -> Stripe {
        guard let node = try optional("stripe") else { return .whole }
        let ends = try node.list { node throws(WireError) in
            UInt64(try node.int(in: 0...Int(Stripe.circumference)))
        }
        guard ends.count % 2 == 0, ends.count <= 20_000 else {
            throw .field("stripe", "pairs of where a range begins and ends")
        }
        var ranges: [Range<UInt64>] = []
        for place in stride(from: 0, to: ends.count, by: 2) {
            guard ends[place] <= ends[place + 1] else { throw .field("stripe", "ranges that end after they begin") }
            ranges.append(ends[place]..<ends[place + 1])
        }
        return Stripe(ranges)
    }
}
