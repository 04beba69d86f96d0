public import LoadsCore

/// Divides a load among agents: 100 users on 3 are 34, 33 and 33, never 300.
public enum Share {
    /// One plan for each agent, their sum being the plan. An agent may get a cycle with no users.
    ///
    /// No two agents have a user of the same number.
    ///
    /// - Parameter agents: How many, from 1 up.
    public static func plans(of plan: Plan, agents: Int) -> [Plan] {
        plans(of: plan, weights: [Int](repeating: 1, count: agents))
    }

    /// One plan for each weight: the users are divided in proportion, in every cycle.
    public static func plans(of plan: Plan, weights: [Int]) -> [Plan] {
        let cycles = plan.cycles.map { users($0.users, weights: weights) }
        var first = plan.firstUser
        return weights.indices.map { agent in
            var share = plan
            share.cycles = plan.cycles.indices.map { cycle in
                Plan.Cycle(users: cycles[cycle][agent], amount: plan.cycles[cycle].amount)
            }
            share.firstUser = first
            first += share.peakUsers
            return share
        }
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
