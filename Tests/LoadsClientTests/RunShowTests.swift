import LoadsCore
import LoadsWire
import Synchronization
import Testing

@testable import LoadsClient

@Suite struct RunShowTests {
    private final class Witness: RunObserver {
        let seen = Mutex<[String]>([])
        let intervals = Mutex<[String]>([])
        func started() { seen.withLock { $0.append("started") } }
        let rates = Mutex<[Double]>([])
        let wanted = Mutex<[Double]>([])
        func progressed(_ progress: Progress) {
            seen.withLock { $0.append("hits \(progress.hits)") }
            rates.withLock { $0.append(progress.hitRate) }
            if let rate = progress.wantedRate { wanted.withLock { $0.append(rate.rounded()) } }
        }
        func measured(_ interval: MeasuredInterval) {
            let span = "\(interval.from)-\(interval.to) of \(interval.startedAt)"
            intervals.withLock {
                $0.append("\(interval.statistics.hitCount) in \(interval.isBacklog ? "backlog" : span)")
            }
        }
        func received(_ hits: [RawHit]) { seen.withLock { $0.append("received \(hits.count)") } }
        func noted(_ text: String) { seen.withLock { $0.append(text) } }
        func waiting(_ what: String, for seconds: Double) { seen.withLock { $0.append("\(what) \(seconds)") } }
        func stopping(_ reason: String) { seen.withLock { $0.append("stopping: \(reason)") } }
    }

    /// `#expect` takes no mutating calls.
    private final class Show {
        private var show: RunShow
        init(_ show: RunShow) { self.show = show }
        func missed(_ final: RunSnapshot, whole: Bool = false) -> Int { show.missedHits(of: final, whole: whole) }
        func waits(_ final: RunSnapshot) -> Bool { show.waitsForHits(of: final) }
        @discardableResult func start(from snapshot: RunSnapshot) -> Bool { show.start(from: snapshot) }
        func earlier(_ final: RunSnapshot) -> Int { show.earlierHits(of: final, whole: false) }
        var begins: Double? { show.streamBegins }
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

    private static func hits(
        _ sequence: UInt64, _ count: Int, boot: String = "b1", result: UInt64? = nil
    ) -> StreamMessage {
        let hit = RawHit(
            time: 0.5, user: 1, iteration: 2, name: "n", method: "GET", url: "http://x/", status: 200,
            latency: 1_000_000, bytes: 10, requests: 1, error: nil)
        return StreamMessage(
            run: "r", boot: boot, sequence: sequence, time: 1,
            content: .hits(agent: "a", [RawHit](repeating: hit, count: count)),
            result: result.map { StreamMessage.Result(epoch: "00000000000000aa", sequence: $0) })
    }

    @Test func howTheThresholdsStandIsPartOfTheProgress() throws {
        let threshold = try Threshold("p95 < 1s")
        let witness = ThresholdWitness()
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
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
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        #expect(show.take(Self.message(4, .beat), topic: .stats))
        #expect(seen == [])
    }

    @Test func anAdjustmentAsksForASnapshotWhichHasWhatIsWantedFromThenOn() {
        let show = Show(RunShow(run: "r", master: "m", observer: witness))
        var first = Self.snapshot()
        first.submission.order.plan = Plan(arrivals: Arrivals(rate: .perSecond(10), for: .seconds(60)))
        show.start(from: first)
        let event = Self.message(1, .event(RunEvent(kind: "adjusted", text: "3000/s from 3.0 s on")))
        #expect(show.take(event, topic: .events))
        #expect(seen.contains("3000/s from 3.0 s on"))
        var second = first
        second.elapsed = 9
        second.changes = [UserChange(at: 3, rate: .perSecond(3000))]
        show.start(from: second)
        _ = show.take(Self.message(1, .statistics(from: 9, to: 10, Self.statistics(hits: 1))), topic: .stats)
        // Nothing was heard since the first snapshot: of nine seconds seven are at the higher rate.
        let wanted = witness.wanted.withLock { $0.last }
        #expect(wanted == 2336)
    }

    @Test func whatTheSnapshotCoversIsNotCountedTwice() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot(hits: 10, sequences: ["stats": 4]))
        for sequence in 3...5 as ClosedRange<UInt64> {
            let content = StreamMessage.Content.statistics(from: 0, to: 1, Self.statistics(hits: 1))
            #expect(!show.take(Self.message(sequence, content), topic: .stats))
        }
        #expect(seen == ["started", "hits 11"])
        #expect(witness.intervals.withLock { $0 } == ["10 in backlog", "1 in 0.0-1.0 of 1.0"])
        // At a later snapshot most of it is known already.
        show.start(from: Self.snapshot(hits: 11, sequences: ["stats": 5]))
        #expect(witness.intervals.withLock { $0.count } == 2)
    }

    private static func measured(_ sequence: UInt64, boot: String = "b1") -> StreamMessage {
        message(sequence, boot: boot, .statistics(from: 0, to: 1, statistics(hits: 1)))
    }

    @Test func whatComesBeforeTheFirstSnapshotIsShownBehindIt() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        for sequence in 4...7 as ClosedRange<UInt64> { #expect(show.take(Self.measured(sequence), topic: .stats)) }
        _ = show.take(Self.message(1, .event(RunEvent(kind: "note", text: "hello"))), topic: .events)
        #expect(!show.start(from: Self.snapshot(hits: 10, sequences: ["stats": 5])))
        #expect(seen == ["started", "hits 11", "hits 12", "hello"])
        #expect(!show.take(Self.measured(8), topic: .stats))
        #expect(seen.last == "hits 13")
    }

    @Test func whatANewMasterSaysBeforeItsSnapshotIsShownBehindIt() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot(sequences: ["stats": 90]))
        for sequence in 1...3 as ClosedRange<UInt64> {
            #expect(show.take(Self.measured(sequence, boot: "b2"), topic: .stats))
        }
        #expect(!show.start(from: Self.snapshot(boot: "b2", hits: 10, sequences: ["stats": 2])))
        #expect(seen == ["started", "hits 11"])
    }

    @Test func aGapInTheStatisticsAsksForASnapshot() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot(sequences: ["stats": 1]))
        #expect(!show.take(Self.measured(2), topic: .stats))
        #expect(show.take(Self.measured(5), topic: .stats))
        // They come while the snapshot is on its way, which has one of them.
        #expect(!show.take(Self.measured(6), topic: .stats))
        #expect(!show.take(Self.measured(7), topic: .stats))
        #expect(!show.start(from: Self.snapshot(hits: 5, sequences: ["stats": 6])))
        #expect(!show.take(Self.measured(8), topic: .stats))
        #expect(seen.last == "hits 7")
    }

    @Test func aSnapshotFromBeforeTheGapIsAskedForAgain() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot())
        #expect(show.take(Self.measured(5), topic: .stats))
        #expect(show.start(from: Self.snapshot(hits: 2, sequences: ["stats": 2])))
        #expect(!show.start(from: Self.snapshot(hits: 5, sequences: ["stats": 5])))
    }

    @Test func hitsOfTheWarmUpAreMissedToo() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot())
        _ = show.take(Self.hits(1, 4), topic: .hits)
        var final = Self.snapshot(hits: 4)
        final.statistics.warmUp = Self.statistics(hits: 3)
        #expect(show.missed(final, whole: true) == 3)
    }

    @Test func aGapInTheHitsIsCounted() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot())
        _ = show.take(Self.hits(1, 4), topic: .hits)
        _ = show.take(Self.hits(5, 4), topic: .hits)
        #expect(show.missed(Self.snapshot(hits: 20), whole: true) == 12)
        #expect(show.missed(Self.snapshot(hits: 8), whole: true) == 0)
    }

    @Test func hitsThatASnapshotCoversAreShownAllTheSame() {
        let show = Show(RunShow(run: "r", master: "tcp://127.0.0.1:7780", observer: witness))
        // Before the first snapshot, and while it is on its way.
        #expect(show.take(Self.hits(1, 2), topic: .hits))
        show.start(from: Self.snapshot(hits: 5, sequences: ["hits": 2]))
        #expect(!show.take(Self.hits(2, 3), topic: .hits))
        #expect(!show.take(Self.hits(3, 4), topic: .hits))
        #expect(seen == ["started", "received 2", "received 3", "received 4"])
        #expect(show.missed(Self.snapshot(hits: 9), whole: true) == 0)
    }

    @Test func whatIsLostAroundALaterSnapshotIsCounted() {
        let show = Show(RunShow(run: "r", master: "tcp://127.0.0.1:7780", observer: witness))
        show.start(from: Self.snapshot())
        _ = show.take(Self.hits(1, 2), topic: .hits)
        // The stream was out of reach for a while; the snapshot knows what was published meanwhile.
        show.start(from: Self.snapshot(hits: 12, sequences: ["hits": 6]))
        _ = show.take(Self.hits(7, 2), topic: .hits)
        #expect(show.missed(Self.snapshot(hits: 14)) == 10)
    }

    @Test func hitsFromBeforeItCameAreNotMissed() {
        let show = Show(RunShow(run: "r", master: "tcp://127.0.0.1:7780", observer: witness))
        show.start(from: Self.snapshot(hits: 100, sequences: ["hits": 50]))
        _ = show.take(Self.hits(51, 2), topic: .hits)
        #expect(show.missed(Self.snapshot(hits: 102)) == 0)
        // Agents began to send them a moment later.
        #expect(show.missed(Self.snapshot(hits: 105, sequences: ["hits": 51])) == 0)
        #expect(show.earlier(Self.snapshot(hits: 105, sequences: ["hits": 51])) == 103 && show.begins == 0.5)
        // The last message never came.
        #expect(show.missed(Self.snapshot(hits: 105, sequences: ["hits": 52])) == 3)
        #expect(show.missed(Self.snapshot(hits: 102), whole: true) == 100)
    }

    @Test func whatAnotherMasterPublishesAgainIsPassedOver() {
        let show = Show(RunShow(run: "r", master: "tcp://127.0.0.1:7780", observer: witness))
        show.start(from: Self.snapshot())
        for result in 1...3 as ClosedRange<UInt64> { _ = show.take(Self.hits(result, 2, result: result), topic: .hits) }
        // The first master had stored result 1 only.
        for (sequence, result) in [(1, 2), (2, 3), (3, 4)] as [(UInt64, UInt64)] {
            _ = show.take(Self.hits(sequence, 2, boot: "b2", result: result), topic: .hits)
        }
        #expect(seen.filter { $0 == "received 2" }.count == 4)
        #expect(show.missed(Self.snapshot(boot: "b2", hits: 8), whole: true) == 0)
    }

    @Test func aResultMayComeInSeveralMessages() {
        let show = Show(RunShow(run: "r", master: "tcp://127.0.0.1:7780", observer: witness))
        show.start(from: Self.snapshot())
        for sequence in 1...3 as ClosedRange<UInt64> { _ = show.take(Self.hits(sequence, 2, result: 1), topic: .hits) }
        _ = show.take(Self.hits(1, 2, boot: "b2", result: 1), topic: .hits)
        #expect(seen.filter { $0 == "received 2" }.count == 3)
    }

    @Test func theEndWaitsForHitsThatAreOnTheirWay() {
        let show = Show(RunShow(run: "r", master: "tcp://127.0.0.1:7780", observer: witness))
        let final = Self.snapshot(hits: 4, sequences: ["hits": 2], state: .ended)
        show.start(from: Self.snapshot())
        #expect(show.waits(final))
        _ = show.take(Self.hits(1, 2), topic: .hits)
        #expect(show.waits(final))
        _ = show.take(Self.hits(2, 2), topic: .hits)
        #expect(!show.waits(final))
        // But not for ever.
        let other = Self.snapshot(hits: 6, sequences: ["hits": 3], state: .ended)
        #expect(show.waits(other))
        for _ in 0..<6 { _ = show.tick() }
        #expect(!show.waits(other))
    }

    @Test func aMasterThatStartedAnewIsAskedAgain() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot(sequences: ["stats": 90]))
        #expect(show.take(Self.message(1, boot: "b2", .beat), topic: .stats))
        show.start(from: Self.snapshot(boot: "b2"))
        #expect(!show.take(Self.message(1, boot: "b2", .beat), topic: .stats))
    }

    @Test func theEndIsAskedForOnTheNextTick() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot())
        #expect(!show.tick())
        #expect(!show.take(Self.message(1, .event(RunEvent(kind: "ended", text: "over"))), topic: .events))
        #expect(show.tick())
        #expect(seen == ["started"])
    }

    @Test func aSilentStreamIsNotTrusted() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot())
        let asked = (0..<6).map { _ in show.tick() }
        #expect(asked == [false, false, false, false, false, true])
        #expect(seen == ["started", "waiting for the master at tcp://m:1 3.0"])
    }

    @Test func whileNothingIsMeasuredItIsSaidForWhomTheRunWaits() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot())
        let text = "two is silent; it may come back"
        var sequence: UInt64 = 1
        func hear(_ content: StreamMessage.Content) {
            _ = show.take(Self.message(sequence, content), topic: .events)
            sequence += 1
        }
        hear(.event(RunEvent(kind: "agent-silent", text: text, agent: "2")))
        for _ in 0..<20 {
            _ = show.tick()
            hear(.beat)
        }
        #expect(seen == ["started", text, "nothing more is measured: \(text) 10.0"])
        hear(.event(RunEvent(kind: "agent-back", text: "two is back", agent: "2")))
        _ = show.tick()
        #expect(seen.last == "two is back")
    }

    @Test func aQueuedRunSaysWhatItWaitsFor() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        var queued = Self.snapshot(state: .queued)
        queued.startedAt = nil
        show.start(from: queued)
        #expect(!show.tick())
        let event = RunEvent(kind: "queued", text: "waits for one more agent")
        #expect(show.take(Self.message(1, .event(event)), topic: .events))
        queued.waitsFor = "waits for one more agent"
        show.start(from: queued)
        _ = show.tick()
        #expect(show.take(Self.message(2, .event(RunEvent(kind: "preparing", text: "prepared by a"))), topic: .events))
        queued.state = .preparing
        show.start(from: queued)
        _ = show.tick()
        #expect(seen == ["queued: waits for one more agent 0.0"])
    }

    @Test(arguments: [1, 2]) func aCrashIsToldOnTheWayWhereTheSummaryNamesNoAgent(_ agents: Int) {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        var snapshot = Self.snapshot()
        snapshot.agents = (0..<agents).map { AgentShare(id: "a\($0)", name: "a\($0)", users: 1) }
        show.start(from: snapshot)
        let event = RunEvent(kind: "crashed", text: "the runner of a1 crashed: x", agent: "a1")
        _ = show.take(Self.message(1, .event(event)), topic: .events)
        #expect(seen == ["started"] + (agents > 1 ? ["the runner of a1 crashed: x"] : []))
    }

    @Test func whoStoppedItIsTold() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot())
        _ = show.take(Self.message(1, .event(RunEvent(kind: "stopping", text: "stopped by me@x"))), topic: .events)
        #expect(seen == ["started", "stopping: stopped by me@x"])
    }

    @Test func theRateBehindAnAbsenceIsThatOfAllOfIt() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot())
        var back = Self.snapshot(boot: "b2", hits: 1000, sequences: ["stats": 4])
        back.elapsed = 21
        show.start(from: back)
        _ = show.take(
            Self.message(5, boot: "b2", .statistics(from: 0, to: 21.1, Self.statistics(hits: 5))), topic: .stats)
        #expect(witness.rates.withLock { $0 } == [1005 / 20.1])
    }

    @Test func notesReachThePerson() {
        let show = Show(RunShow(run: "r", master: "tcp://m:1", observer: witness))
        show.start(from: Self.snapshot())
        _ = show.take(Self.message(1, .event(RunEvent(kind: "note", text: "hello"))), topic: .events)
        _ = show.take(Self.message(2, .event(RunEvent(kind: "agent-ended", text: "a1 ended"))), topic: .events)
        #expect(seen == ["started", "hello"])
    }
}
