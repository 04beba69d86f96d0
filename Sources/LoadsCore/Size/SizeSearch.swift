/// Looks for the largest load under which the thresholds are kept. A pure structure: it says which load to try next, and
/// is told what came of it.
///
/// It doubles the load until that breaks a threshold, halves the distance between the largest load that did not and the
/// smallest that did until that is small, and tries what it has found once more. What the confirmation refutes is
/// bad, and the search goes on below it.
public struct SizeSearch: Sendable {
    /// A load to be tried.
    public struct Try: Sendable, Equatable {
        /// Users, or arrivals, in a unit of the caller's.
        public var load: Int
        /// What is found out by it.
        public var purpose: SizeStep.Purpose
        /// - Parameter load: Users, or arrivals a second.
        public init(load: Int, purpose: SizeStep.Purpose) {
            self.load = load
            self.purpose = purpose
        }
    }

    /// How a search came out.
    public struct Result: Sendable, Equatable {
        /// What ended the search.
        public enum Limit: String, Sendable, CaseIterable {
            /// The target breaks a threshold beyond ``Result/found``.
            case target
            /// Beyond ``Result/found`` the generator is the bottleneck: the target's limit is not known.
            case generator
            /// Beyond ``Result/found`` arrivals find no user, because no more were allowed.
            case bound = "max-users"
            /// The largest load that was allowed is borne.
            case range
            /// More load brings no more throughput, and no threshold breaks.
            case plateau
            /// It could not be found out: a step was unclear, or was stopped.
            case unclear
        }

        /// The largest load that was borne, twice; nil when not even the smallest was.
        public var found: Int?
        /// Why ``found`` is not larger.
        public var limit: Limit
        /// The smallest load that was not borne; nil when all were.
        public var broken: Int?
        /// - Parameters: Loads in users, or arrivals a second.
        public init(found: Int?, limit: Limit, broken: Int?) {
            self.found = found
            self.limit = limit
            self.broken = broken
        }
    }

    private let smallest: Int
    private let largest: Int
    private let precision: Double
    private var good: [Int] = []
    private var bad: [(load: Int, outcome: SizeStep.Outcome)] = []
    private var rates: [Double] = []
    private var again: Try?
    private var refuted = 0
    /// What is tried now; nil once there is a result.
    public private(set) var next: Try?
    /// Nil while there is something to try.
    public private(set) var result: Result?

    /// Doublings in a row that bring less than ``plateauGrowth`` more throughput end the search.
    private static let plateauLength = 3
    private static let plateauGrowth = 1.05
    /// Confirmations that may fail.
    private static let refutedLimit = 5

    /// - Parameters:
    ///   - start: The load to begin with.
    ///   - range: What may be tried.
    ///   - precision: How near the limit is to be found, as a share of it.
    public init(start: Int, range: ClosedRange<Int>, precision: Double = 0.05) {
        smallest = range.lowerBound
        largest = range.upperBound
        self.precision = precision
        next = Try(load: min(max(start, smallest), largest), purpose: .climb)
    }

    /// Takes what came of the load that was tried.
    ///
    /// - Parameter rate: The throughput, in whatever a second.
    public mutating func take(_ outcome: SizeStep.Outcome, rate: Double) {
        guard let tried = next else { return }
        if outcome == .unclear {
            end(.unclear)
        } else if outcome == .generatorLimited, again != tried {
            // A machine that was busy with something else for a moment is not the end of it.
            again = tried
        } else if outcome == .kept {
            kept(tried, rate)
        } else {
            bad.append((tried.load, outcome))
            if tried.purpose == .confirm {
                good.removeAll { $0 >= tried.load }
                refuted += 1
                if refuted > Self.refutedLimit { return end(.unclear) }
            }
            narrow()
        }
    }

    /// Somebody has no patience any more.
    public mutating func stop() { if result == nil { end(.unclear) } }

    private mutating func kept(_ tried: Try, _ rate: Double) {
        good.append(tried.load)
        guard tried.purpose != .confirm else { return end(smallestBad.map { $0.outcome.limit } ?? plateauOrRange) }
        guard tried.purpose == .climb else { return narrow() }
        rates.append(rate)
        if isPlateau || tried.load >= largest { return confirm(tried.load) }
        next = Try(load: tried.load > largest / 2 ? largest : tried.load * 2, purpose: .climb)
    }

    private mutating func narrow() {
        let high = smallestBad!.load
        // A load that was borne although a smaller one was not tells nothing.
        let low = good.filter { $0 < high }.max() ?? smallest - 1
        let gap = max(1, Int(Double(low) * precision))
        if high - low > gap {
            next = Try(load: low + (high - low) / 2, purpose: .narrow)
        } else if low >= smallest {
            confirm(low)
        } else {
            end(smallestBad!.outcome.limit)
        }
    }

    private mutating func confirm(_ load: Int) { next = Try(load: load, purpose: .confirm) }

    private mutating func end(_ limit: Result.Limit) {
        let high = smallestBad?.load
        next = nil
        result = Result(found: good.filter { $0 < high ?? .max }.max(), limit: limit, broken: high)
    }

    private var smallestBad: (load: Int, outcome: SizeStep.Outcome)? { bad.min { $0.load < $1.load } }

    private var plateauOrRange: Result.Limit { isPlateau ? .plateau : .range }

    /// Whether the last doublings brought nothing.
    private var isPlateau: Bool {
        guard rates.count > Self.plateauLength else { return false }
        let last = rates.suffix(Self.plateauLength + 1)
        return zip(last, last.dropFirst()).allSatisfy { $1 < $0 * Self.plateauGrowth }
    }
}

extension SizeStep.Outcome {
    fileprivate var limit: SizeSearch.Result.Limit {
        switch self {
        case .breached: .target
        case .generatorLimited: .generator
        case .bounded: .bound
        case .kept, .unclear: .unclear
        }
    }
}
