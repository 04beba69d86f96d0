import LoadsEventLoop
import LoadsWire

/// The agent's side of the conversation with its master: hello, welcome, beats, silence, hello again, for ever.
///
/// A pure structure: the clock and the messages come in, what is to be done goes out. Measuring is not its business:
/// runners go on while there is no lease, until the agent is an orphan.
struct AgentSession {
    enum Action: Equatable {
        case hello
        case beat(AgentBeat.Echo?)
        /// The master has taken us in: connect the results, send again from the first unacknowledged.
        case welcomed(MasterWelcome)
        /// The connection seems dead: make a new one.
        case reconnect
        /// There has been no lease for so long that the runners must stop.
        case orphaned
        case log(AgentLogLevel, String)
    }

    /// Whether there is a lease.
    private(set) var isWelcome = false
    /// Whether the runners have to stop.
    private(set) var isOrphan = false
    /// When ``tick(at:)`` wants to be called again, at the latest.
    private(set) var wakeUp: Instant

    /// How often the master wants batches.
    private(set) var batchInterval = Duration.milliseconds(100)

    private let orphanTimeout: Duration
    private var welcome: MasterWelcome?
    private var nextHello: Instant
    private var helloDelay = Self.firstDelay
    private var nextBeat = Instant.distantFuture
    private var quickBeats = 0
    private var echo: AgentBeat.Echo?
    /// When the master was heard last, or the connection was made anew.
    private var heard: Instant
    /// When there was a lease last.
    private var leased: Instant?
    private var faults: Set<String> = []

    private static let firstDelay = Duration.milliseconds(250)
    private static let longestDelay = Duration.seconds(5)
    /// A master that does not take us now is asked again after this.
    private static let refusedDelay = Duration.seconds(1)
    /// The clocks are compared by the best of eight round trips: the first ones come fast.
    private static let quickBeatCount = 8
    private static let quickBeat = Duration.milliseconds(100)
    private static let standardLease = Duration.seconds(5)

    init(orphanTimeout: Duration, at now: Instant) {
        self.orphanTimeout = orphanTimeout
        nextHello = now
        heard = now
        wakeUp = now
    }

    private var lease: Duration { welcome.map { .nanoseconds($0.lease) } ?? Self.standardLease }

    mutating func tick(at now: Instant) -> [Action] {
        var actions: [Action] = []
        let late = now.nanoseconds(since: wakeUp)
        if late > lease.wholeNanoseconds / 2 {
            // We were stopped or starved. What the master has said meanwhile waits to be read: hear it first.
            actions.append(.log(.warning, "this process did not run for \(late / 1_000_000_000) s"))
            heard = now
            if leased != nil { leased = now }
        }
        if isWelcome, now >= heard.advanced(by: lease) {
            isWelcome = false
            greet(at: now)
            actions.append(
                .log(.warning, "no word from the master for \(seconds(lease)): runs go on, trying to reach it again"))
        }
        if now >= heard.advanced(by: lease * 3) {
            heard = now
            greet(at: now)
            actions.append(.reconnect)
        }
        if let leased, !isWelcome, !isOrphan, now >= leased.advanced(by: orphanTimeout) {
            isOrphan = true
            actions.append(.orphaned)
        }
        if isWelcome, now >= nextBeat {
            actions.append(.beat(echo))
            echo = nil
            let quick = quickBeats > 0
            if quick { quickBeats -= 1 }
            nextBeat = now.advanced(by: quick ? Self.quickBeat : .nanoseconds(welcome!.beat))
        } else if !isWelcome, now >= nextHello {
            actions.append(.hello)
            nextHello = now.advanced(by: helloDelay)
            helloDelay = min(helloDelay * 2, Self.longestDelay)
        }
        wakeUp = min(isWelcome ? nextBeat : nextHello, heard.advanced(by: isWelcome ? lease : lease * 3))
        if let leased, !isWelcome, !isOrphan { wakeUp = min(wakeUp, leased.advanced(by: orphanTimeout)) }
        return actions
    }

    /// Takes in a message; what is about runs and files is not dealt with here.
    mutating func take(_ message: MasterMessage, at now: Instant) -> [Action] {
        heard = now
        if isWelcome { leased = now }
        switch message {
        case .welcome(let welcome): return take(welcome, at: now)
        case .lease(let lease):
            echo = AgentBeat.Echo(masterSent: lease.sent, received: now.nanoseconds)
            batchInterval = .nanoseconds(lease.batchInterval)
            return []
        case .error(let fault): return take(fault, at: now)
        default: return []
        }
    }

    /// A connection stands: to the master it is somebody new.
    mutating func connected(at now: Instant) {
        heard = now
        isWelcome = false
        greet(at: now)
    }

    private mutating func take(_ new: MasterWelcome, at now: Instant) -> [Action] {
        // A hello said twice is answered twice.
        if isWelcome, new.boot == welcome?.boot { return [] }
        var actions: [Action] = []
        if let old = welcome, old.boot != new.boot {
            actions.append(.log(.warning, "the master has restarted, or is another one"))
        }
        welcome = new
        batchInterval = .nanoseconds(new.batchInterval)
        isWelcome = true
        isOrphan = false
        leased = now
        faults = []
        nextBeat = now
        quickBeats = Self.quickBeatCount
        wakeUp = now
        echo = AgentBeat.Echo(masterSent: new.sent, received: now.nanoseconds)
        return actions + [.welcomed(new)]
    }

    private mutating func take(_ fault: WireFault, at now: Instant) -> [Action] {
        switch fault.code {
        case "not-welcome":
            // It does not know us any more: it restarted, or our lease is over.
            guard isWelcome else { return [] }
            isWelcome = false
            greet(at: now)
            return [.log(.info, "the master does not know this agent any more: introducing it again")]
        case _ where isWelcome: return [.log(.warning, "the master says: \(fault.message)")]
        default:
            nextHello = max(nextHello, now.advanced(by: Self.refusedDelay))
            helloDelay = max(helloDelay, Self.refusedDelay)
            if fault.code == "duplicate" { helloDelay = Self.refusedDelay }
            guard faults.insert(fault.code).inserted else { return [] }
            let level: AgentLogLevel = fault.code == "duplicate" ? .warning : .error
            return [.log(level, "the master does not take this agent: \(fault.message); it is asked again and again")]
        }
    }

    private mutating func greet(at now: Instant) {
        nextHello = now
        helloDelay = Self.firstDelay
        wakeUp = now
    }

    private func seconds(_ duration: Duration) -> String { "\(duration.components.seconds) s" }
}
