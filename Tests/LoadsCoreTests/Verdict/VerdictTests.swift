import LoadsCore
import LoadsEventLoop
import Testing

@Suite struct VerdictTests {
    private func summary(_ change: (inout Summary) -> Void) -> Verdict {
        var statistics = Statistics()
        statistics.iterations.started = 1000
        statistics.iterations.ok = 1000
        var agent = AgentShare(id: "a", name: "alpha", users: 10)
        agent.state = .finished
        agent.usage = AgentShare.Usage(cores: 4, seconds: 10, cpuSeconds: 20, waitedSeconds: 0.1)
        var summary = Summary(
            id: "1", target: "t", startedAt: 0, duration: 10, interrupted: false,
            plan: Plan(cycles: [.init(users: 10, amount: .iterations(100))]), statistics: statistics, isURLTarget: true,
            agents: [agent])
        change(&summary)
        return summary.verdict
    }

    @Test func aRunOfAGeneratorAtEaseIsValid() {
        let verdict = summary { _ in }
        #expect(verdict.kind == .valid)
        #expect(verdict.reasons.isEmpty)
    }

    /// 1,000 iterations are planned.
    @Test func aProgramIsHeldAgainstItsPlan() throws {
        let short = summary {
            $0.isProgram = true
            ($0.statistics.iterations.started, $0.statistics.iterations.ok) = (990, 990)
        }
        #expect(short.kind == .incomplete && short.reasons.map(\.code) == [.unplayed])
        #expect(short.reasons[0].text.contains("990 of 1000 iterations"))
        #expect(summary { $0.isProgram = true }.kind == .valid)
        // What belongs to the warm-up is played, too; who was stopped or changed need not play it.
        for change in [
            { (summary: inout Summary) in
                summary.statistics.warmUp = Statistics()
                summary.statistics.warmUp?.iterations.ok = 10
            }, { $0.interrupted = true }, { $0.changes = [UserChange(at: 1, users: 3)] }, { $0.isProgram = false },
        ] {
            let verdict = summary {
                $0.isProgram = true
                ($0.statistics.iterations.started, $0.statistics.iterations.ok) = (990, 990)
                change(&$0)
            }
            #expect(verdict.kind == .valid, "\(verdict)")
        }
    }

    @Test func aProgramThatTellsOfHitsAloneMayNotHavePlayedItsPlan() {
        let verdict = summary {
            $0.isProgram = true
            $0.plan = Plan(cycles: [.init(users: 10, amount: .duration(.seconds(10)))])
            $0.statistics.iterations = IterationCounts()
            $0.statistics.names["GET /"] = NameStatistics()
            $0.statistics.names["GET /"]!.count = 3
        }
        #expect(verdict.reasons.map(\.code) == [.unplayed])
    }

    /// Of 10 s on 4 loops.
    @Test(arguments: [(0.0, false), (0.4, false), (0.41, true), (50, true)])
    func loopsThatWereHeldUpForMuchOfTheTimeLimit(_ held: Double, _ limited: Bool) throws {
        let verdict = summary { $0.agents[0].usage?.heldSeconds = held }
        #expect(verdict.reasons.map(\.code) == (limited ? [.loopLag] : []))
        #expect(verdict.kind == (limited ? .generatorLimited : .valid))
        guard limited else { return }
        #expect(verdict.reasons[0].actual == Quantity(min(1, held / 40), .share))
        #expect(verdict.reasons[0].limit == Quantity(0.01, .share))
        #expect(verdict.reasons[0].text.contains("of the time whatever happened waited more than 10 ms for its loop"))
    }

    @Test func aHiccupLimitsNothing() {
        // However long it was, and however short the run.
        #expect(
            summary {
                $0.statistics.health.lag.latestTimer = 350_000_000
                $0.agents[0].usage?.heldSeconds = 0.34
            }.kind == .valid)
        let usage = AgentShare.Usage(cores: 1, seconds: 0.2, cpuSeconds: 0.1, waitedSeconds: 0, heldSeconds: 0.1)
        #expect(summary { $0.agents[0].usage = usage }.kind == .valid)
        // One user is on one loop, whatever the machine has.
        #expect(
            summary {
                $0.agents[0].users = 1
                $0.agents[0].usage?.cpuSeconds = 1
                $0.agents[0].usage?.heldSeconds = 0.2
            }.reasons.map(\.code) == [.loopLag])
    }

    @Test func whereNobodyKeptCountOfAgentsTheRunsLoopsAreLookedAt() {
        let verdict = summary {
            $0.agents = []
            $0.statistics.health.lag.held = 150_000_000
        }
        #expect(verdict.reasons.map(\.code) == [.loopLag])
        #expect(verdict.reasons[0].actual == Quantity(0.015, .share))
    }

    @Test func aScheduleThatIsNotKeptLimits() {
        func lag(_ milliseconds: Int64) -> Verdict {
            summary { for _ in 0..<100 { $0.statistics.scheduleLag.record(milliseconds * 1_000_000) } }
        }
        #expect(lag(9).kind == .valid)
        #expect(lag(25).reasons.map(\.code) == [.scheduleLag])
        #expect(lag(25).kind == .generatorLimited)
    }

    @Test func arrivalsThatWereDroppedLimit() {
        let verdict = summary { $0.statistics.arrivals = ArrivalCounts(planned: 1000, started: 990, dropped: 10) }
        #expect(verdict.reasons.map(\.code) == [.droppedArrivals])
        #expect(verdict.reasons[0].text.hasPrefix("10 of 1000 arrivals (1 %) found no free user"))
        #expect(summary { $0.statistics.arrivals = ArrivalCounts(planned: 9, started: 9) }.kind == .valid)
    }

    @Test func arrivalsThatAStopCameBeforeLimitNothing() {
        let verdict = summary { $0.statistics.arrivals = ArrivalCounts(planned: 1000, started: 990, cancelled: 10) }
        #expect(verdict.kind == .valid)
    }

    /// As the threshold `dropped` counts them.
    @Test func theShareOfDroppedArrivalsIsOfThoseThatNoStopCameBefore() throws {
        let arrivals = ArrivalCounts(planned: 1000, started: 720, dropped: 80, cancelled: 200)
        let verdict = summary { $0.statistics.arrivals = arrivals }
        #expect(verdict.reasons.map(\.code) == [.droppedArrivals] && verdict.reasons[0].actual?.value == 0.1)
        #expect(verdict.reasons[0].text.hasPrefix("80 of 800 arrivals (10 %) found no free user"))
        var judge = try Made.judge("dropped < 1%")
        var statistics = Statistics()
        statistics.arrivals = arrivals
        judge.take(statistics, second: 0)
        #expect(judge.results(duration: 1)[0].actual == 0.1)
    }

    @Test func aBodyThatBlocksLimitsWhenItDoesSoOften() {
        func holders(_ count: Int) -> Verdict {
            summary { $0.statistics.health.lag.holders["Suite/slow"] = LoopHold(count: count, longest: 30_000_000) }
        }
        #expect(holders(10).kind == .valid)
        #expect(holders(11).kind == .generatorLimited)
        #expect(holders(11).reasons[0].code == .blocking)
        #expect(holders(500).reasons[0].text.contains("Suite/slow blocked its loop for up to 30 ms, in 50 %"))
    }

    @Test(arguments: [
        (4, 36.0, nil as Int?, 10, false), (4, 37, nil, 10, true), (4, 9.5, 1, 10, true), (4, 9.5, nil, 1, true),
        (4, 9.5, 2, 10, false),
    ])
    func aRunnerWithoutACoreLeftLimits(_ cores: Int, _ cpu: Double, _ loops: Int?, _ users: Int, _ limited: Bool) {
        let verdict = summary {
            $0.plan.loops = loops
            $0.agents[0].users = users
            $0.agents[0].usage = AgentShare.Usage(cores: cores, seconds: 10, cpuSeconds: cpu, waitedSeconds: 0)
        }
        #expect(verdict.reasons.map(\.code) == (limited ? [.cpu] : []))
    }

    @Test func whoSpinsUsesACoreWithoutBeingTheLimit() {
        let usage = AgentShare.Usage(cores: 1, seconds: 10, cpuSeconds: 10, waitedSeconds: 0)
        #expect(summary { $0.agents[0].usage = usage }.reasons.map(\.code) == [.cpu])
        let precise = summary {
            $0.plan.precise = true
            $0.agents[0].usage = usage
        }
        #expect(precise.kind == .valid)
    }

    @Test func aMachineThatIsBusyWithOtherThingsLimits() {
        let verdict = summary {
            $0.agents[0].usage = AgentShare.Usage(cores: 4, seconds: 10, cpuSeconds: 5, waitedSeconds: 8)
        }
        #expect(verdict.reasons.map(\.code) == [.coreWait])
        #expect(verdict.reasons[0].actual == Quantity(0.2, .share))
    }

    @Test func aMomentsUsageSaysNothing() {
        let verdict = summary {
            $0.agents[0].usage = AgentShare.Usage(cores: 1, seconds: 0.5, cpuSeconds: 0.5, waitedSeconds: 0.5)
        }
        #expect(verdict.kind == .valid)
    }

    @Test func hitsWithoutDescriptorsLimit() {
        let verdict = summary {
            $0.statistics.errors["descriptors"] = Occurrences(
                count: 7, first: 0, last: 1, sample: "no descriptors are left")
        }
        #expect(verdict.reasons.map(\.code) == [.descriptors])
        #expect(verdict.reasons[0].text.contains("7 hits"))
    }

    @Test func iterationsThatWereCutOffMakeItIncomplete() {
        let verdict = summary {
            $0.plan.grace = .seconds(1)
            $0.statistics.iterations.ok = 900
            $0.statistics.iterations.interrupted = 100
            $0.statistics.iterations.cutOff = 90
        }
        #expect(verdict.kind == .incomplete && verdict.reasons.map(\.code) == [.cutOff])
        #expect(
            verdict.reasons[0].text.hasPrefix("90 of 1000 iterations (9 %) had not ended when the grace of 1s was over")
        )
        let stopped = summary {
            $0.statistics.iterations.ok = 900
            $0.statistics.iterations.interrupted = 100
        }
        #expect(stopped.kind == .valid)
    }

    @Test(arguments: [(1000, 9, 50, false), (1000, 11, 50, true), (1000, 500, 9, false), (10, 10, 4400, true)])
    func arrivalsThatWaitedLongForAUserLimit(_ started: Int, _ waited: Int, _ milliseconds: Int64, _ limited: Bool) {
        let verdict = summary {
            $0.statistics.arrivals = ArrivalCounts(planned: started, started: started)
            for _ in 0..<waited { $0.statistics.userWait.record(milliseconds * 1_000_000) }
        }
        #expect(verdict.reasons.map(\.code) == (limited ? [.userWait] : []))
        #expect(verdict.kind == (limited ? .generatorLimited : .valid))
        if limited { #expect(verdict.reasons[0].text.contains("--max-users")) }
    }

    @Test func whatIsMissingMakesItIncomplete() {
        let crash = RunnerCrash(
            reason: "signal 11", output: "", unreportedStarted: 3, unreportedEnded: 2, unreportedHits: 5)
        #expect(summary { $0.crash = crash }.reasons.map(\.code) == [.crash])
        #expect(summary { $0.crash = crash }.reasons[0].text.contains("5 hits"))
        let broken = summary { $0.crash = .lost("all its agents are lost") }
        #expect(broken.kind == .incomplete && broken.reasons.map(\.code) == [.agentMissing])
        #expect(!broken.reasons[0].text.contains("crashed"))
        #expect(broken.reasons[0].text.contains("all its agents are lost"))
        let lost = summary {
            $0.agents[0].state = .lost
            $0.agents[0].missing = .init(from: 12.5, to: nil, hits: nil, reason: "silent for 60 s")
        }
        #expect(lost.kind == .incomplete)
        #expect(lost.reasons[0].text == "what the agent alpha measured from 12.5 s on is missing: silent for 60 s")
        let spool = summary {
            $0.agents[0].missing = .init(from: 1, to: 3, hits: 12, reason: "its spool was full")
        }
        #expect(spool.reasons[0].text.contains("from 1 s to 3 s is missing, 12 hits at least"))
        #expect(summary { $0.statistics.iterations.started = 1002 }.reasons.map(\.code) == [.unended])
    }

    @Test func aRunThatMeasuredNothingIsNotValid() {
        let verdict = summary {
            $0.statistics.iterations.ok = 0
            $0.statistics.iterations.interrupted = 1000
        }
        #expect(verdict.kind == .incomplete)
        #expect(verdict.reasons.map(\.code) == [.nothingMeasured])
    }

    @Test func whatIsMissingIsGraverAndComesFirst() {
        let verdict = summary {
            $0.agents[0].usage?.heldSeconds = 3
            $0.agents[0].state = .lost
        }
        #expect(verdict.kind == .incomplete)
        #expect(verdict.reasons.map(\.code) == [.agentMissing, .loopLag])
    }
}
