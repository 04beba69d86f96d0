/// The iterations of one scenario of several.
public struct ScenarioStatistics: Sendable, Equatable {
    /// Iterations by how they ended.
    public var iterations = IterationCounts()
    /// As ``Statistics/service``.
    public var service = Histogram()
    /// As ``Statistics/response``.
    public var response = Histogram()
    /// Arrivals of a part of a mix. Where several scenarios share a rate, nobody knows whose an arrival would have been that was
    /// dropped: theirs are counted together, under all their names.
    public var arrivals = ArrivalCounts()
    /// No iterations.
    public init() {}

    /// Adds those of another interval, or of another agent.
    public mutating func merge(_ other: ScenarioStatistics) {
        iterations.merge(other.iterations)
        service.merge(other.service)
        response.merge(other.response)
        arrivals.merge(other.arrivals)
    }

    /// What scenarios that share a rate are called together.
    public static func name(of scenarios: [String]) -> String { scenarios.joined(separator: ", ") }

    /// Scenarios kept apart by whoever merges; further ones are counted under ``Statistics/otherName``.
    public static let limit = 10_000
}

extension [String: ScenarioStatistics] {
    /// The name under which a scenario is counted here.
    public func key(for name: String) -> String {
        count < ScenarioStatistics.limit || self[name] != nil ? name : Statistics.otherName
    }
}
