import Glibc
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

@testable import LoadsMaster

@Suite struct BacklogWatchTests {
    private func waiting(_ agent: String, _ messages: Int, _ bytes: Int = 0) -> BacklogWatch.Waiting {
        BacklogWatch.Waiting(agent: agent, messages: messages, bytes: bytes)
    }

    private func second(_ number: Int64) -> Instant { Instant(nanoseconds: number * 1_000_000_000) }

    /// Ten seconds of batches, or what an agent may send ahead.
    @Test(
        arguments: [
            (100, 0, 100, true), (99, 0, 100, false), (10, 0, 1_000, true), (9, 0, 1_000, false),
            (1, 16 << 20, 100, true),
            (1, (16 << 20) - 1, 100, false),
        ])
    func whatWaitsForAWhileIsTold(messages: Int, bytes: Int, interval: Int, told: Bool) {
        var watch = BacklogWatch()
        var changes: [BacklogWatch.Change] = []
        for number in 0..<20 {
            let agents = [waiting("a", 1), waiting("b", messages, bytes)]
            if let change = watch.look(agents, batchInterval: .milliseconds(interval), at: second(Int64(number))) {
                changes.append(change)
            }
        }
        #expect(changes == (told ? [.behind(waiting("b", messages, bytes))] : []))
    }

    @Test func whatGatheredInACutIsGoneSoonEnough() {
        var watch = BacklogWatch()
        for (number, messages) in [300, 250, 200, 120, 90, 300, 200].enumerated() {
            #expect(
                watch.look([waiting("a", messages)], batchInterval: .milliseconds(100), at: second(Int64(number)))
                    == nil)
        }
    }

    @Test func theEndOfItIsToldOnceMostHasCome() {
        var watch = BacklogWatch()
        var changes: [BacklogWatch.Change?] = []
        for (number, messages) in [200, 200, 200, 200, 200, 200, 90, 30, 24, 0, 0].enumerated() {
            changes.append(
                watch.look([waiting("a", messages)], batchInterval: .milliseconds(100), at: second(Int64(number))))
        }
        #expect(changes == [nil, nil, nil, nil, nil, .behind(waiting("a", 200)), nil, nil, .caughtUp, nil, nil])
        // An agent that is away does not hold it up.
        #expect(watch.look([], batchInterval: .milliseconds(100), at: second(20)) == nil)
    }

    /// A thousand agents send once a second: one of them always has some results that are just being stored.
    @Test func whatIsJustUnderWayDoesNotHoldTheEndUp() {
        var watch = BacklogWatch()
        var changes: [BacklogWatch.Change?] = []
        for (number, messages) in [25, 25, 25, 25, 25, 25, 6, 4, 3].enumerated() {
            let agents = (0..<1_000).map { waiting("a\($0)", $0 == 7 ? messages : 1) }
            changes.append(watch.look(agents, batchInterval: .seconds(1), at: second(Int64(number))))
        }
        #expect(changes == [nil, nil, nil, nil, nil, .behind(waiting("a7", 25)), nil, .caughtUp, nil])
    }

    @Test func manyBytesHoldTheEndUp() {
        var watch = BacklogWatch()
        for number in 0..<6 {
            _ = watch.look([waiting("a", 2, 20 << 20)], batchInterval: .seconds(1), at: second(Int64(number)))
        }
        #expect(watch.look([waiting("a", 2, 5 << 20)], batchInterval: .seconds(1), at: second(7)) == nil)
        #expect(watch.look([waiting("a", 2, 4 << 20)], batchInterval: .seconds(1), at: second(8)) == .caughtUp)
    }
}

/// The same, as those hear it who look at a run.
@Suite struct BacklogTests {
    @Test func aRunThatWasToldThatResultsWaitIsToldThatTheyAreHereEvenIfThatIsItsEnd() async throws {
        let released = Mutex(0)
        let scene = try await Scene { $0.releaseMemory = { released.withLock { $0 += 1 } } }
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        func notes() async -> [String] {
            guard case .log(let log) = await client.ask(.log(run: "r", from: 1)) else { return [] }
            return log.map(\.event.text)
        }
        agent.state.withLock { $0.waiting = 200 }
        #expect(await eventually { await notes().contains { $0.hasPrefix("results wait on the agents") } })
        agent.end("r", .finished(interrupted: false, seconds: 1))
        _ = try summary(await scene.master.outcome(of: "r"))
        // The run's end gives memory back, and so does the backlog's.
        #expect(await eventually { released.withLock { $0 } == 1 })
        #expect(!(await notes().contains { $0.hasSuffix("are here") }))
        // Another run, that was never behind, is told nothing.
        try await scene.master.submit(submission("r2"))
        #expect(await eventually { agent.started("r2") })
        agent.state.withLock { $0.waiting = 0 }
        #expect(await eventually { await notes().last == "the results that waited on the agents are here" })
        #expect(await eventually { released.withLock { $0 } == 2 })
        guard case .log(let other) = await client.ask(.log(run: "r2", from: 1)) else { throw Unexpected() }
        #expect(!other.contains { $0.event.text.contains("results") })
        await scene.end()
    }

    @Test func aPauseOfTheMasterIsToldWithItsLength() async throws {
        let lines = Mutex<[String]>([])
        let scene = try await Scene { $0.log = { _, line in lines.withLock { $0.append(line) } } }
        scene.loop.submit { usleep(1_400_000) }
        #expect(await eventually { lines.withLock { $0.contains { $0.hasPrefix("this process did not run for") } } })
        #expect(lines.withLock { !$0.contains { $0.hasSuffix(" 0 s") || $0.hasSuffix(" 0.0 s") } })
        await scene.end()
    }
}
