import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsWire
import Synchronization

/// One runner process: its pipes read and written on the agent's loop, its end noticed and reaped there.
final class RunnerProcess: RunnerChannel, FileHandler, @unchecked Sendable {
    // @unchecked: everything that changes is touched on the loop's thread only.

    let events: AsyncStream<RunnerEvent>
    var process: pid_t { spawned.process }
    /// What it counted; to be read after its end.
    let counters: LiveCounters
    private let continuation: AsyncStream<RunnerEvent>.Continuation
    private let loop: EventLoop
    private let spawned: SpawnedProcess

    private var speech: any RunnerSpeech
    private var alarm: LoopTimer?
    private var tail: [UInt8] = []
    private var outgoing: [UInt8] = []
    private var commandsOpen = true
    /// Whether the command pipe is closed once everything is written.
    private var closesInput = false
    private var reportsOpen = true
    private var outputOpen = true
    /// Reports handed over and not dealt with yet.
    private var waiting = 0
    private var paused = false
    private var exitStatus: Int32?
    private var fault: String?
    private var overdue: LoopTimer?
    private var overdueReason = ""
    private var sweep: LoopTimer?
    private let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)

    /// Reports that may wait for the agent before the pipe is left unread: the runner then merges its batches.
    private static let waitingLimit = 32
    /// How much of what it prints is kept.
    private static let tailLimit = 16 * 1024

    /// Chunks that are read at a time, so that a runner that floods does not keep the agent from its other duties.
    private static let turn = 4

    /// Starts a process that speaks the dialect `messages`, or another; see ``LineRunner``.
    ///
    /// It is started on the loop's thread, because a runner asks the kernel to be killed with the *thread* that started
    /// it (`PR_SET_PDEATHSIG`): a pool's thread may end long before the agent does.
    static func start(
        _ launch: RunnerLaunch, speech: sending any RunnerSpeech = FrameSpeech(), on loop: EventLoop
    ) async throws(SpawnError) -> RunnerProcess {
        let speech = Handover(speech)
        let result: Result<RunnerProcess, SpawnError> = await withUnsafeContinuation { continuation in
            let taken = loop.submit {
                do throws(SpawnError) {
                    continuation.resume(returning: .success(try startHere(launch, speech: speech.value, on: loop)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !taken { continuation.resume(returning: .failure(SpawnError(description: "the agent has ended"))) }
        }
        return try result.get()
    }

    /// Starts a process; to be called on the loop.
    ///
    /// - Parameter countersFile: Where its live counters lie, to outlive the agent; nil is nowhere.
    static func startHere(
        _ launch: RunnerLaunch, speech: any RunnerSpeech = FrameSpeech(), on loop: EventLoop,
        countersFile: String? = nil
    ) throws(SpawnError) -> RunnerProcess {
        let spawned = try Spawn.start(launch, counterBytes: LiveCounters.byteCount, countersFile: countersFile)
        let process = RunnerProcess(spawned, speech, loop)
        process.watch()
        return process
    }

    /// Carries the speech to the loop.
    private struct Handover: @unchecked Sendable {
        // @unchecked: `sending` has made sure that nobody else holds it.
        let value: any RunnerSpeech
        init(_ value: any RunnerSpeech) { self.value = value }
    }

    private init(_ spawned: SpawnedProcess, _ speech: any RunnerSpeech, _ loop: EventLoop) {
        self.spawned = spawned
        self.speech = speech
        self.loop = loop
        counters = LiveCounters(base: spawned.counters)
        (events, continuation) = AsyncStream.makeStream()
    }

    deinit {
        // Its loop has ended before it, or nobody watches it any more: nothing is left behind all the same.
        if exitStatus == nil {
            _ = endGroup()
            if spawned.processDescriptor >= 0 { close(spawned.processDescriptor) }
        }
        if commandsOpen { close(spawned.commands) }
        if reportsOpen { close(spawned.reports) }
        if outputOpen { close(spawned.output) }
        space.deallocate()
        munmap(spawned.counters, LiveCounters.byteCount)
    }

    private func watch() {
        for descriptor in [spawned.reports, spawned.output] {
            loop.register(descriptor, interest: .readable, handler: self)
        }
        if spawned.processDescriptor >= 0 {
            loop.register(spawned.processDescriptor, interest: .readable, handler: self)
        } else {
            startSweep(every: .milliseconds(50))
        }
    }

    // MARK: From any thread

    /// Sends a command. A runner that is gone is no error: its end is reported anyway.
    func send(_ command: RunnerCommand) {
        loop.submit { [self] in
            perform(speech.send(command, at: .now))
        }
    }

    /// Kills the process and whatever it started, if it has not ended within a time.
    func expectEnd(within patience: Duration, reason: String) {
        loop.submit { [self] in armOverdue(patience, reason) }
    }

    /// Kills the process and whatever it started.
    func kill(reason: String) {
        loop.submit { [self] in killGroup(reason) }
    }

    /// The consumer has dealt with a report: more may be read.
    func consumed() {
        loop.submit { [self] in
            waiting -= 1
            guard paused, waiting < Self.waitingLimit / 2 else { return }
            paused = false
            if reportsOpen { loop.register(spawned.reports, interest: .readable, handler: self) }
        }
    }

    // MARK: On the loop

    func handle(_ events: FileEvents, on descriptor: Int32) {
        switch descriptor {
        case spawned.reports: readReports()
        case spawned.output: readOutput()
        case spawned.commands: writeCommands()
        default: reap()
        }
        finishIfOver()
    }

    private func writeCommands() {
        while !outgoing.isEmpty {
            let count = write(spawned.commands, outgoing, outgoing.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN {
                loop.register(spawned.commands, interest: .writable, handler: self)
                return
            }
            if count <= 0 {
                closeCommands()
                return
            }
            outgoing.removeFirst(count)
        }
        if closesInput { return closeCommands() }
        // Deregistered rather than watched for nothing: a hang-up is reported even then, without end.
        loop.deregister(spawned.commands)
    }

    private func readReports() {
        for _ in 0..<Self.turn where reportsOpen && !paused {
            let count = read(spawned.reports, space.baseAddress, space.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return }
            if count <= 0 {
                closeReports()
                perform(speech.closed(at: .now))
                return
            }
            take(UnsafeRawBufferPointer(rebasing: space[..<count]))
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        do throws(WireError) {
            perform(try speech.take(bytes, at: .now))
        } catch {
            closeReports()
            killGroup("it sent something that is no report (\(error))")
            return
        }
        if waiting >= Self.waitingLimit {
            paused = true
            loop.deregister(spawned.reports)
        }
    }

    private func perform(_ actions: [SpeechAction]) {
        for action in actions {
            switch action {
            case .write(let bytes):
                guard commandsOpen else { break }
                outgoing += bytes
                writeCommands()
            case .closeInput:
                if outgoing.isEmpty { closeCommands() } else { closesInput = true }
            case .report(let message):
                waiting += 1
                continuation.yield(.report(message))
            case .expectEnd(let patience, let reason): armOverdue(patience, reason)
            }
        }
        setAlarm()
    }

    /// Wakes the speech when it wants to be woken.
    private func setAlarm() {
        guard let time = speech.wakeUp, exitStatus == nil else {
            if let alarm { loop.cancel(alarm) }
            return
        }
        let timer = alarm ?? LoopTimer { [weak self] in self?.ring() }
        alarm = timer
        if timer.deadline != time { loop.schedule(timer, at: time) }
    }

    private func ring() {
        guard exitStatus == nil else { return }
        let usage = ProcessUsage.of(spawned.process)
        perform(speech.tick(at: .now, usage, mayReport: waiting < Self.waitingLimit))
    }

    private func readOutput() {
        for _ in 0..<Self.turn where outputOpen {
            let count = read(spawned.output, space.baseAddress, space.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return }
            if count <= 0 {
                closeOutput()
                return
            }
            tail.append(contentsOf: space[..<count])
            if tail.count > 2 * Self.tailLimit { tail.removeFirst(tail.count - Self.tailLimit) }
        }
    }

    private func reap() {
        guard exitStatus == nil else { return }
        // What it started goes with it; before the reaping, while the number of its group cannot be another's.
        var information = siginfo_t()
        guard waitid(P_PID, id_t(spawned.process), &information, WEXITED | WNOHANG | WNOWAIT) == 0,
            information.si_signo == SIGCHLD
        else { return }
        exitStatus = endGroup()
        if spawned.processDescriptor >= 0 {
            loop.deregister(spawned.processDescriptor)
            close(spawned.processDescriptor)
        }
        // A process that left the group may hold the pipes open: what is in them is read, more is not waited for.
        startSweep(every: .milliseconds(500))
    }

    /// Kills what is left of its process group, the sentinel too, and reaps both. Returns how it ended.
    private func endGroup() -> Int32 {
        _ = Glibc.kill(-spawned.process, SIGKILL)
        var status: Int32 = 0
        if spawned.sentinel > 0 {
            _ = Glibc.kill(spawned.sentinel, SIGKILL)
            while waitpid(spawned.sentinel, &status, 0) < 0 && errno == EINTR {}
        }
        while waitpid(spawned.process, &status, 0) < 0 && errno == EINTR {}
        return status
    }

    /// Looks again from time to time: for the end where the kernel does not tell, and for pipes that nobody closes.
    private func startSweep(every interval: Duration) {
        if let sweep { loop.cancel(sweep) }
        let timer = LoopTimer { [weak self] in
            guard let self else { return }
            if exitStatus == nil {
                reap()
                if exitStatus == nil { loop.schedule(sweep!, at: .now.advanced(by: interval)) }
                return
            }
            if reportsOpen && !paused { closeReports() }
            closeOutput()
            finishIfOver()
            if reportsOpen { loop.schedule(sweep!, at: .now.advanced(by: interval)) }
        }
        sweep = timer
        loop.schedule(timer, at: .now.advanced(by: interval))
    }

    private func armOverdue(_ patience: Duration, _ reason: String) {
        let deadline = Instant.now.advanced(by: patience)
        guard exitStatus == nil, (overdue?.deadline).map({ $0 > deadline }) ?? true else { return }
        if let overdue { loop.cancel(overdue) }
        overdueReason = reason
        let timer = LoopTimer { [weak self] in
            guard let self, exitStatus == nil else { return }
            // A runner that waits for us to read cannot end: that is not its fault.
            if paused {
                loop.schedule(overdue!, at: .now.advanced(by: .seconds(1)))
            } else {
                killGroup("\(overdueReason), and was killed")
            }
        }
        overdue = timer
        loop.schedule(timer, at: deadline)
    }

    private func killGroup(_ reason: String) {
        // Once reaped, its number may be another's.
        guard exitStatus == nil else { return }
        if fault == nil { fault = reason }
        _ = Glibc.kill(-spawned.process, SIGKILL)
    }

    private func closeCommands() {
        guard commandsOpen else { return }
        commandsOpen = false
        outgoing = []
        loop.deregister(spawned.commands)
        close(spawned.commands)
    }

    private func closeReports() {
        guard reportsOpen else { return }
        reportsOpen = false
        loop.deregister(spawned.reports)
        close(spawned.reports)
    }

    private func closeOutput() {
        guard outputOpen else { return }
        outputOpen = false
        loop.deregister(spawned.output)
        close(spawned.output)
    }

    private func finishIfOver() {
        guard let exitStatus, !reportsOpen, !outputOpen else { return }
        for timer in [overdue, sweep, alarm] { if let timer { loop.cancel(timer) } }
        overdue = nil
        sweep = nil
        alarm = nil
        closeCommands()
        perform(speech.exited(well: exitStatus == 0 && fault == nil, at: .now))
        let output = String(decoding: tail.suffix(Self.tailLimit), as: UTF8.self)
        continuation.yield(.exited(RunnerExit(status: exitStatus, fault: fault, output: output)))
        continuation.finish()
    }
}
