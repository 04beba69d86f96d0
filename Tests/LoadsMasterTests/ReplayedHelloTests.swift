import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

/// Hellos that somebody has seen and says again on a connection of his own.
@Suite struct ReplayedHelloTests {
    @Test func anOldHelloSaidAgainChangesNothing() async throws {
        let log = Mutex<[String]>([])
        let scene = try await Scene { settings in
            settings.lease = .seconds(2)
            settings.log = { _, line in log.withLock { $0.append(line) } }
        }
        let agent = await scene.agents("a")[0]
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        agent.report("r", .batch(batch(5)))
        #expect(await eventually { agent.acknowledged("r") == 2 })
        // From before the run, and of an earlier start.
        let replays = [scene.agent("a", isDeaf: true), scene.agent("a", isDeaf: true)]
        for replay in replays { #expect(await eventually { replay.isWelcome }) }
        // What it says behind it counts as little.
        for replay in replays { replay.say(.goodbye(reason: "recorded")) }
        for replay in replays { replay.say(.beat(AgentBeat(sent: 1, echo: .init(masterSent: 1, received: 1)))) }
        #expect(
            await eventually {
                log.withLock { $0.contains { $0.contains("in the name of the agent a was not followed by a beat") } }
            })
        agent.report("r", .batch(batch(6)))
        agent.end("r", .finished(interrupted: false, seconds: 3))
        let summary = try summary(await scene.master.outcome(of: "r"))
        #expect(summary.statistics.hitCount == 11)
        #expect(summary.agents.map(\.state) == [.finished] && summary.agents[0].missing == nil)
        // Its own connection was its own all the time.
        #expect(!agent.heard.contains { if case .error = $0 { true } else { false } })
        await scene.end()
    }

    @Test func norDoesItAtAMasterThatWasRestartedNorOneOfAnEarlierStart() async throws {
        let storage = MemoryStorage()
        let scene = try await Scene(storage: storage)
        let agent = await scene.agents("a")[0]
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        agent.report("r", .batch(batch(5)))
        #expect(await eventually { agent.acknowledged("r") == 2 })
        let sequences = agent.state.withLock { $0.sequences }
        agent.close()
        await scene.master.close()
        let second = MasterServer(transport: scene.hub.makeMaster(on: scene.loop), storage: storage)
        try await second.open()
        // The agent itself is away.
        let replays = [scene.agent("a", isDeaf: true), scene.agent("a", epoch: "00000000000000bb", isDeaf: true)]
        for replay in replays { #expect(await eventually { replay.isWelcome }) }
        let back = scene.agent("a", held: sequences)
        #expect(await eventually { back.isTakenIn })
        back.report("r", .batch(batch(6)))
        back.end("r", .finished(interrupted: false, seconds: 3))
        let summary = try summary(await second.outcome(of: "r"))
        #expect(summary.statistics.hitCount == 11 && summary.agents[0].missing == nil)
        await second.close()
        await scene.loop.shutdown()
    }
}
