import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

@Suite struct StorageFaultTests {
    @Test func nothingIsAcknowledgedWhileTheDiskIsFullAndEverythingAfterwards() async throws {
        let storage = FullStorage()
        let scene = try await Scene(storage: storage)
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        #expect(await eventually { agent.acknowledged("r") == 1 })
        await storage.set(full: true)
        for _ in 0..<10 { agent.report("r", .batch(batch(3))) }
        #expect(
            await eventually {
                if case .log(let log) = await client.ask(.log(run: "r", from: 1)) {
                    log.contains { $0.event.kind == "disk-full" }
                } else {
                    false
                }
            })
        #expect(agent.acknowledged("r") == 1)
        await storage.set(full: false)
        #expect(await eventually { agent.acknowledged("r") == 11 })
        agent.end("r", .finished(interrupted: false, seconds: 1))
        #expect(try summary(await scene.master.outcome(of: "r")).statistics.hitCount == 30)
        #expect(await storage.run("r")?.total.hitCount == 30)
        let seconds = await storage.seconds("r", from: 0, limit: 9)
        #expect(seconds.reduce(0) { $0 + $1.1.hitCount } == 30)
        await scene.end()
    }

    @Test func aRunDoesNotStartWhileTheDiskIsFull() async throws {
        let storage = FullStorage()
        let scene = try await Scene(storage: storage)
        let agent = scene.agent("a", polite: false)
        let client = scene.client()
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.order("r") != nil })
        await storage.set(full: true)
        let other = submission("other", placement: Placement(agents: 5))
        try await scene.master.submit(other)
        #expect(
            await eventually {
                if case .log(let log) = await client.ask(.log(run: "r", from: 1)) {
                    log.contains { $0.event.kind == "disk-full" }
                } else {
                    false
                }
            })
        agent.say(.status(run: "r", .ready))
        for _ in 0..<5 {
            guard case .status(let status) = await client.ask(.status) else { throw Unexpected() }
            #expect(status.runs.first { $0.run == "r" }?.state == .preparing)
        }
        await storage.set(full: false)
        #expect(await eventually { agent.started("r") })
        await scene.end()
    }

    @Test func aStartThatTheDiskHeldUpIsSetAnew() async throws {
        let storage = FullStorage()
        let scene = try await Scene(storage: storage)
        let agent = scene.agent("a", polite: false)
        let client = scene.client()
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.order("r") != nil })
        await storage.set(held: true)
        agent.say(.status(run: "r", .ready))
        #expect(
            await eventually {
                if case .status(let status) = await client.ask(.status), await storage.waiting > 0 {
                    status.runs.first { $0.run == "r" }?.state == .running
                } else {
                    false
                }
            })
        // The start that was set is past.
        try await Task.sleep(for: .milliseconds(150))
        let released = Instant.now
        await storage.set(held: false)
        #expect(await eventually { agent.started("r") })
        let starts = agent.heard.compactMap { if case .start("r", let at) = $0 { at } else { nil } }
        #expect(starts.allSatisfy { $0 > released.nanoseconds })
        guard case .log(let log) = await client.ask(.log(run: "r", from: 1)) else { throw Unexpected() }
        #expect(log.contains { $0.event.text.contains("the start is put off") })
        await scene.end()
    }

    /// With the settings of `loads-master`, and a disk that is not quick.
    @Test func agentsHearOfAStartAndOfAChangeAsFarAheadAsTheyArePromised() async throws {
        let storage = FullStorage()
        let scene = try await Scene(storage: storage) { settings in
            settings.startLead = MasterSettings().startLead
            settings.adjustLead = MasterSettings().adjustLead
        }
        let agent = scene.agent("a", polite: false)
        let client = scene.client()
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.order("r") != nil })
        await storage.set(delay: .milliseconds(200))
        agent.say(.status(run: "r", .ready))
        #expect(await eventually { agent.started("r") })
        // Told after the commit that holds it had ended, and not before; one that was put off was not told.
        let start = try #require(await storage.stored.max { $0.key < $1.key })
        #expect(start.key - start.value >= 500_000_000)
        agent.report("r", .started(late: 0))
        #expect(await client.ask(.adjust(run: "r", users: 9)) == .done)
        #expect(await eventually { agent.heard.contains { if case .adjust("r", _) = $0 { true } else { false } } })
        let change = try #require(await storage.stored.max { $0.key < $1.key })
        #expect(change.key > start.key && change.key - change.value >= 1_000_000_000)
        agent.end("r", .finished(interrupted: false, seconds: 1))
        _ = await scene.master.outcome(of: "r")
        await scene.end()
    }

    @Test func whoChangesARunHearsOfItOnceThatIsStored() async throws {
        let storage = FullStorage()
        let scene = try await Scene(storage: storage)
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.acknowledged("r") == 1 })
        await storage.set(held: true)
        let answer = Mutex<ClientAnswer.Answer?>(nil)
        let asking = Task {
            let said = await client.ask(.adjust(run: "r", users: 9))
            answer.withLock { $0 = said }
        }
        #expect(await eventually { await storage.waiting > 0 })
        // The instant that was set is past.
        try await Task.sleep(for: .milliseconds(150))
        let early = answer.withLock { $0 }
        #expect(early == nil)
        let released = Instant.now.nanoseconds
        await storage.set(held: false)
        await asking.value
        let late = answer.withLock { $0 }
        #expect(late == .done)
        func instants() -> [Int64] {
            agent.heard.compactMap { if case .adjust("r", let adjustment) = $0 { adjustment.at } else { nil } }
        }
        #expect(await eventually { !instants().isEmpty })
        #expect(instants().allSatisfy { $0 > released })
        await scene.end()
    }

    @Test func aChangeOfARateThatTheDiskHeldUpIsMadeLater() async throws {
        let storage = FullStorage()
        let scene = try await Scene(storage: storage)
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        var arriving = submission("r")
        let rate = ArrivalRate(microPerHour: 3_600_000_000)
        arriving.order.plan.model = .arrivals(Arrivals(rate: rate, for: .seconds(600), maxUsers: 4))
        try await scene.master.submit(arriving)
        #expect(await eventually { agent.acknowledged("r") == 1 })
        await storage.set(held: true)
        let asking = Task { await client.ask(.adjustRate(run: "r", rate: ArrivalRate(microPerHour: 7_200_000_000))) }
        #expect(await eventually { await storage.waiting > 0 })
        // The instant that was set is past.
        try await Task.sleep(for: .milliseconds(150))
        let released = Instant.now.nanoseconds
        await storage.set(held: false)
        #expect(await asking.value == .done)
        func changes() -> [Adjustment] {
            agent.heard.compactMap { if case .adjust("r", let adjustment) = $0 { adjustment } else { nil } }
        }
        #expect(await eventually { !changes().isEmpty })
        let starts = agent.heard.compactMap { if case .start("r", let at) = $0 { at } else { nil } }
        let start = try #require(starts.last)
        for change in changes() {
            let from = try #require(change.change?.from)
            // The clocks are estimated: a millisecond is generous.
            #expect(change.at > released - 1_000_000 && abs(change.at - start - from) < 1_000_000)
            guard case .arrivals(let arrivals)? = change.change?.model else { throw Unexpected() }
            // At first as it was, then as it was asked for; the change that was not sent is not in it.
            let rates: [Int64] = [3_600_000_000, 3_600_000_000, 7_200_000_000, 7_200_000_000]
            #expect(arrivals.stages.map(\.rate.microPerHour) == rates)
            #expect(arrivals.stages[1].duration == .nanoseconds(from))
        }
        guard case .log(let log) = await client.ask(.log(run: "r", from: 1)) else { throw Unexpected() }
        #expect(log.contains { $0.event.text.contains("is put off to") })
        await scene.end()
    }

    /// A master that was restarted does not know its agents' clocks until they have beaten.
    @Test func ordersWithATimeWaitForTheAgentsClock() async throws {
        let storage = MemoryStorage()
        let scene = try await Scene(storage: storage)
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        #expect(await client.ask(.adjust(run: "r", users: 9)) == .done)
        func adjustments() -> Int { agent.heard.count { if case .adjust = $0 { true } else { false } } }
        #expect(await eventually { adjustments() == 1 })
        agent.state.withLock { $0.showsClock = false }
        await scene.master.close()
        let second = MasterServer(transport: scene.hub.makeMaster(on: scene.loop), storage: storage)
        try await second.open()
        // It hears which hits are wanted, and nothing that has a point in time.
        #expect(
            await eventually {
                agent.heard.contains { if case .rawHits("r", wanted: false) = $0 { true } else { false } }
            })
        agent.report("r", .batch(batch(5)))
        #expect(await eventually { agent.acknowledged("r") == 2 })
        #expect(adjustments() == 1)
        let now = Instant.now.nanoseconds
        agent.say(.beat(AgentBeat(sent: now, echo: AgentBeat.Echo(masterSent: now, received: now))))
        #expect(await eventually { adjustments() == 2 })
        agent.end("r", .finished(interrupted: false, seconds: 2))
        _ = try summary(await second.outcome(of: "r"))
        await second.close()
        await scene.loop.shutdown()
    }

    @Test func anotherMasterGoesOnWithTheRun() async throws {
        let storage = MemoryStorage()
        let scene = try await Scene(storage: storage)
        let agents = await scene.agents("a", "b")
        try await scene.master.submit(submission("r"))
        for agent in agents {
            #expect(await eventually { agent.started("r") })
            agent.report("r", .batch(batch(5)))
            #expect(await eventually { agent.acknowledged("r") == 2 })
        }
        await scene.master.close()
        let second = MasterServer(
            transport: scene.hub.makeMaster(on: scene.loop), storage: storage, settings: .local)
        try await second.open()
        for agent in agents {
            // Acknowledged and sent all the same: the acknowledgement might have been lost.
            agent.push("r", .report(RunnerReport.batch(batch(5)).encoded()[0]), sequence: 2)
            agent.report("r", .batch(batch(6)))
            agent.end("r", .finished(interrupted: false, seconds: 2))
            #expect(await eventually { agent.acknowledged("r") == 4 })
        }
        let summary = try summary(await second.outcome(of: "r"))
        #expect(summary.statistics.hitCount == 22 && summary.duration == 2)
        #expect(summary.agents.map(\.hits) == [11, 11])
        await second.close()
        await scene.loop.shutdown()
    }

    private func fault(_ answer: ClientAnswer.Answer?) -> WireFault? {
        if case .error(let fault) = answer { fault } else { nil }
    }

    @Test func aMasterWithoutAPlaceForHitsRefusesToKeepThem() async throws {
        let scene = try await Scene()
        let client = scene.client()
        let fault = self.fault(await client.ask(.submit(submission("r", keepHits: true))))
        #expect(fault?.code == "storage" && fault?.message.contains("--data") == true)
        #expect(await scene.master.outcome(of: "r") == nil)
        #expect(await client.ask(.submit(submission("r"))) == .accepted(run: "r", missing: []))
        await scene.end()
    }

    @Test func aRunThatCannotBeStoredIsNotTaken() async throws {
        let storage = FullStorage(keepsHits: true)
        let scene = try await Scene(storage: storage)
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        await storage.set(full: true)
        // The first finds out; the second meets a master that knows.
        for run in ["r1", "r2"] {
            let fault = self.fault(await client.ask(.submit(submission(run, keepHits: true))))
            #expect(fault?.code == "storage" && fault?.message.contains("no space left") == true)
            #expect(self.fault(await client.ask(.snapshot(run: run)))?.code == "unknown-run")
        }
        await storage.set(full: false)
        #expect(
            await eventually {
                await client.ask(.submit(submission("r1", keepHits: true))) == .accepted(run: "r1", missing: [])
            })
        #expect(await eventually { agent.started("r1") })
        #expect(agent.order("r2") == nil)
        await scene.end()
    }

    @Test func hitsForWhichThereIsNoRoomAreOneEventAndCounted() async throws {
        let storage = FullStorage(keepsHits: true)
        let scene = try await Scene(storage: storage)
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        try await scene.master.submit(submission("r", keepHits: true))
        #expect(await eventually { agent.started("r") })
        let hit = RawHit(
            time: 0.5, user: 1, iteration: 2, name: "n", method: "GET", url: "http://x/", status: 200,
            latency: 1_000_000, bytes: 10, requests: 1, error: nil)
        for number in 1...5 as ClosedRange<UInt64> {
            // The memory behind this storage keeps none.
            var batch = batch(2)
            batch.hits = [hit, hit]
            agent.report("r", .batch(batch))
            #expect(await eventually { agent.acknowledged("r") == number + 1 })
        }
        agent.end("r", .finished(interrupted: false, seconds: 1))
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.statistics.health.droppedHits == 10)
        guard case .log(let log) = await client.ask(.log(run: "r", from: 1)) else { throw Unexpected() }
        #expect(log.filter { $0.event.kind == "hits-dropped" }.count == 1)
        await scene.end()
    }
}
