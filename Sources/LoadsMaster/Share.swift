public import LoadsCore

/// Divides a load among agents: 100 users on 3 are 34, 33 and 33, never 300.
///
/// What is counted (users of cycles, the most users and the queue of arrivals) is divided as numbers. Arrivals, and users of
/// stages, are divided by stripes: each agent owns some of their numbers, so that the sum is the plan at every time.
public enum Share {
    /// One plan for each agent, their sum being the plan. An agent may get a cycle with no users.
    ///
    /// No two agents have a user of the same number.
    ///
    /// - Parameter agents: How many, from 1 up.
    public static func plans(of plan: Plan, agents: Int) -> [Plan] {
        plans(of: plan, weights: [Int](repeating: 1, count: agents))
    }

    /// One plan for each weight: the users or arrivals are divided in proportion, in every cycle.
    public static func plans(of plan: Plan, weights: [Int]) -> [Plan] {
        let models = models(of: plan.model, weights: weights)
        var first = plan.firstUser
        return models.enumerated().map { agent, model in
            var share = plan
            share.model = model
            share.part = Plan.Part(index: agent, count: weights.count)
            // Users of stages have the numbers that their stripe owns.
            if case .users = model { return share }
            share.firstUser = first
            first += share.userNumbers
            return share
        }
    }

    /// One model for each weight.
    static func models(of model: LoadModel, weights: [Int]) -> [LoadModel] {
        switch model {
        case .cycles(let cycles):
            let users = cycles.map { Share.users($0.users, weights: weights) }
            return weights.indices.map { agent in
                .cycles(cycles.indices.map { Plan.Cycle(users: users[$0][agent], amount: cycles[$0].amount) })
            }
        case .users(let users):
            return users.stripe.divided(by: weights).map { .users(UserStages(stages: users.stages, stripe: $0)) }
        case .mix(let parts):
            let shares = parts.map { models(of: $0.model, weights: weights) }
            return weights.indices.map { agent in
                .mix(
                    parts.indices.map { index in
                        var part = parts[index]
                        part.model = shares[index][agent]
                        return part
                    })
            }
        case .arrivals(let arrivals):
            let users = oneAtLeast(arrivals.maxUsers, weights: weights)
            let stripes = Self.stripes(of: arrivals.stripe, weights: weights, users: users)
            let queues = Share.users(arrivals.queue, weights: weights)
            return weights.indices.map { agent in
                var share = arrivals
                share.stripe = stripes[agent]
                share.maxUsers = users[agent]
                share.queue = queues[agent]
                share.seed = seed(arrivals.seed, agent)
                return .arrivals(share)
            }
        }
    }

    /// Users in proportion to the weights; where there are enough, nobody is without one.
    private static func oneAtLeast(_ total: Int, weights: [Int]) -> [Int] {
        var shares = users(total, weights: weights)
        guard total >= shares.count else { return shares }
        for agent in 0..<shares.count where shares[agent] == 0 {
            // One of two or more: as many as there are agents cannot all be one and zero.
            guard let most = shares.max(), let giver = shares.firstIndex(of: most) else { break }
            shares[giver] -= 1
            shares[agent] = 1
        }
        return shares
    }

    /// Stripes in proportion to the weights of those who have users: arrivals of an agent without any would all be dropped.
    private static func stripes(of stripe: Stripe, weights: [Int], users: [Int]) -> [Stripe] {
        let able = weights.indices.filter { users[$0] > 0 }
        guard !able.isEmpty, able.count < weights.count else { return stripe.divided(by: weights) }
        var stripes = [Stripe](repeating: .none, count: weights.count)
        for (agent, part) in zip(able, stripe.divided(by: able.map { weights[$0] })) { stripes[agent] = part }
        return stripes
    }

    /// What the Poisson arrivals of an agent, or of a part of a mix, are drawn from: another one for each.
    private static func seed(_ seed: Int, _ agent: Int) -> Int {
        // The steps of SplitMix64, whose output of successive numbers is as good as independent.
        var value = UInt64(truncatingIfNeeded: seed) &+ UInt64(agent + 1) &* 0x9e37_79b9_7f4a_7c15
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((value ^ (value >> 31)) & UInt64(Arrivals.seedLimit))
    }

    /// A plan whose arrivals are drawn from something: from their own seed, or else from the plan's, or else from the run's
    /// name, hashed (FNV-1a). Each part of a mix draws others.
    static func seeded(_ plan: Plan, for run: String) -> Plan {
        var base = plan.seed
        if base == 0 {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in run.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            base = Int(hash & UInt64(Arrivals.seedLimit))
        }
        func seeded(_ model: LoadModel, _ seed: @autoclosure () -> Int) -> LoadModel {
            guard case .arrivals(var arrivals) = model, arrivals.seed == 0 else { return model }
            arrivals.seed = seed()
            return .arrivals(arrivals)
        }
        var plan = plan
        if case .mix(let parts) = plan.model {
            plan.model = .mix(
                parts.enumerated().map { index, part in
                    var part = part
                    part.model = seeded(part.model, seed(base, index))
                    return part
                })
        } else {
            plan.model = seeded(plan.model, base)
        }
        return plan
    }

    /// `total` users in proportion to the weights, by largest remainder; of equal ones the first get the rest.
    ///
    /// - Parameter weights: At least one; what is below 1 counts as 1.
    static func users(_ total: Int, weights: [Int]) -> [Int] {
        let weights = weights.map { max(1, min($0, 1 << 20)) }
        let sum = weights.reduce(0, +)
        var shares = weights.map { total / sum * $0 + total % sum * $0 / sum }
        let remainders = weights.map { total % sum * $0 % sum }
        let rest = total - shares.reduce(0, +)
        let order = weights.indices.sorted { (remainders[$0], -$0) > (remainders[$1], -$1) }
        for agent in order.prefix(rest) { shares[agent] += 1 }
        return shares
    }
}
