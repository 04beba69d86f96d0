import LoadsCore
import LoadsWire
import Testing

@testable import LoadsAgent

@Suite struct RunWatchTests {
    private static func watch(
        _ amount: Plan.Amount = .iterations(5), files: [RunnerLaunch.File] = []
    ) -> RunWatch {
        var plan = Plan(cycles: [.init(users: 2, amount: amount)])
        plan.grace = .seconds(10)
        let order = AgentOrder(
            run: "r", launch: RunnerLaunch(program: .path("/x"), files: files), order: RunnerOrder(plan: plan))
        return RunWatch(order, patience: .seconds(15), readyPatience: .seconds(300))
    }

    /// A watch whose runner waits for the start.
    private static func ready(_ amount: Plan.Amount = .iterations(5)) -> RunWatch {
        var watch = watch(amount)
        _ = watch.prepared()
        _ = watch.launched()
        _ = watch.take(ReportHead(.hello))
        _ = watch.take(ReportHead(.ready))
        return watch
    }

    private static func running(_ amount: Plan.Amount = .iterations(5)) -> RunWatch {
        var watch = ready(amount)
        _ = watch.start(at: 7)
        _ = watch.take(ReportHead(.started))
        return watch
    }

    private static let good = RunnerExit(status: 0, fault: nil, output: "")
    private static let segfault = RunnerExit(status: 11, fault: nil, output: "last words")

    private static func exit(_ watch: inout RunWatch, _ exit: RunnerExit) -> [RunWatch.Action] {
        watch.exited(
            exit, counted: ReportCounts(started: 10, ended: 8, hits: 30),
            delivered: ReportCounts(started: 7, ended: 6, hits: 20))
    }

    @Test func aRunGoesFromFilesToTheEnd() {
        var watch = Self.watch(files: [.init(path: "a", executable: true, bytes: 9, hash: "h")])
        #expect(watch.status == .preparing(missingBytes: 9))
        #expect(watch.fetched(missingBytes: 4) == [.status(.preparing(missingBytes: 4))])
        #expect(watch.prepared() == [.launch])
        #expect(watch.prepared() == [])
        let launched = watch.launched()
        guard case .command(.run(let order))? = launched.first else {
            Issue.record("\(launched)")
            return
        }
        #expect(order.waits)
        #expect(watch.take(ReportHead(.hello)) == [])
        #expect(watch.take(ReportHead(.ready)) == [.expectEnd(within: nil, reason: ""), .status(.ready)])
        #expect(watch.status == .ready)
        #expect(watch.start(at: 7) == [.command(.start(at: 7))])
        #expect(watch.status == nil && watch.lastStatus == .ready)
        // Said again after a cut.
        #expect(watch.start(at: 7) == [])
        #expect(watch.take(ReportHead(.started)) == [.deliver(ReportHead(.started))])
        let batch = ReportHead(.batch, counts: ReportCounts(hits: 3))
        #expect(watch.take(batch) == [.deliver(batch)])
        _ = watch.take(ReportHead(.ended(interrupted: false, seconds: 2)))
        #expect(watch.isRunning)
        #expect(Self.exit(&watch, Self.good) == [.end(.finished(interrupted: false, seconds: 2))])
        #expect(watch.phase == .over && !watch.isRunning)
        #expect(Self.exit(&watch, Self.good) == [])
    }

    @Test func aCrashTellsTheSizeOfItsHole() {
        var watch = Self.running()
        #expect(
            Self.exit(&watch, Self.segfault) == [
                .end(
                    .crashed(
                        RunnerCrash(
                            reason: "signal 11 (SIGSEGV)", output: "last words", unreportedStarted: 3,
                            unreportedEnded: 2, unreportedHits: 10)))
            ])
    }

    @Test func aRunnerThatEndsBeforeTheRunIsARefusalWithItsWords() {
        var watch = Self.watch()
        _ = watch.prepared()
        _ = watch.launched()
        let actions = Self.exit(&watch, Self.segfault)
        #expect(actions.first == .drop)
        guard case .status(.refused(71, let message))? = actions.last else {
            Issue.record("\(actions)")
            return
        }
        #expect(message.contains("SIGSEGV") && message.contains("last words"))
        #expect(watch.status == .refused(code: 71, message: message))
    }

    /// A watch of a program of the user's.
    private static func program() -> RunWatch {
        let order = AgentOrder(
            run: "r", launch: RunnerLaunch(program: .path("true"), dialect: .lines),
            order: RunnerOrder(plan: Plan(cycles: [.init(users: 2, amount: .iterations(1))])))
        var watch = RunWatch(order, patience: .seconds(15), readyPatience: .seconds(300))
        _ = watch.prepared()
        _ = watch.launched()
        return watch
    }

    private static func endedWell(_ watch: inout RunWatch) -> [RunWatch.Action] {
        watch.exited(
            RunnerExit(status: 0, fault: nil, output: "usage: x\n"), counted: ReportCounts(),
            delivered: ReportCounts())
    }

    /// How far a program is when it ends, having said nothing.
    enum Moment: CaseIterable { case beforeReady, ready, armed, started }

    @Test(arguments: Moment.allCases)
    func aProgramThatEndsWellAndSaysNothingIsTheSameWheneverItDoes(_ moment: Moment) {
        var watch = Self.program()
        if moment != .beforeReady { _ = watch.take(ReportHead(.ready)) }
        if moment == .armed || moment == .started { _ = watch.start(at: 7) }
        if moment == .started {
            _ = watch.take(ReportHead(.started))
            _ = watch.take(ReportHead(.ended(interrupted: false, seconds: 0)))
        }
        var actions = Self.endedWell(&watch)
        if moment == .beforeReady { #expect(actions.last == .status(.ready)) }
        if moment == .beforeReady || moment == .ready {
            #expect(watch.isRunning && watch.status == .ready)
            actions += watch.start(at: 7)
        }
        #expect(actions.last == .end(.finished(interrupted: false, seconds: 0)))
        guard case .note(let text)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(text.contains("reported no hit") && text.contains("│ usage: x"))
        #expect(watch.phase == .over)
    }

    @Test func aProgramThatHasEndedBeforeItsStartCanBeStopped() {
        var watch = Self.program()
        _ = Self.endedWell(&watch)
        #expect(watch.stop(abort: false, reason: "x") == [.end(.finished(interrupted: true, seconds: 0))])
        #expect(watch.start(at: 7) == [])
    }

    @Test func aRunnersOwnRefusalIsPassedOn() {
        var watch = Self.watch()
        _ = watch.prepared()
        _ = watch.launched()
        _ = watch.take(ReportHead(.refused(code: 69, message: "no such test")))
        #expect(
            Self.exit(&watch, Self.segfault) == [.drop, .status(.refused(code: 69, message: "no such test"))])
    }

    @Test func aDeathAfterTheEndIsANote() {
        var watch = Self.running()
        _ = watch.take(ReportHead(.ended(interrupted: true, seconds: 1)))
        let actions = Self.exit(&watch, Self.segfault)
        guard case .note(let text)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(text.contains("SIGSEGV"))
        #expect(actions.last == .end(.finished(interrupted: true, seconds: 1)))
    }

    @Test func aStopHasPatienceForTheGraceAndAnAbortHasNot() {
        var watch = Self.running()
        let first = watch.stop(abort: false, reason: "Ctrl-C")
        #expect(first.first == .command(.stop))
        guard case .expectEnd(.seconds(25), let reason)? = first.last else {
            Issue.record("\(first)")
            return
        }
        #expect(reason.contains("Ctrl-C"))
        // A master that finds its agent again repeats it.
        #expect(watch.stop(abort: false, reason: "Ctrl-C") == [])
        let second = watch.stop(abort: true, reason: "Ctrl-C")
        #expect(second.first == .command(.abort))
        guard case .expectEnd(.seconds(15), _)? = second.last else {
            Issue.record("\(second)")
            return
        }
        #expect(watch.stop(abort: true, reason: "Ctrl-C") == [])
    }

    @Test func aStopDuringThePreparationIsAnEnd() {
        var watch = Self.watch(files: [.init(path: "a", executable: true, bytes: 9, hash: "h")])
        #expect(watch.stop(abort: false, reason: "x") == [.end(.finished(interrupted: true, seconds: 0))])
        #expect(watch.prepared() == [])
        #expect(watch.start(at: 1) == [])
    }

    @Test func aStopBeforeTheStartKeepsItsPatience() {
        var watch = Self.watch()
        _ = watch.prepared()
        _ = watch.launched()
        _ = watch.stop(abort: false, reason: "x")
        // Ready comes late: the runner must still end.
        #expect(watch.take(ReportHead(.ready)) == [.status(.ready)])
        #expect(Self.exit(&watch, Self.good) == [.end(.finished(interrupted: true, seconds: 0))])
    }

    @Test func commandsBeforeThereIsARunnerWaitForIt() {
        var watch = Self.watch()
        #expect(watch.pass(.rawHits(true)) == [])
        _ = watch.prepared()
        #expect(watch.launched().last == .command(.rawHits(true)))
    }

    @Test func aPlanOfKnownLengthIsExpectedToEnd() {
        var watch = Self.ready(.duration(.seconds(60)))
        // One minute, ten seconds of grace, fifteen of patience, thirty for good measure.
        #expect(watch.start(at: 7).last == .expectEnd(within: .seconds(115), reason: "it did not end in time"))
        var counted = Self.ready(.iterations(5))
        #expect(counted.start(at: 7) == [.command(.start(at: 7))])
    }

    @Test(arguments: [(0, "exit code 0"), (3 << 8, "exit code 3"), (9, "signal 9 (SIGKILL)"), (62, "signal 62")])
    func waitStatusesAreReadable(_ status: Int32, _ text: String) {
        #expect(ExitReason.describe(status) == text)
    }
}
