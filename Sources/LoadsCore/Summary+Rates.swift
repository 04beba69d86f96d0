import LoadsEventLoop

extension Summary {
    /// Seconds of the run that its figures cover: all but the warm-up.
    public var measuredSeconds: Double { max(0, duration - plan.warmUp.inSeconds) }

    /// What so many are a second, of all that the figures cover: the rate that every report shows. 0 where there was no time.
    public func rate(of count: Double) -> Double { measuredSeconds > 0 ? count / measuredSeconds : 0 }

    /// What so many are a second, likewise.
    public func rate(of count: Int) -> Double { rate(of: Double(count)) }

    /// What so many of a scenario are a second of the time in which it goes on: as its own model says, or the one that it shares.
    ///
    /// - Parameter scenario: Its name, or those of all that share a model, as ``ScenarioStatistics/name(of:)`` joins them.
    /// - Returns: Nil where that time is not known beforehand, as that of users with a number of iterations each in a mix.
    public func rate(of count: Int, scenario: String) -> Double? {
        guard let seconds = seconds(of: scenario), seconds > 0 else { return nil }
        return Double(count) / seconds
    }

    /// The time in which a scenario goes on, as far as the run did, without the warm-up.
    private func seconds(of scenario: String) -> Double? {
        guard case .mix = plan.model else { return measuredSeconds }
        let parts = plan.parts.filter {
            $0.scenarios.contains(scenario) || ScenarioStatistics.name(of: $0.scenarios) == scenario
        }
        guard !parts.isEmpty else { return nil }
        var spans: [Range<Int64>] = []
        for part in parts {
            guard let length = part.plan.length else { return nil }
            let start = part.start.wholeNanoseconds
            spans.append(start..<max(start, (part.start + length).wholeNanoseconds))
        }
        let warm = max(0, plan.warmUp.wholeNanoseconds)
        return spans.seconds(within: warm..<max(warm, Int64((max(0, min(duration, 9e9)) * 1e9).rounded())))
    }
}

extension [Range<Int64>] {
    /// How many seconds of a time these spans of nanoseconds cover; what several cover counts once.
    func seconds(within limits: Range<Int64>) -> Double {
        var covered: Int64 = 0
        var reached = limits.lowerBound
        for span in sorted(by: { $0.lowerBound < $1.lowerBound }) {
            let from = Swift.max(reached, span.lowerBound)
            let end = Swift.min(span.upperBound, limits.upperBound)
            guard end > from else { continue }
            covered += end - from
            reached = end
        }
        return Double(covered) / 1e9
    }
}
