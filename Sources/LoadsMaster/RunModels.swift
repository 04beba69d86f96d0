import LoadsCore

/// The load model of a run on its agents while it runs: of stages or arrivals, which change as a whole. A pure function
/// of what each agent has.
enum RunModels {
    /// The models with another rate, or number of users, from a point in time on.
    ///
    /// - Parameters:
    ///   - models: What the agents have now.
    ///   - time: In nanoseconds since the start of the run.
    /// - Returns: nil when the models are not of that kind.
    static func changed(_ models: [LoadModel], to load: Load, from time: Int64) -> [LoadModel]? {
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
        return changed
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
