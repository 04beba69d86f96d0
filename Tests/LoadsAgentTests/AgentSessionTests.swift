import LoadsEventLoop
import LoadsWire
import Testing

@testable import LoadsAgent

@Suite struct AgentSessionTests {
    /// A session, and a clock in milliseconds.
    private struct Scene {
        var session: AgentSession
        var now: Int64 = 0

        init(orphanTimeout: Duration = .seconds(120)) {
            session = AgentSession(orphanTimeout: orphanTimeout, at: Instant(nanoseconds: 0))
        }

        /// Lets time pass, as the loop does: every wake-up is kept. Returns what was done when, in milliseconds.
        mutating func wait(_ milliseconds: Int64) -> [(at: Int64, action: AgentSession.Action)] {
            let end = now + milliseconds
            var done: [(Int64, AgentSession.Action)] = []
            while true {
                let wake = max(now, (session.wakeUp.nanoseconds + 999_999) / 1_000_000)
                guard wake <= end else { break }
                let before = session.wakeUp
                now = wake
                done += session.tick(at: instant).map { (now, $0) }
                if session.wakeUp == before { break }
            }
            now = end
            return done
        }

        mutating func hear(_ message: MasterMessage) -> [AgentSession.Action] { session.take(message, at: instant) }

        mutating func welcome(_ boot: String = "00000000000000aa") -> [AgentSession.Action] {
            hear(.welcome(MasterWelcome(boot: boot, resultsPort: 1, streamPort: 2, sent: 77)))
        }

        var instant: Instant { Instant(nanoseconds: now * 1_000_000) }
    }

    private static func hellos(_ done: [(at: Int64, action: AgentSession.Action)]) -> [Int64] {
        done.filter { $0.action == .hello }.map(\.at)
    }

    private static func isBeat(_ action: AgentSession.Action) -> Bool {
        if case .beat = action { true } else { false }
    }

    @Test func helloIsSaidAgainLessAndLessOften() {
        var scene = Scene()
        #expect(Self.hellos(scene.wait(14_000)) == [0, 250, 750, 1750, 3750, 7750, 12750])
    }

    @Test func silenceMakesANewConnectionForEver() {
        var scene = Scene()
        let done = scene.wait(60_000).filter { $0.action == .reconnect }.map(\.at)
        #expect(done == [15_000, 30_000, 45_000, 60_000])
    }

    @Test func aWelcomeConnectsTheResultsOnce() {
        var scene = Scene()
        _ = scene.wait(0)
        let welcome = MasterWelcome(boot: "00000000000000aa", resultsPort: 1, streamPort: 2, sent: 77)
        #expect(scene.hear(.welcome(welcome)) == [.welcomed(welcome)])
        #expect(scene.session.isWelcome)
        // The answer to a hello that was said twice.
        #expect(scene.hear(.welcome(welcome)) == [])
        #expect(Self.hellos(scene.wait(900)) == [])
    }

    @Test func beatsComeFastAtFirstAndThenEverySecond() {
        var scene = Scene()
        _ = scene.welcome()
        var beats: [Int64] = []
        for _ in 0..<40 {
            beats += scene.wait(100).filter { Self.isBeat($0.action) }.map(\.at)
            _ = scene.hear(.lease(MasterLease(sent: 1)))
        }
        #expect(beats == [0, 100, 200, 300, 400, 500, 600, 700, 800, 1800, 2800, 3800])
    }

    @Test func aBeatEchoesTheLastLeaseAndOnlyOnce() {
        var scene = Scene()
        _ = scene.wait(20)
        _ = scene.welcome()
        #expect(scene.wait(0).map(\.action) == [.beat(.init(masterSent: 77, received: 20_000_000))])
        scene.now += 5
        _ = scene.hear(.lease(MasterLease(sent: 99)))
        #expect(scene.wait(95).map(\.action) == [.beat(.init(masterSent: 99, received: 25_000_000))])
        #expect(scene.wait(100).map(\.action) == [.beat(nil)])
    }

    @Test func aLeaseThatEndsIsFollowedByHelloAndOneForAnotherMasterIsNoticed() {
        var scene = Scene()
        _ = scene.welcome()
        let done = scene.wait(6000)
        #expect(Self.hellos(done) == [5000, 5250, 5750])
        #expect(!scene.session.isWelcome)
        let actions = scene.welcome("00000000000000bb")
        #expect(actions.count == 2 && scene.session.isWelcome)
        if case .log(.warning, let text)? = actions.first { #expect(text.contains("restarted")) }
    }

    @Test func aMasterThatForgotUsIsGreetedAtOnce() {
        var scene = Scene()
        _ = scene.welcome()
        _ = scene.wait(100)
        let fault = MasterMessage.error(WireFault(code: "not-welcome", message: "who are you?"))
        #expect(scene.hear(fault).count == 1)
        #expect(Self.hellos(scene.wait(0)) == [100])
        // Those that are still on their way change nothing.
        #expect(scene.hear(fault) == [])
    }

    @Test func aDuplicateIsToldOnceAndTriedEverySecond() {
        var scene = Scene()
        let fault = MasterMessage.error(WireFault(code: "duplicate", message: "another agent a-1 is here"))
        var hellos: [Int64] = []
        var logs: [AgentSession.Action] = []
        for _ in 0..<40 {
            let said = Self.hellos(scene.wait(100))
            hellos += said
            if !said.isEmpty { logs += scene.hear(fault) }
        }
        // The first answer came a tenth of a second after the first hello.
        #expect(hellos == [0, 1100, 2100, 3100])
        #expect(logs.count == 1)
        #expect(scene.welcome().contains { if case .welcomed = $0 { true } else { false } })
    }

    @Test func anAgentWithoutALeaseIsAnOrphanOnceAndUntilItIsWelcome() {
        var scene = Scene(orphanTimeout: .seconds(20))
        // Before the first welcome it has nothing to stop.
        #expect(!scene.wait(40_000).contains { $0.action == .orphaned })
        _ = scene.welcome()
        let orphaned = scene.wait(60_000).filter { $0.action == .orphaned }.map(\.at)
        #expect(orphaned == [60_000])
        #expect(scene.session.isOrphan)
        _ = scene.welcome()
        #expect(!scene.session.isOrphan)
    }

    @Test func whoWasStoppedHearsWhatWaitsBeforeItJudges() {
        var scene = Scene(orphanTimeout: .seconds(20))
        _ = scene.welcome()
        _ = scene.wait(500)
        // SIGSTOP for thirty seconds: no tick at all.
        scene.now += 30_000
        let done = scene.session.tick(at: scene.instant)
        #expect(done.allSatisfy { if case .log = $0 { true } else { Self.isBeat($0) } })
        #expect(scene.session.isWelcome && !scene.session.isOrphan)
        // And when nothing was waiting, it is a silence like any other.
        #expect(Self.hellos(scene.wait(5_000)).count == 1)
    }
}
