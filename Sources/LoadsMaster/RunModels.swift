import LoadsCore

/// The load model of a run on its agents while it runs: of stages or arrivals, which change as a whole. A pure function
/// of what each agent has.
enum RunModels {
    /// The models with another rate, or number of users, from a point in time on.
    ///
    /// - Parameters:
    ///   - models: What the agents have now.
    ///   - plan: What the run began with, all agents together. Where nobody has said how many users an open model may have,
    ///     or how many arrivals may wait, a higher rate may have more of them.
    ///   - time: In nanoseconds since the start of the run.
    /// - Returns: nil when the models are not of that kind.
    static func changed(
        _ models: [LoadModel], of plan: Plan, to load: Load, from time: Int64
    ) -> [LoadModel]? {
        var changed: [LoadModel] = []
        for model in models {
            switch (model, load) {
            case (.arrivals(let arrivals), .rate(let rate)):
                changed.append(.arrivals(arrivals.changed(to: rate, from: time)))
            case (.users(let stages), .users(let users)):
                changed.append(.users(stages.changed(to: users, from: time)))
            default: return nil
            }
        }
        if case .rate(let rate) = load { return widened(changed, of: plan, for: rate) }
        return changed
    }

    /// Arrivals with as many users as a rate may need, by the rule for whoever has said nothing: in proportion to those that
    /// each has.
    private static func widened(_ models: [LoadModel], of plan: Plan, for rate: ArrivalRate) -> [LoadModel] {
        guard let planned = plan.arrivals, planned.maxUsers == Arrivals.standardMaxUsers(for: planned.stages) else {
            return models
        }
        let own = models.map { Plan(model: $0).arrivals }
        let users = own.map { $0?.maxUsers ?? 0 }
        let wanted = Arrivals.standardMaxUsers(for: [RateStage(duration: .zero, rate: rate)])
        guard users.reduce(0, +) < wanted else { return models }
        let shares = Share.users(wanted, weights: users)
        let waiting = Share.users(Arrivals.standardQueue(for: wanted), weights: users)
        let isStandard = planned.queue == Arrivals.standardQueue(for: planned.maxUsers)
        return models.indices.map { index in
            guard var arrivals = own[index] else { return models[index] }
            arrivals.maxUsers = max(arrivals.maxUsers, shares[index])
            if isStandard { arrivals.queue = max(arrivals.queue, waiting[index]) }
            return .arrivals(arrivals)
        }
    }

    /// What somebody wants.
    enum Load: Equatable {
        case users(Int)
        case rate(ArrivalRate)
    }

    /// The models of those that stay, with what one had that is lost.
    ///
    /// - Parameters:
    ///   - models: What those that stay have, and how much of the rest each gets.
    ///   - lost: What the lost one had.
    /// - Returns: nil for cycles, whose users are divided anew.
    static func inherited(_ models: [(model: LoadModel, weight: Int)], of lost: LoadModel) -> [LoadModel]? {
        let parts = Share.models(of: lost, weights: models.map(\.weight))
        var heirs: [LoadModel] = []
        for ((model, _), part) in zip(models, parts) {
            switch (model, part) {
            case (.arrivals(var arrivals), .arrivals(let part)):
                arrivals.stripe = arrivals.stripe.joined(with: part.stripe)
                arrivals.maxUsers += part.maxUsers
                arrivals.queue += part.queue
                heirs.append(.arrivals(arrivals))
            case (.users(var stages), .users(let part)):
                stages.stripe = stages.stripe.joined(with: part.stripe)
                heirs.append(.users(stages))
            default: return nil
            }
        }
        return heirs
    }
}
