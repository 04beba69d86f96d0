import Glibc
import LoadsCore
import LoadsEventLoop
public import LoadsTransport
import LoadsWire

/// Carries out what a master wants: starts runners, keeps what they measure until the master has it, for ever.
///
/// One loop does everything: this actor's executor is the transport's event loop. What there is to decide is decided by
/// pure structures (``AgentSession``, ``RunWatch``, ``Spool``, ``FileFetch``); this carries it out.
public actor Agent: AgentReceiver {
    private let transport: any AgentTransport
    let settings: AgentSettings
    let loop: EventLoop
    private let home: AgentHome
    private(set) var session: AgentSession
    var spool: Spool
    var runs: [String: AgentRun] = [:]
    /// The last runs that are over, so that an order which comes twice is not carried out twice.
    private var finished: [String] = []
    var fetch: (state: FileFetch, draft: FileCache.Draft)?
    /// The file that arrived broken last.
    var brokenFile: String?
    private var meter = HostMeter()
    private var usage = HostUsage()
    private var measured: Instant?
    private var timer: LoopTimer?
    private var leaving: Leaving?
    private var ending: CheckedContinuation<Void, Never>?
    private var isOpen = false
    private var hasLeft = false
    private var hasBeenWelcome = false

    /// How far the agent is with its end.
    private struct Leaving {
        var reason: String
        /// Runners are told to end at once then, and are killed at the next.
        var abort: Instant
        var kill: Instant
        /// No longer than this.
        var end: Instant
    }

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// - Throws: ``AgentError`` when the data directory cannot be used.
    public init(transport: any AgentTransport, settings: AgentSettings) throws(AgentError) {
        self.transport = transport
        self.settings = settings
        loop = transport.loop
        home = try AgentHome(data: settings.data, filesLimit: settings.filesLimit)
        let recovered = home.store?.recover()
        let epoch = recovered?.epoch ?? Names.hexadecimal(UInt64.random(in: 0 ... .max))
        spool = Spool(
            agent: settings.id, epoch: epoch, limits: settings.spool, store: home.store,
            recovered: recovered?.runs ?? [], at: .now)
        session = AgentSession(orphanTimeout: settings.orphanTimeout, at: .now)
    }

    /// Serves its master until ``stop(reason:)``, or until the task is cancelled, which kills the runners.
    ///
    /// - Throws: ``TransportError`` when the channel cannot be opened. A master that is not there is no error.
    public func run() async throws {
        // A runner that goes away while a command is written to it is an error code, not a signal.
        signal(SIGPIPE, SIG_IGN)
        if hasLeft { return }
        try transport.open(self)
        isOpen = true
        for run in spool.held {
            settings.log(.info, "run \(run): results of an earlier start are kept until the master has them")
        }
        tick()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if hasLeft { continuation.resume() } else { ending = continuation }
            }
        } onCancel: {
            Task { await self.leaveNow() }
        }
    }

    /// Ends gracefully: runners are stopped, what is left is delivered for a while, the master is told.
    ///
    /// Called again, it ends at once: runners are killed.
    public func stop(reason: String = "the agent was told to stop") {
        guard leaving == nil else { return leaveNow() }
        let now = Instant.now
        let half = now.advanced(by: settings.farewell / 2)
        leaving = Leaving(
            reason: reason, abort: half, kill: now.advanced(by: settings.farewell),
            end: now.advanced(by: settings.farewell * 2))
        // First of all: whatever the master gives out from now on goes to others.
        if isOpen, session.isWelcome { send(.beat(beat(nil))) }
        for run in runs.keys.sorted() { change(run) { $0.leave(reason: reason) } }
        tick()
    }

    private func leaveNow() {
        guard !hasLeft else { return }
        let now = Instant.now
        leaving = Leaving(
            reason: leaving?.reason ?? "the agent was told to end at once", abort: now, kill: now, end: now)
        tick()
    }

    // MARK: The transport

    /// Takes a message of the master; to be called on the loop.
    public nonisolated func received(control message: [UInt8]) {
        assumeIsolated { $0.take(control: message) }
    }

    /// A connection stands, perhaps a new one; to be called on the loop.
    public nonisolated func connected() {
        assumeIsolated { agent in
            agent.session.connected(at: .now)
            agent.tick()
        }
    }

    /// Something is wrong with the way to the master, for the log.
    public nonisolated func trouble(_ trouble: TransportError) { settings.log(.warning, trouble.message) }

    /// More results can be sent; to be called on the loop.
    public nonisolated func resultsWritable() {
        assumeIsolated { $0.pump() }
    }

    func send(_ message: AgentMessage) { transport.send(message.encoded()) }

    /// Sends what the window lets through.
    func pump() {
        guard session.isWelcome, !hasLeft else { return }
        while let message = spool.next(), transport.push(message) { spool.markSent(at: .now) }
    }

    private func take(control bytes: [UInt8]) {
        guard !hasLeft else { return }
        let message: MasterMessage
        do throws(WireError) {
            message = try MasterMessage(decoding: bytes)
        } catch {
            settings.log(.error, "the master sent something that this agent does not understand: \(error)")
            send(.error(WireFault(error)))
            return
        }
        perform(session.take(message, at: .now))
        spool.batchesCome(every: session.batchInterval)
        take(message)
        reschedule()
    }

    private func take(_ message: MasterMessage) {
        switch message {
        case .welcome: break
        case .lease:
            // The answer to a beat: now the master counts on this agent.
            if !hasBeenWelcome { settings.welcomed() }
            hasBeenWelcome = true
        case .run(let order): accept(order)
        case .start(let run, let at): change(run) { $0.start(at: at) }
        case .adjust(let run, let adjustment): change(run) { $0.pass(.adjust(adjustment)) }
        case .rawHits(let run, let wanted): change(run) { $0.pass(.rawHits(wanted)) }
        case .stop(let run, let abort, let reason): change(run) { $0.stop(abort: abort, reason: reason) }
        case .ack(let run, let epoch, let sequence):
            if spool.acknowledge(run, epoch: epoch, sequence, at: .now) { forget(run) }
            pump()
            leaveIfDone()
        case .chunk(let chunk): take(chunk)
        case .error(let fault): take(fault)
        }
    }

    private func take(_ fault: WireFault) {
        switch (fault.code, fault.run) {
        case ("unknown-file", _): refuseFetching(fault.message)
        case ("unknown-run", let run?):
            change(run) { $0.stop(abort: true, reason: fault.message) }
            spool.forget(run)
        default: break
        }
    }

    // MARK: Time

    private func tick() {
        guard isOpen, !hasLeft else { return }
        let now = Instant.now
        perform(session.tick(at: now))
        if session.isWelcome, spool.takeBackOverdue(at: now) {
            settings.log(.warning, "no acknowledgement from the master for a while: results are sent again")
        }
        for (run, state) in runs {
            if let deadline = state.deadline, now >= deadline {
                runs[run]!.deadline = nil
                settings.log(.warning, "run \(run): its runner is killed: \(state.deadlineReason)")
                state.process?.kill(reason: "\(state.deadlineReason), and was killed")
            }
        }
        for run in runs.keys { deliver(run) { $0.due(at: now, every: session.batchInterval) } }
        if let current = fetch?.state, current.isStuck(at: now) { askAgain() }
        pump()
        home.store?.flush()
        for warning in spool.takeWarnings() { settings.log(.warning, warning) }
        if let leaving { pressToLeave(leaving, now) }
        reschedule()
    }

    private func pressToLeave(_ leaving: Leaving, _ now: Instant) {
        if now >= leaving.kill {
            for state in runs.values { state.process?.kill(reason: leaving.reason) }
        } else if now >= leaving.abort {
            for run in runs.keys.sorted() { change(run) { $0.stop(abort: true, reason: leaving.reason) } }
        }
        leaveIfDone()
    }

    private func leaveIfDone() {
        guard let leaving, !hasLeft, !runs.values.contains(where: { $0.process != nil }) else { return }
        let now = Instant.now
        guard now >= leaving.end || spool.isEmpty || (!session.isWelcome && now >= leaving.kill) else { return }
        hasLeft = true
        if let timer { loop.cancel(timer) }
        if isOpen {
            if session.isWelcome { send(.goodbye(reason: leaving.reason)) }
            transport.close()
        }
        if !spool.isEmpty {
            settings.log(
                .warning,
                "\(Counted.text(spool.messages, "message")) of results not acknowledged: "
                    + (settings.data == nil ? "they are lost" : "they are delivered when this agent is started again"))
        }
        fetch = nil
        home.leave()
        ending?.resume()
        ending = nil
    }

    private func reschedule() {
        guard isOpen, !hasLeft else { return }
        var next = session.wakeUp
        if !runs.isEmpty || !spool.isEmpty || leaving != nil {
            next = min(next, Instant.now.advanced(by: .milliseconds(250)))
        }
        let timer =
            timer
            ?? LoopTimer { [weak self] in
                self?.assumeIsolated { $0.tick() }
            }
        self.timer = timer
        loop.schedule(timer, at: next)
    }

    private func perform(_ actions: [AgentSession.Action]) {
        for action in actions {
            switch action {
            case .hello: send(.hello(hello()))
            case .beat(let echo): send(.beat(beat(echo)))
            case .welcomed(let welcome):
                transport.connectResults(host: welcome.host, port: welcome.resultsPort)
                spool.rewind()
                for (run, state) in runs {
                    if let status = state.watch.status { send(.status(run: run, status)) }
                }
                askAgain()
                settings.log(.info, "welcomed by the master (boot \(welcome.boot))")
                pump()
            case .reconnect:
                settings.log(.info, "connecting to the master anew")
                transport.reconnect()
                spool.rewind()
            case .orphaned: orphaned()
            case .log(let level, let text): settings.log(level, text)
            }
        }
    }

    private func orphaned() {
        let reason = "its agent has had no master for \(settings.orphanTimeout.components.seconds) s"
        for run in runs.keys.sorted() {
            settings.log(.warning, "run \(run): stopped: \(reason)")
            change(run) { $0.leave(reason: reason) }
        }
    }

    private func hello() -> AgentHello {
        AgentHello(
            agent: settings.id, name: settings.name, epoch: spool.epoch, software: settings.software,
            platform: .current, cores: EventLoopGroup.availableCores, memoryBytes: HostMeter.memoryBytes,
            labels: settings.labels, dialects: Self.dialects, builtIn: settings.builtIn,
            runs: spool.held.map { run in
                AgentHello.HeldRun(
                    run: run, sequence: spool.last(run), running: runs[run]?.watch.isRunning ?? false)
            })
    }

    private func beat(_ echo: AgentBeat.Echo?) -> AgentBeat {
        let now = Instant.now
        if measured.map({ now >= $0.advanced(by: .milliseconds(900)) }) ?? true {
            measured = now
            usage = meter.measure(runners: runs.values.compactMap { $0.process?.process }, at: now.nanoseconds)
        }
        var beat = AgentBeat(
            sent: Instant.now.nanoseconds, echo: echo, usage: usage, spoolMessages: spool.messages,
            spoolBytes: spool.bytes)
        beat.isLeaving = isLeaving
        return beat
    }

    // MARK: The end of runs

    func isFinished(_ run: String) -> Bool { finished.contains(run) }

    /// A run is over here: its process is gone.
    func remove(_ run: String) {
        guard let state = runs.removeValue(forKey: run) else { return }
        if let folder = state.folder { Files.removeTree(folder) }
        if !state.watch.order.launch.files.isEmpty { makeRoom(for: 0) }
        finished.append(run)
        if finished.count > 256 { finished.removeFirst() }
        leaveIfDone()
    }

    /// The master has all of a run.
    private func forget(_ run: String) {
        settings.log(.info, "run \(run): everything is delivered")
    }

    func cache() throws(AgentError) -> FileCache { try home.cache() }
    func folder(_ run: String) throws(AgentError) -> String { try home.runFolder(run) }
    var isLeaving: Bool { leaving != nil }
    func countersFile(_ run: String) -> String? {
        home.store.flatMap { $0.isWorking ? $0.countersPath(run) : nil }
    }
}
