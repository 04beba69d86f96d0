public import LoadsCore

/// Divides a load among agents: 100 users on 3 are 34, 33 and 33, never 300.
public enum Share {
    /// One plan for each agent, their sum being the plan. An agent may get a cycle with no users.
    ///
    /// - Parameter agents: How many, from 1 up.
    public static func plans(of plan: Plan, agents: Int) -> [Plan] {
        var first = plan.firstUser
        return (0..<agents).map { agent in
            var share = plan
            share.cycles = plan.cycles.map { cycle in
                Plan.Cycle(users: users(cycle.users, of: agent, among: agents), amount: cycle.amount)
            }
            share.firstUser = first
            first += share.peakUsers
            return share
        }
    }

    /// How many of `total` the agent with this number gets; the first ones get the rest.
    static func users(_ total: Int, of agent: Int, among agents: Int) -> Int {
        total / agents + (agent < total % agents ? 1 : 0)
    }
}
