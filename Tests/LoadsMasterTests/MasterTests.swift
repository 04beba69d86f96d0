import LoadsCore
import LoadsMaster
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

@Suite struct MasterTests {
    private final class Recorder: RunObserver {
        let notes = Mutex<[String]>([])
        let hits = Mutex(0)
        let progress = Mutex<[Progress]>([])
        func started() {}
        func progressed(_ progress: Progress) { self.progress.withLock { $0.append(progress) } }
        func received(_ hits: [RawHit]) { self.hits.withLock { $0 += hits.count } }
        func noted(_ text: String) { notes.withLock { $0.append(text) } }
    }

    private let request = RunRequest(
        id: "r", target: "t", isURLTarget: false, launch: RunnerLaunch(executable: "/x"),
        order: RunnerOrder(plan: Plan(cycles: [.init(users: 1, amount: .iterations(10))])))

    private func batch(_ iterations: Int) -> Batch {
        var batch = Batch()
        batch.statistics.iterations.started = iterations
        batch.statistics.iterations.ok = iterations
        return batch
    }

    /// Plays an agent that reports what it is told to.
    private func play(_ reports: [AgentReport], close: Bool = false) async -> (RunOutcome, Recorder) {
        let (master, agent) = InProcess.makePair()
        let recorder = Recorder()
        let playing = Task {
            for report in reports { await agent.send(report) }
            if close { agent.close() }
        }
        let outcome = await Master(link: master).run(request, observer: recorder)
        await playing.value
        return (outcome, recorder)
    }

    private func summary(_ outcome: RunOutcome) -> Summary? {
        if case .finished(let summary) = outcome { summary } else { nil }
    }

    @Test func mergesBatchesIntoASummary() async {
        let (outcome, recorder) = await play([
            .started(run: "r"), .batch(run: "r", sequence: 1, batch(4)), .note(run: "r", "hello"),
            .batch(run: "r", sequence: 2, batch(6)), .ended(run: "r", .finished(interrupted: false, seconds: 2.5)),
        ])
        #expect(summary(outcome)?.statistics.iterations.ok == 10)
        #expect(summary(outcome)?.duration == 2.5)
        #expect(summary(outcome)?.interrupted == false)
        #expect(recorder.notes.withLock { $0 } == ["hello"])
        #expect(recorder.progress.withLock { $0.last?.fraction } == 1)
    }

    @Test func aBatchSentTwiceCountsOnceAndOneOfAnotherRunNever() async {
        let (outcome, _) = await play([
            .started(run: "r"), .batch(run: "r", sequence: 1, batch(4)), .batch(run: "r", sequence: 1, batch(4)),
            .batch(run: "other", sequence: 2, batch(100)), .batch(run: "r", sequence: 3, batch(50)),
            .batch(run: "r", sequence: 2, batch(6)), .ended(run: "r", .finished(interrupted: false, seconds: 1)),
        ])
        #expect(summary(outcome)?.statistics.iterations.ok == 10)
    }

    @Test func aCrashKeepsWhatWasMeasured() async {
        let crash = RunnerCrash(
            reason: "signal 11", output: "", unreportedStarted: 1, unreportedEnded: 0, unreportedHits: 0)
        let (outcome, _) = await play([
            .started(run: "r"), .batch(run: "r", sequence: 1, batch(4)), .ended(run: "r", .crashed(crash)),
        ])
        #expect(summary(outcome)?.crash == crash)
        #expect(summary(outcome)?.statistics.iterations.ok == 4)
    }

    @Test func anAgentThatGoesAwayKeepsWhatWasMeasured() async {
        let (outcome, _) = await play([.started(run: "r"), .batch(run: "r", sequence: 1, batch(4))], close: true)
        #expect(summary(outcome)?.statistics.iterations.ok == 4)
        #expect(summary(outcome)?.crash?.reason == "its agent went away")
    }

    @Test func aRefusalIsNoSummary() async {
        let (outcome, _) = await play([.ended(run: "r", .refused(code: 69, message: "no such test"))])
        guard case .refused(69, "no such test") = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test func stopAndAbortAreSentAndMarkTheSummary() async {
        let (master, agent) = InProcess.makePair()
        let driver = Master(link: master)
        let playing = Task {
            var seen: [String] = []
            for await command in agent.commands {
                switch command {
                case .run:
                    await agent.send(.started(run: "r"))
                    driver.stop()
                case .stop:
                    seen.append("stop")
                    driver.abort()
                case .abort:
                    seen.append("abort")
                    await agent.send(.ended(run: "r", .finished(interrupted: true, seconds: 1)))
                }
            }
            return seen
        }
        let outcome = await driver.run(request, observer: Recorder())
        master.close()
        #expect(summary(outcome)?.interrupted == true)
        #expect(await playing.value == ["stop", "abort"])
    }
}
