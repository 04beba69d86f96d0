import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Agent {
    static let dialects = RunnerLaunch.Dialect.allCases

    /// Takes an order, or says why not.
    func accept(_ order: AgentOrder) {
        let run = order.run
        if let state = runs[run] {
            // Said again after a cut: so is the answer.
            if let status = state.watch.lastStatus { send(.status(run: run, status)) }
            return
        }
        forgetOldRefusals()
        guard !isFinished(run), !spool.knows(run) else { return }
        guard WireLimits.isIdentifier(run) else {
            return send(.status(run: run, .refused(code: 70, message: "\"\(run)\" cannot be the name of a run")))
        }
        runs[run] = AgentRun(RunWatch(order, patience: settings.patience, readyPatience: settings.readyPatience))
        settings.log(.info, "run \(run): \(Counted.text(order.order.plan.peakUsers, "user"))")
        if let obstacle = obstacle(to: order) {
            return change(run) { $0.refuse(code: 69, obstacle) }
        }
        if order.launch.dialect == .lines, let obstacle = LinePlan.obstacle(to: order.order.plan) {
            return change(run) { $0.refuse(code: 64, obstacle) }
        }
        spool.begin(run, at: .now, maxNames: order.order.plan.maxNames)
        do throws(AgentError) {
            try prepare(run, order.launch.files)
        } catch {
            change(run) { $0.refuse(code: 70, error.message) }
        }
    }

    /// Refusals are kept to be said again, but not for ever.
    private func forgetOldRefusals() {
        let refused = runs.filter { !$0.value.watch.isRunning && $0.value.process == nil }
        guard refused.count >= 100 else { return }
        for run in refused.keys { remove(run) }
    }

    private func obstacle(to order: AgentOrder) -> String? {
        if isLeaving { return "this agent is stopping: choose another one" }
        if let needed = order.launch.platform, let obstacle = Platform.current.obstacle(to: needed) { return obstacle }
        if !Self.dialects.contains(order.launch.dialect) {
            return "this agent does not speak the dialect \"\(order.launch.dialect.rawValue)\" with runners"
        }
        if case .builtIn(let name) = order.launch.program, !settings.builtIn.contains(name) {
            return "this agent has no runner \"\(name)\" (it has \(settings.builtIn.joined(separator: ", ")))"
        }
        return RunDirectory.problem(order.launch.files)
    }

    // MARK: The state machine of a run

    /// Lets something happen to a run, and carries out what follows.
    func change(_ run: String, report: [UInt8] = [], _ event: (inout RunWatch) -> [RunWatch.Action]) {
        guard runs[run] != nil else { return }
        for action in event(&runs[run]!.watch) { perform(action, run, report) }
    }

    private func perform(_ action: RunWatch.Action, _ run: String, _ report: [UInt8]) {
        switch action {
        case .status(let state):
            if case .refused(_, let message) = state { settings.log(.error, "run \(run): refused: \(message)") }
            send(.status(run: run, state))
        case .launch: launch(run)
        case .command(let command): runs[run]?.process?.send(command)
        case .deliver(let head):
            deliver(run) { $0.take(report, head, at: .now, every: session.batchInterval) }
        case .note(let text):
            deliver(run) { gate in
                gate.flush()
                    + RunnerReport.note(text).encoded().map { BatchGate.Passed(report: $0, head: ReportHead(.note)) }
            }
        case .end(let end):
            deliver(run) { $0.flush() }
            spool.append(run, end: end)
            settings.log(.info, "run \(run): over")
            if runs[run]?.process == nil { remove(run) }
        case .drop:
            spool.forget(run)
            if let folder = runs[run]?.folder { Files.removeTree(folder) }
            runs[run]?.missing = []
            runs[run]?.isChecking = false
            if let hash = fetch?.state.file.hash,
                !runs.values.contains(where: { $0.missing.contains { $0.hash == hash } })
            {
                fetch = nil
            }
            if runs[run]?.watch.phase == .over { remove(run) }
        case .expectEnd(nil, _): runs[run]?.deadline = nil
        case .expectEnd(let limit?, let reason):
            let deadline = Instant.now.advanced(by: limit)
            guard let state = runs[run], state.deadline.map({ $0 > deadline }) ?? true else { return }
            runs[run]!.deadline = deadline
            runs[run]!.deadlineReason = reason
        case .kill(let reason): runs[run]?.process?.kill(reason: reason)
        }
    }

    /// Numbers what comes through the gate.
    func deliver(_ run: String, _ pass: (inout BatchGate) -> [BatchGate.Passed]) {
        guard runs[run] != nil else { return }
        for passed in pass(&runs[run]!.gate) { spool.append(run, report: passed.report, passed.head) }
    }

    private func launch(_ run: String) {
        guard let order = runs[run]?.watch.order else { return }
        do throws(AgentError) {
            var folder: String?
            if !order.launch.files.isEmpty {
                let path = try self.folder(run)
                runs[run]!.folder = path
                folder = try RunDirectory.make(path, order.launch.files, from: try cache()).path
            }
            var placed = order
            placed.launch = order.launch.placed(in: folder)
            let process = try start(placed)
            runs[run]!.process = process
            change(run) { $0.launched() }
            Task { await self.follow(process, run) }
        } catch {
            change(run) { $0.refuse(code: error.code, error.message) }
        }
    }

    private func start(_ order: AgentOrder) throws(AgentError) -> any RunnerChannel {
        let file = countersFile(order.run)
        do throws(SpawnError) {
            switch order.launch.dialect {
            case .messages: return try RunnerProcess.startHere(order.launch, on: loop, countersFile: file)
            case .lines: return try LineRunner.startHere(order, agent: settings.id, on: loop, countersFile: file)
            }
        } catch {
            throw AgentError(error.description, code: error.code)
        }
    }

    private func follow(_ process: any RunnerChannel, _ run: String) async {
        for await event in process.events {
            switch event {
            case .report(let message):
                do throws(WireError) {
                    let head = try ReportHead(reading: message)
                    change(run, report: message) { $0.take(head) }
                } catch {
                    change(run) { $0.garbage(error) }
                }
                process.consumed()
                pump()
            case .exited(let exit):
                deliver(run) { $0.flush() }
                let counted = process.counters.counts
                let delivered = spool.counts(run)
                runs[run]?.deadline = nil
                change(run) { $0.exited(exit, counted: counted, delivered: delivered) }
                runs[run]?.process = nil
                if runs[run]?.watch.phase == .over { remove(run) }
                pump()
            }
        }
    }
}
