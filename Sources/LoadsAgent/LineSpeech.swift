import LoadsCore
import LoadsEventLoop
import LoadsWire

/// The dialect `lines`: the plan goes out as a line of JSON at the start, hits come in one by one and are counted here.
///
/// What comes out are the reports of the runner protocol, as a Swift runner sends them: ready, started, batches, notes
/// and the end.
struct LineSpeech: RunnerSpeech {
    private let run: String
    private let agent: String
    /// As its user wrote it.
    private let program: String
    private var order: RunnerOrder

    private var phase = Phase.new
    private var tally: LineTally
    private var interrupted = false
    private var adjustments: [Adjustment] = []
    private var usage = ProcessUsage()
    private var usageBefore: Double?
    private(set) var wakeUp: Instant?

    private enum Phase: Equatable {
        case new
        /// It must say first that it knows what its plan needs.
        case declaring(until: Instant)
        /// It does not know its plan, and is killed.
        case refused
        /// Waiting for the start.
        case ready
        /// The start is fixed.
        case armed(Instant)
        case running(Instant)
    }

    /// Between two batches.
    private static let interval = Duration.milliseconds(100)
    /// How long a program may go on after the end of its durations and the grace.
    private static let patience = Duration.seconds(15)

    init(run: String, agent: String, program: String, order: RunnerOrder) {
        self.run = run
        self.agent = agent
        self.program = program
        self.order = order
        tally = LineTally(plan: order.plan)
    }

    // MARK: Commands

    mutating func send(_ command: RunnerCommand, at now: Instant) -> [SpeechAction] {
        switch command {
        case .run(let order) where phase == .new:
            self.order = order
            guard order.phase != .run || LineNeed.of(order.plan).isEmpty else {
                phase = .declaring(until: now.advanced(by: LineNeed.patience))
                wakeUp = now.advanced(by: LineNeed.patience)
                return tally.knows == nil ? [] : judge(at: now)
            }
            return getReady(at: now)
        case .start(let time) where phase == .ready:
            let start = Instant(nanoseconds: time)
            if interrupted { return [] }
            guard start > now else { return begin(at: start, now) }
            phase = .armed(start)
            wakeUp = start
            return []
        case .adjust(let adjustment):
            adjustments.append(adjustment)
            guard case .running(let start) = phase else { return [] }
            return [.write(LinePlan.adjust(adjustment, at: Self.seconds(from: start, adjustment.at)))]
        case .rawHits(let wanted):
            tally.wantsRawHits = wanted
            return []
        case .stop: return end(LinePlan.stop(grace: order.plan.grace), closing: false)
        case .abort: return end(LinePlan.abort, closing: true)
        case .run, .start: return []
        }
    }

    private mutating func getReady(at now: Instant) -> [SpeechAction] {
        wakeUp = nil
        guard order.waits else { return begin(at: now, now) }
        phase = .ready
        return reports(.ready)
    }

    /// Whether the program knows what its plan needs: it is ready, or refused.
    private mutating func judge(at now: Instant) -> [SpeechAction] {
        let missing = missing
        if missing.isEmpty { return getReady(at: now) }
        return refuse(missing) + [.expectEnd(within: .zero, reason: "it does not know its plan")]
    }

    /// Whether it must say more than it has said.
    private var isUndeclared: Bool {
        switch phase {
        case .new: order.phase == .run && !missing.isEmpty
        case .declaring: true
        default: false
        }
    }

    private var missing: [LineNeed] {
        LineNeed.of(order.plan).filter { tally.knows?.contains($0.rawValue) != true }
    }

    private mutating func refuse(_ missing: [LineNeed]) -> [SpeechAction] {
        phase = .refused
        wakeUp = nil
        return reports(
            .refused(code: 64, message: LineNeed.lack(of: missing, program: program, known: tally.knows)))
    }

    private mutating func begin(at start: Instant, _ now: Instant) -> [SpeechAction] {
        phase = .running(start)
        tally.start = start
        wakeUp = Self.wakeUp(after: now, start)
        let late = max(0, Double(now.nanoseconds(since: start)) / 1e9)
        if order.phase != .run {
            var actions: [SpeechAction] = [.write(LinePlan.once(order, run: run, agent: agent))]
            if let length = order.plan.length {
                actions.append(.expectEnd(within: length, reason: "its time was over and it did not exit"))
            }
            return actions + reports(.started(late: late))
        }
        var actions: [SpeechAction] = [.write(LinePlan.plan(order, run: run, agent: agent, start: start, at: late))]
        for adjustment in adjustments {
            actions.append(.write(LinePlan.adjust(adjustment, at: Self.seconds(from: start, adjustment.at))))
        }
        if let length = order.plan.length {
            actions.append(
                .expectEnd(
                    within: length + order.plan.grace + Self.patience,
                    reason: "its time and the grace were over and it did not exit"))
        }
        return actions + reports(.started(late: late))
    }

    private mutating func end(_ line: [UInt8], closing: Bool) -> [SpeechAction] {
        interrupted = true
        tally.isStopped = true
        if case .running = phase { return closing ? [.write(line), .closeInput] : [.write(line)] }
        // It has no plan and must not get one any more.
        phase = .ready
        wakeUp = nil
        return [.write(line), .closeInput]
    }

    private static func seconds(from start: Instant, _ nanoseconds: Int64) -> Double {
        Double(nanoseconds &- start.nanoseconds) / 1e9
    }

    // MARK: Results

    mutating func take(_ bytes: UnsafeRawBufferPointer, at now: Instant) throws(WireError) -> [SpeechAction] {
        tally.take(bytes, now: now)
        if case .declaring = phase, tally.knows != nil { return notes() + judge(at: now) }
        return notes()
    }

    mutating func closed(at now: Instant) -> [SpeechAction] { [] }

    mutating func tick(at now: Instant, _ usage: ProcessUsage, mayReport: Bool) -> [SpeechAction] {
        switch phase {
        case .declaring(let limit) where now >= limit: return judge(at: now)
        case .armed(let start) where now >= start:
            usageBefore = usage.cpuSeconds
            return begin(at: start, now)
        case .running(let start):
            note(usage)
            for adjustment in adjustments where adjustment.at <= now.nanoseconds && adjustment.change == nil {
                tally.plannedUsers = adjustment.users
            }
            adjustments.removeAll { $0.at <= now.nanoseconds }
            wakeUp = Self.wakeUp(after: now, start)
            return mayReport && order.phase == .run ? batch(at: now, isLast: false) : []
        default: return []
        }
    }

    mutating func exited(well: Bool, at now: Instant) -> [SpeechAction] {
        wakeUp = nil
        tally.finish(now: now)
        // It may be gone before it was asked anything.
        if isUndeclared, well, !interrupted { return notes() + refuse(missing) }
        guard case .running(let start) = phase else {
            // It was told to end before it began; otherwise it went away of its own accord, which its watch judges.
            return notes() + (well && interrupted ? reports(.ended(interrupted: true, seconds: 0)) : [])
        }
        var actions = notes()
        // What it does once is no load: nothing is measured.
        if order.phase == .run { actions += batch(at: now, isLast: true) }
        if well {
            if order.phase != .run {
                let value = tally.value ?? []
                guard value.count <= RunnerOrder.valueLimit else {
                    return actions
                        + reports(
                            .refused(
                                code: 69,
                                message: "its value has \(value.count) bytes: at most \(RunnerOrder.valueLimit) can be "
                                    + "handed over"))
                }
                actions += reports(.value(value))
            }
            let seconds = tally.lastEnd ?? max(0, Double(now.nanoseconds(since: start)) / 1e9)
            actions += reports(.ended(interrupted: interrupted, seconds: seconds))
        }
        return actions
    }

    private mutating func note(_ usage: ProcessUsage) {
        self.usage.cpuSeconds = max(self.usage.cpuSeconds, usage.cpuSeconds)
        self.usage.residentBytes = max(self.usage.residentBytes, usage.residentBytes)
        if usageBefore == nil { usageBefore = usage.cpuSeconds }
    }

    private mutating func batch(at now: Instant, isLast: Bool) -> [SpeechAction] {
        var batches = tally.takeBatches(now: now, isLast: isLast)
        let last = batches.count - 1
        batches[last].statistics.health.cpuSeconds = max(0, usage.cpuSeconds - (usageBefore ?? 0))
        batches[last].statistics.health.peakResidentBytes = usage.residentBytes
        if isLast { batches[last].statistics.users = 0 }
        return batches.flatMap { reports(.batch($0)) }
    }

    /// The next tenth of the run's time: batches end with its seconds.
    private static func wakeUp(after now: Instant, _ start: Instant) -> Instant {
        let interval = interval.wholeNanoseconds
        let passed = max(0, now.nanoseconds(since: start)) / interval
        return start.advanced(by: .nanoseconds((passed + 1) * interval))
    }

    private mutating func notes() -> [SpeechAction] { tally.takeNotes().flatMap { reports(.note($0)) } }

    private func reports(_ report: RunnerReport) -> [SpeechAction] { report.encoded().map(SpeechAction.report) }
}
