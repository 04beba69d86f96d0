import LoadsCore
import LoadsWire
import Synchronization
import Testing

@testable import LoadsClient

@Suite struct RunShowTests {
    private final class Witness: RunObserver {
        let seen = Mutex<[String]>([])
        func started() { seen.withLock { $0.append("started") } }
        func progressed(_ progress: Progress) { seen.withLock { $0.append("hits \(progress.hits)") } }
        func received(_ hits: [RawHit]) { seen.withLock { $0.append("received \(hits.count)") } }
        func noted(_ text: String) { seen.withLock { $0.append(text) } }
    }

    /// `#expect` takes no mutating calls.
    private final class Show {
        private var show: RunShow
        init(_ show: RunShow) { self.show = show }
        var missedHitMessages: UInt64 { show.missedHitMessages }
        func start(from snapshot: RunSnapshot) { show.start(from: snapshot) }
        func take(_ message: StreamMessage, topic: StreamTopic) -> Bool { show.take(message, topic: topic) }
        func tick() -> Bool { show.tick() }
    }

    private let witness = Witness()
    private var seen: [String] { witness.seen.withLock { $0 } }

    private static func statistics(hits: Int) -> Statistics {
        var statistics = Statistics()
        statistics.names["GET /"] = NameStatistics()
        statistics.names["GET /"]?.count = hits
        return statistics
    }

    private static func snapshot(
        boot: String = "b1", hits: Int = 0, sequences: [String: UInt64] = [:], state: RunState = .running
    ) -> RunSnapshot {
        let plan = Plan(cycles: [.init(users: 1, amount: .iterations(10))])
        return RunSnapshot(
            boot: boot,
            submission: RunSubmission(
                run: "r", target: "t", isURLTarget: true, launch: RunnerLaunch(program: .builtIn("url")),
                order: RunnerOrder(plan: plan)),
            state: state, startedAt: 1, elapsed: 1, interrupted: false, sequences: sequences,
            statistics: statistics(hits: hits), agents: [])
    }

    private static func message(
        _ sequence: UInt64, boot: String = "b1", _ content: StreamMessage.Content
    ) -> StreamMessage {
        StreamMessage(run: "r", boot: boot, sequence: sequence, time: 1, content: content)
    }

    @Test func howTheThresholdsStandIsPartOfTheProgress() throws {
        let threshold = try Threshold("p95 < 1s")
        let witness = ThresholdWitness()
        let show = Show(RunShow(run: "r", observer: witness))
        var snapshot = Self.snapshot()
        snapshot.thresholds = [ThresholdResult(threshold: threshold, doubt: .noSamples)]
        show.start(from: snapshot)
        let statistics = StreamMessage.Content.statistics(from: 0, to: 1, Self.statistics(hits: 1))
        _ = show.take(Self.message(1, statistics), topic: .stats)
        let results = [ThresholdResult(threshold: threshold, state: .breached, actual: 2e9)]
        _ = show.take(Self.message(2, .thresholds(results)), topic: .stats)
        _ = show.take(Self.message(3, statistics), topic: .stats)
        #expect(witness.states.withLock { $0 } == [[.unjudged], [.breached]])
    }

    private final class ThresholdWitness: RunObserver {
        let states = Mutex<[[ThresholdResult.State]]>([])
        func started() {}
        func progressed(_ progress: Progress) { states.withLock { $0.append(progress.thresholds.map(\.state)) } }
        func received(_ hits: [RawHit]) {}
        func noted(_ text: String) {}
    }

    @Test func theFirstMessageAsksForASnapshot() {
        let show = Show(RunShow(run: "r", observer: witness))
        #expect(show.take(Self.message(4, .beat), topic: .stats))
        #expect(seen == [])
    }

    @Test func whatTheSnapshotCoversIsNotCountedTwice() {
        let show = Show(RunShow(run: "r", observer: witness))
        show.start(from: Self.snapshot(hits: 10, sequences: ["stats": 4]))
        for sequence in 3...5 as ClosedRange<UInt64> {
            let content = StreamMessage.Content.statistics(from: 0, to: 1, Self.statistics(hits: 1))
            #expect(!show.take(Self.message(sequence, content), topic: .stats))
        }
        #expect(seen == ["started", "hits 11"])
    }

    @Test func aGapInTheHitsIsCounted() {
        let show = Show(RunShow(run: "r", observer: witness))
        show.start(from: Self.snapshot())
        _ = show.take(Self.message(1, .hits(agent: "a", [])), topic: .hits)
        _ = show.take(Self.message(5, .hits(agent: "a", [])), topic: .hits)
        #expect(show.missedHitMessages == 3)
    }

    @Test func aMasterThatStartedAnewIsAskedAgain() {
        let show = Show(RunShow(run: "r", observer: witness))
        show.start(from: Self.snapshot(sequences: ["stats": 90]))
        #expect(show.take(Self.message(1, boot: "b2", .beat), topic: .stats))
        show.start(from: Self.snapshot(boot: "b2"))
        #expect(!show.take(Self.message(1, boot: "b2", .beat), topic: .stats))
    }

    @Test func theEndIsAskedForOnTheNextTick() {
        let show = Show(RunShow(run: "r", observer: witness))
        show.start(from: Self.snapshot())
        #expect(!show.tick())
        #expect(!show.take(Self.message(1, .event(RunEvent(kind: "ended", text: "over"))), topic: .events))
        #expect(show.tick())
        #expect(seen == ["started"])
    }

    @Test func aSilentStreamIsNotTrusted() {
        let show = Show(RunShow(run: "r", observer: witness))
        show.start(from: Self.snapshot())
        let asked = (0..<6).map { _ in show.tick() }
        #expect(asked == [false, false, false, false, false, true])
    }

    @Test func notesReachThePerson() {
        let show = Show(RunShow(run: "r", observer: witness))
        show.start(from: Self.snapshot())
        _ = show.take(Self.message(1, .event(RunEvent(kind: "note", text: "hello"))), topic: .events)
        _ = show.take(Self.message(2, .event(RunEvent(kind: "agent-ended", text: "a1 ended"))), topic: .events)
        #expect(seen == ["started", "hello"])
    }
}
