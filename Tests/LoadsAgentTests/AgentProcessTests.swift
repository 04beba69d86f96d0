import Foundation
import LoadsCore
import LoadsWire
import Testing

/// The executable `loads-agent`: what it leaves behind, what it survives, how it ends.
@Suite struct AgentProcessTests {
    private func endless(_ file: String, mode: String = "slow") -> AgentOrder {
        var order = Fixtures.order(mode, iterations: 1_000_000)
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        return order
    }

    @Test func aRunnerDiesWithItsAgent() async throws {
        let file = Fixtures.processFile()
        let agent = try await AgentProcess()
        try agent.start()
        agent.master.tell(.run(endless(file)))
        #expect(await agent.master.hasStarted("run-1"))
        agent.signal(SIGKILL)
        #expect(await Processes.isGone(await Processes.number(in: file)))
        await agent.close()
    }

    @Test func aProgramThatHeedsNothingDiesWithItsAgent() async throws {
        let agent = try await AgentProcess()
        try agent.start()
        let plan = Plan(cycles: [.init(users: 1, amount: .duration(.seconds(600)))])
        agent.master.tell(
            .run(
                AgentOrder(
                    run: "run-1",
                    launch: RunnerLaunch(program: .path("sleep"), arguments: ["1000"], dialect: .lines),
                    order: RunnerOrder(plan: plan))))
        #expect(await agent.master.hasStarted("run-1"))
        let process = try #require(agent.children.first.flatMap { pid_t($0) })
        agent.signal(SIGKILL)
        #expect(await Processes.isGone(process))
        await agent.close()
    }

    @Test(arguments: [["--master", "nowhere"], ["--master", "tcp://192.0.2.1:7780"], ["--keys", "/no/such/keys"]])
    func wrongUsageIs64(_ arguments: [String]) async throws {
        let agent = try await AgentProcess()
        try agent.start(arguments)
        #expect(await agent.ended() == 64)
        await agent.close()
    }

    @Test func noDescriptorAndNoChildIsLeft() async throws {
        let agent = try await AgentProcess()
        try agent.start()
        func round(_ name: String) async {
            let modes = ["normal", "refuse", "exit-early", "garbage", "crash"]
            for mode in modes {
                var order = Fixtures.order(mode, iterations: 5, options: ["crash-after": ["3"]])
                order.run = "\(mode)-\(name)"
                agent.master.tell(.run(order))
            }
            var order = Fixtures.order("normal")
            order.run = "none-\(name)"
            order.launch.program = .path("/no/such/program")
            agent.master.tell(.run(order))
            for run in (modes + ["none"]).map({ "\($0)-\(name)" }) {
                _ = await agent.master.sees { seen -> Bool? in
                    switch seen {
                    case .status(run, .refused): return true
                    case .result(let message) where message.run == run:
                        if case .ended = message.content { return true }
                        return nil
                    default: return nil
                    }
                }
            }
        }
        await round("warm-up")
        #expect(await eventually { agent.children.isEmpty })
        let before = agent.descriptors
        for number in 0..<3 { await round("\(number)") }
        #expect(await eventually { agent.children.isEmpty && agent.descriptors <= before })
        await agent.close()
    }

    @Test func aKilledAgentThatComesBackDeliversWhatItHadAndSizesTheHole() async throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "loads-data-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        let file = Fixtures.processFile()
        let agent = try await AgentProcess()
        try agent.start(["--data", data])
        agent.master.tell(.run(endless(file)))
        _ = await agent.master.sees { if case .result(let message) = $0, message.sequence == 4 { true } else { nil } }
        // From here on it keeps what it has.
        agent.master.behave { $0.acknowledges = false }
        _ = await agent.master.sees { if case .result(let message) = $0, message.sequence == 9 { true } else { nil } }
        agent.signal(SIGKILL)
        #expect(await agent.ended() == -SIGKILL)
        #expect(await Processes.isGone(await Processes.number(in: file)))
        let counted = counters(in: "\(data)/spool/run-1/counters")

        agent.master.behave { $0.acknowledges = true }
        try agent.start(["--data", data])
        let end = await agent.master.end(of: "run-1")
        let run = Gathered(agent.master.seen, run: "run-1")
        let hellos = agent.master.seen.compactMap { if case .hello(let hello) = $0 { hello } else { nil } }
        await agent.close()
        guard case .crashed(let crash)? = end else {
            Issue.record("\(String(describing: end))")
            return
        }
        #expect(Set(hellos.map(\.epoch)).count == 1)
        // One that connects again after it has delivered everything has nothing left to tell of.
        #expect(hellos.dropFirst().contains { $0.runs.map(\.run) == ["run-1"] })
        #expect(run.sequences.count >= 10)
        let iterations = run.total.statistics.iterations
        #expect(iterations.started > 0)
        #expect(iterations.started + crash.unreportedStarted == counted.started)
        #expect(iterations.ended + crash.unreportedEnded == counted.ended)
        #expect(run.total.statistics.hitCount + crash.unreportedHits == counted.hits)
    }

    /// Adds up a file of live counters: for each loop 64 bytes, of which the first three numbers count.
    private func counters(in path: String) -> (started: Int, ended: Int, hits: Int) {
        guard let bytes = try? Data(contentsOf: URL(filePath: path)) else { return (-1, -1, -1) }
        var sums = [0, 0, 0]
        for line in stride(from: 0, to: bytes.count - 63, by: 64) {
            for index in 0..<3 {
                sums[index] += bytes[line + 8 * index..<line + 8 * index + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
            }
        }
        return (sums[0], sums[1], sums[2])
    }

    @Test func anAgentThatWasStoppedGoesOn() async throws {
        let agent = try await AgentProcess()
        try agent.start()
        agent.master.tell(.run(Fixtures.order("slow", iterations: 250)))
        #expect(await agent.master.hasStarted("run-1"))
        agent.signal(SIGSTOP)
        // Longer than its lease; its runner goes on, five seconds' worth.
        try await Task.sleep(for: .seconds(7))
        agent.signal(SIGCONT)
        let end = await agent.master.end(of: "run-1")
        let run = Gathered(agent.master.seen, run: "run-1")
        await agent.close()
        guard case .finished(false, _)? = end else {
            Issue.record("\(String(describing: end))")
            return
        }
        #expect(run.total.statistics.iterations.ok == 1000)
    }

    @Test func terminationIsGraceful() async throws {
        let file = Fixtures.processFile()
        let agent = try await AgentProcess()
        try agent.start(["--log-format", "json"])
        agent.master.tell(.run(endless(file)))
        #expect(await agent.master.hasStarted("run-1"))
        agent.master.tell(.error(WireFault(code: "not-welcome", message: "once more")))
        #expect(await eventually { agent.master.seen.count { if case .hello = $0 { true } else { false } } > 1 })
        agent.signal(SIGTERM)
        #expect(await agent.ended() == 0)
        let run = Gathered(agent.master.seen, run: "run-1")
        guard case .finished(true, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        let reason = await agent.master.sees { if case .goodbye(let reason) = $0 { reason } else { nil } }
        #expect(reason?.contains("SIGTERM") == true)
        // What it has printed may be read a moment after its end.
        #expect(await eventually { agent.output.hasPrefix("ready agent=agent-1 master=tcp://127.0.0.1:") })
        // Once, however often it is welcomed.
        #expect(agent.output.split(separator: "\n").count == 1)
        #expect(await Processes.isGone(await Processes.number(in: file)))
        await agent.close()
    }

    @Test func aSecondSignalEndsItAtOnce() async throws {
        let file = Fixtures.processFile()
        // What is not acknowledged is waited for, for twice the ten seconds of a farewell.
        var manners = PlayedMaster.Manners()
        manners.acknowledges = false
        let agent = try await AgentProcess(manners)
        try agent.start()
        agent.master.tell(.run(endless(file, mode: "ignore-stop")))
        let runner = await Processes.number(in: file)
        let start = ContinuousClock.now
        agent.signal(SIGTERM)
        // Two signals that are not heard one by one are one: the first must have been heard.
        let leaving = await agent.master.sees { if case .beat(let beat) = $0, beat.isLeaving { true } else { nil } }
        #expect(leaving == true)
        agent.signal(SIGTERM)
        #expect(await agent.ended() == 0)
        // The first alone would have taken twenty seconds.
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(await Processes.isGone(runner))
        await agent.close()
    }

    private func eventually(_ condition: () -> Bool) async -> Bool {
        for _ in 0..<6000 {
            if condition() { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
