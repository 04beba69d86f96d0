import Foundation
import LoadsAgent
import LoadsCore
import LoadsTransport
import LoadsWire
import Testing

@Suite struct AgentTests {
    @Test func aRunIsReportedWholeAndNumbered() async {
        let run = await Gathered.run(Fixtures.order("normal"))
        guard case .finished(let interrupted, let seconds)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        #expect(!interrupted && seconds > 0)
        #expect(run.started == 1)
        #expect(run.total.statistics.iterations.started == 100 && run.total.statistics.iterations.ok == 100)
        #expect(run.total.statistics.hits.count == 100)
        #expect(run.sequences == (1...UInt64(run.sequences.count)).map { $0 })
        #expect(run.notes == ["mode normal"])
        #expect(run.total.hits.isEmpty)
    }

    @Test func rawHitsComeWhenTheyAreWanted() async {
        let run = await Gathered.run(Fixtures.order("normal", raw: true))
        #expect(run.total.hits.count == 100)
        #expect(Set(run.total.hits.map(\.user)) == [0, 1, 2, 3])
    }

    @Test func aThousandNamesArriveApart() async {
        let run = await Gathered.run(
            Fixtures.order("normal", users: 50, iterations: 1000 / 50 * 2, options: ["names": ["1000"]]))
        #expect(run.total.statistics.hits.count == 2000)
        #expect(run.total.statistics.names.count == 50 + 39)
        let wide = await Gathered.run(Fixtures.order("flood", users: 1, iterations: 1000, options: ["names": ["1000"]]))
        #expect(wide.total.statistics.names.count == 1000)
    }

    @Test func aSlowMasterLosesNothing() async {
        let run = await Gathered.run(Fixtures.order("flood", users: 4, iterations: 10_000, raw: true)) { _, report in
            if case .batch = report { try? await Task.sleep(for: .milliseconds(30)) }
        }
        #expect(run.total.statistics.iterations.ok == 40_000)
        #expect(run.total.hits.count + run.total.statistics.health.droppedHits == 40_000)
        #expect(run.sequences == (1...UInt64(run.sequences.count)).map { $0 })
    }

    @Test func aCrashIsNamedAndTheHoleHasASize() async {
        let run = await Gathered.run(
            Fixtures.order("crash", users: 1, iterations: 1000, options: ["crash-after": ["300"]]))
        #expect(run.crash?.reason == "signal 11 (SIGSEGV)")
        #expect(run.crash?.output.contains("about to crash") == true)
        let counts = run.total.statistics.iterations
        // It lived for at least 300 ms: some of it was reported before.
        #expect(counts.ended > 0)
        #expect(counts.started + (run.crash?.unreportedStarted ?? -1) == 301)
        #expect(counts.ended + (run.crash?.unreportedEnded ?? -1) == 300)
        #expect(run.total.statistics.hits.count + (run.crash?.unreportedHits ?? -1) == 300)
    }

    @Test(arguments: [("exit-early", "exit code 3"), ("garbage", "no report"), ("exit", "exit code 3")])
    func aRunnerThatFailsIsNamed(_ mode: String, _ reason: String) async {
        let run = await Gathered.run(Fixtures.order(mode, options: ["crash-after": ["5"]]))
        #expect(run.crash?.reason.contains(reason) == true, "\(String(describing: run.end))")
    }

    @Test func whatItSaidOnStandardErrorIsKept() async {
        let run = await Gathered.run(Fixtures.order("exit-early"))
        #expect(run.crash?.output == "cannot go on\n")
    }

    @Test func aRefusalIsPassedOn() async {
        let run = await Gathered.run(Fixtures.order("refuse"))
        #expect(run.end == .refused(code: 69, message: "no such test: x"))
    }

    @Test func aProgramThatIsNotThereIsARefusal() async {
        var order = Fixtures.order("normal")
        order.launch.program = .path("/no/such/program")
        let run = await Gathered.run(order)
        guard case .refused(70, let message)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        #expect(message.contains("/no/such/program"))
    }

    @Test func aDirectoryThatIsNotThereIsNamed() async {
        var order = Fixtures.order("normal")
        order.launch.directory = "/no/such/place"
        guard case .refused(70, let message)? = await Gathered.run(order).end else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains("/no/such/place"))
    }

    @Test(arguments: [AgentCommand.stop(run: "run-1"), .abort(run: "run-1")])
    func stopAndAbortEndARunThatReports(_ command: AgentCommand) async {
        let run = await Gathered.run(Fixtures.order("slow", iterations: 1_000_000)) { master, report in
            if case .started = report { await master.send(command) }
        }
        guard case .finished(true, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        let counts = run.total.statistics.iterations
        #expect(counts.started == counts.ended)
    }

    @Test func aStopRightAfterTheOrderIsNotLost() async {
        let (order, stop) = (Fixtures.order("slow", iterations: 1_000_000), AgentCommand.stop(run: "run-1"))
        let run = await Gathered.run(order) { master, report in
            if case .note = report { await master.send(stop) }
        }
        guard case .finished(true, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
    }

    @Test func aRunnerThatIgnoresTheStopIsKilled() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "loads-\(UUID().uuidString)").path
        var order = Fixtures.order("ignore-stop")
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        let process = Task { await Processes.number(in: file) }
        let gathering = Task { [order] in
            await withLink(order, patience: .milliseconds(50)) { master in
                _ = await process.value
                await master.send(.stop(run: "run-1"))
            }
        }
        let end = await gathering.value
        guard case .crashed(let crash)? = end else {
            Issue.record("\(String(describing: end))")
            return
        }
        #expect(crash.reason.contains("told to end"))
        #expect(await Processes.isGone(await process.value))
    }

    @Test func aRunnerKilledFromOutsideIsReported() async {
        let file = FileManager.default.temporaryDirectory.appending(path: "loads-\(UUID().uuidString)").path
        var order = Fixtures.order("slow", iterations: 1_000_000)
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        let run = await Gathered.run(order) { _, report in
            if case .batch(_, 2, _) = report { kill(await Processes.number(in: file), SIGKILL) }
        }
        #expect(run.crash?.reason == "signal 9 (SIGKILL)")
        #expect(run.total.statistics.iterations.started > 0)
    }

    @Test func interruptAndTerminateDoNotKillARunner() async {
        let file = FileManager.default.temporaryDirectory.appending(path: "loads-\(UUID().uuidString)").path
        var order = Fixtures.order("slow", iterations: 20)
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        let run = await Gathered.run(order) { _, report in
            guard case .started = report else { return }
            for signal in [SIGINT, SIGTERM] { kill(await Processes.number(in: file), signal) }
        }
        #expect(run.total.statistics.iterations.ok == 80)
        #expect(run.crash == nil)
    }

    @Test func aCrashAfterTheEndIsANoteNotACrash() async {
        let run = await Gathered.run(Fixtures.order("crash-after-end"))
        guard case .finished(false, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        #expect(run.notes.contains { $0.contains("SIGABRT") })
    }

    private func withLink(
        _ order: AgentOrder, patience: Duration, _ body: @escaping @Sendable (any MasterLink) async -> Void
    ) async -> RunnerEnd? {
        let (master, link) = InProcess.makePair()
        let agent = Task { await LinkedAgent(link: link, patience: patience).run() }
        await master.send(.run(order))
        await body(master)
        var end: RunnerEnd?
        for await report in master.reports {
            if case .ended(_, let how) = report {
                end = how
                break
            }
        }
        master.close()
        await agent.value
        return end
    }
}
