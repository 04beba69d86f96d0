import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Testing

@Suite struct StreamTests {
    private let hit = RawHit(
        time: 0.5, user: 1, iteration: 2, name: "n", method: "GET", url: "http://x/", status: 200,
        latency: 1_000_000, bytes: 10, requests: 1, error: nil)

    @Test func everyTopicIsNumberedWithoutAGapAndAddsUp() async throws {
        let scene = try await Scene()
        let agents = await scene.agents("a", "b")
        let client = scene.client()
        client.subscribe("")
        try await Task.sleep(for: .milliseconds(100))
        try await scene.master.submit(submission("r"))
        for agent in agents { #expect(await eventually { agent.started("r") }) }
        for _ in 0..<5 {
            for agent in agents {
                var batch = batch(3)
                batch.hits = [hit, hit]
                agent.report("r", .batch(batch))
            }
            try await Task.sleep(for: .milliseconds(60))
        }
        for agent in agents { agent.end("r", .finished(interrupted: false, seconds: 1)) }
        _ = await scene.master.outcome(of: "r")
        #expect(
            await eventually {
                client.stream.contains {
                    if case .event(let event) = $0.message.content { event.kind == "ended" } else { false }
                }
            })
        // What was measured may come behind the word that the run has ended.
        func measured() -> (merged: Statistics, hits: Int) {
            var merged = Statistics()
            var hits = 0
            for (_, message) in client.stream {
                switch message.content {
                case .statistics(_, _, let statistics): merged.merge(statistics)
                case .hits(_, let list): hits += list.count
                default: break
                }
            }
            return (merged, hits)
        }
        await eventually { measured().merged.hitCount >= 30 && measured().hits >= 20 }
        for topic in StreamTopic.allCases {
            let numbers = client.stream.filter { $0.topic == topic.frame(run: "r") }.map(\.message.sequence)
            #expect(numbers == Array(1...UInt64(numbers.count)))
        }
        let (merged, hits) = measured()
        #expect(merged.hitCount == 30 && merged.iterations.ok == 30)
        #expect(hits == 20)
        await scene.end()
    }

    /// Who was too slow for the last messages of a run sees it by the number of a later one.
    @Test func aTopicBeatsForAWhileAfterTheEndOfItsRun() async throws {
        let scene = try await Scene()
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        client.subscribe("hits/")
        try await Task.sleep(for: .milliseconds(100))
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        agent.end("r", .finished(interrupted: false, seconds: 1))
        _ = await scene.master.outcome(of: "r")
        let last = client.stream.last?.message.sequence ?? 0
        #expect(await eventually { client.stream.count { $0.message.sequence > last } >= 2 })
        #expect(client.stream.enumerated().allSatisfy { $0.element.message.sequence == UInt64($0.offset) + 1 })
        await scene.end()
    }

    @Test func aLateSubscriberGoesOnFromTheSnapshot() async throws {
        let scene = try await Scene()
        let agent = await scene.agents("a")[0]
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        agent.report("r", .batch(batch(4)))
        #expect(await eventually { agent.acknowledged("r") == 2 })
        let client = scene.client()
        client.subscribe("stats/r/")
        // Idle, it beats.
        #expect(await eventually { !client.stream.isEmpty })
        agent.report("r", .batch(batch(5)))
        guard case .snapshot(let snapshot) = await client.ask(.snapshot(run: "r")) else { throw Unexpected() }
        agent.report("r", .batch(batch(6)))
        agent.end("r", .finished(interrupted: false, seconds: 1))
        _ = await scene.master.outcome(of: "r")
        let seen = try #require(snapshot.sequences["stats"])
        #expect(
            await eventually {
                var total = snapshot.statistics
                for (_, message) in client.stream where message.sequence > seen {
                    if case .statistics(_, _, let statistics) = message.content { total.merge(statistics) }
                }
                return total.hitCount == 15
            })
        await scene.end()
    }

    @Test func hitsTravelOnlyWhileSomebodyWantsThem() async throws {
        let scene = try await Scene()
        let agent = await scene.agents("a")[0]
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        #expect(agent.order("r")?.order.plan.rawHits == false)
        func wanted() -> [Bool] {
            agent.heard.compactMap { if case .rawHits("r", let wanted) = $0 { wanted } else { nil } }
        }
        let client = scene.client()
        client.subscribe("hits/other/")
        client.subscribe("hits/")
        #expect(await eventually { wanted() == [true] })
        client.unsubscribe("hits/")
        #expect(await eventually { wanted() == [true, false] })
        agent.end("r", .finished(interrupted: false, seconds: 1))
        _ = await scene.master.outcome(of: "r")
        await scene.end()
    }

    @Test func hitsOfALongBatchComeInSeveralMessages() async throws {
        let scene = try await Scene()
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        client.subscribe("hits/")
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.started("r") })
        var batch = batch(600)
        batch.hits = (0..<600).map { number in
            RawHit(
                time: 0.5, user: 1, iteration: number, name: "n", method: "GET",
                url: "http://x/\(number)" + String(repeating: "u", count: 2_000), status: 200, latency: 1_000_000,
                bytes: 10, requests: 1, error: nil)
        }
        // The wish may come later than the start.
        #expect(
            await eventually {
                agent.heard.contains { if case .rawHits(_, true) = $0 { true } else { false } }
                    || agent.order("r")?.order.plan.rawHits == true
            })
        agent.report("r", .batch(batch))
        func messages() -> [StreamMessage] {
            client.stream.map(\.message).filter { if case .hits = $0.content { true } else { false } }
        }
        func hits() -> [RawHit] {
            messages().flatMap { if case .hits(_, let hits) = $0.content { hits } else { [RawHit]() } }
        }
        #expect(await eventually { hits().count >= 600 })
        #expect(hits().map(\.iteration) == Array(0..<600))
        #expect(messages().count >= 4 && messages().allSatisfy { $0.encoded().count <= 300 << 10 })
        // Messages of one result say so: the agent sent the batch in as many pieces as it takes.
        let pieces = RunnerReport.batch(batch).encoded().count
        #expect(Set(messages().compactMap(\.result?.sequence)).count == pieces && messages().count > pieces)
        await scene.end()
    }
}
