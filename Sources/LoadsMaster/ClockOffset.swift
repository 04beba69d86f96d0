import LoadsEventLoop

/// How far an agent's monotonic clock is from the master's, estimated from the round trips of its beats.
///
/// NTP's formula (RFC 5905, section 8) on the sample with the shortest round trip of the last eight: there the
/// queues were emptiest, and the error is at most half of it.
struct ClockOffset: Sendable {
    /// What is added to the master's clock to get the agent's, in nanoseconds.
    private(set) var nanoseconds: Int64 = 0
    /// Of the sample that was chosen, in nanoseconds; nil before the first.
    private(set) var roundTrip: Int64?
    private var samples: [(offset: Int64, roundTrip: Int64)] = []

    static let window = 8

    /// An offset that is known: both read the same clock.
    static let none = ClockOffset(roundTrip: 0)

    init(roundTrip: Int64? = nil) { self.roundTrip = roundTrip }

    /// The most that the estimate may be off, in nanoseconds; nil before the first sample.
    var error: Int64? { roundTrip.map { $0 / 2 } }

    /// Takes one round trip: the master sent at `sent`, the agent received at `received` and answered at `answered` (its
    /// own clock), the master got the answer at `now`. Impossible ones are left out.
    mutating func take(sent: Int64, received: Int64, answered: Int64, now: Int64) {
        let roundTrip = (now &- sent) &- (answered &- received)
        guard sent <= now, received <= answered, roundTrip >= 0 else { return }
        // Halved before they are added: a clock from a stranger may be anything.
        let offset = (received &- sent) / 2 &+ (answered &- now) / 2
        samples.append((offset, roundTrip))
        if samples.count > Self.window { samples.removeFirst() }
        let best = samples.min { $0.roundTrip < $1.roundTrip }!
        nanoseconds = best.offset
        self.roundTrip = best.roundTrip
    }

    /// The agent's clock at a moment of the master's.
    func agentTime(_ time: Instant) -> Int64 { time.nanoseconds &+ nanoseconds }
}
