import LoadsCore
import LoadsEventLoop
import LoadsWire
import Testing

@testable import LoadsAgent

/// The conversation with a program of the `lines` dialect, on a clock of the test's own.
@Suite struct LineSpeechTests {
    private static func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: 5_000_000_000).advanced(by: .seconds(seconds))
    }

    private static func speech(_ plan: Plan? = nil, waits: Bool = true) -> (LineSpeech, RunnerOrder) {
        let plan = plan ?? Plan(cycles: [.init(users: 2, amount: .iterations(3))])
        let order = RunnerOrder(plan: plan, waits: waits)
        return (LineSpeech(run: "r-1", agent: "a \"1\"", program: "node x.mjs", order: order), order)
    }

    private static func text(_ actions: [SpeechAction]) -> [String] {
        actions.map { action in
            switch action {
            case .write(let bytes): return "> " + String(decoding: bytes, as: UTF8.self).dropLast()
            case .closeInput: return "close"
            case .expectEnd(let patience, _): return "end within \(patience)"
            case .report(let bytes):
                switch try? RunnerReport(decoding: bytes) {
                case .ready: return "ready"
                case .started(let late): return "started \(late)"
                case .batch(let batch):
                    return "batch \(batch.statistics.hitCount) hits, \(batch.statistics.users) users"
                case .note(let text): return "note \(text)"
                case .refused(let code, let message): return "refused \(code) \(message)"
                case .value(let bytes): return "value " + String(decoding: bytes, as: UTF8.self)
                case .ended(let interrupted, let seconds):
                    return "ended\(interrupted ? " interrupted" : "") \(seconds)"
                default: return "?"
                }
            }
        }
    }

    private static func take(_ speech: inout LineSpeech, _ line: String, _ now: Instant) throws -> [String] {
        try Array((line + "\n").utf8).withUnsafeBytes { bytes in text(try speech.take(bytes, at: now)) }
    }

    @Test func aWholeConversation() throws {
        var plan = Plan(cycles: [
            .init(users: 2, amount: .iterations(3)), .init(users: 1, amount: .duration(.seconds(4))),
        ])
        plan.firstUser = 34
        plan.rampUp = .milliseconds(1500)
        plan.serverURL = "http://127.0.0.1:1"
        var (speech, order) = Self.speech(plan)
        #expect(Self.text(speech.send(.run(order), at: Self.at(0))) == ["ready"])
        #expect(speech.wakeUp == nil)
        #expect(try Self.take(&speech, #"{"note":"up"}"#, Self.at(0.1)) == ["note up"])
        #expect(Self.text(speech.send(.start(at: Self.at(1).nanoseconds), at: Self.at(0.2))).isEmpty)
        #expect(speech.wakeUp == Self.at(1))
        #expect(Self.text(speech.tick(at: Self.at(0.9), ProcessUsage(), mayReport: true)).isEmpty)
        #expect(
            Self.text(speech.tick(at: Self.at(1.25), ProcessUsage(cpuSeconds: 2, residentBytes: 10), mayReport: true))
                == [
                    #"> {"plan":{"users":2,"iterations":3,"first_user":34,"seed":0,"#
                        + #""part":{"index":0,"count":1},"ramp_up_s":1.5,"think_s":0,"grace_s":30,"pause_s":0,"#
                        + #""server_url":"http://127.0.0.1:1","new_connections":false,"raw":false,"#
                        + #""cycles":[{"users":2,"iterations":3},{"users":1,"duration_s":4}]},"#
                        + #""run":"r-1","agent":"a \"1\"","t":0.25,"start_ns":6000000000}"#,
                    "started 0.25",
                ])
        #expect(try Self.take(&speech, #"{"ms":1,"name":"n"}"#, Self.at(1.3)).isEmpty)
        #expect(Self.text(speech.tick(at: Self.at(1.35), ProcessUsage(), mayReport: false)).isEmpty, "it is kept")
        #expect(try Self.take(&speech, #"{"t":1,"ms":500,"name":"n"}"#, Self.at(1.4)).isEmpty)
        #expect(
            Self.text(speech.tick(at: Self.at(1.45), ProcessUsage(), mayReport: true)) == ["batch 2 hits, 2 users"])
        #expect(speech.wakeUp == Self.at(1.5), "batches end at the tenths of the run's time")
        let adjustment = Adjustment(users: 5, firstNewUser: 90, at: Self.at(3).nanoseconds)
        #expect(
            Self.text(speech.send(.adjust(adjustment), at: Self.at(2))) == [
                #"> {"adjust":{"users":5,"first_new_user":90,"at_s":2.0}}"#
            ])
        #expect(
            Self.text(speech.tick(at: Self.at(2.9), ProcessUsage(), mayReport: true))
                == ["batch 0 hits, 2 users", "batch 0 hits, 2 users"], "one a second")
        #expect(
            Self.text(speech.tick(at: Self.at(3), ProcessUsage(), mayReport: true)) == ["batch 0 hits, 5 users"])
        #expect(Self.text(speech.exited(well: true, at: Self.at(4))) == ["batch 0 hits, 0 users", "ended 1.5"])
    }

    @Test func aRunThatDoesNotWaitBeginsAtOnceAndADurationHasAnEnd() {
        var (speech, order) = Self.speech(
            Plan(cycles: [.init(users: 1, amount: .duration(.seconds(10)))]), waits: false)
        let actions = Self.text(speech.send(.run(order), at: Self.at(0)))
        #expect(actions.count == 3 && actions[0].hasPrefix(#"> {"plan":{"users":1,"duration_s":10,"#))
        #expect(actions[1...] == ["end within 55.0 seconds", "started 0.0"])
        #expect(speech.wakeUp == Self.at(0.1))
    }

    @Test func stopAndAbortAreLinesAndTheEndIsInterrupted() {
        var (speech, order) = Self.speech(waits: false)
        _ = speech.send(.run(order), at: Self.at(0))
        #expect(Self.text(speech.send(.stop, at: Self.at(1))) == [#"> {"stop":{"grace_s":30}}"#])
        #expect(Self.text(speech.send(.abort, at: Self.at(2))) == [#"> {"abort":{}}"#, "close"])
        #expect(
            Self.text(speech.exited(well: true, at: Self.at(3))).suffix(2)
                == ["batch 0 hits, 0 users", "ended interrupted 3.0"])
    }

    @Test func whoIsStoppedBeforeTheStartGetsNoPlan() {
        for arms in [false, true] {
            var (speech, order) = Self.speech()
            _ = speech.send(.run(order), at: Self.at(0))
            if arms { _ = speech.send(.start(at: Self.at(9).nanoseconds), at: Self.at(0)) }
            #expect(Self.text(speech.send(.stop, at: Self.at(1))) == [#"> {"stop":{"grace_s":30}}"#, "close"])
            #expect(Self.text(speech.send(.start(at: Self.at(2).nanoseconds), at: Self.at(1))).isEmpty)
            #expect(speech.wakeUp == nil)
            #expect(Self.text(speech.exited(well: true, at: Self.at(2))) == ["ended interrupted 0.0"])
        }
    }

    @Test func aProgramThatEndsBadlyOrTooEarlyReportsNoEnd() throws {
        var (speech, order) = Self.speech(waits: false)
        _ = speech.send(.run(order), at: Self.at(0))
        _ = try Self.take(&speech, #"{"ms":1,"name":"n"}"#, Self.at(1))
        #expect(
            Self.text(speech.exited(well: false, at: Self.at(3)))
                == ["batch 0 hits, 2 users", "batch 1 hits, 2 users", "batch 0 hits, 0 users"])
        (speech, order) = Self.speech()
        _ = speech.send(.run(order), at: Self.at(0))
        #expect(Self.text(speech.exited(well: true, at: Self.at(3))).isEmpty)
    }

    @Test func rawHitsComeWhileSomebodyWantsThem() throws {
        var (speech, order) = Self.speech(waits: false)
        _ = speech.send(.run(order), at: Self.at(0))
        func raw(_ actions: [SpeechAction]) -> Int {
            actions.reduce(0) { sum, action in
                guard case .report(let bytes) = action, case .batch(let batch)? = try? RunnerReport(decoding: bytes)
                else { return sum }
                return sum + batch.hits.count
            }
        }
        for (wanted, count) in [(false, 0), (true, 1), (false, 0)] {
            #expect(speech.send(.rawHits(wanted), at: Self.at(1)).isEmpty)
            _ = try Self.take(&speech, #"{"ms":1,"name":"n"}"#, Self.at(1))
            #expect(raw(speech.tick(at: Self.at(1), ProcessUsage(), mayReport: true)) == count)
        }
    }

    @Test func theEssentialsAreInTheEnvironment() {
        var plan = Plan(cycles: [.init(users: 2, amount: .iterations(3))])
        plan.firstUser = 7
        var variables = LinePlan.environment(RunnerOrder(plan: plan), run: "r", agent: "a")
        #expect(variables["LOADS_TOTAL_USERS"] == "2" && variables["LOADS_TOTAL_HITS"] == "3")
        #expect(variables["LOADS_RUN_ID"] == "r" && variables["LOADS_AGENT_ID"] == "a")
        #expect(variables["LOADS_FIRST_USER"] == "7" && variables["LOADS_DURATION"] == nil)
        #expect(variables["LOADS_SERVER_URL"] == nil)
        plan.cycles[0].amount = .duration(.milliseconds(2500))
        plan.serverURL = "http://h"
        variables = LinePlan.environment(RunnerOrder(plan: plan), run: "r", agent: "a")
        #expect(variables["LOADS_DURATION"] == "2.5" && variables["LOADS_TOTAL_HITS"] == nil)
        #expect(variables["LOADS_SERVER_URL"] == "http://h")
    }

    // MARK: Plans beyond cycles

    private static var open: Plan {
        var arrivals = Arrivals(rate: .perSecond(5), for: .seconds(2), maxUsers: 3, queue: 4)
        arrivals.stripe = Stripe([0..<9, 20..<30])
        var plan = Plan(arrivals: arrivals)
        plan.warmUp = .milliseconds(500)
        return plan
    }

    @Test func aProgramThatKnowsItsPlanIsReadyAndGivenIt() throws {
        var (speech, order) = Self.speech(Self.open)
        #expect(Self.text(speech.send(.run(order), at: Self.at(0))).isEmpty, "it has said nothing yet")
        #expect(speech.wakeUp == Self.at(15))
        #expect(try Self.take(&speech, #"{"note":"up"}"#, Self.at(1)) == ["note up"])
        let said = #"{"knows":["tides","warm_up","arrivals"]}"#
        #expect(try Self.take(&speech, said, Self.at(2)) == ["ready"])
        #expect(speech.wakeUp == nil)
        #expect(try Self.take(&speech, said, Self.at(2)).isEmpty)
        #expect(
            Self.text(speech.send(.start(at: Self.at(3).nanoseconds), at: Self.at(3)))
                == [
                    #"> {"plan":{"arrivals":{"stages":[{"duration_ns":0,"rate_uph":18000000000},"#
                        + #"{"duration_ns":2000000000,"rate_uph":18000000000}],"max_users":3,"queue":4,"poisson":false,"#
                        + #""seed":0,"stripe":[0,9,20,30]},"first_user":0,"seed":0,"part":{"index":0,"count":1},"#
                        + #""ramp_up_s":0,"think_s":0,"warm_up_s":0.5,"grace_s":30,"pause_s":0,"new_connections":false,"#
                        + #""raw":false},"run":"r-1","agent":"a \"1\"","t":0.0,"start_ns":8000000000}"#,
                    "end within 47.0 seconds", "started 0.0",
                ])
        let change = Adjustment(
            users: 3, firstNewUser: 90, at: Self.at(4).nanoseconds,
            change: .init(
                model: .users(UserStages(stages: [UserStage(duration: .seconds(1), users: 2)], stripe: .none)),
                from: 1_000_000_000))
        #expect(
            Self.text(speech.send(.adjust(change), at: Self.at(3.5))) == [
                #"> {"adjust":{"users":3,"first_new_user":90,"at_s":1.0,"change":{"from_ns":1000000000,"#
                    + #""user_stages":{"stages":[{"duration_ns":1000000000,"users":2}],"stripe":[]}}}}"#
            ])
        #expect(
            Self.text(speech.tick(at: Self.at(3.9), ProcessUsage(), mayReport: true)) == ["batch 0 hits, 0 users"])
    }

    @Test func aProgramThatDoesNotKnowItsPlanIsRefusedBeforeTheStart() throws {
        let words = "--rate and --warm-up: node x.mjs does not know it (it has said "
        let advice = #"write {"knows":["arrivals", "warm_up"]} first (Docs/RunnerProtocol.md)"#
        // It says nothing, and waits.
        var (speech, order) = Self.speech(Self.open)
        _ = speech.send(.run(order), at: Self.at(0))
        #expect(speech.tick(at: Self.at(14.9), ProcessUsage(), mayReport: true).isEmpty)
        var said = Self.text(speech.tick(at: Self.at(15), ProcessUsage(), mayReport: true))
        #expect(said.count == 2 && said[0].hasPrefix("refused 64 " + words + "nothing of what it knows)"), "\(said)")
        #expect(said[0].hasSuffix(advice) && said[1] == "end within 0.0 seconds")
        #expect(Self.text(speech.exited(well: false, at: Self.at(16))).isEmpty)
        // It knows something else.
        (speech, order) = Self.speech(Self.open)
        _ = speech.send(.run(order), at: Self.at(0))
        said = try Self.take(&speech, #"{"knows":["pacing",7]}"#, Self.at(1))
        #expect(said.count == 2 && said[0].hasPrefix("refused 64 " + words + "that it knows pacing)"), "\(said)")
        // It ends, and well. One that ends badly has crashed: its watch says so.
        for (well, count) in [(true, 1), (false, 0)] {
            (speech, order) = Self.speech(Self.open)
            _ = speech.send(.run(order), at: Self.at(0))
            #expect(Self.text(speech.exited(well: well, at: Self.at(1))).count == count)
        }
        // It may be gone before the order comes.
        (speech, order) = Self.speech(Self.open)
        #expect(Self.text(speech.exited(well: true, at: Self.at(0))).count == 1)
        // Who is told to end meanwhile is not refused.
        (speech, order) = Self.speech(Self.open)
        _ = speech.send(.run(order), at: Self.at(0))
        _ = speech.send(.stop, at: Self.at(1))
        #expect(Self.text(speech.exited(well: true, at: Self.at(2))) == ["ended interrupted 0.0"])
    }

    @Test func whatAProgramMustKnowIsNamed() {
        var plan = Plan(cycles: [.init(users: 2, amount: .iterations(3))])
        plan.think = .seconds(1)
        #expect(LineNeed.of(plan) == [])
        plan.think = .exponential(mean: .seconds(1))
        plan.warmUp = .seconds(1)
        plan.pacing = .seconds(1)
        #expect(LineNeed.of(plan) == [.pacing, .think, .warmUp])
        plan.model = .users(UserStages(stages: [UserStage(duration: .seconds(1), users: 2)]))
        #expect(LineNeed.of(plan) == [.userStages, .pacing, .think, .warmUp])
        #expect(LinePlan.obstacle(to: plan) == nil)
        let variables = LinePlan.environment(RunnerOrder(plan: plan), run: "r", agent: "a")
        #expect(variables["LOADS_NEEDS"] == "user_stages,pacing,think,warm_up")
        #expect(variables["LOADS_TOTAL_USERS"] == "2" && variables["LOADS_DURATION"] == "1")
        plan.model = .mix([MixPart(scenarios: ["a"], model: plan.model)])
        #expect(LinePlan.obstacle(to: plan)?.hasPrefix("a mix of scenarios") == true)
        let launch = RunnerLaunch(program: .path("node"), arguments: ["it's", "x.mjs", ""])
        #expect(launch.commandLine == #"node 'it'\''s' x.mjs ''"#)
    }

    @Test func whatIsDoneOnceIsTold() throws {
        var plan = Plan(cycles: [.init(users: 1, amount: .duration(.seconds(300)))])
        plan.serverURL = "http://h"
        plan.seed = 7
        var order = RunnerOrder(plan: plan, waits: true, phase: .setUp, hasSetUp: true)
        var speech = LineSpeech(run: "r.set-up", agent: "a", program: "x", order: order)
        _ = speech.send(.run(order), at: Self.at(0))
        #expect(
            Self.text(speech.send(.start(at: Self.at(0).nanoseconds), at: Self.at(0))) == [
                #"> {"set_up":{"seed":7,"limit_s":300,"server_url":"http://h"},"run":"r.set-up","agent":"a"}"#,
                "end within 300.0 seconds", "started 0.0",
            ])
        #expect(Self.text(speech.tick(at: Self.at(0.2), ProcessUsage(), mayReport: true)).isEmpty)
        #expect(try Self.take(&speech, #"{"value":{"a":[1,2.5,null,true,"\"é"]}}"#, Self.at(1)).isEmpty)
        #expect(
            Self.text(speech.exited(well: true, at: Self.at(2))) == [
                #"value {"a":[1,2.5,null,true,"\"é"]}"#, "ended 2.0",
            ])

        // It is handed to everybody else.
        order.phase = .tearDown
        order.value = Array(#"{"a":1}"#.utf8)
        speech = LineSpeech(run: "r.tear-down", agent: "a", program: "x", order: order)
        _ = speech.send(.run(order), at: Self.at(0))
        #expect(
            Self.text(speech.send(.start(at: Self.at(0).nanoseconds), at: Self.at(0))).first?.hasSuffix(
                #""run":"r.tear-down","agent":"a","value":{"a":1}}"#) == true)
        #expect(Self.text(speech.exited(well: true, at: Self.at(2))) == ["value ", "ended 2.0"])
        #expect(
            String(decoding: LinePlan.plan(order, run: "r", agent: "a", start: Self.at(0), at: 0), as: UTF8.self)
                .hasSuffix(#""t":0.0,"start_ns":5000000000,"value":{"a":1}}"# + "\n"))
        // One that fails has no value.
        speech = LineSpeech(run: "r.tear-down", agent: "a", program: "x", order: order)
        _ = speech.send(.run(order), at: Self.at(0))
        _ = speech.send(.start(at: Self.at(0).nanoseconds), at: Self.at(0))
        #expect(Self.text(speech.exited(well: false, at: Self.at(2))).isEmpty)
    }
}
