/// Statuses that a call expects, so that they do not count as failed: `accepting: [404, 409]`, `accepting: 404`,
/// `accepting: .range(400...499)`, `accepting: .all`.
public struct StatusSet: Sendable, Equatable, ExpressibleByArrayLiteral, ExpressibleByIntegerLiteral {
    private var ranges: [ClosedRange<Int>] = []

    /// No status: 400 and above count as failed.
    public static let none = StatusSet(ranges: [])
    /// Every status: only a response that does not come counts as failed.
    public static let all = StatusSet(ranges: [0...999])
    /// 400 to 499.
    public static let clientErrors = StatusSet(ranges: [400...499])
    /// 500 to 599.
    public static let serverErrors = StatusSet(ranges: [500...599])

    /// A range of statuses, 100 to 599.
    public static func range(_ range: ClosedRange<Int>) -> StatusSet { StatusSet(ranges: [range]) }

    /// All statuses of the sets together; `[404, 409]` is two sets of one.
    public init(arrayLiteral elements: StatusSet...) { ranges = elements.flatMap(\.ranges) }
    /// One status.
    public init(integerLiteral value: Int) { ranges = [value...value] }
    /// The statuses listed.
    public init(_ statuses: some Sequence<Int>) { ranges = statuses.map { $0...$0 } }
    private init(ranges: [ClosedRange<Int>]) { self.ranges = ranges }

    /// Whether a status is one of them.
    public func contains(_ status: Int) -> Bool {
        // The set is empty in nearly every call.
        if ranges.isEmpty { return false }
        return ranges.contains { $0.contains(status) }
    }
}
