/// One figure of two runs, compared.
public struct Figure: Sendable, Equatable {
    /// What it is a figure of.
    public enum Subject: Sendable, Hashable {
        /// All hits.
        case all
        /// The hits under one name.
        case name(String)
        /// The steps under one name.
        case step(String)
        /// Iterations: their service or their response time.
        case service, response
    }

    /// What is compared.
    public enum Kind: Sendable, Hashable {
        /// A percentile, in nanoseconds; less is better.
        case percentile(Double)
        /// The share of failed hits, from 0 to 1; less is better.
        case errors
        /// Hits a second; more is better.
        case rate
    }

    /// What can be said.
    public enum Claim: String, Sendable {
        /// The interval of the difference lies on one side of 0.
        case better, worse
        /// The interval of the difference holds 0.
        case none
        /// There are too few values to say anything.
        case tooFew = "too_few"
    }

    /// What it is a figure of.
    public let subject: Subject
    /// What is compared.
    public let kind: Kind
    /// In the earlier run; the unit is that of ``kind``.
    public let before: Interval
    /// In the later run.
    public let after: Interval
    /// After less before.
    public let difference: Interval
    /// What can be said of the difference.
    public let claim: Claim
    /// Whether it is worse by more than the tolerance, certainly.
    public let regressed: Bool

    /// - Parameter tolerance: By how much it may be worse, as a share of what it was before; nil regresses by nothing.
    init(_ subject: Subject, _ kind: Kind, before: Interval, after: Interval, tolerance: Double?) {
        self.subject = subject
        self.kind = kind
        self.before = before
        self.after = after
        difference = after.minus(before)
        let isHigher = difference.low.map { $0 > 0 }
        let isLower = difference.high.map { $0 < 0 }
        let moreIsBetter = kind == .rate
        if isHigher == true {
            claim = moreIsBetter ? .better : .worse
        } else if isLower == true {
            claim = moreIsBetter ? .worse : .better
        } else {
            claim = isHigher == nil || isLower == nil ? .tooFew : .none
        }
        guard let tolerance else {
            regressed = false
            return
        }
        regressed =
            if moreIsBetter {
                after.minus(before, times: max(0, 1 - tolerance)).high.map { $0 < 0 } ?? false
            } else {
                after.minus(before, times: 1 + tolerance).low.map { $0 > 0 } ?? false
            }
    }

    /// The change as a share of what it was before; nil where that was nothing.
    public var change: Double? { before.estimate > 0 ? difference.estimate / before.estimate : nil }
}
