/// How long a user waits between two of its iterations.
public enum ThinkTime: Sendable, Equatable {
    /// Always the same time.
    case constant(Duration)
    /// Any time between both, each as likely as the other.
    case uniform(Duration, Duration)
    /// Around a mean, with a standard deviation; what would be below 0 is 0.
    case normal(mean: Duration, deviation: Duration)
    /// Memoryless, as between independent people's clicks: mostly short, sometimes several times the mean.
    case exponential(mean: Duration)

    /// No wait.
    public static let zero = ThinkTime.constant(.zero)
    /// The same whole number of seconds each time.
    public static func seconds(_ seconds: Int) -> ThinkTime { .constant(.seconds(seconds)) }
    /// The same whole number of milliseconds each time.
    public static func milliseconds(_ milliseconds: Int) -> ThinkTime { .constant(.milliseconds(milliseconds)) }

    /// The mean of the distribution (of a normal one before what is below 0 is cut).
    public var mean: Duration {
        switch self {
        case .constant(let time), .normal(let time, _), .exponential(let time): time
        case .uniform(let low, let high): (low + high) / 2
        }
    }

    /// The times that describe it, in the order in which they are written.
    public var parameters: [Duration] {
        switch self {
        case .constant(let time), .exponential(let time): [time]
        case .uniform(let low, let high): [low, high]
        case .normal(let mean, let deviation): [mean, deviation]
        }
    }

    /// `constant`, `uniform`, `normal` or `exponential`.
    public var kind: String {
        switch self {
        case .constant: "constant"
        case .uniform: "uniform"
        case .normal: "normal"
        case .exponential: "exponential"
        }
    }

    /// - Returns: nil when there is no such kind, or it takes another number of times.
    public init?(kind: String, parameters: [Duration]) {
        switch (kind, parameters.count) {
        case ("constant", 1): self = .constant(parameters[0])
        case ("uniform", 2): self = .uniform(parameters[0], parameters[1])
        case ("normal", 2): self = .normal(mean: parameters[0], deviation: parameters[1])
        case ("exponential", 1): self = .exponential(mean: parameters[0])
        default: return nil
        }
    }

    /// Parses `1s`, `uniform(1s,3s)`, `normal(2s,500ms)` or `exponential(2s)`.
    ///
    /// - Throws: ``InvalidThinkTime`` for anything else.
    public static func parse(_ text: String) throws(InvalidThinkTime) -> ThinkTime {
        guard let open = text.firstIndex(of: "(") else {
            do { return .constant(try DurationText.parse(text)) } catch { throw InvalidThinkTime(error.description) }
        }
        let kind = text[..<open].filter { $0 != " " }
        guard text.last == ")" else { throw InvalidThinkTime("\(text): the ) is missing") }
        var times: [Duration] = []
        for part in text[text.index(after: open)...].dropLast().split(separator: ",", omittingEmptySubsequences: false)
        {
            do { times.append(try DurationText.parse(String(part))) } catch {
                throw InvalidThinkTime("\(text): \(error)")
            }
        }
        guard let time = ThinkTime(kind: kind, parameters: times) else { throw InvalidThinkTime("\(text): \(advice)") }
        if case .uniform(let low, let high) = time, low > high {
            throw InvalidThinkTime("\(text): the first time is longer than the second")
        }
        return time
    }

    private static let advice =
        "not a think time (try 1s, uniform(1s,3s), normal(2s,500ms) or exponential(2s))"

    /// As ``parse(_:)`` reads it.
    public var text: String {
        if case .constant(let time) = self { return DurationText.text(time) }
        return "\(kind)(\(parameters.map(DurationText.text).joined(separator: ",")))"
    }
}

/// A text that is no think time; the description says what would be one.
public struct InvalidThinkTime: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
