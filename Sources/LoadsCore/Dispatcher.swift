import LoadsEventLoop

/// Hands the arrivals of one event loop's stripe to that loop's free users, each at its time.
final class Dispatcher: @unchecked Sendable {
    // @unchecked: everything that changes is touched on the lane's loop only.
    let lane: Lane
    private let number: Int
    private let desk: ArrivalDesk
    private let control: RunControl
    private let start: Instant
    /// What its arrivals are counted under, too.
    private let scenario: String?
    /// Asks for a user of this lane whose first iteration is this arrival; nil for one that waits for its first.
    private let makeUser: @Sendable (Int, Arrival?) -> Void

    private var cursor: ArrivalCursor
    private var timer: LoopTimer?
    private var isDone = false
    /// Users without work; the one that worked last is first, its connections are the warmest.
    private var free: [UnsafeContinuation<Arrival?, Never>] = []
    /// Users made beforehand that have not come yet, and arrivals for them.
    private var coming = 0
    private var early = RingBuffer<Arrival>()
    /// Users that there are, with those being made, and that there may be.
    private var made = 0
    private var limit: Int
    /// Set before the first arrival.
    var others: [Dispatcher] = []

    /// Arrivals handed out before the loop looks after everything else.
    private static let burst = 256

    init(
        number: Int, lane: Lane, arrivals: Arrivals, limit: Int, desk: ArrivalDesk, control: RunControl, start: Instant,
        scenario: String?, salt: Int, makeUser: @escaping @Sendable (Int, Arrival?) -> Void
    ) {
        self.number = number
        self.lane = lane
        self.limit = limit
        self.desk = desk
        self.control = control
        self.start = start
        self.scenario = scenario
        self.makeUser = makeUser
        cursor = ArrivalCursor(arrivals, salt: salt)
        // Until the last arrival was handed out.
        desk.begin()
    }

    // MARK: Arrivals

    /// Begins, with some users made beforehand. On the loop.
    func open(users: Int) {
        let users = min(users, limit)
        made += users
        coming = users
        for _ in 0..<users { makeUser(number, nil) }
        timer = LoopTimer { [unowned self] in tick() }
        arm()
    }

    /// Lets go of the timer, which would keep this alive. On the loop.
    private func finish() {
        guard !isDone else { return }
        isDone = true
        if let timer { lane.loop.cancel(timer) }
        desk.end()
    }

    /// No more arrivals. From any thread.
    func stop() {
        lane.loop.submit { [self] in
            while let arrival = early.popFirst() { drop(arrival) }
            finish()
        }
    }

    /// Forgets the others, who know this one. From any thread, at the end.
    func letGo() { lane.loop.submit { self.others = [] } }

    /// Goes by another plan. From any thread.
    func change(to arrivals: Arrivals, limit: Int, from time: Int64) {
        lane.loop.submit { [self] in
            self.limit = limit
            guard !isDone else { return }
            cursor.change(to: arrivals, from: time)
            arm()
        }
    }

    private func arm() {
        guard !isDone, let timer else { return }
        guard let due = cursor.due else { return finish() }
        lane.loop.schedule(timer, at: Instant(nanoseconds: start.nanoseconds &+ due))
    }

    private func tick() {
        var now = Instant.now
        var left = Self.burst
        while !isDone, let due = cursor.due {
            let due = Instant(nanoseconds: start.nanoseconds &+ due)
            // A timer that fires before its time was set free by the end of the loop.
            if due > now || control.isStopping || left == 0 { break }
            cursor.advance()
            take(Arrival(due: due, taken: now))
            left -= 1
            if left % 16 == 0 { now = .now }
        }
        if control.isStopping { finish() } else { arm() }
    }

    private func take(_ arrival: Arrival) {
        desk.begin()
        lane.recorder(at: arrival.due).arrivalPlanned(of: scenario, due: arrival.due)
        if let user = free.popLast() {
            desk.idle(-1, on: number)
            user.resume(returning: arrival)
        } else if early.count < coming {
            early.append(arrival)
        } else if made < limit {
            made += 1
            makeUser(number, arrival)
        } else if let other = desk.laneWithIdle(besides: number) {
            others[other].forward(arrival)
        } else {
            wait(arrival)
        }
    }

    /// An arrival from a loop without free users. From any thread.
    private func forward(_ arrival: Arrival) {
        lane.loop.submit { [self] in
            if let user = free.popLast() {
                desk.idle(-1, on: number)
                user.resume(returning: arrival)
            } else {
                wait(arrival)
            }
        }
    }

    private func wait(_ arrival: Arrival) {
        guard desk.queue(arrival) else { return drop(arrival) }
        // A user of another loop may have become free while this one was queued: it has not seen it.
        if let other = desk.laneWithIdle(besides: number) { others[other].look() }
    }

    /// Serves the queue with free users. From any thread.
    private func look() {
        lane.loop.submit { [self] in
            while !free.isEmpty, let arrival = desk.next(at: .now) {
                desk.idle(-1, on: number)
                free.removeLast().resume(returning: arrival)
            }
        }
    }

    /// Counts an arrival that does not become an iteration. From any thread.
    func drop(_ arrival: Arrival) {
        guard lane.loop.isOnLoop else {
            lane.loop.submit { self.drop(arrival) }
            return
        }
        let recorder = lane.recorder(at: arrival.due)
        // Once the run is stopped there is no saying whether it would have found a user.
        if control.isStopping {
            recorder.arrivalCancelled(of: scenario, due: arrival.due)
        } else {
            recorder.arrivalDropped(of: scenario, due: arrival.due)
        }
        desk.end()
    }

    // MARK: Users

    /// The next arrival for a user that has nothing to do.
    ///
    /// - Parameter isNew: Whether the user was made beforehand and has just come.
    /// - Returns: nil at the end.
    func next(isNew: Bool) async -> Arrival? {
        await withUnsafeContinuation { continuation in
            if lane.loop.isOnLoop {
                idle(continuation, isNew)
            } else if !lane.loop.submit({ self.idle(continuation, isNew) }) {
                continuation.resume(returning: nil)
            }
        }
    }

    private func idle(_ user: UnsafeContinuation<Arrival?, Never>, _ isNew: Bool) {
        if isNew { coming -= 1 }
        if let arrival = early.popFirst() { return user.resume(returning: arrival) }
        if let arrival = desk.next(at: .now) { return user.resume(returning: arrival) }
        if desk.isOver { return user.resume(returning: nil) }
        free.append(user)
        desk.idle(1, on: number)
        if let arrival = desk.next(at: .now) {
            desk.idle(-1, on: number)
            free.removeLast().resume(returning: arrival)
        }
    }

    /// Sends all users that have nothing to do home. From any thread, once the desk is over.
    func close() {
        lane.loop.submit { [self] in
            desk.idle(-free.count, on: number)
            for user in free { user.resume(returning: nil) }
            free = []
        }
    }
}
