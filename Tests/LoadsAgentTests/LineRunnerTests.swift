import Foundation
import LoadsCore
import LoadsWire
import Testing

@testable import LoadsAgent

/// Programs of the `lines` dialect as processes: Python scripts, which need nothing of ours.
@Suite(.timeLimit(.minutes(5))) struct LineRunnerTests {
    /// Reads the plan, and opens the results.
    private static let opening = """
        import json, os, sys, time
        first = json.loads(sys.stdin.readline())
        plan = first.get("plan")
        results = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w")
        def say(**what):
            results.write(json.dumps(what) + "\\n")

        """

    private static func order(
        _ script: String, users: Int = 2, iterations: Int = 3, raw: Bool = false
    ) -> AgentOrder {
        var plan = Plan(cycles: [.init(users: users, amount: .iterations(iterations))])
        plan.grace = .milliseconds(200)
        plan.rawHits = raw
        plan.firstUser = 5
        return AgentOrder(
            run: "r",
            launch: RunnerLaunch(
                program: .path("python3"), arguments: ["-c", script], dialect: .lines),
            order: RunnerOrder(plan: plan))
    }

    @Test func aProgramIsARunnerLikeAnyOther() async throws {
        let run = try await Gathered.run(
            Self.order(
                Self.opening + """
                    for user in range(plan["first_user"], plan["first_user"] + plan["users"]):
                        for number in range(plan["iterations"]):
                            say(user=user, iteration=number, name="home", url="http://h/", status=200, ms=2, bytes=10)
                            say(iteration={"user": user, "number": number, "outcome": "ok", "ms": 3})
                    say(note=os.environ["LOADS_RUN_ID"] + " " + os.environ["LOADS_TOTAL_USERS"] + " " + first["run"])
                    """, raw: true))
        #expect(run.started == 1 && run.notes == ["r 2 r"])
        guard case .finished(let interrupted, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        #expect(!interrupted && run.total.statistics.iterations.ok == 6)
        #expect(run.total.statistics.names["home"]?.count == 6)
        #expect(Set(run.total.hits.map(\.user)) == [5, 6])
    }

    @Test func aProgramThatFloodsLosesNothing() async throws {
        let run = try await Gathered.run(
            Self.order(
                Self.opening + """
                    line = json.dumps({"name": "n", "ms": 1, "status": 200}) + "\\n"
                    for _ in range(300):
                        results.write(line * 1000)
                    """)
        )
        #expect(run.total.statistics.hitCount == 300_000)
        #expect(run.sequences == (1...UInt64(run.sequences.count)).map { $0 })
    }

    @Test func messagePackIsUnderstoodToo() async throws {
        let run = try await Gathered.run(
            Self.order(
                """
                import os, sys
                sys.stdin.readline()
                hit = b"\\x83\\xa2ms\\xcb\\x40\\x29\\0\\0\\0\\0\\0\\0\\xa4name\\xa1n\\xa6status\\xcd\\x01\\xf4"
                os.write(int(os.environ["LOADS_RESULTS_FD"]), hit * 7)
                """))
        #expect(run.total.statistics.names["n"]?.failed == 7)
        #expect(run.total.statistics.names["n"]?.status == [500: 7])
    }

    @Test func garbageIsSaidAndStopsNothing() async throws {
        let run = try await Gathered.run(
            Self.order(
                Self.opening + """
                    results.write("hello\\n\\n{\\"ms\\":1}\\n" + "x" * 200000 + "\\n")
                    say(name="n", ms=1)
                    """))
        #expect(run.total.statistics.hitCount == 1)
        #expect(run.notes.count == 2 && run.notes[0].hasSuffix("hello"), "\(run.notes)")
        #expect(run.notes.last == "3 records of the runner were no results and were passed over")
        guard case .finished? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
    }

    @Test func aProgramThatEndsBadlyHasCrashedWithItsOutput() async throws {
        let run = try await Gathered.run(
            Self.order(
                Self.opening + """
                    say(name="n", ms=1)
                    results.flush()
                    print("on standard output", flush=True)
                    raise Exception("cannot go on")
                    """))
        #expect(run.crash?.reason == "exit code 1")
        #expect(run.crash?.output.contains("cannot go on") == true)
        #expect(run.crash?.output.contains("on standard output") == true)
        #expect(run.total.statistics.hitCount == 1, "what was measured counts")
    }

    @Test func whatIsNotThereIsRefused() async throws {
        var order = Self.order("")
        order.launch.program = .path("no-such-program-of-loads")
        let run = try await Gathered.run(order)
        guard case .refused(_, let message)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        #expect(message.contains("no-such-program-of-loads"))
    }

    /// Stops a run once a note has come.
    private static func stopped(_ script: String, abort: Bool = false, patience: Duration = .seconds(60)) async throws
        -> Gathered
    {
        let rig = try await Rig(.init()) { $0.patience = patience }
        rig.master.tell(.run(order(opening + script)))
        _ = await rig.master.sees { seen -> Bool? in
            guard case .result(let message) = seen, case .report(let bytes) = message.content,
                case .note? = try? RunnerReport(decoding: bytes)
            else { return nil }
            return true
        }
        rig.master.tell(.stop(run: "r", abort: abort, reason: "a test"))
        let run = await rig.gathered("r")
        await rig.close()
        return run
    }

    @Test(arguments: [false, true]) func aStopIsALine(abort: Bool) async throws {
        let run = try await Self.stopped(
            """
            say(note="running")
            results.flush()
            word = json.loads(sys.stdin.readline())
            say(name=list(word)[0], ms=1)
            """, abort: abort)
        #expect(run.end.map { if case .finished(true, _) = $0 { true } else { false } } == true)
        #expect(run.total.statistics.names.keys.sorted() == [abort ? "abort" : "stop"])
    }

    @Test func aProgramThatDoesNotStopIsKilled() async throws {
        let run = try await Self.stopped(
            """
            say(note="running")
            say(name="n", ms=1)
            results.flush()
            time.sleep(1000)
            """, patience: .milliseconds(100))
        #expect(run.crash?.reason.contains("was killed") == true, "\(String(describing: run.end))")
        #expect(run.total.statistics.hitCount == 1)
    }
}
