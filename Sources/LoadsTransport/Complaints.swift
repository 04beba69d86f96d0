public import LoadsEventLoop

/// Decides which complaints of what strangers do are told: each text once in ten seconds, so that a peer that tries for
/// ever fills no log and hides no other one's. A pure structure.
public struct Complaints: Sendable {
    private var last: [String: Instant] = [:]
    private var suppressed: [String: Int] = [:]

    /// How long a text is not repeated.
    public static let silence = Duration.seconds(10)
    /// Texts that are remembered. More at once are told as one.
    public static let limit = 64

    /// Nothing was told yet.
    public init() {}

    /// Notes a complaint.
    ///
    /// - Returns: What to tell, with the number of those that were kept quiet; nil for nothing.
    public mutating func note(_ text: String, at now: Instant) -> String? {
        let horizon = now.advanced(by: .zero - Self.silence)
        if last.count >= Self.limit, last[text] == nil {
            last = last.filter { $0.value > horizon }
            suppressed = suppressed.filter { last[$0.key] != nil }
        }
        let key = last.count >= Self.limit && last[text] == nil ? "there are many other complaints, too" : text
        if let before = last[key], before > horizon {
            suppressed[key, default: 0] += 1
            return nil
        }
        last[key] = now
        let count = suppressed.removeValue(forKey: key) ?? 0
        return count > 0 ? "\(key) (and \(count) times before)" : key
    }
}
