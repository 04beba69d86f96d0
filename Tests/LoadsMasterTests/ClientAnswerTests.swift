import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Testing

/// What a master answers its clients about runs.
@Suite struct ClientAnswerTests {
    @Test func theStatusHasTheBeginningOfALongReasonAndTheSnapshotTheWhole() async throws {
        let scene = try await Scene()
        let agent = scene.agent("a", polite: false)
        let client = scene.client()
        let reason = "the runner ended before the run: ü" + String(repeating: "ü", count: 8_000)
        var long = submission("r")
        long.target = String(repeating: "t", count: 2_000)
        try await scene.master.submit(long)
        #expect(await eventually { agent.order("r") != nil })
        agent.say(.status(run: "r", .refused(code: 71, message: reason)))
        _ = await scene.master.outcome(of: "r")
        guard case .status(let status) = await client.ask(.status),
            case .refused(71, let message)? = status.runs.last?.state
        else { throw Unexpected() }
        #expect(message.hasPrefix("the runner ended before the run: ü") && message.hasSuffix("ü …"))
        #expect((490...510).contains(message.utf8.count))
        #expect((490...510).contains(status.runs.last?.target.utf8.count ?? 0))
        guard case .snapshot(let snapshot) = await client.ask(.snapshot(run: "r")) else { throw Unexpected() }
        #expect(snapshot.state == .refused(code: 71, message: reason) && snapshot.submission.target == long.target)
        await scene.end()
    }

    private func seconds(_ client: PlayedClient, from: Int = 0) async throws -> [MeasuredSecond] {
        guard case .seconds(let page) = await client.ask(.seconds(run: "r", from: from)) else { throw Unexpected() }
        return page.seconds
    }

    @Test func everySecondOfARunIsToBeHadPageByPage() async throws {
        let scene = try await Scene(storage: MemoryStorage(keepsSeconds: true))
        let agents = await scene.agents("a", "b")
        let client = scene.client()
        guard case .error(let fault) = await client.ask(.seconds(run: "r", from: 0)) else { throw Unexpected() }
        #expect(fault.code == "unknown-run")
        try await scene.master.submit(submission("r"))
        for (agent, users) in zip(agents, [3, 4]) {
            #expect(await eventually { agent.started("r") })
            for second in 0..<70 {
                agent.report(
                    "r", .batch(batch(2, from: Double(second), to: Double(second) + 0.9, users: users)))
                // A played agent has no window and sends nothing again: more than its queue holds would be lost. Its
                // first message told of the start.
                if second % 20 == 19 { #expect(await eventually { agent.acknowledged("r") == UInt64(second + 2) }) }
            }
            // What comes late belongs to its second all the same.
            agent.report("r", .batch(batch(1, from: 5, to: 5.5, users: users)))
        }
        // While it goes on: what is stored.
        #expect(await eventually { (try? await seconds(client, from: 69).count) == 1 })
        for agent in agents { agent.end("r", .finished(interrupted: false, seconds: 70)) }
        // When it is over: everything.
        let whole = try summary(await scene.master.outcome(of: "r"))
        var all: [MeasuredSecond] = []
        var pages = 0
        while let last = try await seconds(client, from: (all.last?.second ?? -1) + 1).nilIfEmpty {
            all += last
            pages += 1
        }
        #expect(all.map(\.second) == Array(0..<70) && pages == 3)
        #expect(all.map(\.statistics.hitCount) == (0..<70).map { $0 == 5 ? 6 : 4 })
        // Those of both agents: as many as there are when the last of a second has come, after the end none.
        #expect(all[6..<60].allSatisfy { $0.statistics.users == 7 }, "\(all.map(\.statistics.users))")
        #expect(whole.statistics.hitCount == all.reduce(0) { $0 + $1.statistics.hitCount })
        await scene.end()
    }

    @Test func aRunWhoseEndCannotBeStoredHasNoSecondsYet() async throws {
        let storage = FullStorage()
        let scene = try await Scene(storage: storage)
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        try await scene.master.submit(submission("r"))
        #expect(await eventually { agent.acknowledged("r") == 1 })
        await storage.set(full: true)
        agent.report("r", .batch(batch(3)))
        agent.end("r", .finished(interrupted: false, seconds: 1))
        #expect(
            await eventually {
                guard case .snapshot(let snapshot) = await client.ask(.snapshot(run: "r")) else { return false }
                return snapshot.state == .ended
            })
        guard case .error(let fault) = await client.ask(.seconds(run: "r", from: 0)) else { throw Unexpected() }
        #expect(fault.code == "storage" && fault.message.contains("no space left"))
        await storage.set(full: false)
        _ = await scene.master.outcome(of: "r")
        #expect(try await seconds(client).map(\.statistics.hitCount) == [3])
        await scene.end()
    }
}

extension Array {
    fileprivate var nilIfEmpty: Self? { isEmpty ? nil : self }
}
