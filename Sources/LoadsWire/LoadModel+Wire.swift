import LoadsCore
import LoadsEventLoop

/// A model is one field of the map that holds it: `cycles`, `user_stages` or `arrivals`.
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
        }
    }

    /// - Parameter node: The map with the field.
    init(_ node: Node) throws(WireError) {
        if let node = try node.optional("arrivals") {
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
