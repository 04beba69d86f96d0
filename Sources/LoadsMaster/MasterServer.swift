import Glibc
import LoadsCore
import LoadsEventLoop
public import LoadsTransport
import LoadsWire

/// A master: knows the agents, gives them runs, merges what they measure, keeps it, publishes it, answers clients.
///
/// Everything happens on the transport's event loop; what is decided is decided by pure structures
/// (``AgentRegistry``, ``RunLife``, ``Intake``, ``MergedRun``, ``Publisher``), this holds them together.
public actor MasterServer {
    let transport: any MasterTransport
    let storage: any RunStorage
    let settings: MasterSettings
    let loop: EventLoop
    /// Drawn at each start.
    let boot = MasterServer.newBoot()

    var registry: AgentRegistry
    /// Agents that have said hello and not yet shown that they are there.
    var introductions: Introductions
    /// Runs in memory, in the order of their submission.
    var runs: [ActiveRun] = []
    var byID: [String: ActiveRun] = [:]
    /// Runs in their second or a later attempt, by the name that agents know them by.
    var again: [String: ActiveRun] = [:]
    /// Runs that are over and no longer in memory, the newest last.
    var history: [ClusterStatus.RunStatus] = []
    var publisher: Publisher
    var files: FileStore
    var fetches = FetchQueue(chunk: FileChunk.limit)
    var isServingFiles = false
    var clients: [Peer: PeerIdentity] = [:]
    var addresses: MasterAddresses?

    private var timer: LoopTimer?
    private var nextPublication = Instant(nanoseconds: 0)
    private var nextCommit = Instant(nanoseconds: 0)
    private var nextCheck = Instant(nanoseconds: 0)
    private var lastCheck: Instant?
    private var backlog = BacklogWatch()
    /// A commit is under way; what comes meanwhile waits for the next.
    var isCommitting = false
    var commitAgain = false
    /// Since when the storage fails; nil while it works.
    var storageFault: String?
    var isClosed = false
    private var hasEnded = false
    private var ending: [CheckedContinuation<Void, Never>] = []
    /// Complaints about what strangers send, so that a flood of them does not fill the log.
    var complaints = Complaints()

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// How often the master looks at what is due.
    static let tick = Duration.milliseconds(100)
    /// How often it looks at the leases.
    static let check = Duration.milliseconds(500)
    /// Runs in the history that ``ClusterStatus`` tells of: those that are stored and not in memory. After a start that is all.
    var historyLimit: Int {
        min(1000, settings.storedRuns.map { max(0, $0 - runs.count(where: \.isSettled)) } ?? .max)
    }

    /// A master that does nothing before ``open()``.
    public init(
        transport: any MasterTransport, storage: any RunStorage = MemoryStorage(),
        settings: MasterSettings = MasterSettings()
    ) {
        self.transport = transport
        self.storage = storage
        self.settings = settings
        loop = transport.loop
        registry = AgentRegistry(lease: settings.lease, grace: settings.grace, sharedClock: settings.sharedClock)
        introductions = Introductions(patience: settings.lease)
        publisher = Publisher(boot: boot)
        files = FileStore(directory: settings.fileDirectory, limit: settings.fileLimit)
    }

    /// Reads what the storage holds, opens the channels and goes to work.
    ///
    /// - Throws: ``StorageError`` or ``TransportError``.
    @discardableResult
    public func open() async throws -> MasterAddresses {
        let state = try await storage.load()
        registry = AgentRegistry(
            lease: settings.lease, grace: settings.grace, sharedClock: settings.sharedClock, keys: state.keys)
        history = Array(state.history.suffix(historyLimit))
        for stored in state.open {
            let log = try await storage.log(stored.record.run, from: 1, limit: RunLog.limit)
            let run = restore(stored, log)
            run.merged.restore(users: try await storage.users(run.id, last: UserLevels.limit))
            try await replayThresholds(run)
        }
        await catchUpOnce()
        let addresses = try transport.open(self)
        self.addresses = addresses
        let timer = LoopTimer { [unowned self] in self.assumeIsolated { $0.turn() } }
        self.timer = timer
        loop.schedule(timer, at: .now)
        return addresses
    }

    /// Stores what is there, closes the channels, and lets go of everything. Runs that are not over are gone on with by
    /// the next master on the same storage.
    public func close() async {
        guard !isClosed else { return }
        isClosed = true
        if let timer { loop.cancel(timer) }
        timer = nil
        while isCommitting { try? await loop.sleep(for: .milliseconds(5)) }
        await commit()
        transport.close()
        files.end()
        for run in runs { settle(run, wakeOnly: true) }
        await storage.close()
        hasEnded = true
        for continuation in ending { continuation.resume() }
        ending = []
    }

    /// Returns when the master has been closed.
    public func untilClosed() async {
        await withCheckedContinuation { continuation in
            if hasEnded { continuation.resume() } else { ending.append(continuation) }
        }
    }

    // MARK: Time

    private func turn() {
        guard !isClosed else { return }
        let now = Instant.now
        if now >= nextCheck {
            nextCheck = now.advanced(by: Self.check)
            checkLeases(at: now)
        }
        if now >= nextPublication {
            nextPublication = now.advanced(by: batchInterval - Self.tick / 2)
            judgeThresholds(at: now)
            publishIntervals(at: now)
        }
        sendAcknowledgements()
        if now >= nextCommit {
            nextCommit = now.advanced(by: storageFault == nil ? settings.commitInterval : .seconds(1))
            flush()
        }
        if let timer { loop.schedule(timer, at: now.advanced(by: Self.tick)) }
    }

    private func checkLeases(at now: Instant) {
        // While this process was stopped, or starved, it heard nobody: that is not the agents' silence.
        let pause = lastCheck.map { Duration.nanoseconds(now.nanoseconds(since: $0)) - Self.check } ?? .zero
        lastCheck = now
        if pause > Self.check {
            let tenths = Int(pause.inSeconds * 10)
            settings.log(.warning, "this process did not run for \(tenths / 10).\(tenths % 10) s")
            registry.wasPaused(for: pause, until: now)
        }
        for change in registry.tick(at: now) {
            switch change {
            case .silent(let id):
                settings.log(.warning, "the agent \(id) is silent")
                each(with: id) { $0.life.silent(id) }
            case .lost(let id):
                settings.log(.warning, "the agent \(id) is lost")
                fetches.drop(id)
                lose(id, epoch: nil, "silent for \(Int(settings.grace.inSeconds)) s")
            }
        }
        for hello in introductions.tick(at: now) {
            complain(
                "a hello in the name of the agent \(hello.agent) was not followed by a beat: an old one that was sent "
                    + "again, or an agent that was cut off at once")
        }
        checkBacklog(at: now)
        checkOnce()
        schedule()
    }

    /// Tells everybody whose results are late, and when they are there. Of a full disk they have been told.
    private func checkBacklog(at now: Instant) {
        guard storageFault == nil,
            let change = backlog.look(registry.backlog, batchInterval: batchInterval, at: now)
        else { return }
        switch change {
        case .behind(let most):
            let text =
                "results wait on the agents (\(most.messages) of them, \(max(1, most.bytes >> 20)) MiB, on "
                + "\(registry[most.agent]?.hello.name ?? most.agent)): they come faster than this master takes them. "
                + "Numbers are late; nothing is lost while the agents have room (loads-agent --spool-limit)"
            settings.log(.warning, text)
            for run in runs where run.record.start != nil && !run.record.isOver {
                run.isBehind = true
                run.life.event("note", text)
                perform(run)
            }
        case .caughtUp:
            let text = "the results that waited on the agents are here"
            settings.log(.notice, text)
            // Also where the last of them were a run's end.
            for run in runs where run.isBehind {
                run.isBehind = false
                run.life.event("note", text)
                perform(run)
            }
            settings.releaseMemory()
        }
    }

    /// The run that agents know by a name.
    func named(_ name: String) -> ActiveRun? {
        if let run = byID[name], run.record.agentRun == name { return run }
        return again[name].flatMap { $0.record.agentRun == name ? $0 : nil }
    }

    var batchInterval: Duration { MasterSettings.batchInterval(agents: registry.present) }

    private static func newBoot() -> String {
        let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

// MARK: - What comes in

extension MasterServer: MasterReceiver {
    public nonisolated func received(control message: [UInt8], from peer: Peer, _ identity: PeerIdentity) {
        assumeIsolated { $0.control(message, from: peer, identity) }
    }

    public nonisolated func received(result message: [UInt8], _ identity: PeerIdentity) {
        assumeIsolated { $0.result(message, identity) }
    }

    public nonisolated func subscription(prefix: String, wanted: Bool) {
        assumeIsolated { $0.subscribed(prefix, wanted) }
    }

    public nonisolated func turnedAway(_ reason: String) {
        // The transport sees to it that a peer that tries for ever does not fill the log.
        assumeIsolated { $0.settings.log(.warning, reason) }
    }

    /// With a request number it is a client's, otherwise an agent's.
    private func control(_ message: [UInt8], from peer: Peer, _ identity: PeerIdentity) {
        guard !isClosed else { return }
        do throws(WireError) {
            switch try PeerMessage(decoding: message) {
            case .agent(let message): agent(message, from: peer, identity)
            case .client(let request): client(request, from: peer, identity)
            }
        } catch {
            complain("a control message that cannot be read: \(error)")
            if clients[peer] == nil {
                tell(peer, .error(Self.fault(error)))
            } else {
                answer(peer, ClientAnswer(id: 0, answer: .error(Self.fault(error))))
            }
        }
    }

    static func fault(_ error: WireError) -> WireFault {
        WireFault(code: error.code == .version ? "version" : "malformed", message: error.message)
    }

    func complain(_ text: String) {
        if let line = complaints.note(text, at: .now) { settings.log(.warning, line) }
    }
}
