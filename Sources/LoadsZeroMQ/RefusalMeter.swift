import LoadsEventLoop

/// Decides which refusals are told: each text once in ten seconds, so that a peer that tries for ever fills no log.
struct RefusalMeter {
    private var last: [String: Instant] = [:]
    private var suppressed: [String: Int] = [:]

    /// How long a text is not repeated.
    static let silence = Duration.seconds(10)
    /// Texts that are remembered. More at once are told as one.
    static let limit = 64

    /// Notes a refusal. Returns what to tell, with the number of those that were kept quiet; nil for nothing.
    mutating func note(_ text: String, at now: Instant) -> String? {
        let horizon = now.advanced(by: .zero - Self.silence)
        if last.count >= Self.limit, last[text] == nil {
            last = last.filter { $0.value > horizon }
            suppressed = suppressed.filter { last[$0.key] != nil }
        }
        let key = last.count >= Self.limit && last[text] == nil ? "many others were turned away, too" : text
        if let before = last[key], before > horizon {
            suppressed[key, default: 0] += 1
            return nil
        }
        last[key] = now
        let count = suppressed.removeValue(forKey: key) ?? 0
        return count > 0 ? "\(key) (and \(count) times before)" : key
    }
}
