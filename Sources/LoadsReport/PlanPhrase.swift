public import LoadsCore
internal import LoadsEventLoop

extension Plan {
    /// The load in words: `10 users × 10 iterations`, `500/s for 1m with at most 5,000 users`.
    public var phrase: String { model.phrase }
}

extension LoadModel {
    /// The model in words.
    public var phrase: String {
        switch self {
        case .cycles(let cycles): cycles.map(\.phrase).joined(separator: ", then ")
        case .users(let users):
            "users by stages, \(Figures.count(users.peak)) at most, for \(DurationText.text(users.length))"
        case .arrivals(let arrivals): arrivals.phrase
        case .mix(let parts): parts.map(\.phrase).joined(separator: "; ")
        }
    }
}

extension MixPart {
    fileprivate var phrase: String {
        let delay = start > .zero ? " after \(DurationText.text(start))" : ""
        return "\(scenarios.joined(separator: ", ")): \(model.phrase)\(delay)"
    }
}

extension Plan.Cycle {
    fileprivate var phrase: String {
        let who = Figures.count(users, "user")
        switch amount {
        case .iterations(let count): return "\(who) × \(Figures.count(count, "iteration"))"
        case .duration(let duration): return "\(who) for \(DurationText.text(duration))"
        }
    }
}

extension Arrivals {
    fileprivate var phrase: String {
        let rates = Set(stages.filter { $0.duration > .zero }.map(\.rate))
        let isConstant =
            rates.count == 1 && stages.first.map { $0.duration == .zero && rates.contains($0.rate) } == true
        let rate =
            isConstant ? rates.first!.text : "rates by stages, \((stages.map(\.rate).max() ?? .zero).text) at most,"
        return "\(rate) for \(DurationText.text(length))" + (poisson ? " (Poisson)" : "")
            + ", at most \(Figures.count(maxUsers, "user"))"
    }
}
