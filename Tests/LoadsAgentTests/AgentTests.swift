import Foundation
import LoadsAgent
import LoadsCore
import LoadsEventLoop
import LoadsWire
import Testing

/// Runs of all kinds on an agent, as its master sees them.
@Suite struct AgentTests {
    @Test func aRunIsReportedWholeAndNumbered() async throws {
        let run = try await Gathered.run(Fixtures.order("normal"))
        guard case .finished(let interrupted, let seconds)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        #expect(!interrupted && seconds > 0)
        #expect(run.started == 1)
        #expect(run.total.statistics.iterations.started == 100 && run.total.statistics.iterations.ok == 100)
        #expect(run.total.statistics.hitCount == 100)
        #expect(run.notes == ["mode normal"])
        #expect(run.total.hits.isEmpty && run.lost.isEmpty)
    }

    @Test func rawHitsComeWhenTheyAreWanted() async throws {
        let run = try await Gathered.run(Fixtures.order("normal", raw: true))
        #expect(run.total.hits.count == 100)
        #expect(Set(run.total.hits.map(\.user)) == [0, 1, 2, 3])
    }

    @Test func aThousandNamesArriveApart() async throws {
        let wide = try await Gathered.run(
            Fixtures.order("flood", users: 1, iterations: 1000, options: ["names": ["1000"]]))
        #expect(wide.total.statistics.hitCount == 1000)
        #expect(wide.total.statistics.names.count == 1000)
    }

    @Test func aMasterThatAcknowledgesNothingForAWhileLosesNothing() async throws {
        var manners = PlayedMaster.Manners()
        manners.acknowledges = false
        let rig = try await Rig(manners) { $0.spool.windowMessages = 2 }
        rig.master.tell(.run(Fixtures.order("flood", users: 4, iterations: 10_000, raw: true)))
        _ = await rig.master.sees { if case .result(let message) = $0, message.sequence == 2 { true } else { nil } }
        rig.master.behave { $0.acknowledges = true }
        // What is in flight comes again only after a while; a new welcome brings it at once.
        rig.master.tell(.error(WireFault(code: "not-welcome", message: "once more")))
        let run = await rig.gathered("run-1")
        await rig.close()
        #expect(run.total.statistics.iterations.ok == 40_000)
        #expect(run.total.hits.count + run.total.statistics.health.droppedHits == 40_000)
    }

    /// It may only be held up, and keeps whatever comes until it can look at it.
    @Test func aMasterThatIsNotHeardGetsNothingAgain() async throws {
        var manners = PlayedMaster.Manners()
        manners.acknowledges = false
        manners.lease = .milliseconds(800)
        let rig = try await Rig(manners) {
            $0.spool.windowMessages = 2
            $0.spool.resend = .milliseconds(50)
        }
        func results() -> Int { rig.master.seen.count { if case .result = $0 { true } else { false } } }
        rig.master.tell(.run(Fixtures.order("flood", users: 4, iterations: 10_000)))
        // While it says something, what it does not acknowledge comes again.
        #expect(await rig.log.waits("results are sent again"))
        rig.master.behave {
            $0.leases = false
            $0.welcomes = false
        }
        #expect(await rig.log.waits("connecting to the master anew"))
        let before = results()
        try await Task.sleep(for: .seconds(2))
        #expect(results() == before)
        rig.master.behave {
            $0.leases = true
            $0.welcomes = true
            $0.acknowledges = true
        }
        let run = await rig.gathered("run-1")
        await rig.close()
        #expect(run.total.statistics.iterations.ok == 40_000)
    }

    @Test func aFullSpoolMergesAndTheTotalsAreExact() async throws {
        var manners = PlayedMaster.Manners()
        manners.acknowledges = false
        let rig = try await Rig(manners) {
            $0.spool.memory = 40_000
            $0.spool.windowMessages = 2
        }
        rig.master.tell(.run(Fixtures.order("flood", users: 4, iterations: 20_000, raw: true)))
        #expect(await rig.log.waits("further ones are merged"))
        rig.master.behave { $0.acknowledges = true }
        rig.master.tell(.error(WireFault(code: "not-welcome", message: "once more")))
        let run = await rig.gathered("run-1")
        await rig.close()
        #expect(run.total.statistics.iterations.ok == 80_000)
        #expect(run.total.statistics.hitCount == 80_000)
        #expect(run.total.hits.count + run.total.statistics.health.droppedHits == 80_000)
        #expect(run.total.statistics.health.droppedHits > 0)
    }

    @Test func aCrashIsNamedAndTheHoleHasASize() async throws {
        let run = try await Gathered.run(
            Fixtures.order("crash", users: 1, iterations: 5000, options: ["crash-after": ["1000"]]))
        #expect(run.crash?.reason == "signal 11 (SIGSEGV)")
        #expect(run.crash?.output.contains("about to crash") == true)
        let counts = run.total.statistics.iterations
        // It lived for at least a second, ten batches long: some of it was reported before.
        #expect(counts.ended > 0)
        #expect(counts.started + (run.crash?.unreportedStarted ?? -1) == 1001)
        #expect(counts.ended + (run.crash?.unreportedEnded ?? -1) == 1000)
        #expect(run.total.statistics.hitCount + (run.crash?.unreportedHits ?? -1) == 1000)
    }

    @Test func aRunnerThatExitsInTheMiddleIsNamed() async throws {
        let run = try await Gathered.run(Fixtures.order("exit", options: ["crash-after": ["5"]]))
        #expect(run.crash?.reason == "exit code 3")
    }

    @Test(arguments: [("exit-early", "exit code 3: cannot go on"), ("garbage", "no report")])
    func aRunnerThatFailsBeforeTheRunIsARefusal(_ mode: String, _ words: String) async throws {
        guard case .refused(71, let message)? = try await Gathered.run(Fixtures.order(mode)).end else {
            Issue.record("not refused")
            return
        }
        #expect(message.replacingOccurrences(of: "\n", with: ": ").contains(words), "\(message)")
    }

    @Test func aRefusalIsPassedOn() async throws {
        let run = try await Gathered.run(Fixtures.order("refuse"))
        #expect(run.end == .refused(code: 69, message: "no such test: x"))
    }

    @Test(arguments: ["/no/such/program", "no-such-program-anywhere"])
    func aProgramThatIsNotThereIsARefusal(_ program: String) async throws {
        var order = Fixtures.order("normal")
        order.launch.program = .path(program)
        guard case .refused(69, let message)? = try await Gathered.run(order).end else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains(program))
    }

    @Test func aDirectoryThatIsNotThereIsNamed() async throws {
        var order = Fixtures.order("normal")
        order.launch.directory = "/no/such/place"
        guard case .refused(70, let message)? = try await Gathered.run(order).end else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains("/no/such/place"))
    }

    @Test(arguments: [
        (Platform(system: "linux", architecture: "vax", library: "glibc 2.1"), "vax"),
        (Platform(system: "linux", architecture: "", library: "glibc 99.1"), "glibc 99.1"),
    ])
    func aProgramForAnotherMachineIsRefusedWithBothNamed(_ platform: Platform, _ word: String) async throws {
        var order = Fixtures.order("normal")
        var needed = platform
        if needed.architecture.isEmpty {
            var name = utsname()
            uname(&name)
            needed.architecture = withUnsafeBytes(of: &name.machine) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
        order.launch.platform = needed
        guard case .refused(69, let message)? = try await Gathered.run(order).end else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains(word), "\(message)")
    }

    @Test(arguments: [false, true]) func stopAndAbortEndARunThatReports(_ abort: Bool) async throws {
        let rig = try await Rig()
        rig.master.tell(.run(Fixtures.order("slow", iterations: 1_000_000)))
        #expect(await rig.master.hasStarted("run-1"))
        rig.master.tell(.stop(run: "run-1", abort: abort, reason: "a test"))
        let run = await rig.gathered("run-1")
        await rig.close()
        guard case .finished(true, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        let counts = run.total.statistics.iterations
        #expect(counts.started == counts.ended)
    }

    @Test func aStopRightAfterTheOrderIsNotLost() async throws {
        let rig = try await Rig()
        rig.master.tell(.run(Fixtures.order("slow", iterations: 1_000_000)))
        rig.master.tell(.stop(run: "run-1", abort: false, reason: "a test"))
        let run = await rig.gathered("run-1")
        await rig.close()
        guard case .finished(true, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
    }

    @Test func anOrderThatComesTwiceIsCarriedOutOnce() async throws {
        let rig = try await Rig()
        let order = Fixtures.order("normal")
        rig.master.tell(.run(order))
        rig.master.tell(.run(order))
        let run = await rig.gathered("run-1")
        rig.master.tell(.run(order))
        // An order that is carried out overtakes nothing: this one's refusal shows that the last is through.
        rig.master.tell(.run(AgentOrder(run: "run-2", launch: RunnerLaunch(executable: "/x"), order: order.order)))
        _ = await rig.gathered("run-2")
        await rig.close()
        #expect(run.total.statistics.iterations.ok == 100)
        #expect(Gathered(rig.master.seen, run: "run-1").started == 1)
    }

    @Test func aRunnerThatIgnoresTheStopIsKilled() async throws {
        let file = Fixtures.processFile()
        var order = Fixtures.order("ignore-stop")
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        let rig = try await Rig { $0.patience = .milliseconds(50) }
        rig.master.tell(.run(order))
        let process = await Processes.number(in: file)
        rig.master.tell(.stop(run: "run-1", abort: false, reason: "a test"))
        let run = await rig.gathered("run-1")
        #expect(run.crash?.reason.contains("told to end") == true, "\(String(describing: run.end))")
        #expect(await Processes.isGone(process))
        await rig.close()
    }

    @Test func aRunnerThatDoesNotGetReadyIsKilled() async throws {
        let run = try await Gathered.run(Fixtures.order("ignore-stop")) { $0.readyPatience = .milliseconds(50) }
        guard case .refused(71, let message)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        #expect(message.contains("did not get ready"))
    }

    @Test func aRunnerKilledFromOutsideIsReported() async throws {
        let file = Fixtures.processFile()
        var order = Fixtures.order("slow", iterations: 1_000_000)
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        let rig = try await Rig()
        rig.master.tell(.run(order))
        _ = await rig.master.sees { if case .result(let message) = $0, message.sequence == 4 { true } else { nil } }
        kill(await Processes.number(in: file), SIGKILL)
        let run = await rig.gathered("run-1")
        await rig.close()
        #expect(run.crash?.reason == "signal 9 (SIGKILL)")
        #expect(run.total.statistics.iterations.started > 0)
    }

    @Test func interruptAndTerminateDoNotKillARunner() async throws {
        let file = Fixtures.processFile()
        var order = Fixtures.order("slow", iterations: 20)
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        let rig = try await Rig()
        rig.master.tell(.run(order))
        #expect(await rig.master.hasStarted("run-1"))
        for signal in [SIGINT, SIGTERM] { kill(await Processes.number(in: file), signal) }
        let run = await rig.gathered("run-1")
        await rig.close()
        #expect(run.total.statistics.iterations.ok == 80)
        #expect(run.crash == nil)
    }

    @Test func aCrashAfterTheEndIsANoteNotACrash() async throws {
        let run = try await Gathered.run(Fixtures.order("crash-after-end"))
        guard case .finished(false, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        #expect(run.notes.contains { $0.contains("SIGABRT") })
    }

    @Test func severalRunsAreServedAtOnce() async throws {
        let rig = try await Rig()
        for number in 0..<3 {
            var order = Fixtures.order("normal")
            order.run = "run-\(number)"
            rig.master.tell(.run(order))
        }
        for number in 0..<3 {
            let run = await rig.gathered("run-\(number)")
            #expect(run.total.statistics.iterations.ok == 100)
        }
        await rig.close()
    }
}

extension PlayedMaster {
    /// Waits until the users of a run have started.
    func hasStarted(_ run: String) async -> Bool {
        await sees { seen in
            guard case .result(let message) = seen, message.run == run, case .report(let bytes) = message.content,
                case .started? = try? RunnerReport(decoding: bytes)
            else { return nil }
            return true
        } ?? false
    }
}

extension Rig.Journal {
    /// Waits until a line holds a text; for at most two minutes.
    func waits(_ text: String) async -> Bool {
        for _ in 0..<24_000 {
            if contains(text) { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return false
    }
}
