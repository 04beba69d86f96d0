import Glibc
public import LoadsCore
import LoadsEventLoop
public import LoadsTransport
import LoadsWire
import Synchronization

/// Drives a run on an agent: gives the order, merges what is measured, tells how it goes, makes the summary.
public final class Master: Sendable {
    private let link: any MasterLink
    private let storage: any LinkedStorage
    private let current = Mutex<Current?>(nil)

    private struct Current {
        var run: String
        var interrupted = false
    }

    /// The agent's name while there is one.
    fileprivate static let agent = "local"

    public init(link: any MasterLink, storage: any LinkedStorage = LinkedMemoryStorage()) {
        self.link = link
        self.storage = storage
    }

    /// Runs a request to its end.
    public func run(_ request: RunRequest, observer: any RunObserver) async -> RunOutcome {
        current.withLock { $0 = Current(run: request.id) }
        await link.send(
            .run(AgentOrder(run: request.id, launch: request.launch, order: request.order)))
        var follow = RunFollower(request: request, storage: storage, observer: observer)
        for await report in link.reports {
            if let end = await follow.take(report) { return await finish(request, follow, end) }
        }
        // What was measured until then is worth a summary.
        let gone = "its agent went away"
        guard follow.hasStarted else { return .refused(code: 70, message: "\(gone) before the run started") }
        let crash = RunnerCrash(
            reason: gone, output: "", unreportedStarted: 0, unreportedEnded: 0, unreportedHits: 0)
        return await finish(request, follow, .crashed(crash))
    }

    /// Ends the run gracefully. From any thread.
    public func stop() { send { .stop(run: $0) } }

    /// Ends the run at once. From any thread.
    public func abort() { send { .abort(run: $0) } }

    private func send(_ command: @Sendable (String) -> AgentCommand) {
        let run = current.withLock { current -> String? in
            current?.interrupted = true
            return current?.run
        }
        guard let run else { return }
        let command = command(run)
        Task.detached { [link] in await link.send(command) }
    }

    private func finish(_ request: RunRequest, _ follow: RunFollower, _ end: RunnerEnd) async -> RunOutcome {
        var interrupted = current.withLock { current in
            defer { current = nil }
            return current?.interrupted ?? false
        }
        var crash: RunnerCrash?
        var duration = follow.duration
        switch end {
        case .refused(let code, let message): return .refused(code: code, message: message)
        case .finished(let wasInterrupted, let seconds):
            interrupted = interrupted || wasInterrupted
            duration = seconds
        case .crashed(let what): crash = what
        }
        return .finished(
            Summary(
                id: request.id, target: request.target, startedAt: follow.startedAt, duration: duration,
                interrupted: interrupted, plan: request.order.plan,
                statistics: await storage.statistics(run: request.id),
                isURLTarget: request.isURLTarget, crash: crash))
    }
}

/// Follows one run's reports.
private struct RunFollower {
    private let request: RunRequest
    private let storage: any LinkedStorage
    private let observer: any RunObserver
    private var meter: ProgressMeter
    private var start: Instant?
    var hasStarted: Bool { start != nil }
    private(set) var startedAt: Double = 0
    /// To the last batch in which something happened.
    private(set) var duration: Double = 0

    init(request: RunRequest, storage: any LinkedStorage, observer: any RunObserver) {
        self.request = request
        self.storage = storage
        self.observer = observer
        meter = ProgressMeter(plan: request.order.plan)
    }

    mutating func take(_ report: AgentReport) async -> RunnerEnd? {
        switch report {
        case .started(let run) where run == request.id:
            start = .now
            startedAt = Self.wallTime()
            observer.started()
        case .batch(let run, let sequence, let batch) where run == request.id:
            guard await storage.merge(run: run, agent: Master.agent, sequence: sequence, batch.statistics) else {
                return nil
            }
            let time = start.map { Double(Instant.now.nanoseconds(since: $0)) / 1e9 } ?? 0
            meter.take(batch.statistics, at: time)
            if !batch.isEmpty { duration = time }
            if !batch.hits.isEmpty { observer.received(batch.hits) }
            observer.progressed(meter.progress(at: time))
        case .note(let run, let text) where run == request.id: observer.noted(text)
        case .ended(let run, let end) where run == request.id: return end
        default: break
        }
        return nil
    }

    private static func wallTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Where the statistics of a linked master's run are kept.
public protocol LinkedStorage: Sendable {
    func merge(run: String, agent: String, sequence: UInt64, _ statistics: Statistics) async -> Bool
    func statistics(run: String) async -> Statistics
}

/// Keeps them in memory.
public actor LinkedMemoryStorage: LinkedStorage {
    private var totals: [String: Statistics] = [:]
    private var sequences: [String: UInt64] = [:]

    public init() {}

    public func merge(run: String, agent: String, sequence: UInt64, _ statistics: Statistics) -> Bool {
        let key = "\(run)/\(agent)"
        guard sequence == sequences[key, default: 0] + 1 else { return false }
        sequences[key] = sequence
        totals[run, default: Statistics()].merge(statistics)
        return true
    }

    public func statistics(run: String) -> Statistics { totals[run] ?? Statistics() }
}
