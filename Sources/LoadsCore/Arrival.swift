import LoadsEventLoop

/// An iteration that is due.
struct Arrival: Sendable, Equatable {
    /// Its intended start.
    var due: Instant
    /// When the generator took it up.
    var taken: Instant
    /// Nanoseconds that it waited because all users that there may be were busy.
    var waited: Int64 = 0
}

/// The arrivals of one stripe, one after the other. A pure structure: times are nanoseconds since the start.
struct ArrivalCursor {
    private var schedule: Schedule
    private var stripe: Stripe
    /// Evenly spaced: the number from which on arrivals are looked for.
    private var next = 0
    /// Poisson: where the next one falls, in arrivals of the whole plan; nil for evenly spaced ones.
    private var position: Double?
    private var random: SplitMix
    private var change: (arrivals: Arrivals, from: Int64)?
    /// After a change: which numbers were taken before it.
    private var past: Past?
    /// Nothing comes before a change that took effect.
    private var earliest: Int64 = 0
    /// When the next one is due; nil when there is none.
    private(set) var due: Int64?

    private struct Past {
        var stripe: Stripe
        /// The owner of ``stripe`` has taken its numbers below this one.
        var next: Int
        /// The first number that comes after the change.
        var first: Int
    }

    /// - Parameters:
    ///   - arrivals: The plan with the stripe that is wanted.
    ///   - salt: What tells this cursor's random numbers from those of others with the same seed.
    init(_ arrivals: Arrivals, salt: Int) {
        schedule = arrivals.schedule
        stripe = arrivals.stripe
        random = SplitMix(seed: UInt64(truncatingIfNeeded: arrivals.seed))
        random = SplitMix(seed: random.next() &+ UInt64(truncatingIfNeeded: salt))
        position = arrivals.poisson ? 0 : nil
        if position != nil { step() }
        find()
    }

    /// Goes on to the next one.
    mutating func advance() {
        if position != nil { step() } else { next += 1 }
        find()
    }

    /// Goes by another plan from a point in time on.
    ///
    /// Numbers that were due before that time stay taken, and those after it come at their new time, once: also those that
    /// are owned from then on only.
    mutating func change(to arrivals: Arrivals, from time: Int64) {
        change = (arrivals, time)
        find()
    }

    private mutating func step() {
        let share = stripe.fraction
        position = share > 0 ? position! + random.exponential() / share : .infinity
    }

    private mutating func find() {
        due = position.map { schedule.time(reaching: $0) } ?? findNumber()
        due = due.map { max($0, earliest) }
        guard let change, due.map({ $0 >= change.from }) ?? true else { return }
        self.change = nil
        earliest = change.from
        let first = change.arrivals.schedule.count(before: change.from)
        if position != nil {
            // What is to come of a Poisson process does not depend on what has been.
            schedule = change.arrivals.schedule
            stripe = change.arrivals.stripe
            position = schedule.arrivals(before: change.from)
            step()
        } else {
            past = Past(stripe: stripe, next: next, first: first)
            schedule = change.arrivals.schedule
            stripe = change.arrivals.stripe
            next = min(next, first)
        }
        find()
    }

    private mutating func findNumber() -> Int64? {
        while let past, next < schedule.total {
            if next >= max(past.next, past.first) {
                self.past = nil
                break
            }
            let wasMine = past.stripe.owns(next)
            let isMine =
                next < past.first ? wasMine && next >= past.next : stripe.owns(next) && !(wasMine && next < past.next)
            if isMine { return schedule.time(of: next) }
            next += 1
        }
        guard let number = stripe.next(from: next, below: schedule.total) else {
            next = schedule.total
            return nil
        }
        next = number
        return schedule.time(of: number)
    }
}
